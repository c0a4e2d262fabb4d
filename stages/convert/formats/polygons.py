"""Masks as polygons."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def polygons_of(mask: NDArray[np.bool_]) -> list[Floats]:
    """Outer outlines of a mask's pieces, the largest first; holes are filled.

    Args:
        mask: (H, W).

    Returns:
        (P, 2) corners each, P at least 3, in pixels; they lie on the borders of pixels, not in their centres.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return []
    top, left = rows[0], columns[0]
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.uint8)
    # OpenCV's contours join pixel centres. On a mask of twice the size the first half of a pixel stands for its lower
    # border and the second half for its upper one, so that rounding up gives the borders themselves.
    contours, _ = cv2.findContours(part.repeat(2, 0).repeat(2, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outlines = [(np.asarray(contour, np.int32) + 1) // 2 for contour in contours]
    outlines.sort(key=lambda outline: -cv2.contourArea(outline))
    return [outline.reshape(-1, 2) + np.array([left, top], float) for outline in outlines]
