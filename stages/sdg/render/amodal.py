"""How large each object would be in the picture with nothing in front of it and no border to cut it off.

Each object is drawn alone, and only inside its own bounds. Its outline is drawn on the undistorted canvas and looked
up through the lens as the rendered passes are, pixel for pixel, instead of distorting its corners: long edges stay
curved, and a visible pixel of a pixel-centre renderer is always one of the outline's.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.sdg.assets.types import PARTS
from stages.sdg.plan.types import Camera
from stages.sdg.render.camera import distort, overscan, to_normalised, to_pixels, undistort, world_to_camera
from stages.sdg.render.passes import Amodal
from stages.sdg.render.raster import clip_near, rasterize, silhouette
from stages.sdg.render.sensor_geometry import nearest_canvas_pixel

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
T = TypeVar("T", np.bool_, np.uint16)
Draw = Callable[[float, float, float, int, int], NDArray[np.uint16]]
"""Values of a pinhole picture of this focal length, principal point x and y, width and height."""

BEYOND = 1
"""Picture sizes beyond each border that still count as part of an object."""

OUTSIDE_SAMPLES = 1 << 15
"""Most samples spent on the part of one object outside the picture; a larger part is sampled more coarsely."""

_BORDER = np.linspace(0, 1, 33)[:, None]


@dataclass(frozen=True)
class _Window:
    """A rectangle of whole pixels, maxima exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def is_empty(self) -> bool:
        return self.right <= self.left or self.bottom <= self.top

    @property
    def size(self) -> tuple[int, int]:
        return self.right - self.left, self.bottom - self.top

    def clipped(self, other: _Window) -> _Window:
        return _Window(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )


def amodal_extents(
    camera: Camera, triangles: Mapping[int, ArrayLike], parts: Mapping[int, NDArray[np.uint8]] | None = None
) -> dict[int, Amodal]:
    """Unoccluded extents of objects in the distorted picture.

    The pixels inside the picture are counted exactly. Those outside are counted up to :data:`BEYOND` picture sizes
    from the border, and sampled where they are more than :data:`OUTSIDE_SAMPLES`.

    Args:
        camera: that sees them.
        triangles: (T, 3, 3) world metres by placement id.
        parts: (T,) part numbers of the triangles by placement id, of the objects whose parts are counted.

    Returns:
        Extents by id, without those of objects that cover no pixel.
    """
    known = parts or {}
    extents = ((number, _extent(camera, np.asarray(world), known.get(number))) for number, world in triangles.items())
    return {number: extent for number, extent in extents if extent is not None}


def _extent(camera: Camera, world: Floats, parts: NDArray[np.uint8] | None) -> Amodal | None:
    corners, source = clip_near(world_to_camera(camera, world), camera.near)
    bounds = _bounds(camera, corners)
    if bounds is None:
        return None
    window = _distorted_window(camera, bounds)
    picture = _Window(0, 0, camera.width, camera.height)
    mask, counts = np.zeros((0, 0), bool), () if parts is None else (0,) * len(PARTS)
    boxes: list[tuple[float, float, float, float] | None] = []
    inside = window.clipped(picture)
    if not inside.is_empty:
        drawn = _inside(
            camera, bounds, inside, _drawing(corners, None if parts is None else parts[source], camera.near)
        )
        mask = drawn > 0
        counts = () if parts is None else _counts(drawn)
        boxes.append(_box_of(mask, inside, 1))
    outside_pixels = 0
    if inside != window:
        step = _step(window)
        outer = _outside(camera, corners, bounds, window, step)
        outside_pixels = int(outer.sum()) * step * step
        boxes.append(_box_of(outer, window, step))
    found = [box for box in boxes if box is not None]
    if not found:
        return None
    left, top, right, bottom = zip(*found, strict=True)
    pixels = int(mask.sum())
    return Amodal(pixels, pixels + outside_pixels, (min(left), min(top), max(right), max(bottom)), counts)


def _drawing(corners: Floats, parts: NDArray[np.uint8] | None, near: float) -> Draw:
    """What draws an object: its outline as 1, or, where its parts count, which part is seen as part number + 1."""

    def draw(focal: float, cx: float, cy: float, width: int, height: int) -> NDArray[np.uint16]:
        if parts is None:
            return silhouette(corners, focal, cx, cy, width, height, near).astype(np.uint16)
        return rasterize(corners, parts + 1, focal, cx, cy, width, height, near)[0]

    return draw


def _counts(drawn: NDArray[np.uint16]) -> tuple[int, ...]:
    """Pixels of each part."""
    return tuple(int(count) for count in np.bincount(drawn.ravel(), minlength=len(PARTS) + 1)[1:])


@functools.lru_cache(maxsize=2)
def _reach(camera: Camera) -> Floats:
    """Normalised undistorted (x, y) up to which objects are followed."""
    grown = replace(camera, width=camera.width * (1 + 2 * BEYOND), height=camera.height * (1 + 2 * BEYOND))
    canvas = overscan(grown)
    return np.array([canvas.width, canvas.height]) / 2 / camera.focal


