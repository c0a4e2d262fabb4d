"""What a reader hands over of one frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.label.types import Xyxy

INCLUSIVE = 1
"""What is added to Replicator's ``x_max`` and ``y_max``: they are the last pixel, our boxes end after it."""


class DamagedError(Exception):
    """A frame that cannot be used; its text says why, without naming the frame."""


@dataclass
class Row:
    """One labelled box, as a file has it.

    Attributes:
        labels: its semantic labels, its own and those of prims above it.
        xyxy: tight box in pixels, maxima exclusive.
        path: of its prim; empty where the format has none.
        xyxy_loose: box of the unoccluded object, or None.
        occlusion: hidden share, 0 to 1, or None.
        mask: (H, W) bool, its visible pixels, or None.
    """

    labels: list[str]
    xyxy: Xyxy
    path: str = ""
    xyxy_loose: Xyxy | None = None
    occlusion: float | None = None
    mask: NDArray[np.bool_] | None = None


@dataclass
class Content:
    """A frame that was read.

    Attributes:
        picture: (H, W, 3) uint8, blue, green, red.
        rows: its boxes.
        depth: (H, W) metres along the optical axis (or along the ray, where the file knows no better), +inf where
            nothing is; None without a depth file.
        masks: where the rows' masks are from: ``instances``, ``semantics`` or ``boxes`` (there are none).
        notes: what is odd about it; counted over all frames.
    """

    picture: NDArray[np.uint8]
    rows: list[Row]
    depth: NDArray[np.float32] | None = None
    masks: str = "boxes"
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Listed:
    """A frame that is there to be read.

    Attributes:
        moment: sorts frames, the same for all cameras of one moment.
        camera: that sees it; empty where there is one only.
        name: for messages: its picture.
        read: reads it; a :class:`DamagedError` says that it cannot be used.
    """

    moment: tuple[Any, ...]
    camera: str
    name: str
    read: Callable[[], Content]


@dataclass
class Folder:
    """All that a reader found.

    Attributes:
        format: name of the reader.
        frames: in any order.
        notes: what is odd about the folder as a whole.
    """

    format: str
    frames: list[Listed]
    notes: list[str] = field(default_factory=list)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture, (H, W, 3).

    Raises:
        DamagedError: when there is no whole one, as after a writer that was killed.
    """
    return np.asarray(_decoded(path, color=True), np.uint8)


def read_ids(path: Path) -> NDArray[Any]:
    """A PNG as it is: (H, W) integers, or (H, W, 4) uint8 red, green, blue, opacity.

    Raises:
        DamagedError: when it cannot be read.
    """
    import cv2

    pixels = _decoded(path, color=False)
    if pixels.ndim == 3:
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGBA
        return np.asarray(cv2.cvtColor(pixels, code))
    return pixels


def _decoded(path: Path, *, color: bool) -> NDArray[Any]:
    import cv2

    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path.name} cannot be read") from error
    # how PNG and JPEG end: OpenCV decodes the top half of a truncated one without a word
    whole = data[-8:-4] == b"IEND" if data.startswith(b"\x89PNG") else data[-2:] == b"\xff\xd9"
    flags = cv2.IMREAD_COLOR if color else cv2.IMREAD_UNCHANGED
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data and whole else None
    if pixels is None:
        raise DamagedError(f"{path.name} is no whole picture")
    return np.asarray(pixels)
