"""Primitives are closed, face outwards and hold the volume that they should."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.sdg.assets import mesh as m
from stages.sdg.assets.types import Material

side = st.floats(0.05, 3)
place = st.floats(-5, 5)
corner = st.tuples(place, place, place)


def volume(mesh: m.Mesh) -> float:
    """Signed volume by the divergence theorem: positive when all triangles face outwards."""
    vertices, triangles = mesh
    a, b, c = (vertices[triangles[:, k]] - vertices.mean(0) for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def is_closed(mesh: m.Mesh) -> bool:
    """Whether every edge is walked once each way, counting vertices at one place as one."""
    vertices, triangles = mesh
    _, same = np.unique(vertices.round(7), axis=0, return_inverse=True)
    walked: Counter[tuple[int, int]] = Counter()
    for triangle in same.ravel()[triangles]:
        if len(set(triangle)) == 3:
            walked.update((int(triangle[k]), int(triangle[k - 2])) for k in range(3))
    return all(walked[b, a] == count for (a, b), count in walked.items())


@given(corner, st.tuples(side, side, side), st.floats(0, 0.4))
def test_boxes(low: tuple[float, float, float], size: tuple[float, float, float], chamfer: float) -> None:
    made = m.box(low, np.add(low, size), chamfer)
    cut = min(chamfer, min(size) / 2.5)
    assert is_closed(made)
    np.testing.assert_allclose(made[0].min(0), low, atol=1e-9)
    np.testing.assert_allclose(made[0].max(0), np.add(low, size), atol=1e-9)
    # twelve edges lose a triangular prism, eight corners a little more
    x, y, z = size
    edges = 2 * cut**2 * (x + y + z - 6 * cut)
    corners = 8 * (cut**3 - cut**3 / 6)
    assert volume(made) == pytest.approx(x * y * z - edges - corners, rel=1e-6)


def test_corners_may_be_given_in_any_order() -> None:
    assert volume(m.box((1, 2, 3), (0, 0, 0))) == pytest.approx(6)


@given(corner, st.tuples(side, side, side), side, side)
def test_beams(start: tuple[float, float, float], along: tuple[float, float, float], width: float, high: float) -> None:
    made = m.beam(start, np.add(start, along), width, high)
    assert is_closed(made)
    assert volume(made) == pytest.approx(float(np.linalg.norm(along)) * width * high, rel=1e-6)


@pytest.mark.parametrize("end", [(0, 0, 2), (0, 0, -2), (2, 0, 0)])
def test_beams_upright_and_level(end: tuple[float, float, float]) -> None:
    assert volume(m.beam((0, 0, 0), end, 0.1, 0.2)) == pytest.approx(0.04)


@given(st.integers(6, 40), side, side)
def test_cylinders(segments: int, radius: float, height: float) -> None:
    made = m.cylinder((1, 2, 3), (1, 2, 3 + height), radius, segments)
    area = segments / 2 * radius**2 * math.sin(2 * math.pi / segments)
    assert is_closed(made)
    assert volume(made) == pytest.approx(area * height, rel=1e-6)


def test_closed_tubes_are_rings() -> None:
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = m.tube(np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1), 0.1, 24, closed=True)
    assert is_closed(ring)
    assert volume(ring) == pytest.approx(2 * math.pi**2 * 0.1**2, rel=0.03)


def test_tapered_tubes() -> None:
    cone = m.tube([(0, 0, 0), (0, 0, 3)], [2.0, 1.0], 96)
    assert is_closed(cone)
    assert volume(cone) == pytest.approx(math.pi * 3 / 3 * (4 + 2 + 1), rel=0.01)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_round_bodies(axis: int) -> None:
    barrel = m.lathe([(0, 0), (1, 0), (1, 2), (0, 2)], axis, 96)
    assert is_closed(barrel)
    assert volume(barrel) == pytest.approx(2 * math.pi, rel=0.01)
    assert np.ptp(barrel[0][:, axis]) == pytest.approx(2)
    tyre = m.wheel((1, 2, 3), 0.4, 0.1, axis, 48)
    assert is_closed(tyre)
    assert 0.8 < volume(tyre) / (math.pi * 0.4**2 * 0.1) < 1
    np.testing.assert_allclose((tyre[0].min(0) + tyre[0].max(0)) / 2, (1, 2, 3), atol=1e-9)


def test_spheres_and_ellipsoids() -> None:
    ball, egg = m.sphere((1, 1, 1), 0.5, 64), m.sphere((0, 0, 0), (1, 2, 3), 64)
    assert volume(ball) == pytest.approx(4 / 3 * math.pi * 0.5**3, rel=0.01)
    assert volume(egg) == pytest.approx(4 / 3 * math.pi * 6, rel=0.01)
    assert is_closed(ball)


def star(radii: list[float]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A simple polygon, counter-clockwise, seldom convex."""
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    return np.asarray(np.stack([np.cos(angles), np.sin(angles)], 1) * np.array(radii)[:, None])


def areas(polygon: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    x, y = polygon.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


polygons = st.lists(st.floats(0.2, 2), min_size=3, max_size=14).map(star)


@given(polygons)
def test_ears_are_clipped_until_all_of_the_polygon_is_covered(
    polygon: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> None:
    triangles = m.triangulate(polygon)
    pieces = [areas(polygon[triangle]) for triangle in triangles]
    assert len(triangles) == len(polygon) - 2
    assert min(pieces) > -1e-9
    assert sum(pieces) == pytest.approx(areas(polygon))


@given(polygons, side, st.sampled_from([0, 1, 2]), st.booleans())
def test_prisms(
    polygon: np.ndarray[tuple[int, int], np.dtype[np.float64]], height: float, axis: int, clockwise: bool
) -> None:
    made = m.prism(polygon[::-1] if clockwise else polygon, -1.0, height - 1.0, axis)
    assert is_closed(made)
    assert volume(made) == pytest.approx(areas(polygon) * height, rel=1e-6)


@given(corner, st.floats(-3, 3), st.sampled_from([0, 1, 2]))
def test_moving_and_turning_keep_the_volume(offset: tuple[float, float, float], angle: float, axis: int) -> None:
    made = m.turn(m.move(m.box((0, 0, 0), (1, 2, 3)), offset), axis, angle, offset)
    assert volume(made) == pytest.approx(6)
    np.testing.assert_allclose(m.turn_points(offset, axis, angle, offset), offset, atol=1e-9)


def test_turns_are_right_handed() -> None:
    np.testing.assert_allclose(m.turn_points((1, 0, 0), 2, math.pi / 2), (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(m.turn_points((0, 1, 0), 0, math.pi / 2), (0, 0, 1), atol=1e-12)


def test_grids_of_bars_have_all_their_wires() -> None:
    grid = m.grid_of_bars((0, 0, 0), (2, 0, 0), (0, 0, 1), (5, 3), 0.01)
    assert volume(grid) == pytest.approx((5 * 1 + 3 * 2) * 1e-4)


def test_builders_gather_one_part_for_each_name_and_material() -> None:
    paint, rubber = Material("paint", (1, 0, 0)), Material("rubber", (0, 0, 0))
    builder = m.Builder()
    for low, material in ((0, paint), (2, paint), (4, rubber)):
        builder.add("block", m.box((low, 0, 0), (low + 1, 1, 1)), material)
    builder.keypoint("corner", (5, 1, 1))
    asset = builder.build()
    assert [(part.name, len(part.triangles)) for part in asset.parts] == [("block", 24), ("block", 12)]
    assert asset.size == (5, 1, 1)
    assert asset.keypoints == {"corner": (5, 1, 1)}
