"""Masks for rows of files that do not say which pixels are whose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from stages.convert.readers.types import Row
from stages.sdg.label.types import Xyxy

NEAR = 1.0
"""Pixels by which a box and the extent of its mask may differ: writers disagree about the last pixel."""


def extent_of(mask: NDArray[np.bool_]) -> Xyxy | None:
    """Extent of the pixels of a mask, maxima exclusive; None where it has none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def area_of(box: Xyxy) -> float:
    """Square pixels of a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def is_near(first: Xyxy, second: Xyxy) -> bool:
    """Whether two boxes are the same but for :data:`NEAR`."""
    return max(abs(a - b) for a, b in zip(first, second, strict=True)) <= NEAR


def is_inside(part: Xyxy, whole: Xyxy) -> bool:
    """Whether a box lies in another one, but for :data:`NEAR`."""
    grown = whole[0] - NEAR, whole[1] - NEAR, whole[2] + NEAR, whole[3] + NEAR
    return part[0] >= grown[0] and part[1] >= grown[1] and part[2] <= grown[2] and part[3] <= grown[3]


def give_by_extent(rows: Collection[Row], ids: NDArray[np.int64]) -> int:
    """Give each row the pixels of the one id that has its extent, and those of the others to the wholes around them.

    A labelled prim with labelled parts has a box around all of them, and an id for the pixels that are its own alone.

    Args:
        rows: of a file whose ids say nothing of rows.
        ids: (H, W), 0 where nothing is.

    Returns:
        How many ids are no row's.
    """
    free, lost = [row for row in rows if row.mask is None], []
    for number in np.unique(ids[ids > 0]):
        mask = ids == number
        extent = extent_of(mask)
        near = [row for row in free if extent is not None and is_near(row.xyxy, extent)]
        if near:
            near[0].mask = mask
            free.remove(near[0])
        elif extent is not None:
            lost.append((mask, extent))
    wholes = [row for row in free if any(_is_part(other, row) for other in rows)]
    wholes.sort(key=lambda row: area_of(row.xyxy))
    for mask, extent in list(lost):
        owner = next((row for row in wholes if is_inside(extent, row.xyxy)), None)
        if owner is not None:
            owner.mask = mask if owner.mask is None else owner.mask | mask
            lost = [item for item in lost if item[0] is not mask]
    return len(lost)


def _is_part(row: Row, whole: Row) -> bool:
    return row is not whole and row.labels[:1] == whole.labels[:1] and is_inside(row.xyxy, whole.xyxy)


def give_by_class(rows: Iterable[Row], pixels_of: Callable[[tuple[str, ...]], NDArray[np.bool_] | None]) -> bool:
    """Give each row pixels of its class: one belongs to the smallest box of this class around it.

    Args:
        rows: of a frame.
        pixels_of: (H, W), where the picture shows something with these labels; None where it does not know them.

    Returns:
        Whether a row got some.
    """
    taken: dict[tuple[str, ...], NDArray[np.bool_] | None] = {}
    given = False
    for row in sorted(rows, key=lambda row: area_of(row.xyxy)):
        name = tuple(row.labels)
        if name not in taken:
            taken[name] = pixels_of(name)
        pixels = taken[name]
        if pixels is None:
            continue
        left, top, right, bottom = (max(0, int(side)) for side in row.xyxy)
        inside = np.zeros_like(pixels)
        inside[top:bottom, left:right] = pixels[top:bottom, left:right]
        if inside.any():
            row.mask = inside
            pixels &= ~inside
            given = True
    return given
