from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from stages.sdg.assets.imports.normalise import FORWARD, UPRIGHT, sampled, shared_out
from stages.sdg.assets.imports.raw import linear
from stages.sdg.assets.imports.simplify import Surface, simplify, weld


def test_a_ball_stays_a_ball_and_its_error_is_true() -> None:
    ball = trimesh.creation.icosphere(5, 1.0)
    made = simplify(np.asarray(ball.vertices), np.asarray(ball.faces), 500)
    assert len(made.triangles) <= 500
    assert trimesh.Trimesh(made.vertices, made.triangles).volume == pytest.approx(ball.volume, rel=0.03)
    # the farthest that a chord of the new surface lies below the sphere
    depth = 1 - np.linalg.norm(made.vertices[made.triangles].mean(1), axis=1).min()
    assert made.largest == pytest.approx(depth, rel=0.5)
    assert made.mean < made.largest


def test_a_plane_loses_nothing() -> None:
    grid = trimesh.creation.box((2, 1, 0.5)).subdivide().subdivide().subdivide()
    made = simplify(np.asarray(grid.vertices), np.asarray(grid.faces), 24)
    assert made.largest == pytest.approx(0, abs=1e-4)


def test_texture_coordinates_and_colours_stay_where_they_are() -> None:
    ball = trimesh.creation.icosphere(4, 1.0)
    vertices, faces = np.asarray(ball.vertices), np.asarray(ball.faces)
    uv, colours = vertices[:, :2][faces].astype(np.float32), (vertices[faces] / 2 + 0.5).astype(np.float32)
    made = simplify(vertices, faces, 800, uv, colours)
    assert made.uv is not None
    assert made.colours is not None
    where = made.vertices[made.triangles]
    assert np.abs(made.uv - where[..., :2]).max() < 0.15
    assert np.abs(made.colours - (where / 2 + 0.5)).max() < 0.1


def test_coinciding_vertices_become_one() -> None:
    box = trimesh.creation.box()
    soup = box.vertices[box.faces].reshape(-1, 3)
    vertices, triangles, solid = weld(soup, np.arange(len(soup)).reshape(-1, 3))
    assert len(vertices) == 8
    assert solid.all()
    assert trimesh.Trimesh(vertices, triangles).is_watertight


def test_the_nearest_point_is_the_one_that_trimesh_finds() -> None:
    ball = trimesh.creation.icosphere(2, 1.0)
    points = np.random.default_rng(3).normal(size=(50, 3))
    distance = Surface(np.asarray(ball.vertices), np.asarray(ball.faces)).nearest(points)[2]
    corners = ball.triangles
    for point, mine in zip(points, distance, strict=True):
        every = trimesh.triangles.closest_point(corners, np.tile(point, (len(corners), 1)))
        assert mine == pytest.approx(np.linalg.norm(every - point, axis=1).min(), abs=1e-9)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40), st.integers(100, 20_000))
def test_a_budget_is_kept_but_for_the_least_of_each(counts: list[int], limit: int) -> None:
    budgets = shared_out(counts, limit)
    assert all(0 < budget <= count for budget, count in zip(budgets, counts, strict=True))
    assert sum(budgets) <= limit + 8 * len(counts)
    if sum(counts) <= limit:
        assert budgets == counts


@pytest.mark.parametrize("turn", [*UPRIGHT.values(), *FORWARD.values()])
def test_axes_are_turned_not_mirrored(turn: np.ndarray) -> None:  # type: ignore[type-arg]
    assert np.linalg.det(turn) == pytest.approx(1)
    assert turn @ turn.T == pytest.approx(np.eye(3))


def test_images_are_looked_up_with_v_up_and_repeated() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = 255  # top left
    uv = np.array([[0.25, 0.75], [0.25, 0.25], [1.25, -0.25]], np.float32)
    assert sampled(image, uv)[:, 0].tolist() == [1, 0, 1]


def test_linear_is_the_standard_curve() -> None:
    assert linear(np.array([0, 0.04045, 0.5, 1.0])) == pytest.approx([0, 0.0031308, 0.21404, 1], abs=1e-5)
