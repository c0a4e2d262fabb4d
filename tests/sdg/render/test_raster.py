from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.sdg.render import raster
from stages.sdg.render.raster import clip_near, rasterize, silhouette

FOCAL, WIDTH, HEIGHT, NEAR = 60.0, 48, 36, 0.1
VIEW = (FOCAL, WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT, NEAR)


def scattered(seed: int, count: int = 40, size: float = 0.5, nearest: float = 0.5) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    centres = rng.uniform((-1.5, -1.2, nearest), (1.5, 1.2, 5), (count, 3))
    return centres[:, None] + rng.normal(0, size, (count, 3, 3))


def one_by_one(triangles: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Triangle index and depth at each pixel's centre by casting a ray through it (Möller and Trumbore, 1997)."""
    index = np.full((HEIGHT, WIDTH), -1)
    depth = np.full((HEIGHT, WIDTH), np.inf)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    rays = np.stack([(x - WIDTH / 2) / FOCAL, (y - HEIGHT / 2) / FOCAL, np.ones_like(x)], -1)
    for number, (a, b, c) in enumerate(triangles):
        e1, e2 = b - a, c - a
        p = np.cross(rays, e2)
        with np.errstate(all="ignore"):
            scale = 1 / (p @ e1)
            u = -(p @ a) * scale
            q = np.cross(-a, e1)
            v = (rays @ q) * scale
            z = (q @ e2) * scale
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (z >= NEAR) & (z < depth)
        index[hit], depth[hit] = number, z[hit]
    return index, depth


@pytest.mark.parametrize(
    ("count", "size", "nearest"),
    [
        (40, 0.5, 0.5),  # some cross the near plane
        (400, 0.03, 1.0),  # about a pixel each
        (6, 4.0, 0.2),  # larger than the picture
    ],
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_agrees_with_ray_casting(count: int, size: float, nearest: float, seed: int) -> None:
    triangles = scattered(seed, count, size, nearest)
    ids, depth, index = rasterize(triangles, np.arange(count) + 7, *VIEW)
    expected_index, expected_depth = one_by_one(triangles)
    np.testing.assert_array_equal(index, expected_index)
    np.testing.assert_allclose(depth, expected_depth, rtol=1e-5)
    np.testing.assert_array_equal(ids, np.where(expected_index >= 0, expected_index + 7, 0))


@given(st.integers(0, 2**32 - 1), st.integers(2, 7))
def test_a_tessellated_square_has_neither_gaps_nor_overlaps(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, cells + 1)] * 2), -1)
    grid[1:-1, 1:-1] += rng.uniform(-0.3 / cells, 0.3 / cells, (cells - 1, cells - 1, 2))
    if seed % 2:  # corners on pixel centres and whole pixels, where ties are
        grid = np.round(grid * FOCAL / 3) / FOCAL * 3 + 0.5 * (seed % 3) / FOCAL * 3
    points = np.concatenate([grid, np.ones((*grid.shape[:2], 1))], -1) * 3
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]
    halves = [np.stack(corners, -2).reshape(-1, 3, 3) for corners in ((a, b, c), (a, c, d))]
    alone = sum(silhouette(triangle[None], *VIEW).astype(int) for triangle in np.concatenate(halves))
    together = silhouette(
        np.concatenate([points[[0, 0, -1], [0, -1, -1]][None], points[[0, -1, -1], [0, -1, 0]][None]]), *VIEW
    )
    assert alone.max() == 1
    np.testing.assert_array_equal(alone == 1, together)


def test_pixel_centres_on_left_and_upper_edges_belong_to_the_triangle() -> None:
    # a square whose corners are pixel centres: it owns its left column and upper row only
    corners = (np.array([[10.5, 8.5], [20.5, 8.5], [20.5, 18.5], [10.5, 18.5]]) - [WIDTH / 2, HEIGHT / 2]) / FOCAL
    square = np.concatenate([corners, np.ones((4, 1))], 1)
    mask = silhouette(np.stack([square[[0, 1, 2]], square[[0, 2, 3]]]), *VIEW)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 17, 10, 19)
    assert mask.sum() == 100


