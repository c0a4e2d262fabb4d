"""Which frames count as finished."""

from __future__ import annotations

import numpy as np
import pytest

from isaac.capture.checks import black_band, fault_of

SIZE = (40, 60)


def made(picture: np.ndarray, *, ids: bool = True, depth: bool = True) -> tuple:
    instance = np.full(SIZE, int(ids), np.uint16)
    return picture, instance, np.full(SIZE, 3.0 if depth else np.inf, np.float32), True


def grey(level: int = 90) -> np.ndarray:
    return np.full((*SIZE, 3), level, np.uint8)


def test_a_whole_picture_is_fine() -> None:
    assert fault_of(*made(grey())) is None
    assert fault_of(*made(np.full((*SIZE, 3), 0.3, np.float16))) is None


@pytest.mark.parametrize("level", [0, 1, 2])
def test_blank(level: int) -> None:
    assert fault_of(*made(grey(level))) == "the picture is blank"


@pytest.mark.parametrize("rows", [slice(20, None), slice(0, 20), slice(30, None)])
def test_a_part_that_was_not_rendered(rows: slice) -> None:
    picture = grey()
    picture[rows] = 0
    assert "black band" in (fault_of(*made(picture)) or "")


def test_a_dark_floor_is_no_missing_part() -> None:
    # light fades towards the bottom and is gone in the last rows
    fading = np.linspace(60, -20, SIZE[0]).clip(0)[:, None] * np.linspace(0, 1, SIZE[1])[None]
    assert fault_of(*made(np.repeat(fading[..., None], 3, 2).astype(np.uint8))) is None
    # a few black rows happen
    picture = grey()
    picture[36:] = 0
    assert fault_of(*made(picture)) is None


def test_ids_and_depth_that_should_be_there() -> None:
    assert fault_of(*made(grey(), ids=False)) == "the segmentation has no instance"
    assert fault_of(*made(grey(), depth=False)) == "the depth is empty"
    picture, instance, depth, _ = made(grey(), ids=False, depth=False)
    assert fault_of(picture, instance, depth, False) is None


def test_bands_are_shares_of_the_height() -> None:
    lit = np.ones((10, 4), bool)
    assert black_band(lit) == 0.0
    lit[7:] = False
    assert black_band(lit) == pytest.approx(0.3)
    assert black_band(np.zeros((10, 4), bool)) == 0.0
