"""What is stored of a frame: the file suffixes and how passes become their bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.sdg.label.types import FrameLabel

ALWAYS = ("instance.png", "jpg", "json")
"""Suffixes that every frame has: placement ids (uint16), the picture and its :class:`FrameLabel`."""

MILLIMETRES = 1000.0
DEPTH_LIMIT = 65_535
"""Largest depth that 16 bits hold, in millimetres; what is farther is written as this."""

FLOW_STEPS, FLOW_ZERO = 64.0, 32_768.0
"""Steps a pixel and the value of no motion, of KITTI's flow encoding."""

PNG_LEVEL = 4
"""zlib level: beyond it the masks shrink by little and take several times as long."""


def encode_png(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """A PNG of (H, W) grey or (H, W, 3) RGB values, 8 or 16 bit."""
    import cv2

    ordered = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[:, :, ::-1])
    done, data = cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    if not done:
        raise ValueError(f"no PNG can be made of {pixels.dtype} {pixels.shape}")
    return bytes(data)


def depth_image(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Metres to whole millimetres, (H, W); 0 where nothing is (``+inf``)."""
    something = np.isfinite(depth)
    millimetres = np.rint(np.where(something, depth, 0).astype(np.float64) * MILLIMETRES)
    clipped: NDArray[np.uint16] = np.where(something, np.clip(millimetres, 1, DEPTH_LIMIT), 0).astype(np.uint16)
    return clipped


def flow_image(flow: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Flow (H, W, 2) in pixels as KITTI stores it, (H, W, 3).

    Red is ``u * 64 + 2^15``, green the same of v, blue 1 where there is a flow (Geiger et al., the devkit of KITTI's
    flow benchmark 2015). What is longer than its 512 pixels has none.
    """
    scaled = np.rint(flow * FLOW_STEPS + FLOW_ZERO)
    held = valid & ((scaled >= 0) & (scaled <= np.iinfo(np.uint16).max)).all(-1)
    image = np.concatenate([scaled, np.ones((*valid.shape, 1))], -1)
    encoded: NDArray[np.uint16] = np.where(held[..., None], image, 0).astype(np.uint16)
    return encoded


def normals_image(normals: NDArray[np.float32], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """World normals (H, W, 3) to RGB, ``(n + 1) / 2`` of 255; black where nothing is."""
    scaled = np.rint(np.clip((normals + 1) * 0.5, 0, 1) * 255)
    image: NDArray[np.uint8] = np.where(np.isfinite(depth)[:, :, None], scaled, 0).astype(np.uint8)
    return image


def semantic_image(instance: NDArray[np.uint16], label: FrameLabel, classes: Sequence[str]) -> NDArray[np.uint8]:
    """Class number + 1 of each pixel, (H, W); 0 where no labelled object is."""
    table = np.zeros(1 << 16, np.uint8)
    for item in label.instances:
        table[item.id] = classes.index(item.class_name) + 1
    image: NDArray[np.uint8] = table[instance]
    return image
