"""Which part of the data set a frame belongs to."""

from __future__ import annotations

from stages.convert.types import Part
from stages.sdg.plan.types import split_of

BLOCK = 32
"""Consecutive training frames that give the same number of validation frames."""


def part_of(frame: int, val_share: float) -> Part:
    """Part of a frame: a function of its number alone, so more frames move none of those there are.

    Of each block of :data:`BLOCK` training frames ``round(val_share * BLOCK)`` validate (one at least, and never all),
    spread evenly over the block so that small data sets have some too.

    Args:
        frame: its number.
        val_share: 0 to 1.
    """
    if split_of(frame) == "test":
        return "test"
    validating = min(max(round(val_share * BLOCK), 1), BLOCK - 1)
    return "val" if (frame * validating + BLOCK // 2) % BLOCK >= BLOCK - validating else "train"
