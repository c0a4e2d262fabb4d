"""Sight lines against points sampled along them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stages.sdg.plan.sight import clear_share, first_hits
from stages.sdg.plan.space import Box
from tests.sdg.plan.test_draft import inside

BOXES = st.lists(
    st.builds(
        Box,
        st.floats(-4, 4),
        st.floats(-4, 4),
        st.floats(-math.pi, math.pi),
        st.floats(0.2, 1.5),
        st.floats(0.2, 1.5),
        st.just(0.0),
        st.floats(0.3, 3),
    ),
    min_size=1,
    max_size=4,
)
PLACES = st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.05, 2.5))


def rows(boxes: list[Box]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([box.row() for box in boxes], float).reshape(-1, 7)


def slack(box: Box, by: float) -> Box:
    """The box, smaller by ``by`` on each side."""
    return Box(box.x, box.y, box.yaw, box.half_x - by, box.half_y - by, box.low + by, box.high - by)


@settings(max_examples=200)
@given(PLACES, PLACES, BOXES)
def test_a_line_is_clear_where_no_point_of_it_lies_in_a_box(
    eye: tuple[float, float, float], point: tuple[float, float, float], boxes: list[Box]
) -> None:
    start, end = np.array(eye), np.array(point)
    assume(np.linalg.norm(end - start) > 0.5)
    assume(not any(inside(slack(box, -0.01), start[None]).any() for box in boxes))
    along = start + (end - start) * np.linspace(0, 0.97, 2000)[:, None]
    share = clear_share(start, end[None], rows(boxes))
    if any(inside(slack(box, 0.01), along).any() for box in boxes):
        assert share == 0
    reach = start + (end - start) * np.linspace(0, 1, 2000)[:, None]
    if not any(inside(slack(box, -0.01), reach).any() for box in boxes):
        assert share == 1


@settings(max_examples=200)
@given(PLACES, st.floats(-math.pi, math.pi), BOXES)
def test_the_first_hit_is_where_sampling_meets_a_box(
    eye: tuple[float, float, float], yaw: float, boxes: list[Box]
) -> None:
    start, direction, far = np.array(eye), np.array([math.cos(yaw), math.sin(yaw), 0.0]), 9.0
    assume(not any(inside(slack(box, -0.01), start[None]).any() for box in boxes))
    steps = np.linspace(0, far, 4000)
    ray = start + steps[:, None] * direction
    distance = first_hits(start, direction[None], rows(boxes), np.array([far]))[0]
    met = np.any([inside(slack(box, 0.01), ray) for box in boxes], axis=0)
    touched = np.any([inside(slack(box, -0.01), ray) for box in boxes], axis=0)
    assert distance <= (steps[met.argmax()] if met.any() else far) + 1e-9
    assert distance >= (steps[touched.argmax()] if touched.any() else far) - 0.01


def test_an_empty_hall_is_all_in_sight() -> None:
    empty, eye = np.zeros((0, 7)), np.array([0.0, 0.0, 1.0])
    assert clear_share(eye, np.ones((3, 3)), empty) == 1
    assert first_hits(eye, np.array([[1.0, 0.0, 0.0]]), empty, np.array([7.0])) == [7.0]


def test_the_share_counts_points() -> None:
    wall, eye = rows([Box(2, 1, 0, 0.1, 1, 0, 3)]), np.array([0.0, 0.0, 1.0])
    points = np.array([(4.0, 1.0, 1.0), (4.0, -1.0, 1.0), (1.0, 0.5, 1.0), (4.0, 2.0, 1.0)])
    assert clear_share(eye, points, wall) == pytest.approx(0.5)
