"""Shapes that several families are put together from, on top of the primitives."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.sdg.assets.mesh import Builder, Mesh, beam, box, cylinder, lathe, merge, move, prism, tube, turn
from stages.sdg.assets.types import Asset, Material


def recentre(asset: Asset) -> Asset:
    """The asset shifted so that its footprint is centred on the origin and it stands on the floor."""
    everything = np.concatenate([part.vertices for part in asset.parts])
    low, high = everything.min(0), everything.max(0)
    offset = np.array([-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]], np.float32)
    parts = tuple(dataclasses.replace(part, vertices=part.vertices + offset) for part in asset.parts)
    x, y, z = (float(shift) for shift in offset)
    points = {name: (p[0] + x, p[1] + y, p[2] + z) for name, p in asset.keypoints.items()}
    return dataclasses.replace(asset, parts=parts, keypoints=points)


def rounded(path: ArrayLike, radius: float, steps: int = 3) -> NDArray[np.float64]:
    """A polyline whose inner corners are replaced by curves that start ``radius`` metres before them.

    Args:
        path: (P, 3) points.
        radius: cut at most half of each segment.
        steps: segments a corner.
    """
    points = np.asarray(path, float)
    made = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        back, forth = before - corner, after - corner
        start = corner + back * min(0.5, radius / max(1e-9, float(np.linalg.norm(back))))
        end = corner + forth * min(0.5, radius / max(1e-9, float(np.linalg.norm(forth))))
        made += [(1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end for t in np.linspace(0, 1, steps + 1)]
    made.append(points[-1])
    kept = [made[0]] + [b for a, b in itertools.pairwise(made) if float(np.linalg.norm(b - a)) > 1e-6]
    return np.stack(kept)


def shifted(point: ArrayLike, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> NDArray[np.float64]:
    """A point, or points (N, 3), moved by so much along the axes."""
    moved: NDArray[np.float64] = np.asarray(point, float) + np.array([x, y, z], float)
    return moved


def bent_tube(path: ArrayLike, radius: float, bend: float = 0.08, segments: int = 8) -> Mesh:
    """A round tube along a polyline with its corners bent, not mitred."""
    return tube(rounded(path, bend), radius, segments)


def side_plate(outline: Sequence[tuple[float, float]], low: float, high: float) -> Mesh:
    """An outline of (X, Z) pairs, extruded along Y from ``low`` to ``high``."""
    return prism([(z, x) for x, z in outline], low, high, 1)


def rounded_rectangle(half_x: float, half_y: float, radius: float, steps: int = 3) -> NDArray[np.float64]:
    """Outline with round corners, (4 * (steps + 1), 2), counter-clockwise."""
    radius = min(radius, half_x * 0.99, half_y * 0.99)
    angles = np.concatenate([np.linspace(0, np.pi / 2, steps + 1) + quarter * np.pi / 2 for quarter in range(4)])
    sign_x = np.repeat([1, -1, -1, 1], steps + 1)
    sign_y = np.repeat([1, 1, -1, -1], steps + 1)
    x = sign_x * (half_x - radius) + radius * np.cos(angles)
    y = sign_y * (half_y - radius) + radius * np.sin(angles)
    return np.stack([x, y], 1)


def loft(rings: ArrayLike) -> Mesh:
    """A closed skin over rings of equally many points, its ends capped.

    Args:
        rings: (R, N, 3); counter-clockwise when seen from the side that the rings advance to.
    """
    points = np.asarray(rings, float)
    count, around = points.shape[:2]
    ring, column = np.meshgrid(np.arange(count - 1), np.arange(around), indexing="ij")
    a, b = (ring * around + column).ravel(), (ring * around + (column + 1) % around).ravel()
    sides = np.concatenate([np.stack([a, b, b + around], 1), np.stack([a, b + around, a + around], 1)])
    middle = np.stack([points[0].mean(0), points[-1].mean(0)])
    first, last = np.arange(around), (count - 1) * around + np.arange(around)
    bottom = np.stack([np.full(around, count * around), np.roll(first, -1), first], 1)
    top = np.stack([np.full(around, count * around + 1), last, np.roll(last, -1)], 1)
    return np.concatenate([points.reshape(-1, 3), middle]), np.concatenate([sides, bottom, top])


def stack(levels: Sequence[tuple[float, float, float, float, float, float]], steps: int = 3) -> Mesh:
    """A body of rounded rectangles one above the other, from the lowest up.

    Args:
        levels: (z, centre x, centre y, half x, half y, corner radius) of each.
        steps: segments a corner.
    """
    rings = []
    for z, x, y, half_x, half_y, radius in levels:
        outline = rounded_rectangle(half_x, half_y, radius, steps) + np.array([x, y])
        rings.append(np.column_stack([outline, np.full(len(outline), z)]))
    return loft(rings)


def soft_box(low: ArrayLike, high: ArrayLike, radius: float, edge: float = 0.0, steps: int = 3) -> Mesh:
    """A box with upright edges of ``radius`` and top and bottom edges chamfered by ``edge``."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    (x, y, _), (hx, hy, _) = (low + high) / 2, (high - low) / 2
    edge = min(edge, hx * 0.9, hy * 0.9, (high[2] - low[2]) * 0.45)
    if edge <= 0:
        return stack([(low[2], x, y, hx, hy, radius), (high[2], x, y, hx, hy, radius)], steps)
    inner = (hx - edge, hy - edge, max(1e-3, radius - edge * 0.5))
    return stack(
        [
            (low[2], x, y, *inner), (low[2] + edge, x, y, hx, hy, radius),
            (high[2] - edge, x, y, hx, hy, radius), (high[2], x, y, *inner),
        ],
        steps,
    )  # fmt: skip


