from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.sdg.plan.motion import EXPOSURE_SHARE, FORWARD, INTERVAL, next_camera
from stages.sdg.plan.types import SensorPlan
from stages.sdg.render.camera import project
from tests.sdg.render.scenes import plan


@given(st.floats(0, 20), st.floats(-4, 4), st.integers(0, 50))
def test_the_middle_of_the_picture_moves_by_the_blur_of_a_whole_interval(
    length: float, direction: float, frame: int
) -> None:
    frame_plan = replace(plan(frame=frame), sensor=SensorPlan(motion_blur=(length, direction)))
    camera, following = frame_plan.camera, next_camera(frame_plan)
    before, after = np.array(camera.camera_to_world), np.array(following.camera_to_world)
    np.testing.assert_allclose(after[:3, :3] @ after[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(after[:3, :3]) == pytest.approx(1)
    # something far away, so that how far the camera is carried does not count
    ((x, y),), _ = project(replace(following, distortion=(0.0, 0.0)), [before[:3, 3] + 1e7 * before[:3, 2]])
    moved = np.array([x - camera.width / 2, y - camera.height / 2])
    expected = length / EXPOSURE_SHARE * np.array([np.cos(direction), np.sin(direction)])
    np.testing.assert_allclose(moved, expected, atol=1e-3)
    assert after[2, 3] == before[2, 3]
    assert np.linalg.norm(after[:3, 3] - before[:3, 3]) < (FORWARD[1] + 1) * INTERVAL


def test_the_motion_belongs_to_the_frame() -> None:
    assert next_camera(plan(frame=3)) == next_camera(plan(frame=3))
    assert next_camera(plan(frame=3)) != next_camera(plan(frame=4))
