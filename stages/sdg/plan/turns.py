"""Shares that hold in any run of frames, though each frame knows its own number alone.

A question of dimension d is answered for frame i by the i-th number of the Kronecker sequence
``offset + i * sqrt(prime_d) mod 1``, whose first n numbers, from wherever they start, fill every interval to within
``O(log n / n)`` (Kuipers and Niederreiter, "Uniform Distribution of Sequences", 1974, chapter 2.3). Random draws would
miss by ``O(1 / sqrt n)``: with 500 of them a share of a tenth is off by 1.3 percentage points one time in three.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from stages.sdg.plan.types import TEST_START

PRESET, NEGATIVE, SCENARIO, FIRST = 0, 1, 2, 3
"""Dimensions of the questions; those for objects begin at FIRST, one for each target."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Step from one object of a frame to the next, which keeps the answers of any few apart."""


def turn(seed: int, frame: int, dimension: int, slot: int = 0, parts: int = 1) -> float:
    """The answer to a question for a frame, or for the object in one of its slots, 0 to below 1.

    Args:
        seed: of the data set.
        frame: its number.
        dimension: of the question.
        slot: number of the object in the frame.
        parts: of the interval from 0 to 1; all objects of a frame have their answers in the same part, since one
            camera can hardly show very different things. The answers for each slot still fill all of it.
    """
    at = (_offset(seed, dimension) + (frame % TEST_START) * math.sqrt(_prime(dimension))) % 1.0 * parts
    return min((math.floor(at) + (at + slot * GOLDEN) % 1.0) / parts, math.nextafter(1.0, 0.0))


def pick_bin(shares: Sequence[float], at: float) -> int:
    """Index of the bin that holds ``at``, 0 to below 1, when bins of these shares lie side by side."""
    edges = np.cumsum(np.asarray(shares, float))
    return min(int(np.searchsorted(edges, at * edges[-1], side="right")), _last(shares))


def _last(shares: Sequence[float]) -> int:
    return max(number for number, share in enumerate(shares) if share > 0)


@functools.cache
def _offset(seed: int, dimension: int) -> float:
    return float(np.random.default_rng([seed, dimension, 0x7A26]).uniform())


@functools.cache
def _prime(number: int) -> int:
    """The prime of that number, 2 the first."""
    found: list[int] = []
    candidate = 2
    while len(found) <= number:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found[-1]
