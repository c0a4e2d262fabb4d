"""What a frame is, before anything is rendered.

World coordinates are in metres, right-handed, Z up, the floor at Z = 0. Camera coordinates follow OpenCV: X right,
Y down, Z forward. Pixels: the centre of the top left pixel is (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Vector = tuple[float, float, float]
Colour = tuple[float, float, float]
"""Linear sRGB primaries, 0 to 1."""

Split = Literal["train", "test"]

TEST_START = 1_000_000
"""Frames from this number on are the test frames; they draw from asset variants that no other frame draws from."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with radial distortion.

    Attributes:
        width, height: picture size in pixels.
        focal: focal length in pixels, the same both ways; the principal point is the picture's centre.
        camera_to_world: 4x4 row-major matrix, OpenCV camera coordinates to world.
        distortion: Brown-Conrady (k1, k2), in units of normalised image coordinates; labels follow it.
        near: nearest distance rendered, in metres.
    """

    width: int
    height: int
    focal: float
    camera_to_world: tuple[tuple[float, float, float, float], ...]
    distortion: tuple[float, float] = (0.0, 0.0)
    near: float = 0.05


@dataclass(frozen=True)
class Placement:
    """One thing in the scene.

    Attributes:
        id: instance number in the id pass, 1 or more and unique in the frame.
        family: registered asset generator.
        variant: number of the shape; the same family, variant and parameters give the same mesh and materials.
        parameters: what the sampler fixes of the shape (tiller angle, load height, colours, ...).
        label: class name, or None for what is not labelled.
        position: of the asset's origin, which lies on its floor, in world metres.
        rotation: turn about world Z, then tilt about the turned X and Y, in radians: (yaw, pitch, roll).
        scale: uniform.
    """

    id: int
    family: str
    variant: int
    position: Vector
    rotation: Vector = (0.0, 0.0, 0.0)
    label: str | None = None
    scale: float = 1.0
    parameters: dict[str, float | str | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Lamp:
    """One light.

    Attributes:
        kind: ``area`` (a rectangle that shines along its local -Z), ``point`` or ``sun``.
        position: world metres.
        rotation: (yaw, pitch, roll) in radians, as for a placement.
        power: watts, or watts per square metre for ``sun``.
        colour: linear.
        size: width and length of the area, or twice the radius of the point, in metres.
    """

    kind: Literal["area", "point", "sun"]
    position: Vector
    rotation: Vector
    power: float
    colour: Colour
    size: tuple[float, float]


@dataclass(frozen=True)
class SensorPlan:
    """From linear light to JPEG; the fields are those of the ``randomization.sensor`` settings, drawn.

    Attributes:
        exposure: error of the automatic exposure in stops.
        target: grey level that the automatic exposure aims at, 0 to 1 display.
        white_balance: gains of red, green, blue.
        vignette: fall of light at the corners, 0 to 1.
        motion_blur: (length in pixels, direction in radians).
        defocus: standard deviation in pixels.
        aperture: diameter of the lens opening in millimetres.
        smudge: share of the light that the dirtiest spots of the lens scatter, 0 to 1.
        noise: standard deviation at mid grey of 255.
        demosaic: share of the picture that went through a Bayer mosaic, 0 to 1.
        sharpen: strength of the unsharp mask.
        saturation: 1 is unchanged.
        contrast: slope of the tone curve.
        jpeg_quality: 1 to 100.
        subsampling: of the JPEG's colour: 420, 422 or 444.
        seed: of the noise and of the spots on the lens.
        enabled: False writes the clean render.
    """

    exposure: float = 0.0
    target: float = 0.42
    white_balance: Colour = (1.0, 1.0, 1.0)
    vignette: float = 0.0
    motion_blur: tuple[float, float] = (0.0, 0.0)
    defocus: float = 0.0
    aperture: float = 0.0
    smudge: float = 0.0
    noise: float = 0.0
    demosaic: float = 0.0
    sharpen: float = 0.0
    saturation: float = 1.0
    contrast: float = 1.0
    jpeg_quality: int = 92
    subsampling: int = 420
    seed: int = 0
    enabled: bool = True


@dataclass(frozen=True)
class FramePlan:
    """Everything that determines a frame.

    Attributes:
        frame: its number.
        seed: of the data set.
        split: ``train`` (also validation) or ``test``.
        scenario: registered sampler that arranged it.
        camera, sensor: how it is seen.
        placements: all things, hall included.
        lamps: all lights.
        sky: (red, green, blue) radiance of the surroundings, linear.
        tags: drawn values worth slicing by (``exposure``, ``clutter``, ...).
    """

    frame: int
    seed: int
    split: Split
    scenario: str
    camera: Camera
    sensor: SensorPlan
    placements: tuple[Placement, ...]
    lamps: tuple[Lamp, ...]
    sky: Colour
    tags: dict[str, float | str] = field(default_factory=dict)


def split_of(frame: int) -> Split:
    """Split that a frame number belongs to."""
    return "test" if frame >= TEST_START else "train"
