"""Walk-behind electric pallet trucks; coordinates as in :mod:`stages.sdg.assets.pallet_truck`."""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, box, tube, turn, turn_points, wheel
from stages.sdg.assets.shapes import tiller_grip
from stages.sdg.assets.truck_forks import add_fork
from stages.sdg.assets.truck_look import Look, draw_look
from stages.sdg.assets.truck_shape import ELECTRIC_STYLES, draw_shape
from stages.sdg.assets.types import Asset


@register_asset("electric_pallet_truck")
def electric_pallet_truck(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A walk-behind electric pallet truck: forks, a battery box with covers, a tiller with a head.

    Parameters: style (of :data:`ELECTRIC_STYLES`), the others as those of hand pallet trucks.

    Raises:
        SettingsError: when there is no such style or tread.
    """
    shape = draw_shape(rng, parameters, ELECTRIC_STYLES)
    look = draw_look(rng, shape.style, parameters)
    builder = Builder()
    for side in (-1.0, 1.0):
        add_fork(shape, look, builder, side, rng)
    depth = _housing(look, builder, rng)
    _steering(look, builder, rng, depth, parameters, shape.tiller_swing * 0.3)
    return builder.build()


def _housing(look: Look, builder: Builder, rng: np.random.Generator) -> float:
    """Battery box, drive cover and wheels; returns how far they reach behind the forks' heel, metres."""
    half, height = float(rng.uniform(0.3, 0.4)), float(rng.uniform(0.45, 0.85))
    depth = float(rng.uniform(0.28, 0.6))
    second = look.dark if rng.uniform() < 0.6 else look.paint
    builder.add(
        "body", box((-depth * 0.5, -half, 0.09), (0.02, half, height), float(rng.uniform(0.01, 0.04))), look.paint
    )
    drop = float(rng.uniform(0.55, 0.95))
    builder.add(
        "body",
        box((-depth, -half * 0.96, 0.07), (-depth * 0.48, half * 0.96, height * drop), float(rng.uniform(0.02, 0.06))),
        second,
    )
    builder.add("body", box((-depth - 0.02, -half * 1.02, 0.04), (-0.1, half * 1.02, 0.13), 0.02), look.dark)
    builder.add("wheels", wheel((-depth * 0.6, 0, 0.115), 0.115, 0.08), look.tread, True)
    for side in (-1, 1):
        builder.add("wheels", wheel((-depth * 0.7, side * half * 0.8, 0.06), 0.06, 0.04, segments=12), look.tread, True)
    builder.add(
        "label", box((-depth - 0.002, -0.12, height * drop * 0.6), (-depth, 0.12, height * drop * 0.75)), look.label
    )
    return depth


def _steering(
    look: Look, builder: Builder, rng: np.random.Generator, depth: float, parameters: Parameters, swing: float
) -> None:
    """Tiller and head with its keypoints, turned by ``swing`` radians, on a housing of this depth in metres."""
    x, z, length = -depth * 0.85, float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.75, 0.95))
    made = [("tiller", tube([(x, 0, z), (x, 0, z + length * 0.85)], [0.035, 0.026], 10), look.dark, True)]
    top = z + length * 0.9
    made.append(("tiller", box((x - 0.05, -0.06, top - 0.1), (x + 0.05, 0.06, top + 0.04), 0.02), look.grip, False))
    made += [("tiller", tube(tiller_grip(x, top, side), 0.016, 8), look.grip, True) for side in (-1, 1)]
    made.append(("tiller", box((x - 0.06, -0.03, top - 0.02), (x + 0.01, 0.03, top + 0.07), 0.01), look.paint, False))
    lean = float(parameters.get("tiller_angle", rng.uniform(0.0, 0.35)))
    for name, mesh, material, smooth in made:
        builder.add(name, turn(turn(mesh, 1, -lean, (x, 0, z)), 2, swing, (x, 0, 0)), material, smooth)
    points = {"handle": (x, 0.0, top + 0.04), "tiller_hinge": (x, 0.0, z)}
    for word, side in (("left", 1), ("right", -1)):
        grips = np.asarray(tiller_grip(x, top, side))
        points[f"handle_{word}"] = tuple(grips[np.abs(grips[:, 1]).argmax()])
    for name, point in points.items():
        builder.keypoint(name, turn_points(turn_points(point, 1, -lean, (x, 0, z)), 2, swing, (x, 0, 0)))
