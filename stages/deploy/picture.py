"""From the bytes of a request to pixels, with nothing believed."""

from __future__ import annotations

import io
import struct
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 16_384
"""Longest side of a picture in pixels."""

MAX_SCANS = 100
"""Scans of a JPEG. A progressive one has about ten; each costs a pass over all pixels and can take a handful of bytes,
so that six megabytes of them keep a core busy for hours (libjpeg-turbo's own fuzzers stop at 500)."""

START_OF_SCAN = b"\xff\xda"
"""Marker of a scan; in entropy-coded data a zero follows each ``ff`` (ITU T.81, section B.1.1)."""

ORIENTATION, SHORT = 0x0112, 3
"""EXIF's tag, and the type of its value."""

FLIPS = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
"""Steps over rows and columns by EXIF orientation, after rows and columns have changed places in :data:`TRANSPOSED`."""

TRANSPOSED = {5, 6, 7, 8}

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")


class PictureError(Exception):
    """The bytes are no picture that can be used; the message is a sentence for the client.

    Attributes:
        status: HTTP status to answer.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def decode_upright(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Decode a picture, turned upright as its EXIF orientation says.

    The size is read from the header first, so that a small file cannot ask for gigabytes of pixels.

    Args:
        data: a JPEG, PNG, WebP or BMP file.
        max_pixels: largest width times height.

    Returns:
        (H, W, 3) BGR uint8.

    Raises:
        PictureError: when the bytes are not such a picture, not all of it, or it is too large.
    """
    if not data:
        raise PictureError(400, "the body is empty: send the bytes of a picture")
    width, height, orientation = _header(data)
    if max(width, height) > MAX_SIDE or width * height > max_pixels:
        raise PictureError(
            413,
            f"the picture is {width}x{height} pixels, more than {max_pixels} in all or {MAX_SIDE} a side: "
            "send a smaller one",
        )
    if data.startswith(b"\xff\xd8") and data.count(START_OF_SCAN) > MAX_SCANS:
        raise PictureError(400, f"the JPEG has more than {MAX_SCANS} scans: send a plain one")
    import cv2

    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise PictureError(400, "the picture is truncated or damaged: send the whole file")
    return np.asarray(picture if orientation == 1 else _turned(picture, orientation), np.uint8)


def _turned(picture: Any, orientation: int) -> Any:
    """Upright, as EXIF numbers the ways to hold a camera (CIPA DC-008, tag 0x0112)."""
    if orientation in TRANSPOSED:
        picture = picture.transpose(1, 0, 2)
    rows, columns = FLIPS[orientation]
    return np.ascontiguousarray(picture[::rows, ::columns])


def _header(data: bytes) -> tuple[int, int, int]:
    """Width and height as the header has them, and the EXIF orientation that OpenCV would leave out: a WebP's."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as header:
                width, height = header.size
                return width, height, _orientation(header.info.get("exif", b"")) if header.format == "WEBP" else 1
        except Image.DecompressionBombError:
            raise PictureError(413, "the picture has far too many pixels: send a smaller one") from None
        except Exception:  # the parsers raise whatever a hostile header makes them
            raise PictureError(
                400, "the body is not a whole JPEG, PNG, WebP or BMP picture: send such a file"
            ) from None


def _orientation(exif: bytes) -> int:
    """1 to 8 of an EXIF block; 1, upright, for whatever is no such number or cannot be read.

    Not by Pillow's ``getexif``: before version 13 it copies all that each of up to 65,535 entries points to.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, first)
        for place in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, place)
            if tag == ORIENTATION:
                return value if kind == SHORT and value in FLIPS else 1
    except struct.error:  # it points beyond its end
        pass
    return 1


def quiet_decoders() -> None:
    """One thread a picture, and no word on standard error about a bad one; for a server, once."""
    import cv2

    cv2.setNumThreads(1)
    cv2.setLogLevel(0)  # silent
