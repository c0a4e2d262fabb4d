"""Which pixels of a photograph are the object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import InputError, MissingDependencyError

Box = tuple[float, float, float, float]

LEAST_SIDE = 16
"""Pixels that a box has at least, both ways."""

LEAST_PIXELS = 200
"""Pixels that an object has at least."""

LONGEST = 8192
"""Pixels of the longer side of a photograph that is looked at."""

ROUNDS = 6
"""Iterations of GrabCut."""

WORKING = 800
"""Longer side in pixels at which GrabCut looks; its edges are then as sharp as the mask needs."""


@dataclass(frozen=True)
class Cutout:
    """An object in a photograph.

    Attributes:
        image: (H, W, 3) sRGB.
        mask: (H, W) True on the object.
        how: the mask was found.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    how: str


def cut_out(photo: Path, box: Box | None, mask: Path | None, sam: Path | None) -> Cutout:
    """Find the object of a photograph.

    Args:
        photo: JPEG, PNG, HEIC or whatever Pillow reads, turned as its EXIF says.
        box: x1, y1, x2, y2 in pixels of the turned photograph.
        mask: picture of its size that is not black, or not transparent, on the object; ``box`` is then not needed.
        sam: weights of a SAM model that Ultralytics loads; without them GrabCut (Rother et al. 2004) does it.

    Raises:
        InputError: when photograph, box or mask cannot be used.
        MissingDependencyError: when SAM is asked for and cannot be loaded.
    """
    image = read_photo(photo)
    if mask is not None:
        return Cutout(image, read_mask(mask, image.shape[:2]), f"from {mask.name}")
    if box is None:
        raise InputError(f"nothing says where in {photo} the object is: give --box x1,y1,x2,y2 or --mask FILE")
    inside = checked_box(box, image, photo)
    if sam is not None:
        found, how = _by_sam(image, inside, sam), f"by {sam.name} in the box"
    else:
        found, how = _by_grabcut(image, inside), "by GrabCut in the box"
    if found.sum() < LEAST_PIXELS:
        raise InputError(
            f"no object stands out in the box {','.join(f'{v:g}' for v in box)} of {photo}: draw it closer around the "
            "object, or give --mask FILE"
        )
    return Cutout(image, found, how)


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) sRGB, turned as EXIF says.

    Raises:
        InputError: when it cannot be read or is too large or too small.
    """
    from pi_heif import register_heif_opener
    from PIL import Image, ImageOps

    if not path.is_file():
        raise InputError(f"{path} is not there: give the path of a photograph")
    register_heif_opener()
    try:
        with Image.open(path) as opened:
            if max(opened.size) > LONGEST:
                raise InputError(f"{path} is {opened.size[0]} x {opened.size[1]} pixels: scale it to {LONGEST} at most")
            image = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is no readable picture ({type(error).__name__}): give a JPEG, PNG or HEIC") from error
    if min(image.shape[:2]) < LEAST_SIDE:
        raise InputError(f"{path} is {image.shape[1]} x {image.shape[0]} pixels, too few: give a larger picture")
    return image


def read_mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask (H, W): by transparency where the picture has some, else what is not black.

    Raises:
        InputError: when it cannot be read, has another size than the photograph, or marks nothing or everything.
    """
    from PIL import Image

    try:
        with Image.open(path) as opened:
            has_alpha = opened.mode in ("RGBA", "LA", "PA")
            grey = np.asarray(opened.convert("RGBA"))[..., 3] if has_alpha else np.asarray(opened.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path} is no readable mask ({type(error).__name__}): give a PNG") from error
    if grey.shape != tuple(shape):
        raise InputError(
            f"{path} is {grey.shape[1]} x {grey.shape[0]} pixels and the photograph {shape[1]} x {shape[0]}: make them "
            "the same size"
        )
    mask = grey > (127 if has_alpha else 0)
    if mask.sum() < LEAST_PIXELS or mask.all():
        raise InputError(f"{path} marks {int(mask.sum())} pixels: mark the object, and it alone")
    return mask


def checked_box(box: Box, image: NDArray[np.uint8], photo: Path) -> tuple[int, int, int, int]:
    """A box in whole pixels, cut off at the picture's edges.

    Raises:
        InputError: when it is none, or hardly any of it lies in the picture.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (round(min(max(value, 0), most)) for value, most in zip(box, (width, height) * 2, strict=True))
    if x2 - x1 < LEAST_SIDE or y2 - y1 < LEAST_SIDE:
        raise InputError(
            f"the box {','.join(f'{value:g}' for value in box)} leaves no object in {photo}, which is {width} x "
            f"{height} pixels: give x1,y1,x2,y2 from its upper left corner"
        )
    return x1, y1, x2, y2


def _by_grabcut(image: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    import cv2

    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    # what lies far outside of the box says little about what is beside the object
    side = 0.4 * max(x2 - x1, y2 - y1)
    left, top = max(0, int(x1 - side)), max(0, int(y1 - side))
    right, bottom = min(width, int(x2 + side)), min(height, int(y2 + side))
    crop = image[top:bottom, left:right]
    scale = min(1.0, WORKING / max(crop.shape[:2]))
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    inner = [int((x1 - left) * scale), int((y1 - top) * scale), int((x2 - left) * scale), int((y2 - top) * scale)]
    labels = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    labels[inner[1] : inner[3], inner[0] : inner[2]] = cv2.GC_PR_FGD
    if (labels == cv2.GC_BGD).sum() < LEAST_PIXELS:
        # the box is the whole picture: its edge is the background
        labels[[0, -1]] = labels[:, [0, -1]] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(small[..., ::-1])
    cv2.grabCut(bgr, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = _largest(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)))
    mask = np.zeros((height, width), bool)
    grown = cv2.resize(found.astype(np.float32), (crop.shape[1], crop.shape[0]), interpolation=cv2.INTER_LINEAR)
    mask[top:bottom, left:right] = grown > 0.5
    return mask


def _largest(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest region and those at least a tenth of it, without small holes."""
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    closed = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    area = stats[1:, cv2.CC_STAT_AREA]
    if not len(area):
        return np.zeros_like(found)
    return np.isin(labels, 1 + np.flatnonzero(area >= 0.1 * area.max()))


def _by_sam(image: NDArray[np.uint8], box: tuple[int, int, int, int], weights: Path) -> NDArray[np.bool_]:
    if not weights.is_file():
        raise InputError(f"{weights} is not there: give --sam the weights of a SAM model, or leave it out")
    try:
        from ultralytics import SAM
    except ImportError as error:
        raise MissingDependencyError(
            f"SAM needs ultralytics, which cannot be imported ({error}): install it"
        ) from error
    try:
        model: Any = SAM(str(weights))
        result = model(image[..., ::-1], bboxes=[list(box)], verbose=False)[0]
    except Exception as error:  # whatever torch and ultralytics make of weights that are of something else
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{weights} does not work as a SAM model ({reason}): give sam2_b.pt or another one") from error
    if result.masks is None or not len(result.masks.data):
        return np.zeros(image.shape[:2], bool)
    return np.asarray(result.masks.data[0].cpu().numpy() > 0.5)
