"""Triangles to pixels in numpy: an exact z-buffer, and the outline of an object alone.

A pixel belongs to a triangle when its centre lies inside, or on a left or upper edge (the top-left rule), so two
triangles that share an edge leave neither gap nor overlap. Every edge is evaluated from its upper end, so that both
its triangles see the same crossing to the last bit. Triangles are two-sided and are cut at the near plane.

Camera coordinates follow OpenCV (X right, Y down, Z forward, metres); the centre of the top left pixel is (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS_AT_ONCE = 1 << 19
"""Spans (one triangle in one pixel row) held in memory at a time."""

PIXELS_AT_ONCE = 1 << 20
"""Candidate pixels held in memory at a time."""

LARGE = 4096
"""Triangles of more pixels than this are drawn one by one, which is then cheaper."""

NOTHING = -1
"""Triangle index of a pixel that shows none."""


@dataclass(frozen=True)
class _Screen:
    """Triangles on the picture plane, their corners sorted downwards.

    Attributes:
        x, y: (T, 3) pixels.
        number: (T,) place among all triangles on the screen.
        low, high: (T,) first pixel row and the one after the last.
    """

    x: Floats
    y: Floats
    number: Ints
    low: Ints
    high: Ints

    def __getitem__(self, chosen: slice | Ints) -> _Screen:
        return _Screen(self.x[chosen], self.y[chosen], self.number[chosen], self.low[chosen], self.high[chosen])


@dataclass(frozen=True)
class _Surfaces:
    """How deep the triangles on the screen are, by their number.

    Attributes:
        plane: (T, 3) coefficients of 1 / Z as a function of (x, y, 1) in pixels.
        bounds: (T, 2) smallest and largest 1 / Z of the corners.
        source: (T,) index into the triangles that were handed in.
    """

    plane: Floats
    bounds: Floats
    source: Ints


@dataclass(frozen=True)
class _Spans:
    """Runs of pixels: ``start`` to before ``stop`` in ``row`` of the triangle number ``owner``, none of them empty."""

    owner: Ints
    row: Ints
    start: Ints
    stop: Ints


def clip_near(triangles: ArrayLike, near: float) -> tuple[Floats, Ints]:
    """Cut triangles at the near plane and drop what lies before it.

    Args:
        triangles: (T, 3, 3) camera coordinates.
        near: metres, above 0.

    Returns:
        (N, 3, 3) triangles with every corner at ``near`` or beyond, and (N,) the index of the one each comes from.
    """
    corners = np.asarray(triangles, np.float64).reshape(-1, 3, 3)
    beyond = corners[:, :, 2] >= near
    if beyond.all():
        return corners, np.arange(len(corners))
    count = beyond.sum(1)
    whole = np.flatnonzero(count == 3)
    cut = np.flatnonzero((count == 1) | (count == 2))
    if not cut.size:
        return (corners if whole.size == len(corners) else corners[whole]), whole
    # turn each cut triangle so that the corner that is alone on its side comes first
    alone = np.where(count[cut] == 1, beyond[cut].argmax(1), (~beyond[cut]).argmax(1))
    turned = corners[cut[:, None], (alone[:, None] + np.arange(3)) % 3]
    is_tip = count[cut] == 1
    tips, stumps = turned[is_tip], turned[~is_tip]
    tip = np.stack([tips[:, 0], _crossing(tips[:, 0], tips[:, 1], near), _crossing(tips[:, 0], tips[:, 2], near)], 1)
    first = _crossing(stumps[:, 1], stumps[:, 0], near)
    second = _crossing(stumps[:, 2], stumps[:, 0], near)
    halves = (np.stack([first, stumps[:, 1], stumps[:, 2]], 1), np.stack([first, stumps[:, 2], second], 1))
    source = np.concatenate([whole, cut[is_tip], cut[~is_tip], cut[~is_tip]])
    return np.concatenate([corners[whole], tip, *halves]), source


def _crossing(inside: Floats, outside: Floats, near: float) -> Floats:
    """Where the edges from the corner beyond the plane to the one before it meet the plane."""
    share = (inside[:, 2] - near) / (inside[:, 2] - outside[:, 2])
    point = inside + share[:, None] * (outside - inside)
    point[:, 2] = near
    return np.asarray(point)


def rasterize(
    triangles_camera: ArrayLike,
    ids: ArrayLike,
    focal: float,
    cx: float,
    cy: float,
    width: int,
    height: int,
    near: float,
) -> tuple[NDArray[np.uint16], NDArray[np.float32], NDArray[np.int32]]:
    """Draw triangles with a z-buffer.

    Args:
        triangles_camera: (T, 3, 3) metres, camera coordinates.
        ids: (T,) value of each in the id image, 0 to 65535.
        focal: in pixels.
        cx: principal point from the left, in pixels.
        cy: principal point from the top, in pixels.
        width: of the picture in pixels.
        height: of the picture in pixels.
        near: nearest distance drawn, in metres.

    Returns:
        Id image (H, W) uint16, 0 where nothing is; depth along the optical axis (H, W) float32, +inf where nothing
        is; index of the triangle (H, W) int32, -1 where nothing is. Of triangles at the very same depth it is always
        the same one that is seen.
    """
    screen, corners, source = _to_screen(triangles_camera, focal, cx, cy, width, height, near)
    surfaces = _surfaces(corners, source, focal, cx, cy)
    inverse_depth = np.zeros(height * width)
    winner = np.full(height * width, NOTHING, np.int32)
    is_large = _covered_bound(screen, width) > LARGE
    for triangle in np.flatnonzero(is_large):
        _draw_large(screen[triangle : triangle + 1], surfaces, inverse_depth, winner, width, height)
    for block in _blocks(screen[np.flatnonzero(~is_large)]):
        _draw_small(block, surfaces, inverse_depth, winner, width)
    seen = winner >= 0
    values = np.asarray(ids).astype(np.uint16)
    picture = np.where(seen, values[np.where(seen, winner, 0)], 0) if len(values) else np.zeros(len(winner))
    with np.errstate(divide="ignore"):
        depth = np.where(seen, 1 / inverse_depth, np.inf)
    shape = (height, width)
    return picture.astype(np.uint16).reshape(shape), depth.astype(np.float32).reshape(shape), winner.reshape(shape)


def silhouette(
    triangles_camera: ArrayLike, focal: float, cx: float, cy: float, width: int, height: int, near: float
) -> NDArray[np.bool_]:
    """Pixels that the triangles cover, whatever their order; the same ones as :func:`rasterize` would, but cheaper.

    Args:
        triangles_camera: (T, 3, 3) metres, camera coordinates.
        focal: in pixels.
        cx: principal point from the left, in pixels.
        cy: principal point from the top, in pixels.
        width: of the picture in pixels.
        height: of the picture in pixels.
        near: nearest distance drawn, in metres.

    Returns:
        (H, W) mask.
    """
    screen, _, _ = _to_screen(triangles_camera, focal, cx, cy, width, height, near)
    # +1 where a span starts, -1 where it stops; the running sum is the number of triangles over a pixel
    changes = np.zeros(height * (width + 1), np.int64)
    for block in _blocks(screen):
        spans = _spans(block, width)
        base = spans.row * (width + 1)
        changes += np.bincount(base + spans.start, minlength=changes.size)
        changes -= np.bincount(base + spans.stop, minlength=changes.size)
    over = changes.reshape(height, width + 1)
    return np.asarray(over.cumsum(1, out=over)[:, :width] > 0)


def _to_screen(
    triangles: ArrayLike, focal: float, cx: float, cy: float, width: int, height: int, near: float
) -> tuple[_Screen, Floats, Ints]:
    """Clip, project and sort triangles; those outside the picture are gone.

    Returns:
        The triangles on the screen, their corners in camera coordinates, and the index of where each comes from.
    """
    corners, source = clip_near(triangles, near)
    inverse = 1 / corners[:, :, 2]
    x = corners[:, :, 0] * inverse * focal + cx
    y = corners[:, :, 1] * inverse * focal + cy
    low = np.clip(np.ceil(_least(y) - 0.5), 0, height).astype(np.int64)
    high = np.clip(np.ceil(_most(y) - 0.5), 0, height).astype(np.int64)
    kept = np.flatnonzero((high > low) & (_most(x) > 0) & (_least(x) < width))
    x, y = _sorted_downwards(x[kept], y[kept])
    return _Screen(x, y, np.arange(len(kept)), low[kept], high[kept]), corners[kept], source[kept]


def _least(corners: Floats) -> Floats:
    """Row minima of (T, 3); several times faster than ``min(1)`` on rows this short."""
    return np.asarray(np.minimum(np.minimum(corners[:, 0], corners[:, 1]), corners[:, 2]))


def _most(corners: Floats) -> Floats:
    """Row maxima of (T, 3)."""
    return np.asarray(np.maximum(np.maximum(corners[:, 0], corners[:, 1]), corners[:, 2]))


def _surfaces(corners: Floats, source: Ints, focal: float, cx: float, cy: float) -> _Surfaces:
    """1 / Z is affine in the picture: of the plane ``n . P = d`` it is ``n . ((x - cx) / f, (y - cy) / f, 1) / d``."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    offset = np.einsum("ij,ij->i", normal, corners[:, 0])
    # a plane through the camera shows its edge alone: any finite value will do, since bounds hold it
    normal /= np.where(offset == 0, 1.0, offset)[:, None]
    by_x, by_y = normal[:, 0] / focal, normal[:, 1] / focal
    plane = np.stack([by_x, by_y, normal[:, 2] - by_x * cx - by_y * cy], 1)
    depth = corners[:, :, 2]
    return _Surfaces(plane, np.stack([1 / _most(depth), 1 / _least(depth)], 1), source)