def _bounds(camera: Camera, corners: Floats) -> Floats | None:
    """(2, 2) least and largest normalised undistorted (x, y) within reach; None where nothing is."""
    if not len(corners):
        return None
    axes = [(corners[:, :, axis] / corners[:, :, 2]).ravel() for axis in (0, 1)]
    reach = _reach(camera)
    low, high = np.array([axis.min() for axis in axes]), np.array([axis.max() for axis in axes])
    if (low >= reach).any() or (high <= -reach).any():
        return None
    return np.asarray([np.maximum(low, -reach), np.minimum(high, reach)])


def _pixels_around(low: Floats, high: Floats) -> _Window:
    return _Window(math.floor(low[0]), math.floor(low[1]), math.ceil(high[0]), math.ceil(high[1]))


def _distorted_window(camera: Camera, bounds: Floats) -> _Window:
    """Pixels of the distorted picture plane that can show anything of the bounds, up to the reach."""
    low, high = bounds
    across, down = np.array([high[0] - low[0], 0.0]), np.array([0.0, high[1] - low[1]])
    # a rectangle's image lies within the image of its border, whose straight sides bulge
    border = [low + _BORDER * across, low + _BORDER * down, high - _BORDER * across, high - _BORDER * down]
    points = to_pixels(camera, distort(np.concatenate(border), camera.distortion))
    width, height = camera.width, camera.height
    limit = _Window(-BEYOND * width, -BEYOND * height, (1 + BEYOND) * width, (1 + BEYOND) * height)
    return _pixels_around(points.min(0), points.max(0)).clipped(limit)


def _inside(camera: Camera, bounds: Floats, inside: _Window, draw: Draw) -> NDArray[np.uint16]:
    """What is drawn in the window, which lies in the picture, through the lookup that the passes went through."""
    canvas = overscan(camera)
    drawn = inside
    if canvas is not camera:
        whole = _Window(0, 0, canvas.width, canvas.height)
        drawn = _pixels_around(*to_pixels(canvas, bounds)).clipped(whole)
    if drawn.is_empty:
        return np.zeros(inside.size[::-1], np.uint16)
    centre_x, centre_y = canvas.width / 2 - drawn.left, canvas.height / 2 - drawn.top
    values = draw(camera.focal, centre_x, centre_y, *drawn.size)
    if canvas is camera:
        return values
    part = (slice(inside.top, inside.bottom), slice(inside.left, inside.right))
    rows, columns = nearest_canvas_pixel(camera)
    return _look_up(values, rows[part] - drawn.top, columns[part] - drawn.left)


def _look_up(values: NDArray[T], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[T]:
    """Values of the picture, 0 outside it."""
    height, width = values.shape
    # what is negative is huge without its sign
    known = (rows.astype(np.uintp) < height) & (columns.astype(np.uintp) < width)
    place = rows * width
    place += columns
    place *= known
    return np.asarray(known * values.take(place), values.dtype)


def _step(window: _Window) -> int:
    """Distance of samples in pixels, a power of two."""
    step = 1
    while window.size[0] * window.size[1] > OUTSIDE_SAMPLES * step * step:
        step *= 2
    return step


def _outside(camera: Camera, corners: Floats, bounds: Floats, window: _Window, step: int) -> Mask:
    """Samples of the window every ``step`` pixels, those inside the picture left out."""
    columns = np.arange(window.left + step / 2, window.right, step)
    rows = np.arange(window.top + step / 2, window.bottom, step)
    x, y = np.meshgrid(columns, rows)
    is_inside = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
    plain = undistort(to_normalised(camera, np.stack([x, y], -1)), camera.distortion)
    # a grid of the same spacing over the bounds in the undistorted plane; without distortion, the very same grid
    spacing = step / camera.focal
    low = to_normalised(camera, np.floor(to_pixels(camera, bounds[0])))
    width, height = (np.ceil((bounds[1] - low) / spacing) + 1).astype(int)
    focal = 1 / spacing
    mask = silhouette(corners, focal, -low[0] * focal, -low[1] * focal, width, height, camera.near)
    cell = np.floor((plain - low) * focal).astype(np.intp)
    return ~is_inside & _look_up(mask, cell[..., 1], cell[..., 0])


def _box_of(mask: Mask, window: _Window, step: int) -> tuple[float, float, float, float] | None:
    """Extent in pixels of a mask that was sampled over the window; None when it is empty."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    if not len(columns):
        return None
    return (
        float(window.left + columns[0] * step),
        float(window.top + rows[0] * step),
        float(min(window.left + (columns[-1] + 1) * step, window.right)),
        float(min(window.top + (rows[-1] + 1) * step, window.bottom)),
    )