def torus(
    centre: ArrayLike, radius: float, thickness: float, axis: int = 2, segments: int = 20, around: int = 8
) -> Mesh:
    """A ring: ``radius`` to the middle of a round bar of radius ``thickness``."""
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    path = np.zeros((segments, 3))
    path[:, (axis + 1) % 3], path[:, (axis + 2) % 3] = radius * np.cos(angles), radius * np.sin(angles)
    return move(tube(path, thickness, around, closed=True), centre)


def tyre(centre: ArrayLike, radius: float, width: float, lugs: int = 0, segments: int = 20) -> Mesh:
    """A tyre on an axle along Y, open to a rim of 0.58 of its radius, with tread lugs where asked."""
    half, rim, shoulder = width / 2, radius * 0.58, radius * 0.93
    profile = [
        (rim, -half * 0.85), (radius * 0.75, -half), (shoulder, -half * 0.95), (radius, -half * 0.7),
        (radius, half * 0.7), (shoulder, half * 0.95), (radius * 0.75, half), (rim, half * 0.85),
    ]  # fmt: skip
    if lugs:
        profile = [(r - (0.03 * radius if r > shoulder else 0), y) for r, y in profile]
    parts = [lathe(profile, 1, segments)]
    for number in range(lugs):
        side = 1 if number % 2 else -1
        block = box(
            (-radius * 0.07, min(0.0, side * half), radius * 0.9), (radius * 0.07, max(0.0, side * half), radius)
        )
        parts.append(turn(block, 1, 2 * np.pi * number / lugs))
    return move(merge(*parts), centre)


def rim(centre: ArrayLike, radius: float, width: float) -> Mesh:
    """The dished rim and hub of a :func:`tyre` of that radius and width."""
    half, out = width / 2, radius * 0.6
    outer = [(0.0, 0.75), (0.4 * out, 0.75), (0.45 * out, 0.35), (0.9 * out, 0.45), (out, 0.86)]
    profile = [(r, -half * y) for r, y in outer] + [(r, half * y) for r, y in reversed(outer)]
    return move(lathe(profile, 1, 14), centre)


def tiller_grip(x: float, top: float, side: int) -> list[tuple[float, float, float]]:
    """Path of one closed grip beside the head of an upright tiller at ``x``, the left one for ``side`` 1."""
    outline = ((0.05, -0.05), (0.17, -0.02), (0.16, 0.07), (0.05, 0.05))
    return [(x, side * y, top + z) for y, z in outline]


def castor(
    builder: Builder, at: ArrayLike, radius: float, metal: Material, tread: Material, heading: float = 0.0
) -> None:
    """A castor below the point ``at``: its wheel stands on the floor, trailing towards ``heading``."""
    x, y, z = np.asarray(at, float)
    width, trail = radius * 0.5, radius * 0.45
    half = width / 2
    profile = [(0.0, -half), (radius * 0.9, -half), (radius, -half * 0.6)]
    profile += [(radius, half * 0.6), (radius * 0.9, half), (0.0, half)]
    roll = move(lathe(profile, 1, 12), (trail, 0, radius))
    cheeks = [
        beam((0, s * width * 0.75, z - 0.004), (trail, s * width * 0.75, radius * 0.9), 0.004, radius * 0.7, (1, 0, 0))
        for s in (-1, 1)
    ]
    top = box((-radius * 0.5, -width, z - 0.014), (radius * 0.6, width, z))
    axle = cylinder((trail, -width * 0.9, radius), (trail, width * 0.9, radius), radius * 0.18, 6)
    for mesh, material, smooth in ((roll, tread, True), (merge(*cheeks, top, axle), metal, False)):
        builder.add("castors", move(turn(mesh, 2, heading), (x, y, 0)), material, smooth)


def bars_between(starts: ArrayLike, ends: ArrayLike, thickness: float, segments: int = 6) -> Mesh:
    """Round bars from each of some points to its partner; both (N, 3)."""
    return merge(
        *(cylinder(a, b, thickness, segments) for a, b in zip(np.asarray(starts), np.asarray(ends), strict=True))
    )
