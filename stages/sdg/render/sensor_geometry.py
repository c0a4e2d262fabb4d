"""The step that both backends share: a pinhole render on a wider canvas becomes the picture of the lens.

Distorting what was rendered, and not what is to be rendered, keeps every renderer a plain pinhole camera, and gives
picture, ids, depth and normals one and the same geometry.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import Camera
from stages.sdg.render.camera import distortion_maps, overscan
from stages.sdg.render.passes import Passes


@functools.lru_cache(maxsize=2)
def canvas_maps(camera: Camera) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """:func:`distortion_maps` of a camera onto its overscanned canvas; the last ones are kept."""
    return distortion_maps(camera, overscan(camera))


@functools.lru_cache(maxsize=2)
def nearest_canvas_pixel(camera: Camera) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(rows, columns) of the canvas pixel nearest to each pixel of the distorted picture, (H, W) each."""
    map_x, map_y = canvas_maps(camera)
    return np.rint(map_y).astype(np.intp), np.rint(map_x).astype(np.intp)


def distort_passes(passes: Passes, camera: Camera) -> Passes:
    """Passes as the distorting camera sees them.

    Colour is interpolated; ids, parts, depth and normals, which have no values in between, are taken from the nearest
    pixel.

    Args:
        passes: rendered on the canvas of ``overscan(camera)``; their ``amodal`` is of ``camera`` already.
        camera: of the plan.

    Returns:
        Passes of the camera's size; the same object when the camera has no distortion.

    Raises:
        ValueError: when the passes are not of the canvas' size, which is a bug in the backend.
    """
    canvas = overscan(camera)
    if passes.instance.shape != (canvas.height, canvas.width):
        raise ValueError(f"passes are {passes.instance.shape}, not of the canvas {(canvas.height, canvas.width)}")
    if canvas is camera:
        return passes
    rows, columns = nearest_canvas_pixel(camera)
    nearest = rows * canvas.width + columns
    linear = cv2.remap(passes.linear, *canvas_maps(camera), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return replace(
        passes,
        linear=linear.astype(np.float32, copy=False),
        instance=passes.instance.take(nearest),
        depth=passes.depth.take(nearest),
        normals=None if passes.normals is None else passes.normals.reshape(-1, 3).take(nearest, 0),
        parts=None if passes.parts is None else passes.parts.take(nearest),
    )
