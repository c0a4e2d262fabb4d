from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera
from stages.sdg.render.camera import (
    MARGIN,
    MIN_SLOPE,
    distort,
    distortion_maps,
    overscan,
    project,
    radius_limit,
    to_normalised,
    to_pixels,
    undistort,
    world_to_camera,
)

POSE = look_along((-3.0, 1.0, 1.6), 0.3, -0.2, 0.05)
CAMERA = Camera(640, 480, 420.0, POSE, (-0.12, 0.02))

distortions = st.tuples(st.floats(-0.4, 0.4), st.floats(-0.1, 0.1))
points = hnp.arrays(np.float64, (20, 2), elements=st.floats(-6, 6))


def test_world_to_camera_sees_what_lies_ahead_on_its_axis() -> None:
    matrix = np.array(POSE)
    ahead = matrix[:3, 3] + 5 * matrix[:3, 2]
    assert world_to_camera(CAMERA, ahead) == pytest.approx([0, 0, 5])
    right_and_down = matrix[:3, 3] + matrix[:3, 0] + 2 * matrix[:3, 1] + 3 * matrix[:3, 2]
    assert world_to_camera(CAMERA, right_and_down) == pytest.approx([1, 2, 3])


@pytest.mark.parametrize(
    "distortion",
    [
        (0.0, 0.0),  # pinhole
        (-0.12, 0.02),  # barrel of a phone
        (-0.3, 0.1),  # strong barrel
        (0.2, 0.0),  # pincushion
    ],
)
def test_project_agrees_with_opencv(distortion: tuple[float, float]) -> None:
    camera = replace(CAMERA, distortion=distortion)
    local = np.random.default_rng(0).uniform((-1.5, -1.1, 2.5), (1.5, 1.1, 9), (200, 3))
    matrix = np.array(POSE)
    world = local @ matrix[:3, :3].T + matrix[:3, 3]
    pixels, depth = project(camera, world)
    intrinsics = np.array([[420.0, 0, 320], [0, 420, 240], [0, 0, 1]])
    rotation, translation = matrix[:3, :3].T, -matrix[:3, :3].T @ matrix[:3, 3]
    expected, _ = cv2.projectPoints(
        world, cv2.Rodrigues(rotation)[0], translation, intrinsics, np.array([*distortion, 0.0, 0.0])
    )
    np.testing.assert_allclose(pixels, expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(depth, local[:, 2])


def test_points_at_or_behind_the_camera_have_no_pixel() -> None:
    matrix = np.array(POSE)
    behind = matrix[:3, 3] - matrix[:3, 2]
    pixels, depth = project(CAMERA, np.stack([behind, matrix[:3, 3]]))
    assert np.isnan(pixels).all()
    assert depth == pytest.approx([-1, 0])


@given(points, distortions)
def test_undistort_is_the_inverse_of_distort(normalised: np.ndarray, distortion: tuple[float, float]) -> None:
    np.testing.assert_allclose(undistort(distort(normalised, distortion), distortion), normalised, atol=1e-7)


@given(points, distortions)
def test_distort_is_the_inverse_of_undistort(normalised: np.ndarray, distortion: tuple[float, float]) -> None:
    np.testing.assert_allclose(distort(undistort(normalised, distortion), distortion), normalised, atol=1e-7)


@given(distortions)
def test_nothing_folds_back_into_the_picture(distortion: tuple[float, float]) -> None:
    radius = np.linspace(0, 50, 4001)
    distorted = distort(np.stack([radius, np.zeros_like(radius)], 1), distortion)[:, 0]
    assert (np.diff(distorted) >= (MIN_SLOPE - 1e-6) * np.diff(radius)).all()


def test_the_polynomial_holds_up_to_the_limit() -> None:
    limit = radius_limit((-0.4, 0.0))
    assert 1 + 3 * -0.4 * limit**2 == pytest.approx(MIN_SLOPE)
    assert distort([limit, 0], (-0.4, 0.0))[0] == pytest.approx(limit * (1 - 0.4 * limit**2))
    assert np.isinf(radius_limit((0.3, 0.0)))


def test_pixels_and_normalised_coordinates_are_inverse() -> None:
    pixels = np.array([[0.0, 0.0], [320.0, 240.0], [639.5, 12.25]])
    assert to_normalised(CAMERA, pixels)[1] == pytest.approx([0, 0])
    np.testing.assert_allclose(to_pixels(CAMERA, to_normalised(CAMERA, pixels)), pixels)


@given(distortions, st.floats(200, 1500), st.sampled_from([(640, 480), (480, 640), (1281, 721)]))
def test_overscan_holds_all_that_the_picture_shows(
    distortion: tuple[float, float], focal: float, size: tuple[int, int]
) -> None:
    camera = Camera(*size, focal, POSE, distortion)
    canvas = overscan(camera)
    if distortion == (0.0, 0.0):
        assert canvas is camera
        return
    assert canvas.distortion == (0.0, 0.0)
    assert canvas.width % 2 == canvas.height % 2 == 0
    assert canvas.width <= size[0] / MIN_SLOPE + 2 * MARGIN + 2
    assert canvas.height <= size[1] / MIN_SLOPE + 2 * MARGIN + 2
    pixels = np.random.default_rng(0).uniform(0, size, (500, 2))
    shown = to_pixels(canvas, undistort(to_normalised(camera, pixels), distortion))
    assert (shown >= 1).all()
    assert (shown <= np.array([canvas.width, canvas.height]) - 1).all()


def test_a_barrel_needs_a_larger_canvas_and_a_pincushion_a_smaller_one() -> None:
    assert overscan(replace(CAMERA, distortion=(-0.2, 0.0))).width > 640
    assert overscan(replace(CAMERA, distortion=(0.2, 0.0))).width < 640


@pytest.mark.parametrize("distortion", [(-0.15, 0.0), (0.1, 0.05)])
def test_maps_lead_from_a_pixel_to_the_same_point_on_the_canvas(distortion: tuple[float, float]) -> None:
    camera = replace(CAMERA, distortion=distortion)
    canvas = overscan(camera)
    map_x, map_y = distortion_maps(camera, canvas)
    assert map_x.shape == (480, 640)
    for x, y in ((0, 0), (639, 0), (100, 400), (319, 240)):
        ray = undistort(to_normalised(camera, [x + 0.5, y + 0.5]), distortion)
        matrix = np.array(POSE)
        world = matrix[:3, 3] + matrix[:3, :3] @ np.array([*ray, 1.0]) * 7
        assert project(camera, world[None])[0][0] == pytest.approx([x + 0.5, y + 0.5], abs=1e-6)
        assert project(canvas, world[None])[0][0] == pytest.approx([map_x[y, x] + 0.5, map_y[y, x] + 0.5], abs=1e-3)
