"""Named points of labelled objects in the picture, and whether they can be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.label.space import labelled_placements, nested
from stages.sdg.label.types import FrameLabel
from stages.sdg.label.types3d import Keypoint, Keypoints
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.types import FramePlan, Placement
from stages.sdg.render.camera import project, world_to_camera
from stages.sdg.render.passes import Passes

KEYPOINTS: dict[str, tuple[str, ...]] = {
    "pallet_truck": (
        "fork_tip_left", "fork_tip_right", "fork_heel_left", "fork_heel_right", "handle", "handle_left",
        "handle_right", "tiller_hinge", "wheel_left", "wheel_right", "roller_left", "roller_right",
    )
}  # fmt: skip
"""Points of each class that has some, in the order in which they are written. Left is +Y, the left of the operator who
faces the forks. A point that an asset lacks (an electric truck has one driven wheel, not two) has visibility 0."""

SKELETON: dict[str, tuple[tuple[str, str], ...]] = {
    "pallet_truck": (
        ("fork_tip_left", "roller_left"), ("roller_left", "fork_heel_left"), ("fork_heel_left", "fork_heel_right"),
        ("fork_heel_right", "roller_right"), ("roller_right", "fork_tip_right"), ("fork_heel_left", "tiller_hinge"),
        ("fork_heel_right", "tiller_hinge"), ("wheel_left", "tiller_hinge"), ("wheel_right", "tiller_hinge"),
        ("tiller_hinge", "handle"), ("handle", "handle_left"), ("handle", "handle_right"),
    )
}  # fmt: skip
"""Points that are drawn joined."""

OWN_SURFACE = 0.12
"""Metres of the object itself that may lie before one of its points: the centre of a wheel is a radius deep in it."""

OTHER_SURFACE = 0.02
"""Metres that something else must be nearer than a point to hide it."""

REACH = 1
"""Pixels around the point that are looked at: it is hidden when all of them are nearer than the tolerances allow."""


def keypoints(plan: FramePlan, passes: Passes, label: FrameLabel) -> list[Keypoints]:
    """Points of the labelled objects whose class has some, by id."""
    return [
        _of_object(plan, passes, placement, name)
        for placement, name in labelled_placements(plan, label)
        if name in KEYPOINTS
    ]


def mirrored(names: tuple[str, ...]) -> list[int]:
    """For each point the place of the one that it becomes when the picture is mirrored (YOLO's ``flip_idx``)."""

    def other(name: str) -> str:
        stem, _, side = name.rpartition("_")
        return f"{stem}_{'right' if side == 'left' else 'left'}" if side in ("left", "right") else name

    return [names.index(other(name)) for name in names]


def _of_object(plan: FramePlan, passes: Passes, placement: Placement, class_name: str) -> Keypoints:
    asset = build_asset(placement.family, placement.variant, placement.parameters)
    names = KEYPOINTS[class_name]
    known = [name for name in names if name in asset.keypoints]
    local = np.array([asset.keypoints[name] for name in known]).reshape(-1, 3)
    matrix = placement_matrix(placement)
    world = local @ matrix[:3, :3].T + matrix[:3, 3]
    pixels, depths = project(plan.camera, world)
    camera = world_to_camera(plan.camera, world)
    found = {}
    for name, pixel, depth, point in zip(known, pixels, depths, camera, strict=True):
        visibility = _visibility(passes, placement.id, pixel, float(depth), plan.camera.near)
        x, y = nested(pixel) if visibility else (0.0, 0.0)
        found[name] = Keypoint(name, x, y, visibility, nested(point))
    return Keypoints(
        placement.id, class_name, tuple(found.get(name, Keypoint(name, 0.0, 0.0, 0, None)) for name in names)
    )


def _visibility(passes: Passes, number: int, pixel: NDArray[np.float64], depth: float, near: float) -> int:
    """0 outside the picture, 1 hidden, 2 visible."""
    height, width = passes.instance.shape
    x, y = pixel
    if not (depth >= near and 0 <= x < width and 0 <= y < height):
        return 0
    row, column = int(y), int(x)
    window = (
        slice(max(0, row - REACH), row + REACH + 1),
        slice(max(0, column - REACH), column + REACH + 1),
    )
    tolerance = np.where(passes.instance[window] == number, OWN_SURFACE, OTHER_SURFACE)
    return 2 if (passes.depth[window] >= depth - tolerance).any() else 1