def _sorted_downwards(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Corners of each triangle by rising y, with three compare-and-swaps."""
    x, y = x.copy(), y.copy()
    for first, second in ((0, 1), (1, 2), (0, 1)):
        swap = y[:, first] > y[:, second]
        for values in (x, y):
            upper = np.where(swap, values[:, second], values[:, first])
            values[:, second] = np.where(swap, values[:, first], values[:, second])
            values[:, first] = upper
    return x, y


def _blocks(screen: _Screen) -> Iterator[_Screen]:
    """Parts of the triangles with a bounded number of spans, in order."""
    ends = np.cumsum(screen.high - screen.low)
    start = 0
    while start < len(ends):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + ROWS_AT_ONCE, side="right")))
        yield screen[start:stop]
        start = stop


def _spans(screen: _Screen, width: int) -> _Spans:
    """All runs of pixels whose centres lie in the triangles."""
    count = screen.high - screen.low
    owner = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(owner)) + np.repeat(screen.low - (np.cumsum(count) - count), count)
    x, y = screen.x, screen.y
    # edges upper-lower, then upper-middle and middle-lower in turn
    long_x, long_y, short_x, short_y = x[:, 0], y[:, 0], x[:, :2].ravel(), y[:, :2].ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        # level edges meet no row: their slopes are never used
        long_slope = (x[:, 2] - long_x) / (y[:, 2] - long_y)
        short_slope = (x[:, 1:].ravel() - short_x) / (y[:, 1:].ravel() - short_y)
    centre = row + 0.5
    long_side = long_x.take(owner) + (centre - long_y.take(owner)) * long_slope.take(owner)
    edge = 2 * owner + (centre >= y[:, 1].take(owner))
    short_side = short_x.take(edge) + (centre - short_y.take(edge)) * short_slope.take(edge)
    start = np.ceil(np.clip(np.minimum(long_side, short_side) - 0.5, 0, width)).astype(np.int64)
    stop = np.ceil(np.clip(np.maximum(long_side, short_side) - 0.5, 0, width)).astype(np.int64)
    kept = np.flatnonzero(stop > start)
    return _Spans(owner[kept], row[kept], start[kept], stop[kept])


def _draw_small(
    screen: _Screen, surfaces: _Surfaces, inverse_depth: Floats, winner: NDArray[np.int32], width: int
) -> None:
    """Draw many triangles at once, pixel by pixel of all their spans."""
    spans = _spans(screen, width)
    number = screen.number[spans.owner]
    by_x, by_y, constant = (values.take(number) for values in surfaces.plane.T)
    least, most = (values.take(number) for values in surfaces.bounds.T)
    at_start = by_x * (spans.start + 0.5) + by_y * (spans.row + 0.5) + constant
    source = surfaces.source.take(number)
    first = spans.row * width + spans.start
    lengths = spans.stop - spans.start
    ends = np.cumsum(lengths)
    start = 0
    while start < len(ends):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + PIXELS_AT_ONCE, side="right")))
        part = slice(start, stop)
        span = np.repeat(np.arange(start, stop), lengths[part])
        offset = np.arange(len(span)) - (ends - lengths - done).take(span)
        value = at_start.take(span) + offset * by_x.take(span)
        value = np.clip(value, least.take(span), most.take(span))
        _resolve(first.take(span) + offset, value, source.take(span), inverse_depth, winner)
        start = stop


def _resolve(pixel: Ints, value: Floats, source: Ints, inverse_depth: Floats, winner: NDArray[np.int32]) -> None:
    """Give each pixel to the nearest of its candidates; of equals, to the triangle with the lowest index."""
    nearer = value > inverse_depth[pixel]
    pixel, value, source = pixel[nearer], value[nearer], source[nearer]
    np.maximum.at(inverse_depth, pixel, value)
    won = value == inverse_depth[pixel]
    # numpy keeps the last of several assignments to one place
    winner[pixel[won][::-1]] = source[won][::-1]


def _covered_bound(screen: _Screen, width: int) -> Floats:
    """Upper bound of the pixels that each triangle covers: its area, or the part of its bounding box in sight."""
    (x0, x1, x2), (y0, y1, y2) = screen.x.T, screen.y.T
    area = np.abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2
    in_sight = np.clip(screen.x, 0, width)
    box = (screen.high - screen.low) * (_most(in_sight) - _least(in_sight))
    return np.asarray(np.minimum(area, box))


def _draw_large(
    screen: _Screen, surfaces: _Surfaces, inverse_depth: Floats, winner: NDArray[np.int32], width: int, height: int
) -> None:
    """Draw one triangle over the rectangle around it."""
    spans = _spans(screen, width)
    if not len(spans.row):
        return
    top, bottom = int(spans.row[0]), int(spans.row[-1]) + 1
    left, right = int(spans.start.min()), int(spans.stop.max())
    # rows between two spans may be empty where the triangle is thinner than a pixel
    start, stop = np.zeros((2, bottom - top, 1), np.int64)
    start[spans.row - top, 0], stop[spans.row - top, 0] = spans.start, spans.stop
    columns = np.arange(left, right)
    number = screen.number[0]
    by_x, by_y, constant = surfaces.plane[number]
    value = by_x * (columns + 0.5) + (by_y * (np.arange(top, bottom) + 0.5) + constant)[:, None]
    value = np.clip(value, *surfaces.bounds[number])
    box = (slice(top, bottom), slice(left, right))
    depth_box, winner_box = inverse_depth.reshape(height, width)[box], winner.reshape(height, width)[box]
    nearer = (columns >= start) & (columns < stop) & (value > depth_box)
    np.copyto(depth_box, value, where=nearer)
    np.copyto(winner_box, np.int32(surfaces.source[number]), where=nearer)
