"""Flow against OpenCV's projection, and against a second render from where the camera is a moment later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stages.common.settings.pictures import Renderer
from stages.sdg.label.flow import optical_flow
from stages.sdg.plan.geometry import rigid
from stages.sdg.plan.motion import next_camera
from stages.sdg.plan.types import FramePlan, SensorPlan
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.render.passes import Passes
from tests.sdg.label.test_space import opencv
from tests.sdg.render.scenes import plan

LENSES = [(0.0, 0.0), (-0.15, 0.0), (0.08, 0.01)]


def render(frame_plan: FramePlan) -> Passes:
    return FakeRenderer(Renderer(name="test", backend="fake")).render(frame_plan)


def moving(lens: tuple[float, float]) -> FramePlan:
    return replace(plan(lens, size=(320, 240)), sensor=SensorPlan(motion_blur=(2.5, 0.7)))


@pytest.mark.parametrize("lens", LENSES)
def test_points_of_the_scene_move_as_opencv_projects_them(lens: tuple[float, float]) -> None:
    frame_plan = moving(lens)
    camera, following = frame_plan.camera, next_camera(frame_plan)
    passes = render(frame_plan)
    flow, valid = optical_flow(passes, camera, following)
    np.testing.assert_array_equal(valid, np.isfinite(passes.depth))
    rng = np.random.default_rng(0)
    # where OpenCV's polynomial does not fold back
    y, x = np.indices(valid.shape) + 0.5 - np.array([120, 160])[:, None, None]
    rows, columns = np.nonzero(valid & (np.hypot(x, y) / camera.focal < 0.7))
    chosen = rng.choice(len(rows), 200)
    rows, columns = rows[chosen], columns[chosen]
    # the world point of a pixel by OpenCV alone
    import cv2

    intrinsics = np.array([[camera.focal, 0, camera.width / 2], [0, camera.focal, camera.height / 2], [0, 0, 1]])
    here = np.stack([columns + 0.5, rows + 0.5], 1)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    plain = cv2.undistortPointsIter(here[:, None], intrinsics, np.array([*lens, 0, 0]), None, None, criteria)[:, 0]
    local = np.concatenate([plain, np.ones((200, 1))], 1) * passes.depth[rows, columns, None]
    pose = np.array(camera.camera_to_world)
    there = opencv(following, local @ pose[:3, :3].T + pose[:3, 3])
    np.testing.assert_allclose(flow[rows, columns], there - here, atol=1e-3)


@pytest.mark.parametrize("lens", LENSES)
def test_flow_leads_to_the_same_thing_at_the_same_place_in_the_next_picture(lens: tuple[float, float]) -> None:
    frame_plan = moving(lens)
    following = next_camera(frame_plan)
    first, second = render(frame_plan), render(replace(frame_plan, camera=following))
    flow, valid = optical_flow(first, frame_plan.camera, following)
    assert np.abs(flow[valid]).max() > 5
    rows, columns = np.nonzero(valid)
    there = np.floor(np.stack([columns, rows], 1) + 0.5 + flow[rows, columns]).astype(int)
    inside = ((there >= 0) & (there < (320, 240))).all(1)
    assert inside.mean() > 0.7
    ids = first.instance[rows, columns][inside]
    found = second.instance[there[inside, 1], there[inside, 0]]
    # all but edges, and what the motion hides
    assert (ids == found).mean() > 0.97


def test_a_camera_that_rests_has_no_flow() -> None:
    frame_plan = moving((-0.15, 0.0))
    flow, _ = optical_flow(render(frame_plan), frame_plan.camera, frame_plan.camera)
    np.testing.assert_allclose(flow, 0, atol=1e-6)


def test_a_thing_that_moves_takes_its_pixels_along_and_no_others() -> None:
    frame_plan = plan(size=(320, 240))
    shift = (0.3, -0.1, 0.05)
    moved = {2: rigid(shift, (0.0, 0.0, 0.0))}
    passes = render(frame_plan)
    flow, _ = optical_flow(passes, frame_plan.camera, frame_plan.camera, moved)
    assert np.abs(flow[passes.instance != 2]).max() < 1e-9
    placements = tuple(
        replace(item, position=tuple(np.add(item.position, shift))) if item.id == 2 else item
        for item in frame_plan.placements
    )
    again = render(replace(frame_plan, placements=placements)).instance == 2
    rows, columns = np.nonzero(passes.instance == 2)
    there = np.floor(np.stack([columns, rows], 1) + 0.5 + flow[rows, columns]).astype(int)
    inside = ((there >= 0) & (there < (320, 240))).all(1)
    assert again[there[inside, 1], there[inside, 0]].mean() > 0.9


def test_what_lies_behind_the_camera_a_moment_later_has_no_flow() -> None:
    frame_plan = plan(size=(320, 240))
    pose = np.array(frame_plan.camera.camera_to_world)
    pose[:3, 3] += 4 * pose[:3, 2]
    ahead = replace(frame_plan.camera, camera_to_world=tuple(map(tuple, pose.tolist())))
    flow, valid = optical_flow(render(frame_plan), frame_plan.camera, ahead)
    assert np.isfinite(flow).all()
    assert 0 < valid.mean() < 1
    assert not flow[~valid].any()
