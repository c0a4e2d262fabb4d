"""Frames that the renderer had not finished: blank, half black, without ids. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DARK = 2
"""Grey level of 255 up to which a pixel counts as black; a picture with no brighter pixel is blank."""

BAND = 0.2
"""Share of the picture's height that a black band at its top or bottom must have to be taken for a missing part."""


def fault_of(
    picture: NDArray[np.generic], instance: NDArray[np.uint16], depth: NDArray[np.float32], expected: bool
) -> str | None:
    """Why a frame is not finished, in words; None when it is.

    Args:
        picture: (H, W, 3) uint8, or float light.
        instance: (H, W).
        depth: (H, W) metres, +inf where nothing is.
        expected: the plan puts something before the camera, so ids and depth cannot be empty.
    """
    lit = brightness(picture) > DARK
    if not lit.any():
        return "the picture is blank"
    band = black_band(lit)
    if band >= BAND:
        return f"{band:.0%} of the picture is a black band"
    if expected and not instance.any():
        return "the segmentation has no instance"
    if expected and not np.isfinite(depth).any():
        return "the depth is empty"
    return None


def brightness(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """(H, W) brightest channel; of 255 in 8 bit, and with 1.0 light at 255 in float."""
    brightest = np.nan_to_num(picture.max(2).astype(np.float32))
    return brightest if picture.dtype == np.uint8 else np.asarray(brightest * 255, np.float32)


def black_band(lit: NDArray[np.bool_]) -> float:
    """Share of the height that whole dark rows take at the top or at the bottom, the larger of both.

    The other part must not be dark where the band begins: a dark floor fades, what was not rendered ends at once.
    """
    height = len(lit)
    shares = lit.mean(1)
    best = 0.0
    for rows in (shares, shares[::-1]):
        dark = int(np.argmax(rows > 0)) if (rows > 0).any() else height
        if 0 < dark < height and rows[dark] >= 0.5:
            best = max(best, dark / height)
    return best
