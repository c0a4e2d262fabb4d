from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.sdg.assets.mesh import box, sphere
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera
from stages.sdg.render import amodal
from stages.sdg.render.amodal import amodal_extents
from stages.sdg.render.camera import project

AHEAD = look_along((0.0, 0.0, 1.0), 0.0, 0.0, 0.0)
CAMERA = Camera(160, 120, 100.0, AHEAD)
BARREL = replace(CAMERA, distortion=(-0.2, 0.0))


def plate(left: float, top: float, right: float, bottom: float, depth: float = 2.0) -> NDArray[np.float64]:
    """A rectangle across the axis of view that covers these pixels of the undistorted picture."""
    x, y = (np.array([left, right]) - 80) / 100 * depth, (np.array([top, bottom]) - 60) / 100 * depth
    # the camera looks along +X, its right is -Y, its down is -Z
    a, b, c, d = (np.array([depth, -u, 1.0 - v]) for u, v in ((x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])))
    return np.array([[a, b, c], [a, c, d]])


@pytest.mark.parametrize(
    ("sides", "pixels", "total"),
    [
        ((20, 30, 50, 70), 30 * 40, 30 * 40),  # whole
        ((-20, 30, 50, 70), 50 * 40, 70 * 40),  # cut at the left
        ((140, 100, 200, 130), 20 * 20, 60 * 30),  # cut at a corner
        ((-40, -40, -10, -10), 0, 30 * 30),  # beyond a corner
    ],
)
def test_pixels_inside_and_outside_of_a_plate(sides: tuple[int, int, int, int], pixels: int, total: int) -> None:
    assert amodal_extents(CAMERA, {4: plate(*sides)}) == {4: amodal.Amodal(pixels, total, sides)}


def test_objects_are_followed_one_picture_size_beyond_each_border() -> None:
    extent = amodal_extents(CAMERA, {1: plate(-5000, -5000, 5000, 5000)})[1]
    assert extent.xyxy == (-160, -120, 320, 240)
    assert extent.pixels == 160 * 120
    assert extent.total_pixels == pytest.approx(9 * 160 * 120, rel=0.01)


@pytest.mark.parametrize(
    "triangles",
    [
        plate(20, 30, 50, 70, depth=-2.0),  # behind
        plate(20, 30, 50, 70, depth=0.02),  # nearer than the near plane
        plate(1000, 30, 1050, 70),  # far beside
        plate(20.6, 30, 21.4, 70),  # between two columns of pixel centres
        np.zeros((0, 3, 3)),  # nothing at all
    ],
)
def test_what_covers_no_pixel_is_left_out(triangles: NDArray[np.float64]) -> None:
    assert amodal_extents(CAMERA, {1: triangles}) == {}


@pytest.mark.parametrize("camera", [CAMERA, BARREL])
def test_a_coarsely_sampled_outside_is_close_to_the_exact_one(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    vertices, faces = sphere((1.2, 0.9, 1.3), 0.7, 24)
    exact = amodal_extents(camera, {1: vertices[faces]})[1]
    monkeypatch.setattr(amodal, "OUTSIDE_SAMPLES", 2000)
    coarse = amodal_extents(camera, {1: vertices[faces]})[1]
    assert coarse.pixels == exact.pixels
    assert coarse.total_pixels == pytest.approx(exact.total_pixels, rel=0.03)
    assert coarse.xyxy == pytest.approx(exact.xyxy, abs=8)


def test_an_object_around_the_camera_fills_the_picture() -> None:
    vertices, faces = box((-3, -3, -3), (3, 3, 3))
    assert amodal_extents(BARREL, {1: vertices[faces]})[1].pixels == 160 * 120


@settings(max_examples=40)
@given(
    st.tuples(st.floats(0.8, 6), st.floats(-2, 2), st.floats(0, 2)),
    st.floats(0.25, 0.8),
    st.sampled_from([(0.0, 0.0), (-0.3, 0.0), (-0.1, 0.05), (0.15, 0.0)]),
)
def test_extent_agrees_with_projected_vertices(
    centre: tuple[float, float, float], radius: float, distortion: tuple[float, float]
) -> None:
    camera = replace(CAMERA, distortion=distortion)
    vertices, faces = sphere(centre, radius, 28)
    pixels, depth = project(camera, vertices)
    if depth.min() < 0.2:
        return
    reach = np.array([160, 120])
    low, high = pixels.min(0), pixels.max(0)
    if (low < -reach).any() or (high > 2 * reach).any():
        return
    extent = amodal_extents(camera, {1: vertices[faces]})[1]
    # half a pixel either way, times what the lens magnifies; outside the picture that may be a few
    picture = (160, 120, 160, 120)
    assert np.clip(extent.xyxy, 0, picture) == pytest.approx(np.clip((*low, *high), 0, picture), abs=1.25)
    assert extent.xyxy == pytest.approx((*low, *high), abs=4)
    assert 0 <= extent.pixels <= extent.total_pixels
    if (low >= 0).all() and (high <= reach).all():
        assert extent.pixels == extent.total_pixels
