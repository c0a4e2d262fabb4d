"""What a lens does to light besides distorting it: depth of field, and dirt on its glass."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import Camera

Floats = NDArray[np.float32]

SHARP = 0.25
"""Standard deviation in pixels below which blur is not seen."""

LAYERS = 4
"""Blurred pictures that depth of field is mixed from."""

BLUREST = 8.0
"""Largest standard deviation of depth of field in pixels."""

SPOTS = (2, 7)
"""Least and most spots of dirt on a lens."""

VEIL = 0.08
"""Standard deviation of the light that a spot scatters, as a share of the picture's width."""

_VEIL_SCALE = 8


def circle_of_confusion(depth: Floats, aperture: float, camera: Camera) -> Floats:
    """Diameter of the disk, in pixels, that a point at each pixel's depth spreads over.

    The lens is thin and focuses at the median depth of the picture's middle, as an automatic one does; for distances
    far above its focal length the diameter is ``f A |1/z - 1/s|`` (Potmesil and Chakravarty, SIGGRAPH 1981, eq. 7).

    Args:
        depth: (H, W) metres along the optical axis, infinite where nothing is.
        aperture: diameter A of the opening in millimetres.
        camera: whose focal length f counts, in pixels.
    """
    height, width = depth.shape
    middle = depth[height * 2 // 5 : height * 3 // 5 + 1, width * 2 // 5 : width * 3 // 5 + 1]
    inverse = 1 / np.maximum(depth, np.float32(camera.near))
    focus = float(np.median(1 / np.maximum(middle, np.float32(camera.near))))
    return np.asarray(camera.focal * aperture / 1000 * np.abs(inverse - np.float32(focus)), np.float32)


def with_depth_of_field(light: Floats, depth: Floats, aperture: float, camera: Camera) -> Floats:
    """Blur what lies nearer or farther than the middle of the picture.

    Each pixel is mixed from the two of some blurred pictures whose blur is next to its own; a disk of diameter ``c`` is
    taken as a Gaussian of its standard deviation, ``c / 4``. Blur of near things does not spill over what is sharp.

    Args:
        light: (H, W, 3) linear.
        depth: (H, W) metres.
        aperture: in millimetres; 0 changes nothing.
        camera: that took it.
    """
    if aperture <= 0:
        return light
    wanted = np.minimum(circle_of_confusion(depth, aperture, camera) / 4, np.float32(BLUREST))
    most = float(wanted.max(initial=0))
    if most < SHARP:
        return light
    # borders of depth are steps; a step in blur shows as a seam
    wanted = _floats(cv2.GaussianBlur(wanted, (0, 0), 1.0))
    deviations = np.concatenate([[0.0], np.geomspace(min(SHARP, most), most, LAYERS)])
    layers = [light] + [_floats(cv2.GaussianBlur(light, (0, 0), float(each))) for each in deviations[1:]]
    mixed = np.zeros_like(light)
    place = np.interp(wanted, deviations, np.arange(len(layers))).astype(np.float32)
    for number, layer in enumerate(layers):
        mixed += in_colour(np.maximum(0, 1 - np.abs(place - number))) * layer
    return mixed


def with_smudges(light: Floats, strength: float, seed: int) -> Floats:
    """Spots of grease on the lens scatter the light behind them over their surroundings.

    Args:
        light: (H, W, 3) linear.
        strength: share of light that the dirtiest spot scatters, 0 to 1; 0 changes nothing.
        seed: of the spots.
    """
    if strength <= 0:
        return light
    height, width = light.shape[:2]
    rng = np.random.default_rng([seed, 1])
    small = (max(8, width // _VEIL_SCALE), max(8, height // _VEIL_SCALE))
    across, down = np.linspace(0, 1, small[0]), np.linspace(0, height / width, small[1])[:, None]
    mask = np.zeros((small[1], small[0]))
    for _ in range(int(rng.integers(SPOTS[0], SPOTS[1] + 1))):
        x, y = rng.uniform(0, 1), rng.uniform(0, height / width)
        angle, length, breadth = rng.uniform(0, np.pi), rng.uniform(0.05, 0.3), rng.uniform(0.02, 0.12)
        along = (across - x) * np.cos(angle) + (down - y) * np.sin(angle)
        beside = (down - y) * np.cos(angle) - (across - x) * np.sin(angle)
        mask = np.maximum(mask, rng.uniform(0.3, 1) * np.exp(-((along / length) ** 2) - (beside / breadth) ** 2))
    veil = cv2.GaussianBlur(cv2.resize(light, small, interpolation=cv2.INTER_AREA), (0, 0), VEIL * small[0])
    share = _floats(cv2.resize(mask * strength, (width, height), interpolation=cv2.INTER_LINEAR))[..., None]
    scattered = _floats(cv2.resize(veil, (width, height), interpolation=cv2.INTER_LINEAR))
    return np.asarray(light + share * (scattered - light), np.float32)


def in_colour(grey: Floats) -> Floats:
    """(H, W) as (H, W, 3): numpy is several times slower where it repeats a pixel's value over three channels."""
    return _floats(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


def _floats(values: Any) -> Floats:
    """OpenCV's results have no precise type."""
    return np.asarray(values, np.float32)
