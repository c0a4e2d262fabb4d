"""From linear light to the bytes of a JPEG, in the order in which a small camera does it.

Lens (depth of field, defocus, dirt, vignette, motion) → exposure and white balance → shot and read noise on a Bayer
mosaic → tone curve → the picture itself through a Bayer mosaic → saturation → sharpening → 8 bits → JPEG.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import Camera, SensorPlan
from stages.sdg.render.optics import in_colour, with_depth_of_field, with_smudges

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

LUMA = (0.2126, 0.7152, 0.0722)
"""Red, green and blue in luminance (ITU-R BT.709)."""

MID_GREY = 0.18
"""Linear light that shows as mid grey."""

SHOULDER = 0.5
"""Linear light above which highlights are rolled off instead of clipped."""

BRIGHTEST = 6.0
"""Linear light that shows as white whatever is above it."""

PIVOT = 0.45
"""Display value that contrast turns about."""

READ_SHARE = 0.08
"""Share of read noise in the variance at mid grey; the rest is shot noise, which grows with light."""

SHARPEN_RADIUS = 1.0
"""Standard deviation of the unsharp mask in pixels."""

_CURVE_NODES = 1 << 13
_MOST_LIGHT = 1e6
_METER_STEP = 8
_METER_STOPS = 24.0
_FULL_DEMOSAIC = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))
_GREEN_DEMOSAIC = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
_RAW_WHITE = 65535
_HUE_SMOOTHING = 1.3
_GREY_SMOOTHING = 0.6
"""Standard deviations in pixels; the grain's spectrum is then that of flat areas in warehouse photographs."""
_GRAIN_DEVIATION = 0.4
"""Standard deviation of the luminance of :func:`_grain` before it is brought to 1."""

Subsampling = Literal["444", "422", "420"]
SUBSAMPLINGS: dict[int, Subsampling] = {444: "444", 422: "422", 420: "420"}
"""By the number that settings and plans give them."""
_SAMPLING_FACTORS: dict[Subsampling, int] = {"444": 0x111111, "422": 0x211111, "420": 0x221111}


def develop(linear: Floats, sensor: SensorPlan, camera: Camera, depth: Floats | None = None) -> Picture:
    """Turn light into the picture that the sensor's camera would save.

    Exposure is automatic: the centre-weighted mean of the finished picture's luminance is brought to
    ``sensor.target``, then ``sensor.exposure`` errs from it. Lamps and windows may clip, as they do in photographs.

    Args:
        linear: (H, W, 3) float32 red, green, blue; scene-referred, any scale.
        sensor: what the camera does; equal plans give equal pictures.
        camera: that took it.
        depth: (H, W) metres, infinite where nothing is; without it all is in focus.

    Returns:
        (H, W, 3) uint8 in OpenCV's order: blue, green, red.
    """
    light = np.clip(linear, 0, _MOST_LIGHT).astype(np.float32, copy=False)
    np.copyto(light, 0, where=np.isnan(light))
    if not sensor.enabled:
        plain = _curve(1.0, False)
        gain = _metered_gain(light, sensor.target, plain) * 2**sensor.exposure
        return _quantised(_apply(plain, light * np.float32(gain)))
    light = _through_lens(light, sensor, camera, depth)
    curve = _curve(sensor.contrast, True)
    gain = _metered_gain(light, sensor.target, curve) * 2**sensor.exposure
    light = _balanced(light, sensor.white_balance)
    light *= np.float32(gain)
    if sensor.noise > 0:
        light = _with_noise(light, sensor, curve)
    shown = _saturated(_demosaicked(_apply(curve, light), sensor.demosaic), sensor.saturation)
    return _quantised(_sharpened(shown, sensor.sharpen))


