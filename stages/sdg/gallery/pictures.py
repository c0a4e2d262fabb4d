"""What the page shows of a frame's pictures: small enough for many of them in one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import InputError
from stages.sdg.label.types import FrameLabel

JPEG_BYTES = 160 * 1024
"""A larger picture is compressed anew: 48 frames of this size, with all the rest, make less than 15 MB of base64."""

JPEG_SIDE = 1280
"""Longer side in pixels of a picture that is compressed anew."""

JPEG_QUALITIES = (85, 75, 65)

DEPTH_SIDE = 480
DEPTH_QUALITY = 80

OUTLINE_TOLERANCE = 0.5
"""Pixels by which an outline may cut a corner."""


@dataclass(frozen=True)
class DepthView:
    """A depth picture for people.

    Attributes:
        jpeg: near is red, far is blue (the colour map Turbo, on the logarithm of the distance), nothing is black.
        near, far: metres along the optical axis at both ends of the colours.
    """

    jpeg: bytes
    near: float
    far: float


def decode(data: bytes, name: str) -> NDArray[Any]:
    """Pixels of a stored PNG or JPEG as OpenCV reads them, of any depth.

    Raises:
        InputError: naming ``name`` when it is no picture.
    """
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if pixels is None:
        raise InputError(f"{name} is no picture; make the frames again")
    return np.asarray(pixels)


def fitting_jpeg(data: bytes, name: str, limit: int = JPEG_BYTES) -> bytes:
    """The JPEG itself when it is small enough, else one that is.

    Args:
        data: the stored picture.
        name: for messages.
        limit: most bytes.

    Raises:
        InputError: when it is too large and cannot be read.
    """
    import cv2

    if len(data) <= limit:
        return data
    picture = decode(data, name)
    side = min(JPEG_SIDE, max(picture.shape[:2]))
    while True:
        smaller = _fit(picture, side)
        for quality in JPEG_QUALITIES:
            packed = bytes(cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
            if len(packed) <= limit or side < 64:
                return packed
        side = side * 4 // 5


def depth_view(data: bytes, name: str) -> DepthView:
    """Colours for a stored depth picture (16 bit, millimetres, 0 where nothing is).

    Raises:
        InputError: when it cannot be read.
    """
    import cv2

    millimetres = decode(data, name).astype(np.float32)
    something = millimetres > 0
    near, far = np.percentile(millimetres[something], (1, 99)) if something.any() else (1.0, 1.0)
    share = np.log(np.maximum(millimetres, 1) / near) / max(np.log(far / near), 1e-6)
    level = np.rint(255 * (1 - np.clip(share, 0, 1))).astype(np.uint8)
    colours = cv2.applyColorMap(level, cv2.COLORMAP_TURBO)
    colours[~something] = 0
    small = _fit(colours, DEPTH_SIDE)
    jpeg = bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, DEPTH_QUALITY])[1])
    return DepthView(jpeg, float(near) / 1000, float(far) / 1000)


def outlines(instance: NDArray[np.uint16], label: FrameLabel) -> dict[int, str]:
    """Outline of the visible pixels of every labelled instance by its id, as SVG path data.

    The path runs through the centres of the outermost pixels, counted from the centre of the top left one; holes count
    by the even-odd rule.

    Args:
        instance: (H, W) ids.
        label: of the frame.
    """
    import cv2

    paths = {}
    for item in label.instances:
        left, top, right, bottom = (max(0, int(side)) for side in item.xyxy)
        mask = (instance[top:bottom, left:right] == item.id).astype(np.uint8)
        if not mask.any():
            continue
        found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top))
        # a fixed order, whatever OpenCV's is
        rings = sorted(cv2.approxPolyDP(ring, OUTLINE_TOLERANCE, True)[:, 0].tolist() for ring in found)
        paths[item.id] = "".join(_ring(points) for points in rings)
    return paths


def _ring(points: list[list[int]]) -> str:
    (x, y), *others = points
    path = f"M{x} {y}"
    for across, down in others:
        path += f"l{across - x} {down - y}"
        x, y = across, down
    return f"{path}z"


def _fit(picture: NDArray[Any], side: int) -> NDArray[Any]:
    """The picture with a longer side of at most ``side`` pixels."""
    import cv2

    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
