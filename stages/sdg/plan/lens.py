"""Where a world point falls in the picture of a real lens.

Pixels are continuous coordinates: the centre of the top left pixel is (0.5, 0.5), the principal point is the
picture's centre. *Normalised* coordinates are ``(X / Z, Y / Z)`` in camera space.

The lens is radial Brown-Conrady: ``r' = r (1 + k1 r^2 + k2 r^4)`` (Brown, "Close-range camera calibration", 1971;
OpenCV's ``k1, k2``). The polynomial of a barrel lens turns round at some radius and would fold what lies far outside
back into the picture. Past the radius where its slope falls to :data:`MIN_SLOPE` it is therefore continued as a
straight line: the map stays smooth and one-to-one on the whole plane, and no picture needs a canvas more than
``1 / MIN_SLOPE`` times its size.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.sdg.plan.types import Camera

Floats = NDArray[np.float64]
Distortion = tuple[float, float]

MIN_SLOPE = 0.5
"""Least growth of the distorted radius with the undistorted one; the polynomial holds until it is reached."""

_NODES = 4096


def world_to_camera(camera: Camera, points: ArrayLike) -> Floats:
    """Camera coordinates (X right, Y down, Z forward; metres) of world points.

    Args:
        camera: whose ``camera_to_world`` is rigid.
        points: (..., 3) world metres.

    Returns:
        Array of the same shape.
    """
    matrix = np.asarray(camera.camera_to_world, np.float64)
    world = np.asarray(points, np.float64)
    # The inverse of a rotation is its transpose, and row vectors turn it back; one flat product is the fastest.
    return np.asarray((world.reshape(-1, 3) - matrix[:3, 3]) @ matrix[:3, :3]).reshape(world.shape)


def project(camera: Camera, points: ArrayLike) -> tuple[Floats, Floats]:
    """Where world points fall in the picture, distortion included.

    Args:
        camera: that sees them.
        points: (N, 3) world metres.

    Returns:
        (N, 2) pixels, NaN for points at or behind the camera's plane, and (N,) depths in metres along the optical
        axis.
    """
    local = world_to_camera(camera, points)
    depth = local[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        normalised = np.where(depth[:, None] > 0, local[:, :2] / depth[:, None], np.nan)
    return to_pixels(camera, distort(normalised, camera.distortion)), depth


def to_pixels(camera: Camera, normalised: ArrayLike) -> Floats:
    """Pixels of (distorted) normalised coordinates, (..., 2)."""
    centre = np.array([camera.width / 2, camera.height / 2])
    return np.asarray(np.asarray(normalised, np.float64) * camera.focal + centre)


def to_normalised(camera: Camera, pixels: ArrayLike) -> Floats:
    """Normalised coordinates (still distorted) of pixels, (..., 2); the inverse of :func:`to_pixels`."""
    centre = np.array([camera.width / 2, camera.height / 2])
    return np.asarray((np.asarray(pixels, np.float64) - centre) / camera.focal)


def radius_limit(distortion: Distortion) -> float:
    """Undistorted radius up to which the polynomial is used; infinite when its slope never falls to MIN_SLOPE."""
    k1, k2 = distortion
    # the slope is 1 + 3 k1 t + 5 k2 t^2 with t = r^2; each form of the root is the one without cancellation
    discriminant = 9 * k1 * k1 - 20 * k2 * (1 - MIN_SLOPE)
    if k1 >= 0:
        return math.sqrt((3 * k1 + math.sqrt(discriminant)) / (-10 * k2)) if k2 < 0 else math.inf
    if discriminant < 0:
        return math.inf
    return math.sqrt(2 * (1 - MIN_SLOPE) / (math.sqrt(discriminant) - 3 * k1))


def distort(normalised: ArrayLike, distortion: Distortion) -> Floats:
    """Distorted normalised coordinates.

    Args:
        normalised: (..., 2) of the pinhole camera.
        distortion: (k1, k2).

    Returns:
        Array of the same shape.
    """
    points = np.asarray(normalised, np.float64)
    if distortion == (0.0, 0.0):
        return points.copy()
    radius = np.hypot(points[..., 0], points[..., 1])
    return points * _ratio(_forward(radius, distortion), radius)[..., None]


def undistort(normalised: ArrayLike, distortion: Distortion) -> Floats:
    """Pinhole coordinates of distorted ones; the inverse of :func:`distort` on the whole plane.

    Args:
        normalised: (..., 2) distorted.
        distortion: (k1, k2).

    Returns:
        Array of the same shape.
    """
    points = np.asarray(normalised, np.float64)
    if distortion == (0.0, 0.0):
        return points.copy()
    radius = np.hypot(points[..., 0], points[..., 1])
    return points * _ratio(_backward(radius, distortion), radius)[..., None]


def _ratio(to: Floats, of: Floats) -> Floats:
    """``to / of``, 1 at the axis."""
    return np.divide(to, of, out=np.ones_like(of), where=of > 1e-12)


def _forward(radius: Floats, distortion: Distortion) -> Floats:
    k1, k2 = distortion
    limit = radius_limit(distortion)
    inner = np.minimum(radius, limit)
    square = inner * inner
    return np.asarray(inner * (1 + square * (k1 + k2 * square)) + MIN_SLOPE * (radius - inner))


def _slope(radius: Floats, distortion: Distortion) -> Floats:
    k1, k2 = distortion
    square = np.minimum(radius, radius_limit(distortion)) ** 2
    return np.asarray(1 + square * (3 * k1 + 5 * k2 * square))


def _backward(radius: Floats, distortion: Distortion) -> Floats:
    """Solve ``_forward(r) = radius``: a table for the first guess, then Newton, which roughly squares the error."""
    finite = radius[np.isfinite(radius)]
    if finite.size == 0:
        return radius
    farthest = 1.0
    while _forward(np.array(farthest), distortion) < finite.max():
        farthest *= 2
    nodes = np.linspace(0, farthest, _NODES)
    guess = np.asarray(np.interp(radius, _forward(nodes, distortion), nodes))
    for _ in range(2):
        guess = guess - (_forward(guess, distortion) - radius) / _slope(guess, distortion)
    return guess
