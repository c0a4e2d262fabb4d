"""How finely each thing of a plan needs to be built, from where it stands in the picture.

The length that is half a pixel at a thing's nearest point goes into its parameters, so every renderer and every label
has the same shape, in whatever process the frame is made. Steps are octaves, and equal things get what the nearest of
them needs: they stay one mesh.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.detail import DETAIL
from stages.sdg.plan.footprints import families_in_table, footprint_of
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.lens import world_to_camera
from stages.sdg.plan.types import Camera, FramePlan, Placement

FINEST, OCTAVES = 0.002, 5
"""Least detail in metres, and the number of steps from there, each twice the one before."""

PIXELS = 0.5
"""Of the picture that a thing's detail is, at its nearest point."""

UNSEEN_PIXELS = 2.0
"""The same, for what is outside the picture and shows only by its shadow or in a reflection."""

LENS_MARGIN = 1.3
"""Sides of the picture that a lens may see, over those of a pinhole's."""

_LOADS: dict[str, float] = {"carton_load": 2.0, "wrapped_load": 2.0, "sacks": 1.2, "collar": 1.3}
"""Usual height in metres of what stands on a EUR pallet's plan."""

_SIGNS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)


def with_detail(plan: FramePlan) -> FramePlan:
    """The plan with the detail of each thing; those that are near, or of which no bounds are known, get none."""
    keys = [_key(placement) for placement in plan.placements]
    needed: dict[str, float] = {}
    for key, placement in zip(keys, plan.placements, strict=True):
        if needed.get(key) != 0.0:
            needed[key] = min(needed.get(key, np.inf), detail_of(plan.camera, placement))
    things = [
        replace(placement, parameters={**placement.parameters, DETAIL: needed[key]}) if needed[key] else placement
        for key, placement in zip(keys, plan.placements, strict=True)
    ]
    return replace(plan, placements=tuple(things))


def detail_of(camera: Camera, placement: Placement) -> float:
    """Metres of the asset below which nothing is seen; 0 where all of it may be.

    Args:
        camera: that looks.
        placement: one thing.
    """
    box = _bounds(placement)
    if box is None:
        return 0.0
    matrix = placement_matrix(placement)
    low, high = box
    corners = world_to_camera(camera, (low + _SIGNS * (high - low)) @ matrix[:3, :3].T + matrix[:3, 3])
    if _is_in_picture(camera, corners):
        metres = PIXELS * float(corners[:, 2].min()) / camera.focal
    else:
        middle = corners.mean(0)
        reach = float(np.linalg.norm(corners - middle, axis=1).max())
        metres = UNSEEN_PIXELS * (float(np.linalg.norm(middle)) - reach) / camera.focal
    return _octave(metres / placement.scale)


def _key(placement: Placement) -> str:
    return json.dumps([placement.family, placement.variant, placement.parameters], sort_keys=True)


def _octave(metres: float) -> float:
    """The greatest step that is not above this length, or 0."""
    steps = [FINEST * 2**step for step in range(OCTAVES) if FINEST * 2**step <= metres]
    return steps[-1] if steps else 0.0


def _is_in_picture(camera: Camera, corners: NDArray[np.float64]) -> bool:
    """Whether no side of the picture, nor the plane of the camera, has all corners (8, 3) beyond it."""
    x, y, z = corners.T
    across, down = (LENS_MARGIN * side / 2 / camera.focal for side in (camera.width, camera.height))
    beyond = (z <= camera.near, x > across * z, x < -across * z, y > down * z, y < -down * z)
    return not any(side.all() for side in beyond)


def _bounds(placement: Placement) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Lower and upper corner in asset coordinates of the room that a thing may take; None where none is known."""
    family = placement.family
    told = {name: float(value) for name, value in placement.parameters.items() if isinstance(value, int | float)}
    length, width, height = (told.get(name, 0.0) for name in ("length", "width", "height"))
    if family == "rack":
        half_x = told.get("bays", 3) * (told.get("bay", 2.7) + 0.1) / 2 + 0.1
        half_y = told.get("depth", 1.1) / 2 + 0.15
        return np.array([-half_x, -half_y, 0]), np.array([half_x, half_y, told.get("height", 5.0)])
    if family == "cage_wall":
        return np.array([-0.1, -0.1, 0]), np.array([told.get("length", 4.0) + 0.1, 0.1, told.get("height", 2.2)])
    if family in _LOADS:
        tall = told["height"] if height else max(_LOADS[family], 0.25 * told.get("layers", 0))
        half_x, half_y = max(0.65, length / 2 + 0.05), max(0.45, width / 2 + 0.05)
        return np.array([-half_x, -half_y, 0]), np.array([half_x, half_y, tall])
    if family not in families_in_table():
        return None
    low, high, tall = footprint_of(family)
    half = np.array([length, width]) / 2
    return np.append(np.minimum(low, -half), 0.0), np.append(np.maximum(high, half), max(tall, height))
