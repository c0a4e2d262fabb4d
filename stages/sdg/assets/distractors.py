"""Plain shapes of any size and surface, as flying distractors (Tremblay et al. 2018, arXiv 1804.06516)."""

from __future__ import annotations

import math

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, Mesh, box, cylinder, lathe, merge, prism, sphere, tube, turn
from stages.sdg.assets.palette import anything, linear
from stages.sdg.assets.shapes import recentre, soft_box, torus
from stages.sdg.assets.types import Asset, Material

SHAPES = ("box", "soft_box", "sphere", "cone", "torus", "cylinder", "prism", "plate", "bar", "spring", "cross")
KINDS = ("paint", "metal", "plastic", "rubber", "wood", "cardboard", "fabric", "print", "concrete")


def _shape(rng: np.random.Generator, kind: str, size: float) -> Mesh:
    a, b, c = size * rng.uniform(0.25, 1.0, 3) / 2
    radius = float(min(a, b))
    if kind == "box":
        return box((-a, -b, -c), (a, b, c), float(rng.choice([0, 0.1])) * radius)
    if kind == "soft_box":
        return soft_box((-a, -b, -c), (a, b, c), radius * 0.6, radius * 0.3)
    if kind == "sphere":
        return sphere((0, 0, 0), (a, b, c) if rng.uniform() < 0.5 else size / 2, 16)
    if kind == "cone":
        top = radius * float(rng.choice([0.02, rng.uniform(0.2, 0.7)]))
        return lathe([(0, -c), (radius, -c), (top, c), (0, c)], 2, 20)
    if kind == "torus":
        return torus((0, 0, 0), size * 0.35, size * float(rng.uniform(0.04, 0.14)), 2, 24, 10)
    if kind == "prism":
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        angles = angles + np.linspace(0, 0.3, len(angles))
        outline = np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.5, 1.0, (len(angles), 1)) * size / 2
        return prism(outline, -c, c)
    if kind == "plate":
        return box((-a, -b, -0.01 * size), (a, b, 0.01 * size))
    if kind == "spring":
        t = np.linspace(0, 6 * math.pi, 48)
        return tube(np.stack([radius * np.cos(t), radius * np.sin(t), size * (t / t[-1] - 0.5)], 1), radius * 0.15, 6)
    if kind == "cross":
        return merge(
            *(
                turn(box((-a, -radius * 0.3, -radius * 0.3), (a, radius * 0.3, radius * 0.3)), axis, math.pi / 2)
                for axis in (0, 1, 2)
            )
        )
    thin = size * float(rng.uniform(0.015, 0.06)) if kind == "bar" else radius
    return cylinder((0, 0, -size / 2 if kind == "bar" else -c), (0, 0, size / 2 if kind == "bar" else c), thin, 20)


@register_asset("floating_shape")
def floating_shape(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """One to three primitives, turned anyhow. Parameters: shape (see ``SHAPES``), size (longest side), colour."""
    builder = Builder()
    size = float(parameters.get("size", 0.06 * (0.7 / 0.06) ** rng.uniform()))
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        kind = str(parameters.get("shape") or rng.choice(SHAPES))
        mesh = _shape(rng, kind, size)
        for axis in range(3):
            mesh = turn(mesh, axis, float(rng.uniform(0, 2 * np.pi)))
        colour = linear(str(parameters["colour"])) if "colour" in parameters else anything(rng)
        surface = str(rng.choice(KINDS))
        metallic = 1.0 if surface == "metal" else 0.0
        wear, dirt = (float(rng.choice([0.0, rng.uniform()])) for _ in range(2))
        material = Material(
            surface,
            colour,
            float(rng.uniform(0.05, 0.95)),
            metallic,
            wear,
            dirt,
            anything(rng),
            seed=int(rng.integers(1 << 30)),
        )
        builder.add("shape", mesh, material, kind in ("sphere", "torus", "cylinder", "cone", "spring", "bar"))
    return recentre(builder.build())
