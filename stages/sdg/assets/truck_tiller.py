"""Drawbars of hand pallet trucks: shaft, grip, and the lever of a brake."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.mesh import Mesh, beam, box, merge, tube, turn, turn_points
from stages.sdg.assets.truck_look import Look
from stages.sdg.assets.truck_shape import Shape
from stages.sdg.assets.types import Material

Piece = tuple[str, Mesh, Material, bool]
"""Part's name, mesh, material, and whether it is smooth."""


def tiller(
    shape: Shape, look: Look, rng: np.random.Generator, pivot: tuple[float, float]
) -> tuple[list[Piece], dict[str, NDArray[np.float64]]]:
    """Drawbar and handle, built upright at the pivot and then leant back; and keypoints by name.

    Args:
        shape: of the truck.
        look: of the truck.
        rng: of the asset.
        pivot: X and Z of the hinge, metres.
    """
    x, z = pivot
    length, radius = shape.tiller_length, float(rng.uniform(0.016, 0.026))
    made: list[Piece] = []
    shaft = look.dark if rng.uniform() < 0.7 else look.paint
    bend = float(rng.choice([0.0, rng.uniform(-0.06, 0.1)]))
    path = [(x, 0, z), (x + bend, 0, z + length * 0.35), (x + bend, 0, z + length * 0.7)]
    kind = rng.choice(["round", "flat", "twin"], p=[0.6, 0.25, 0.15])
    if kind == "flat":
        shafts = merge(*(beam(a, b, radius * 3.2, radius * 1.3, (1, 0, 0)) for a, b in itertools.pairwise(path)))
        made.append(("tiller", shafts, shaft, False))
    elif kind == "twin":
        bars = [tube([(px, side * 0.035, pz) for px, _, pz in path], radius * 0.6, 8) for side in (-1, 1)]
        made += [("tiller", bar, shaft, True) for bar in bars]
    else:
        made.append(("tiller", tube(path, [radius * 1.35, radius * 1.1, radius], 12), shaft, True))
    made.append(("tiller", box((x - 0.035, -0.055, z - 0.05), (x + 0.035, 0.055, z + 0.07), 0.012), look.dark, False))
    grip, holds = _handle(look, rng, (x + bend, z + length * 0.7), length * 0.3, radius)
    made += grip
    if rng.uniform() < 0.25:
        plate = box(
            (x + bend - radius * 1.8, -0.018, z + length * 0.3), (x + bend - radius * 1.5, 0.018, z + length * 0.6)
        )
        made.append(("tiller", plate, look.label, False))
    if shape.style == "brake":
        made += _brake_lever(look, (x + bend, z + length * 0.7), length * 0.3, pivot)
    if shape.style == "quick":
        ring = tube([(x + bend, 0, z + length * 0.62), (x + bend, 0, z + length * 0.68)], radius * 1.5, 10)
        made.append(("tiller", ring, look.accent, True))
    leant = [
        (name, turn(mesh, 1, -shape.tiller_angle, (x, 0, z)), material, smooth) for name, mesh, material, smooth in made
    ]
    points = {"tiller_hinge": (x, 0.0, z), **holds}
    return leant, {name: turn_points(point, 1, -shape.tiller_angle, (x, 0, z)) for name, point in points.items()}


def _brake_lever(look: Look, foot: tuple[float, float], height: float, hinge: tuple[float, float]) -> list[Piece]:
    """A hand lever before the grip, and the cable from it to the hinge; (X, Z) of the grip's foot and of the hinge."""
    (x, z), (x0, z0) = foot, hinge
    lever = [(x - 0.02, 0, z), (x - 0.055, 0.015, z + height * 0.35), (x - 0.06, 0.075, z + height * 0.72)]
    cable = [(x - 0.035, 0.012, z + height * 0.1), (x - 0.06, 0.02, z - 0.1), (x - 0.045, 0.02, (z + z0) / 2)]
    cable += [(x0 - 0.075, 0.03, z0 + 0.08), (x0 - 0.05, 0.035, z0 - 0.06)]
    clamp = box((x - 0.04, -0.03, z - 0.02), (x + 0.02, 0.03, z + 0.025), 0.005)
    return [
        ("tiller", tube(lever, [0.009, 0.009, 0.007], 8), look.accent, True),
        ("tiller", tube(cable, 0.0045, 6), look.grip, True),
        ("tiller", clamp, look.dark, False),
    ]


def _handle(
    look: Look, rng: np.random.Generator, foot: tuple[float, float], height: float, radius: float
) -> tuple[list[Piece], dict[str, tuple[float, float, float]]]:
    """The grip, a closed loop of one of several outlines or a T; the middle of its top and its ends, by name."""
    x, z = foot
    half = float(rng.uniform(0.065, 0.12))
    bar = radius * float(rng.uniform(0.75, 1.05))
    kind = rng.choice(["loop", "triangle", "square", "tee"], p=[0.5, 0.25, 0.17, 0.08])
    grip = look.grip if rng.uniform() < 0.75 else look.dark
    tip = float(rng.uniform(-0.05, 0.03))
    if kind == "tee":
        top = (x, 0.0, z + height)
        stem = tube([(x, 0, z), top], radius, 10)
        crossbar = tube([(x, -half * 1.4, z + height), (x, half * 1.4, z + height)], bar * 1.1, 10)
        ends = {"handle_left": (x, half * 1.4, z + height), "handle_right": (x, -half * 1.4, z + height)}
        return [("tiller", stem, grip, True), ("tiller", crossbar, grip, True)], {"handle": top, **ends}
    angles = np.linspace(-np.pi / 2, 1.5 * np.pi, 28, endpoint=False)
    power = {"loop": 1.0, "triangle": 0.75, "square": 0.45}[kind]
    across, up = np.cos(angles), np.sin(angles)
    across, up = np.sign(across) * np.abs(across) ** power, np.sign(up) * np.abs(up) ** power
    grow = (up + 1) / 2
    taper = {"loop": 0.45 + 0.55 * grow, "triangle": 0.15 + 0.85 * grow, "square": 0.5 + 0.5 * grow}[kind]
    path = np.stack([x + tip * grow, half * across * taper, z + height * (up + 1) / 2], 1)
    made = [("tiller", tube(path, bar, 9, closed=True), grip, True)]
    lever = tube([(x, 0, z), (x + 0.012, 0, z + height * 0.55), (x + 0.02, half * 0.4, z + height * 0.6)], bar * 0.5, 6)
    made.append(("tiller", lever, look.steel if rng.uniform() < 0.4 else look.grip, True))
    left, right = path[path[:, 1].argmax()], path[path[:, 1].argmin()]
    return made, {"handle": (x + tip, 0.0, z + height), "handle_left": tuple(left), "handle_right": tuple(right)}
