"""Boxes and poses in space, against OpenCV's camera model and SciPy's rotations."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from stages.common.settings.pictures import Renderer
from stages.sdg.label.labels import label_frame
from stages.sdg.label.space import CORNERS, boxes_3d, poses, quaternion_of
from stages.sdg.label.types import FrameLabel, InstanceLabel
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera, FramePlan, Placement
from stages.sdg.render.camera import radius_limit
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.render.meshes import world_triangles
from tests.sdg.render.scenes import CLASSES, plan

angles = st.floats(-np.pi, np.pi)
turns = st.tuples(angles, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))


def label_of(frame_plan: FramePlan) -> FrameLabel:
    """A label of everything that has a class, seen or not."""
    camera = frame_plan.camera
    instances = tuple(
        InstanceLabel(item.id, item.label, item.family, item.variant, (0, 0, 1, 1), (0, 0, 1, 1), 1, 0, 0, 1)
        for item in frame_plan.placements
        if item.label
    )
    return FrameLabel(frame_plan.frame, "train", "made", camera.width, camera.height, instances, {})


def opencv(camera: Camera, points: NDArray[np.float64]) -> NDArray[np.float64]:
    to_camera = np.linalg.inv(camera.camera_to_world)
    intrinsics = np.array([[camera.focal, 0, camera.width / 2], [0, camera.focal, camera.height / 2], [0, 0, 1]])
    lens = np.array([*camera.distortion, 0, 0])
    pixels, _ = cv2.projectPoints(points, cv2.Rodrigues(to_camera[:3, :3])[0], to_camera[:3, 3], intrinsics, lens)
    return np.asarray(pixels[:, 0])


def test_corners_count_x_fastest() -> None:
    assert [tuple(corner) for corner in CORNERS[:4]] == [
        (-0.5, -0.5, -0.5), (0.5, -0.5, -0.5), (-0.5, 0.5, -0.5), (0.5, 0.5, -0.5),
    ]  # fmt: skip


@given(turns, st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(0, 1)), st.floats(0.5, 2),
       st.sampled_from([(0.0, 0.0), (-0.1, 0.01), (0.08, 0.0)]))  # fmt: skip
def test_a_box_holds_its_object_tightly_and_projects_as_opencv_does(
    turn: tuple[float, float, float], position: tuple[float, float, float], scale: float, lens: tuple[float, float]
) -> None:
    placement = Placement(5, "pallet_truck", 3, position, turn, "pallet_truck", scale)
    camera = Camera(160, 120, 120.0, look_along((-7.0, 0.5, 1.5), 0.1, -0.15, 0.05), lens)
    frame_plan = replace(plan(), camera=camera, placements=(placement,))
    (box,) = boxes_3d(frame_plan, label_of(frame_plan))
    vertices = world_triangles(placement).reshape(-1, 3)
    for points, centre, rotation in (
        (vertices, box.centre_world, box.rotation_world),
        ((vertices - np.array(camera.camera_to_world)[:3, 3]) @ np.array(camera.camera_to_world)[:3, :3],
         box.centre_camera, box.rotation_camera),
    ):  # fmt: skip
        inside = (points - np.array(centre)) @ np.array(rotation) / np.array(box.size)
        np.testing.assert_allclose(inside.min(0), -0.5, atol=1e-6)
        np.testing.assert_allclose(inside.max(0), 0.5, atol=1e-6)
    corners = np.array(box.centre_world) + (CORNERS * np.array(box.size)) @ np.array(box.rotation_world).T
    local = (corners - np.array(camera.camera_to_world)[:3, 3]) @ np.array(camera.camera_to_world)[:3, :3]
    np.testing.assert_allclose(box.depths, local[:, 2], atol=1e-9)
    # OpenCV's polynomial folds back where ours goes on straight
    if np.hypot(*(local[:, :2] / local[:, 2:]).T).max() < radius_limit(lens):
        np.testing.assert_allclose(np.array(box.corners, float), opencv(camera, corners), atol=1e-6)


def test_corners_behind_the_camera_have_no_pixel() -> None:
    camera = Camera(160, 120, 120.0, look_along((0.3, 0.0, 0.5), 0.0, 0.0, 0.0))
    frame_plan = replace(plan(), camera=camera, placements=(Placement(5, "pallet", 3, (0, 0, 0), label="pallet"),))
    (box,) = boxes_3d(frame_plan, label_of(frame_plan))
    assert [corner is None for corner in box.corners] == [depth <= 0 for depth in box.depths]
    assert 0 < sum(corner is None for corner in box.corners) < 8


@given(turns, st.floats(0.5, 2))
def test_a_pose_takes_the_asset_to_where_its_mesh_is(turn: tuple[float, float, float], scale: float) -> None:
    placement = Placement(5, "pallet", 3, (1.0, -2.0, 0.2), turn, "pallet", scale)
    frame_plan = replace(plan(), placements=(placement,))
    (pose,) = poses(frame_plan, label_of(frame_plan))
    mesh = world_triangles(replace(placement, position=(0, 0, 0), rotation=(0, 0, 0), scale=1.0)).reshape(-1, 3)
    world = world_triangles(placement).reshape(-1, 3)
    matrix = np.array(pose.asset_to_world)
    np.testing.assert_allclose(mesh * pose.scale @ matrix[:3, :3].T + matrix[:3, 3], world, atol=1e-9)
    through_camera = np.array(frame_plan.camera.camera_to_world) @ np.array(pose.asset_to_camera)
    np.testing.assert_allclose(through_camera, matrix, atol=1e-12)
    w, x, y, z = pose.quaternion
    assert w >= 0
    np.testing.assert_allclose(
        Rotation.from_quat([x, y, z, w]).as_matrix(), np.array(pose.asset_to_camera)[:3, :3], atol=1e-9
    )


@pytest.mark.parametrize("turn", [(0, 0, 0), (np.pi, 0, 0), (0, np.pi, 0), (0, 0, -np.pi), (1e-9, 0, 0), (2, 2, 1)])
def test_quaternions_of_awkward_turns(turn: tuple[float, float, float]) -> None:
    rotation = Rotation.from_rotvec(turn)
    w, x, y, z = quaternion_of(rotation.as_matrix())
    np.testing.assert_allclose(Rotation.from_quat([x, y, z, w]).as_matrix(), rotation.as_matrix(), atol=1e-7)
    assert np.hypot(np.hypot(w, x), np.hypot(y, z)) == pytest.approx(1)


@pytest.mark.parametrize("lens", [(0.0, 0.0), (-0.1, 0.0)])
def test_the_projected_box_holds_the_loose_box(lens: tuple[float, float]) -> None:
    frame_plan = plan(lens, size=(640, 480))
    passes = FakeRenderer(Renderer(name="test", backend="fake")).render(frame_plan)
    label = label_frame(frame_plan, passes, CLASSES)
    for box, item in zip(boxes_3d(frame_plan, label), label.instances, strict=True):
        corners = np.array(box.corners, float)
        assert (corners.min(0) <= np.array(item.xyxy_loose[:2]) + 1).all()
        assert (corners.max(0) >= np.array(item.xyxy_loose[2:]) - 1).all()
        assert min(box.depths) <= item.distance <= max(box.depths)
