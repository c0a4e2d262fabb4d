"""Distributions: reading, writing, drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.common.settings.distribution import (
    Choice,
    Combine,
    Constant,
    LogUniform,
    Normal,
    Uniform,
    pick_by,
)
from stages.common.settings.quantity import Within, parse, plain

numbers = st.floats(-100, 100)
pairs = st.tuples(numbers, numbers).map(sorted)
simple = st.one_of(
    numbers.map(Constant),
    pairs.map(lambda pair: Uniform(*pair)),
    st.tuples(st.floats(0.01, 10), st.floats(10, 100)).map(lambda pair: LogUniform(*pair)),
    st.tuples(numbers, st.floats(0, 10), pairs).map(lambda item: Normal(item[0], item[1], *item[2])),
    st.dictionaries(numbers, st.floats(0.1, 5), min_size=1, max_size=4).map(
        lambda weights: Choice(tuple(weights), tuple(weights.values()))
    ),
)
distributions = st.one_of(
    simple,
    st.lists(st.tuples(st.floats(0.1, 5), simple), min_size=1, max_size=3).map(lambda parts: Combine(tuple(parts))),
)


@given(distributions)
def test_written_and_read_is_the_same(distribution: Any) -> None:
    assert parse(plain(distribution)) == distribution


@given(distributions, st.integers(0, 2**32 - 1))
def test_draws_stay_within_the_bounds(distribution: Any, seed: int) -> None:
    low, high = distribution.bounds()
    margin = 1e-9 * max(1, abs(low), abs(high))
    for value in (distribution.sample(np.random.default_rng(seed)) for _ in range(3)):
        assert low - margin <= value <= high + margin


def test_a_range_from_zero_to_minus_zero_is_a_range() -> None:
    assert Uniform(0.0, -0.0).sample(np.random.default_rng(0)) == 0


@given(distributions, st.integers(0, 2**32 - 1))
def test_draws_follow_the_generator(distribution: Any, seed: int) -> None:
    assert distribution.sample(np.random.default_rng(seed)) == distribution.sample(np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (1, Constant(1.0)),
        (["uniform", 1, 2], Uniform(1.0, 2.0)),
        ({"uniform": [1, 2]}, Uniform(1.0, 2.0)),  # as one key
        (["normal", 0, 1], Normal(0.0, 1.0)),  # without bounds
        (["choice", {1: 5, 2: 3}], Choice((1.0, 2.0), (5.0, 3.0))),
        ({"choice": {1: 5}}, Choice((1.0,), (5.0,))),
        (["combine", [1, 2], [3, ["uniform", 0, 1]]], Combine(((1.0, Constant(2.0)), (3.0, Uniform(0.0, 1.0))))),
    ],
)
def test_forms(written: Any, expected: Any) -> None:
    assert parse(written) == expected


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (True, "write a number"),
        (None, "write a number"),
        ([], "write a number"),
        ([1, 2], "write a number"),
        ({"uniform": [1, 2], "normal": [1, 2]}, "write a number"),  # two mappings merged
        (["uniforme", 1, 2], "'uniforme' is not a distribution"),
        (["uniform", 1], "needs a list of 2 numbers"),
        (["uniform", "a", 2], "'a' is not a finite number"),
        (float("inf"), "not a finite number"),
        (["log_uniform", 0, 2], "log_uniform needs bounds above 0"),
        (["normal", 0, -1], "cannot be negative"),
        (["normal", 0, 1, 3, 2], "the lower bound 3 is above the upper bound 2"),
        (["choice", [1, 2]], "choice needs 'value: weight' pairs"),
        (["choice", {1: 0}], "choice needs weights of 0 or more"),
        (["combine"], "combine needs a list"),
        (["combine", 3], "combine needs a list"),
        (["combine", [0, 1]], "combine needs one weight above 0"),
    ],
)
def test_mistakes(written: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(written)


def test_within_needs_bounds_of_a_normal() -> None:
    with pytest.raises(ValueError, match="stay within 0 to 1; bound it"):
        Within(0, 1)(Normal(0.5, 0.1))
    assert Within(0, 1)(Normal(0.5, 0.1, 0, 1)).bounds() == (0, 1)


@given(
    st.lists(st.floats(0, 1e3), min_size=1, max_size=20).filter(lambda weights: sum(weights) > 1e-6), st.integers(0, 99)
)
def test_draws_by_weight_and_between_bounds_are_numpys(weights: list[float], seed: int) -> None:
    ours, numpys = np.random.default_rng(seed), np.random.default_rng(seed)
    shares = np.array(weights) / np.sum(weights)
    assert pick_by(tuple(weights), ours) == numpys.choice(len(weights), p=shares)
    assert Uniform(-2.0, weights[0]).sample(ours) == numpys.uniform(-2.0, weights[0])


@pytest.mark.parametrize("weights", [(0.0, 0.0), (1.0, -0.5), (float("nan"), 1.0)])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_weights_that_nothing_can_be_drawn_by_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be drawn from"):
        pick_by(weights, np.random.default_rng(0))