def encode_jpeg(picture: Picture, quality: int, subsampling: Subsampling = "420") -> bytes:
    """A picture as JPEG.

    Args:
        picture: (H, W, 3) uint8, blue, green, red.
        quality: 1 to 100.
        subsampling: of the colour: ``420`` as nearly all cameras do, ``422`` or ``444`` for none.

    Raises:
        ValueError: when OpenCV refuses the picture.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING_FACTORS[subsampling]]
    done, data = cv2.imencode(".jpg", picture, options)
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be encoded as JPEG")
    return bytes(data.tobytes())


def _through_lens(light: Floats, sensor: SensorPlan, camera: Camera, depth: Floats | None) -> Floats:
    if depth is not None:
        light = with_depth_of_field(light, depth, sensor.aperture, camera)
    light = with_smudges(light, sensor.smudge, sensor.seed)
    if sensor.vignette > 0:
        y, x = np.ogrid[0 : camera.height, 0 : camera.width]
        square = ((x + 0.5) / camera.width * 2 - 1) ** 2 * camera.width**2
        square = square + ((y + 0.5) / camera.height * 2 - 1) ** 2 * camera.height**2
        square /= camera.width**2 + camera.height**2
        light = light * in_colour((1 - sensor.vignette * square).astype(np.float32))
    if sensor.defocus > 0:
        light = _image(cv2.GaussianBlur(light, (0, 0), sensor.defocus, borderType=cv2.BORDER_REPLICATE))
    length, direction = sensor.motion_blur
    if length > 0:
        kernel = motion_kernel(length, direction)
        light = _image(cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REPLICATE))
    return light


def motion_kernel(length: float, direction: float) -> Floats:
    """The path of a point during the exposure, as weights that sum to 1.

    Args:
        length: of the path in pixels.
        direction: of the path in radians, from right towards down.

    Returns:
        (K, K) float32, K odd.
    """
    half = math.ceil(length / 2 + 0.5)
    side = 2 * half + 1
    kernel = np.zeros((side, side))
    along = np.linspace(-length / 2, length / 2, 4 * side + 1)
    x, y = half + along * math.cos(direction), half + along * math.sin(direction)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for right in (0, 1):
        for low in (0, 1):
            weight = np.abs(1 - right - (x - left)) * np.abs(1 - low - (y - top))
            np.add.at(kernel, (np.minimum(top + low, side - 1), np.minimum(left + right, side - 1)), weight)
    return np.asarray(kernel / kernel.sum(), np.float32)


@functools.lru_cache(maxsize=64)
def _curve(contrast: float, film: bool) -> Floats:
    """Display values of linear light; the nodes lie evenly in its square root, from 0 to BRIGHTEST.

    The roll-off of highlights is exponential with a continuous slope, the transfer function is sRGB's
    (IEC 61966-2-1), contrast is a power on either side of the pivot, so that its slope there is ``contrast``.
    """
    light = np.linspace(0, 1, _CURVE_NODES) ** 2 * BRIGHTEST
    if film:
        rest = 1 - SHOULDER
        rolled = SHOULDER + rest * (1 - np.exp(-(np.maximum(light, SHOULDER) - SHOULDER) / rest))
        light = np.where(light > SHOULDER, rolled, light)
    light = np.minimum(light, 1)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    above = 1 - (1 - PIVOT) * ((1 - np.maximum(shown, PIVOT)) / (1 - PIVOT)) ** contrast
    below = PIVOT * (np.minimum(shown, PIVOT) / PIVOT) ** contrast
    return np.where(shown > PIVOT, above, below).astype(np.float32)


def _apply(curve: Floats, light: Floats) -> Floats:
    scale = np.float32((_CURVE_NODES - 1) / math.sqrt(BRIGHTEST))
    node = np.clip(light, 0, BRIGHTEST)
    np.sqrt(node, out=node)
    node *= scale
    node += np.float32(0.5)
    return np.asarray(curve.take(node.astype(np.intp)))


def _luminance(light: Floats) -> Floats:
    return _image(cv2.transform(light, np.array([LUMA], np.float32)))


def _balanced(light: Floats, factors: Sequence[float]) -> Floats:
    """Light with each channel multiplied by its factor, row by row for the reason of :func:`in_colour`."""
    height, width = light.shape[:2]
    rows = light.reshape(height, -1) * np.tile(np.asarray(factors, np.float32), width)
    return np.asarray(rows.reshape(light.shape))


def _metered_gain(light: Floats, target: float, curve: Floats) -> float:
    """Factor that brings the centre-weighted mean of the finished luminance to the target."""
    sample = _luminance(np.ascontiguousarray(light[::_METER_STEP, ::_METER_STEP]))
    y, x = (np.linspace(-1, 1, side)[:, None] for side in sample.shape)
    weight = 1 - 0.5 * (y**2 + x.T**2) / 2
    whole = weight.sum()

    def mean(values: Floats) -> float:
        return float((values * weight).sum() / whole)

    bright = mean(sample)
    if bright <= 0:
        return 1.0
    low, high = -_METER_STOPS, _METER_STOPS
    for _ in range(32):
        stops = (low + high) / 2
        shown = _apply(curve, sample * np.float32(2**stops / bright))
        if mean(shown) < target:
            low = stops
        else:
            high = stops
    return float(2 ** ((low + high) / 2) / bright)


def _with_noise(light: Floats, sensor: SensorPlan, curve: Floats) -> Floats:
    """Shot and read noise, scaled so that mid grey has the planned deviation once the tone curve is applied."""
    step = MID_GREY / 20
    ends = _apply(curve, np.array([MID_GREY - step, MID_GREY + step], np.float32))
    deviation = sensor.noise / 255 / (float(ends[1] - ends[0]) / (2 * step))
    shot, read = deviation**2 * (1 - READ_SHARE) / MID_GREY, deviation**2 * READ_SHARE
    noise = light * np.float32(shot)
    noise += np.float32(read)
    np.sqrt(noise, out=noise)
    height, width = light.shape[:2]
    noise *= _grain(height, width, sensor.seed)
    noise += light
    return noise


def _grain(height: int, width: int, seed: int) -> Floats:
    """(H, W, 3) noise as cameras leave it: white on a Bayer mosaic, interpolated to full colour, then smoothed."""
    white = np.random.default_rng(seed).standard_normal((height, width), dtype=np.float32)
    channels = []
    for sites, kernel in (
        (((0, 0),), _FULL_DEMOSAIC),
        (((0, 1), (1, 0)), _GREEN_DEMOSAIC),
        (((1, 1),), _FULL_DEMOSAIC),
    ):
        mosaic = np.zeros_like(white)
        for row, column in sites:
            mosaic[row::2, column::2] = white[row::2, column::2]
        channels.append(cv2.filter2D(mosaic, -1, np.array(kernel, np.float32), borderType=cv2.BORDER_REFLECT_101))
    colour = _image(cv2.merge(channels))
    grey = _luminance(colour)
    colour -= in_colour(grey)
    grain = _image(cv2.GaussianBlur(colour, (0, 0), _HUE_SMOOTHING))
    grain += in_colour(_image(cv2.GaussianBlur(grey, (0, 0), _GREY_SMOOTHING)))
    grain /= np.float32(_GRAIN_DEVIATION)
    return grain


def _demosaicked(shown: Floats, strength: float) -> Floats:
    """The picture after an RGGB mosaic and a bilinear demosaic, which frays edges and colours fine stripes.

    Args:
        shown: (H, W, 3) display values.
        strength: share of it in the result; 0 returns ``shown`` itself.
    """
    if strength <= 0:
        return shown
    raw = np.ascontiguousarray(shown[..., 1])
    raw[::2, ::2], raw[1::2, 1::2] = shown[::2, ::2, 0], shown[1::2, 1::2, 2]
    np.clip(raw, 0, 1, out=raw)
    raw *= np.float32(_RAW_WHITE)
    # 16 bits: with 8, the noise of dark areas would be rounded away
    full = _image(cv2.cvtColor(np.rint(raw).astype(np.uint16), cv2.COLOR_BayerRGGB2RGB))
    full *= np.float32(strength / _RAW_WHITE)
    return full if strength >= 1 else full + shown * np.float32(1 - strength)


def _saturated(shown: Floats, saturation: float) -> Floats:
    if saturation == 1:
        return shown
    grey = in_colour(_luminance(shown))
    hue = shown - grey
    hue *= np.float32(saturation)
    hue += grey
    return hue


def _sharpened(shown: Floats, strength: float) -> Floats:
    """Unsharp mask of the luminance; it leaves halos, as cameras do."""
    if strength <= 0:
        return shown
    grey = _luminance(np.clip(shown, 0, 1))
    detail = grey - cv2.GaussianBlur(grey, (0, 0), SHARPEN_RADIUS)
    return np.asarray(shown + in_colour(np.float32(strength) * detail))


def _quantised(shown: Floats) -> Picture:
    scaled = np.clip(shown, 0, 1)
    scaled *= np.float32(255)
    eight = np.rint(scaled, out=scaled).astype(np.uint8)
    return np.asarray(cv2.cvtColor(eight, cv2.COLOR_RGB2BGR), np.uint8)


def _image(values: Any) -> Floats:
    """OpenCV's results have no precise type."""
    return np.asarray(values, np.float32)
