"""How finely each thing of a plan needs to be built, from where it stands in the picture.

The length that is half a pixel at a thing's nearest point goes into its parameters, so every renderer and every label
has the same shape, in whatever process the frame is made. Steps are octaves, and equal things get what the nearest of
them needs: they stay one mesh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.detail import DETAIL
from stages.sdg.plan.footprints import BOUNDS
from stages.sdg.plan.geometry import rotation_matrices
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

Bounds = tuple[float, float, float, float, float, float]
"""Lower and upper (X, Y, Z), metres."""

_STEPS = FINEST * 2.0 ** np.arange(OCTAVES)
_SIGNS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)


def with_detail(plan: FramePlan) -> FramePlan:
    """The plan with the detail of each thing; those that are near, or of which no bounds are known, get none."""
    keys = [_key(placement) for placement in plan.placements]
    needed: dict[str, float] = {}
    for key, detail in zip(keys, details_of(plan.camera, plan.placements), strict=True):
        needed[key] = min(needed.get(key, detail), detail)
    things = [
        _coarser(placement, needed[key]) if needed[key] else placement
        for key, placement in zip(keys, plan.placements, strict=True)
    ]
    return replace(plan, placements=tuple(things))


def details_of(camera: Camera, placements: Sequence[Placement]) -> list[float]:
    """Metres of each asset below which nothing is seen; 0 where all of it may be.

    All at once, since arrays of eight corners cost more to make than to use.

    Args:
        camera: that looks.
        placements: the things.
    """
    details = [0.0] * len(placements)
    bounds = {number: box for number, item in enumerate(placements) if (box := _bounds(item)) is not None}
    if not bounds:
        return details
    known = [placements[number] for number in bounds]
    low, high = np.array(list(bounds.values())).reshape(-1, 2, 3).transpose(1, 0, 2)
    scale = np.array([item.scale for item in known])
    turned = rotation_matrices(np.array([item.rotation for item in known])) * scale[:, None, None]
    local = low[:, None] + _SIGNS * (high - low)[:, None]
    at = np.array([item.position for item in known])[:, None]
    corners = world_to_camera(camera, local @ turned.transpose(0, 2, 1) + at)
    middle = corners.mean(1)
    reach = np.linalg.norm(corners - middle[:, None], axis=2).max(1)
    shown = PIXELS * corners[:, :, 2].min(1)
    unseen = UNSEEN_PIXELS * (np.linalg.norm(middle, axis=1) - reach)
    metres = np.where(_are_in_picture(camera, corners), shown, unseen) / camera.focal / scale
    for number, step in zip(bounds, np.searchsorted(_STEPS, metres, side="right").tolist(), strict=True):
        details[number] = float(_STEPS[step - 1]) if step else 0.0
    return details


def _key(placement: Placement) -> str:
    """The same for things that are built from the same numbers."""
    return f"{placement.family} {placement.variant} {sorted(placement.parameters.items())}"


def _coarser(placement: Placement, detail: float) -> Placement:
    """The same thing, built with this detail; by name, since ``replace`` takes several times as long."""
    return Placement(
        id=placement.id,
        family=placement.family,
        variant=placement.variant,
        position=placement.position,
        rotation=placement.rotation,
        label=placement.label,
        scale=placement.scale,
        parameters={**placement.parameters, DETAIL: detail},
    )


def _are_in_picture(camera: Camera, corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of which things no side of the picture, nor the plane of the camera, has all corners (N, 8, 3) beyond it."""
    x, y, z = corners.transpose(2, 0, 1)
    across, down = (LENS_MARGIN * side / 2 / camera.focal for side in (camera.width, camera.height))
    beyond = (z <= camera.near, x > across * z, x < -across * z, y > down * z, y < -down * z)
    return np.asarray(~np.any([side.all(1) for side in beyond], axis=0))


def _bounds(placement: Placement) -> Bounds | None:
    """Lower and upper corner in asset coordinates of the room that a thing may take; None where none is known."""
    family, given = placement.family, placement.parameters

    def told(name: str, usual: float = 0.0) -> float:
        value = given.get(name, usual)
        return float(value) if isinstance(value, int | float) else usual

    if family == "rack":
        half_x, half_y = told("bays", 3) * (told("bay", 2.7) + 0.1) / 2 + 0.1, told("depth", 1.1) / 2 + 0.15
        return -half_x, -half_y, 0.0, half_x, half_y, told("height", 5.0)
    if family == "cage_wall":
        return -0.1, -0.1, 0.0, told("length", 4.0) + 0.1, 0.1, told("height", 2.2)
    length, width, height = told("length"), told("width"), told("height")
    if family in _LOADS:
        tall = height or max(_LOADS[family], 0.25 * told("layers"))
        half_x, half_y = max(0.65, length / 2 + 0.05), max(0.45, width / 2 + 0.05)
        return -half_x, -half_y, 0.0, half_x, half_y, tall
    known = BOUNDS.get(family)
    if known is None:
        return None
    x0, x1, y0, y1, tall = known
    half_x, half_y = length / 2, width / 2
    return min(x0, -half_x), min(y0, -half_y), 0.0, max(x1, half_x), max(y1, half_y), max(tall, height)
