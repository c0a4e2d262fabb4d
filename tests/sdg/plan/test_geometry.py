"""Poses."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.sdg.plan.geometry import look_along, placement_matrix, rotation_matrices, rotation_matrix, step
from stages.sdg.plan.types import Placement

angle = st.floats(-math.pi, math.pi)
place = st.floats(-50, 50)


@given(angle, angle, angle)
def test_rotations_keep_lengths_and_handedness(yaw: float, pitch: float, roll: float) -> None:
    matrix = rotation_matrix((yaw, pitch, roll))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) > 0


@given(st.lists(st.tuples(angle, angle, angle), min_size=1, max_size=4))
def test_many_rotations_are_those_of_each(rotations: list[tuple[float, float, float]]) -> None:
    each = [rotation_matrix(rotation) for rotation in rotations]
    np.testing.assert_allclose(rotation_matrices(np.array(rotations)), each, atol=1e-12)


@given(place, place, angle, place, place)
def test_a_step_is_a_placement_of_the_point(x: float, y: float, yaw: float, along: float, across: float) -> None:
    matrix = placement_matrix(Placement(1, "pallet", 0, (x, y, 0.0), (yaw, 0.0, 0.0)))
    np.testing.assert_allclose((matrix @ [along, across, 0, 1])[:2], step(x, y, yaw, along, across), atol=1e-9)


@given(angle, st.floats(-1.4, 1.4), angle)
def test_cameras_look_along_their_heading(yaw: float, pitch: float, roll: float) -> None:
    pose = np.array(look_along((1.0, 2.0, 3.0), yaw, pitch, roll))
    right, down, forward = pose[:3, :3].T
    np.testing.assert_allclose(np.cross(right, down), forward, atol=1e-12)
    flat = math.cos(pitch)
    np.testing.assert_allclose(forward, (math.cos(yaw) * flat, math.sin(yaw) * flat, math.sin(pitch)), atol=1e-12)
    np.testing.assert_allclose(pose[:3, 3], (1, 2, 3))


def test_a_level_camera_has_its_horizon_level() -> None:
    right, down, _ = np.array(look_along((0.0, 0.0, 1.0), 0.7, 0.0, 0.0))[:3, :3].T
    assert right[2] == 0
    np.testing.assert_allclose(down, (0, 0, -1), atol=1e-12)
