"""How a pinhole render becomes the picture of a real lens; the lens itself is in :mod:`stages.sdg.plan.lens`."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.lens import (
    MIN_SLOPE,
    Distortion,
    distort,
    project,
    radius_limit,
    to_normalised,
    to_pixels,
    undistort,
    world_to_camera,
)
from stages.sdg.plan.types import Camera

__all__ = [
    "MARGIN",
    "MIN_SLOPE",
    "Distortion",
    "distort",
    "distortion_maps",
    "overscan",
    "project",
    "radius_limit",
    "to_normalised",
    "to_pixels",
    "undistort",
    "world_to_camera",
]

MARGIN = 2
"""Pixels that an overscanned canvas has beyond the last one that is looked up, for interpolation."""

_BORDER_POINTS = 65


def overscan(camera: Camera) -> Camera:
    """The pinhole camera whose picture holds everything that the distorted picture shows.

    Same pose, focal length and optical axis; a barrel lens needs a larger canvas, a pincushion lens a smaller one.

    Args:
        camera: with or without distortion.

    Returns:
        A camera without distortion, of even width and height; ``camera`` itself when it has none already.
    """
    return camera if camera.distortion == (0.0, 0.0) else _canvas(camera)


@functools.lru_cache(maxsize=16)
def _canvas(camera: Camera) -> Camera:
    corner = np.array([camera.width, camera.height]) / 2 / camera.focal
    along = np.linspace(0, 1, _BORDER_POINTS)[:, None]
    right, bottom = np.array([[1.0, 0], [0, 1.0]]) * corner
    # the farthest lookup lies on the border: at its corner for a barrel, at its middle for a pincushion
    border = undistort(np.concatenate([right + along * bottom, bottom + along * right]), camera.distortion)
    width, height = (2 * (math.ceil(half * camera.focal) + MARGIN) for half in border.max(0))
    return replace(camera, width=width, height=height, distortion=(0.0, 0.0))


def distortion_maps(camera: Camera, pinhole: Camera) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of the distorted picture lies on the undistorted canvas.

    Args:
        camera: of the distorted picture.
        pinhole: of the canvas; from :func:`overscan`.

    Returns:
        ``(map_x, map_y)``, (H, W) float32 of ``camera``, in OpenCV's convention for ``cv2.remap``: the centre of the
        top left pixel is (0, 0). Look up colour bilinearly and ids, depth and normals at the nearest pixel.
    """
    width, height = camera.width, camera.height
    # the lens is the same on all sides of its axis: one quarter says it all
    columns, rows = np.meshgrid(np.arange((width + 1) // 2) + 0.5, np.arange((height + 1) // 2) + 0.5)
    normalised = to_normalised(camera, np.stack([columns, rows], axis=-1))
    plain = undistort(normalised, camera.distortion) * pinhole.focal
    x, y = plain[..., 0], plain[..., 1]
    left, upper = (
        np.concatenate([x, -x[:, ::-1][:, width % 2 :]], 1),
        np.concatenate([y, y[:, ::-1][:, width % 2 :]], 1),
    )
    map_x = np.concatenate([left, left[::-1][height % 2 :]]) + (pinhole.width / 2 - 0.5)
    map_y = np.concatenate([upper, -upper[::-1][height % 2 :]]) + (pinhole.height / 2 - 0.5)
    return map_x.astype(np.float32), map_y.astype(np.float32)
