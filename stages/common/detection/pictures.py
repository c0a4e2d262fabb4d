"""Reading photographs the one way that boxes refer to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import InputError


def decode_picture(data: bytes) -> NDArray[np.uint8] | None:
    """Decode JPEG, PNG or another format that OpenCV reads.

    The pixels are taken as they are stored: an EXIF orientation is not applied, since annotation files, LOCO's among
    them, count pixels in stored order too.

    Returns:
        (H, W, 3) BGR, or None when the bytes are not a whole picture.
    """
    import cv2

    if not data:
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if picture is None else np.asarray(picture, np.uint8)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture file; see :func:`decode_picture`.

    Returns:
        (H, W, 3) BGR.

    Raises:
        InputError: when the file cannot be read or is not a picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"picture '{path}' cannot be read ({error.strerror}); check the path") from None
    picture = decode_picture(data)
    if picture is None:
        raise InputError(f"'{path}' is not a picture that can be decoded; remove it or get it again")
    return picture
