"""Space that things take, and what a draft hands out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.sdg.plan.draft import PALETTE, Draft
from stages.sdg.plan.space import Box, Hall, overlaps
from tests.sdg.plan.drafts import SETTINGS
from tests.settings import compose

length = st.floats(0.05, 2)
place = st.floats(-2, 2)
BOXES = st.builds(Box, place, place, st.floats(-math.pi, math.pi), length, length, st.floats(0, 1), st.floats(1, 3))


def draft(*overrides: str, test: bool = False) -> Draft:
    return Draft(compose(*overrides), np.random.default_rng(3), "test" if test else "train", Hall(10, 8, 5))


def inside(box: Box, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the points (N, 3) lie in a box."""
    cos, sin = math.cos(box.yaw), math.sin(box.yaw)
    x, y = points[:, 0] - box.x, points[:, 1] - box.y
    flat = (np.abs(x * cos + y * sin) < box.half_x) & (np.abs(y * cos - x * sin) < box.half_y)
    return np.asarray(flat & (points[:, 2] > box.low) & (points[:, 2] < box.high))


def filled(box: Box, side: int = 24) -> NDArray[np.float64]:
    """A lattice of points in a box, (N, 3), its corners almost included."""
    u, v, z = np.meshgrid(*[np.linspace(-1, 1, side) * 0.9999] * 2, np.linspace(0.0001, 0.9999, 16), indexing="ij")
    x, y = u.ravel() * box.half_x, v.ravel() * box.half_y
    cos, sin = math.cos(box.yaw), math.sin(box.yaw)
    height = box.low + z.ravel() * (box.high - box.low)
    return np.stack([box.x + x * cos - y * sin, box.y + x * sin + y * cos, height], 1)


def shrunk(box: Box, by: float = 1e-5) -> Box:
    """The box, smaller by that much on every side."""
    return Box(box.x, box.y, box.yaw, box.half_x - by, box.half_y - by, box.low + by, box.high - by)


@settings(max_examples=300)
@given(BOXES, BOXES)
def test_boxes_with_a_common_point_overlap(one: Box, other: Box) -> None:
    found = bool(overlaps(one, np.array([other.row()]))[0])
    assert found == bool(overlaps(other, np.array([one.row()]))[0])
    # boxes may touch by a millionth of a metre without overlapping
    mine, theirs = shrunk(one), shrunk(other)
    assume(mine.high > mine.low and theirs.high > theirs.low)
    if inside(theirs, filled(mine)).any() or inside(mine, filled(theirs)).any():
        assert found


@settings(max_examples=300)
@given(BOXES, BOXES)
def test_boxes_that_overlap_do_so_by_more_than_nothing(one: Box, other: Box) -> None:
    """Grown by a finger, overlapping boxes share a point of the lattice; apart by one, none does."""
    grown = Box(one.x, one.y, one.yaw, one.half_x + 0.2, one.half_y + 0.2, one.low - 0.2, one.high + 0.2)
    if overlaps(one, np.array([other.row()]))[0]:
        assert inside(grown, filled(other)).any() or inside(other, filled(grown)).any()


def test_boxes_beside_and_above_each_other_do_not_overlap() -> None:
    one = Box(0, 0, 0.3, 1, 0.5, 0, 1)
    above, beside = Box(0, 0, 0.3, 1, 0.5, 1, 2), Box(2 * math.cos(0.3), 2 * math.sin(0.3), 0.3, 1, 0.5, 0, 1)
    np.testing.assert_array_equal(overlaps(one, np.array([above.row(), beside.row(), one.row()])), [False, False, True])
    assert overlaps(one, np.zeros((0, 7))).shape == (0,)


def test_what_is_taken_is_not_free() -> None:
    scene = draft()
    assert scene.try_place("drum", 1, 1, 0) is not None
    assert scene.try_place("drum", 1.2, 1, 0) is None
    assert scene.try_place("drum", 4.9, 1, 0) is None  # in the wall
    assert scene.try_place("ladder", 0, -2, 0) is not None
    low = Draft(SETTINGS, np.random.default_rng(3), "train", Hall(10, 8, 3))
    assert low.try_place("ladder", 0, -2, 0) is None  # through the roof


def test_box_of_turns_the_footprint_with_the_thing() -> None:
    scene = draft()
    straight, turned = scene.box_of("carton", 0, 0, 0), scene.box_of("carton", 0, 0, math.pi / 2, margin=0.1)
    assert (turned.x, turned.y) == pytest.approx((-straight.y, straight.x))
    assert turned.half_x == pytest.approx(straight.half_x + 0.1)


def test_placements_are_numbered_rounded_and_labelled() -> None:
    scene = draft()
    first = scene.add("pallet", (1 / 3, 0, 0), (1 / 3, 0, 0), {"kind": "eur", "tall": 2 / 3})
    second = scene.add("carton", (0, 0, 0), variant=8, scale=0.5)
    assert (first.id, first.label, first.position[0]) == (1, "pallet", 0.3333)
    assert first.parameters["tall"] == 0.6667
    assert (second.id, second.label, second.variant, second.scale) == (2, None, 8, 0.5)


def test_shapes_repeat_and_differ_between_the_splits() -> None:
    train, test = draft(), draft(test=True)
    shapes = {train.add("carton", (0, 0, 0)).variant for _ in range(40)}
    assert len(shapes) == PALETTE
    assert all(variant % 2 == 0 for variant in shapes)
    assert test.new_variant() % 2 == 1


def test_surfaces_may_be_left_clean() -> None:
    assert draft("randomization.surface.enabled=false").look() == {"wear": 0.0, "dirt": 0.0}
    coloured = draft("randomization.surface.random_share=1").look()
    assert coloured["random_colour"] is True


def test_names_are_picked_by_weight() -> None:
    scene = draft()
    drawn = [scene.pick({"often": 9.0, "never": 0.0, "seldom": 1.0}) for _ in range(300)]
    assert set(drawn) == {"often", "seldom"}
    assert drawn.count("often") > 5 * drawn.count("seldom")