def test_a_floor_that_runs_under_the_camera_is_cut_and_deep_as_it_should_be() -> None:
    below = 1.5
    floor = np.array([[[-900, below, -900], [900, below, -900], [0, below, 900]]], float)
    _, depth, _ = rasterize(floor, [1], *VIEW)
    rows = np.arange(HEIGHT // 2 + 4, HEIGHT)
    expected = below * FOCAL / (rows + 0.5 - HEIGHT / 2)
    np.testing.assert_allclose(depth[rows], np.broadcast_to(expected[:, None], (len(rows), WIDTH)), rtol=1e-5)
    assert np.isinf(depth[: HEIGHT // 2]).all()


@given(st.integers(0, 2**32 - 1))
def test_clipped_triangles_keep_their_area_beyond_the_plane(seed: int) -> None:
    triangles = scattered(seed, 10, 0.6, 0.0)
    clipped, source = clip_near(triangles, NEAR)
    assert (clipped[..., 2] >= NEAR).all()
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    pieces = np.cross(clipped[:, 1] - clipped[:, 0], clipped[:, 2] - clipped[:, 0])
    # pieces lie in their triangle's plane and face the same way, and are no larger
    assert (np.einsum("ij,ij->i", pieces, normals[source]) >= -1e-12).all()
    for number, triangle in enumerate(triangles):
        area = np.linalg.norm(pieces[source == number], axis=1).sum()
        whole = np.linalg.norm(normals[number])
        behind = triangle[:, 2] < NEAR
        assert area <= whole * (1 + 1e-9)
        assert (area == 0) == bool(behind.all())
        if not behind.any():
            assert area == pytest.approx(whole)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_triangles_does_not_matter(seed: int) -> None:
    triangles = scattered(seed)
    order = np.random.default_rng(seed).permutation(len(triangles))
    ids, depth, _ = rasterize(triangles, np.arange(len(triangles)) + 1, *VIEW)
    again, depth_again, _ = rasterize(triangles[order], order + 1, *VIEW)
    np.testing.assert_array_equal(ids, again)
    np.testing.assert_array_equal(depth, depth_again)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.3, 3.0]))
def test_the_outline_is_what_the_z_buffer_shows(seed: int, size: float) -> None:
    triangles = scattered(seed, 30, size, -0.5)
    _, _, index = rasterize(triangles, np.ones(30), *VIEW)
    np.testing.assert_array_equal(silhouette(triangles, *VIEW), index >= 0)


@pytest.mark.parametrize(
    ("name", "value"), [("ROWS_AT_ONCE", 7), ("PIXELS_AT_ONCE", 11), ("LARGE", 3), ("LARGE", 10**9)]
)
def test_the_size_of_the_chunks_does_not_matter(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    triangles = scattered(5)
    expected = rasterize(triangles, np.arange(40), *VIEW)
    outline = silhouette(triangles, *VIEW)
    monkeypatch.setattr(raster, name, value)
    for result, wanted in zip(rasterize(triangles, np.arange(40), *VIEW), expected, strict=True):
        np.testing.assert_array_equal(result, wanted)
    np.testing.assert_array_equal(silhouette(triangles, *VIEW), outline)


@pytest.mark.parametrize(
    "triangles",
    [
        np.zeros((0, 3, 3)),  # none
        np.array([[[0, 0, -1], [1, 0, -1], [0, 1, -2]]]),  # behind
        np.array([[[50, 0, 1], [51, 0, 1], [50, 1, 1]]]),  # beside
        np.array([[[0, 0, 1], [0, 0, 1], [0, 0, 1]]]),  # a point
        np.array([[[-1, 0, 1], [1, 0, 1], [3, 0, 1]]]),  # a line
    ],
)
def test_what_covers_no_pixel_leaves_none(triangles: NDArray[np.float64]) -> None:
    ids, depth, index = rasterize(triangles, np.ones(len(triangles)), *VIEW)
    assert (ids.dtype, depth.dtype, index.dtype) == (np.uint16, np.float32, np.int32)
    assert not ids.any()
    assert np.isinf(depth).all()
    assert (index == -1).all()
    assert not silhouette(triangles, *VIEW).any()
