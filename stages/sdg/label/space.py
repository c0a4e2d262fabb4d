"""Boxes and poses of labelled objects in space; they follow from the plan, the same for every renderer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.detail import whole
from stages.sdg.label.types import FrameLabel
from stages.sdg.label.types3d import Box3D, CameraLabel, Pose
from stages.sdg.plan.geometry import placement_matrix, rigid, rotation_matrix
from stages.sdg.plan.motion import next_camera
from stages.sdg.plan.types import FramePlan, Placement
from stages.sdg.render.camera import project, world_to_camera

Floats = NDArray[np.float64]

CORNERS = np.array([corner[::-1] for corner in itertools.product((-0.5, 0.5), repeat=3)])
"""(8, 3) of a box of size 1 around the origin; X changes fastest."""


def camera_label(plan: FramePlan) -> CameraLabel:
    """The frame's camera, and where it is a moment later."""
    following = next_camera(plan).camera_to_world
    return CameraLabel(plan.camera, nested(np.asarray(following)))


def boxes_3d(plan: FramePlan, label: FrameLabel) -> list[Box3D]:
    """Oriented boxes of the labelled objects, by id."""
    return [_box(plan, placement, name) for placement, name in labelled_placements(plan, label)]


def poses(plan: FramePlan, label: FrameLabel) -> list[Pose]:
    """Poses of the labelled objects, by id."""
    return [_pose(plan, placement, name) for placement, name in labelled_placements(plan, label)]


def labelled_placements(plan: FramePlan, label: FrameLabel) -> Iterator[tuple[Placement, str]]:
    """Placement and class of each labelled object of the plan, in the label's order.

    Things that a renderer found inside a file (:attr:`stages.sdg.render.passes.Passes.inside`) are in no plan.
    """
    placements = {placement.id: placement for placement in plan.placements}
    for instance in label.instances:
        if instance.id in placements:
            yield placements[instance.id], instance.class_name


def nested(matrix: Floats) -> Any:
    """An array as nested tuples of plain floats."""
    if matrix.ndim == 1:
        return tuple(float(value) for value in matrix)
    return tuple(nested(row) for row in matrix)


def _box(plan: FramePlan, placement: Placement, class_name: str) -> Box3D:
    asset = build_asset(placement.family, placement.variant, whole(placement.parameters))
    vertices = np.concatenate([part.vertices for part in asset.parts]).astype(np.float64)
    low, high = vertices.min(0), vertices.max(0)
    matrix = placement_matrix(placement)
    centre = matrix[:3, :3] @ ((low + high) / 2) + matrix[:3, 3]
    size = (high - low) * placement.scale
    rotation = rotation_matrix(placement.rotation)
    pixels, depths = project(plan.camera, centre + (CORNERS * size) @ rotation.T)
    to_camera = np.asarray(plan.camera.camera_to_world)[:3, :3].T
    return Box3D(
        id=placement.id,
        class_name=class_name,
        size=nested(size),
        centre_camera=nested(world_to_camera(plan.camera, centre)),
        centre_world=nested(centre),
        rotation_camera=nested(to_camera @ rotation),
        rotation_world=nested(rotation),
        corners=tuple(nested(pixel) if np.isfinite(pixel).all() else None for pixel in pixels),
        depths=nested(depths),
    )


def _pose(plan: FramePlan, placement: Placement, class_name: str) -> Pose:
    world = rigid(placement.position, placement.rotation)
    camera = np.linalg.inv(np.asarray(plan.camera.camera_to_world)) @ world
    return Pose(
        placement.id, class_name, nested(camera), nested(world), quaternion_of(camera[:3, :3]), float(placement.scale)
    )


def quaternion_of(rotation: Floats) -> tuple[float, float, float, float]:
    """(w, x, y, z), w not negative, of a 3x3 rotation."""
    import cv2

    axis = cv2.Rodrigues(rotation)[0].ravel()
    angle = float(np.linalg.norm(axis))
    # sin(angle / 2) / angle, which is 1 / 2 at no turn
    x, y, z = axis * (0.5 * np.sinc(angle / (2 * np.pi)))
    return float(np.cos(angle / 2)), float(x), float(y), float(z)
