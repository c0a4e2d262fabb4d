"""Triangle meshes from a few primitives, in numpy.

Every function returns ``(vertices (N, 3) float64 metres, triangles (M, 3) int)``, counter-clockwise from outside.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.sdg.assets.detail import is_fine, is_speck, sides
from stages.sdg.assets.types import Asset, Material, Part

Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]


@functools.lru_cache(maxsize=256)
def _circle(segments: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cosines and sines of the corners of a regular polygon."""
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    return np.cos(angles), np.sin(angles)


@functools.lru_cache(maxsize=256)
def _grid_triangles(rings: int, around: int, closed: bool) -> NDArray[np.int64]:
    """Triangles between ``rings`` consecutive rings of ``around`` vertices each."""
    columns = around if closed else around - 1
    ring, column = np.meshgrid(np.arange(rings - 1), np.arange(columns), indexing="ij")
    a = (ring * around + column).ravel()
    b = (ring * around + (column + 1) % around).ravel()
    c, d = a + around, b + around
    return np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])


def merge(*meshes: Mesh) -> Mesh:
    """One mesh of several."""
    if len(meshes) == 1:
        return meshes[0]
    starts = [0, *itertools.accumulate(len(vertices) for vertices, _ in meshes[:-1])]
    triangles = np.concatenate([triangles for _, triangles in meshes])
    triangles += np.repeat(starts, [len(triangles) for _, triangles in meshes])[:, None]
    return np.concatenate([vertices for vertices, _ in meshes]), triangles


def move(mesh: Mesh, offset: ArrayLike) -> Mesh:
    """The mesh shifted by ``offset`` metres."""
    return mesh[0] + np.asarray(offset, float), mesh[1]


def turn(mesh: Mesh, axis: int, angle: float, about: ArrayLike = (0, 0, 0)) -> Mesh:
    """The mesh turned by ``angle`` radians about axis 0, 1 or 2 through the point ``about``."""
    return turn_points(mesh[0], axis, angle, about), mesh[1]


def turn_points(points: ArrayLike, axis: int, angle: float, about: ArrayLike = (0, 0, 0)) -> NDArray[np.float64]:
    """Points (..., 3) turned by ``angle`` radians about axis 0, 1 or 2 through the point ``about``."""
    c, s = math.cos(angle), math.sin(angle)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    centre = np.asarray(about, float)
    return np.asarray((np.asarray(points, float) - centre) @ matrix.T + centre)


def box(low: ArrayLike, high: ArrayLike, chamfer: float = 0.0) -> Mesh:
    """An axis-aligned box between two corners, its edges cut by ``chamfer`` metres."""
    # numbers one by one: arrays of three cost several times as much
    pairs: list[tuple[float, float]] = list(zip(low, high, strict=True))  # type: ignore[arg-type]
    ends = [(float(min(pair)), float(max(pair))) for pair in pairs]
    cut = 0.0 if is_fine(chamfer) else min(chamfer, min(most - least for least, most in ends) / 2.5)
    if cut <= 0:
        values = [value for least, most in ends for value in (least, least + (most - least))]
        return np.array(values)[_BOX_PLACES], _BOX
    values = [value for least, most in ends for value in (least, least + cut, most, most - cut)]
    return np.array(values)[_CHAMFERED_PLACES], _CHAMFERED


def _fan(faces: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.array([(f[0], f[i], f[i + 1]) for f in faces for i in range(1, len(f) - 1)], np.int64)


_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
_BOX = _fan([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
_IS_HIGH = np.repeat(_CORNERS.astype(bool), 3, axis=0)
"""Of the vertices of a chamfered box: three a corner, each pulled in along two of the axes."""
_PULLED = np.where(_IS_HIGH, -1.0, 1.0) * (1 - np.tile(np.eye(3), (8, 1)))
_BOX_PLACES = _CORNERS.astype(int) + 2 * np.arange(3)
_CHAMFERED_PLACES = 2 * _IS_HIGH + (_PULLED != 0) + 4 * np.arange(3)
"""Of the coordinates of a box's vertices, among the values that they have: two on each axis, four with a chamfer."""


def _chamfered_faces() -> NDArray[np.int64]:
    faces: list[tuple[int, ...]] = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for end in (0, 1):
            ring = [end << (2 - axis) | a << (2 - u) | b << (2 - v) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
            faces.append(tuple(3 * corner + axis for corner in ring))
            for a in (0, 1):
                first = end << (2 - axis) | a << (2 - u)
                second = first | 1 << (2 - v)
                faces.append((3 * first + axis, 3 * second + axis, 3 * second + u, 3 * first + u))
    faces += [(3 * corner, 3 * corner + 1, 3 * corner + 2) for corner in range(8)]
    return _outward(np.where(_IS_HIGH, 1.0, 0.0) + 0.1 * _PULLED, _fan(faces))


def _outward(vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn the triangles of a convex mesh so that all face away from its middle."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    inside = np.einsum("ij,ij->i", np.cross(b - a, c - a), a - vertices.mean(0)) < 0
    triangles = triangles.copy()
    triangles[inside] = triangles[inside][:, ::-1]
    return triangles


_CHAMFERED = _chamfered_faces()


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cross product of two vectors (3,); several times faster than numpy's."""
    (a0, a1, a2), (b0, b1, b2) = a.tolist(), b.tolist()
    return np.array([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0])


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / math.sqrt(float(vector @ vector)))


def _section(along: NDArray[np.float64], up: ArrayLike, width: float, height: float) -> NDArray[np.float64]:
    """Corners (4, 3) of a bar's section about its axis; ``along`` is a unit vector."""
    upward = np.asarray(up, float)
    if abs(along @ upward) > 0.99:
        upward = np.array([1.0, 0, 0])
    side = _unit(_cross(upward, along))
    upward = _cross(along, side)
    return np.asarray(_SECTION[:, :1] * width * side + _SECTION[:, 1:] * height * upward)


_SECTION = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
_TRIANGLE = 4 / 3 * np.array([[-0.5, -np.sqrt(1 / 12)], [0.5, -np.sqrt(1 / 12)], [0, np.sqrt(1 / 3)]])
"""Corners of an equilateral triangle with the girth of a square whose sides are 1."""


def beam(start: ArrayLike, end: ArrayLike, width: float, height: float, up: ArrayLike = (0, 0, 1)) -> Mesh:
    """A straight bar of rectangular section between two points; ``height`` lies along ``up``."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    ring = _section(_unit(end - start), up, width, height)
    return np.concatenate([start + ring, end + ring]), _BEAM


def hexahedron(face: ArrayLike, opposite: ArrayLike) -> Mesh:
    """A convex body with six sides, from two of them that lie opposite: (4, 3) each, corner by corner, all round."""
    vertices = np.concatenate([np.asarray(face, float), np.asarray(opposite, float)])
    return vertices, _outward(vertices, _SIX_SIDES)


_SIX_SIDES = _fan([(0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0)])
_SECTION_OF_X = _section(np.array([1.0, 0, 0]), (0, 0, 1), 1, 1)
_BEAM = hexahedron(_SECTION_OF_X, np.array([1.0, 0, 0]) + _SECTION_OF_X)[1]


def tube(path: ArrayLike, radius: float | Sequence[float], segments: int = 10, closed: bool = False) -> Mesh:
    """A round tube along a polyline.

    Args:
        path: (P, 3) points.
        radius: one for all points, or one a point.
        segments: around.
        closed: join the last point to the first.
    """
    points = np.asarray(path, float)
    radii = np.asarray(radius, float) * np.ones(len(points))
    asked, segments = segments, sides(float(radii.max()), segments)
    # with fewer sides the girth stays, and so does the mean width
    radii = radii * (asked * math.sin(math.pi / asked) / (segments * math.sin(math.pi / segments)))
    tangents = _tangents(points, closed)
    tangents /= np.maximum(np.sqrt((tangents**2).sum(1, keepdims=True)), 1e-12)
    normal = _cross(tangents[0], np.array([0, 0, 1.0] if abs(tangents[0, 2]) < 0.9 else [1.0, 0, 0]))
    sides_, ups = np.empty((2, len(points), 1, 3))
    for place, tangent in enumerate(tangents):
        normal = _unit(normal - tangent * (normal @ tangent))
        sides_[place], ups[place] = normal, _cross(tangent, normal)
    cos, sin = (values[:, None] for values in _circle(segments))
    vertices = points[:, None] + radii[:, None, None] * (cos * sides_ + sin * ups)
    return vertices.reshape(-1, 3), _tube_triangles(len(points), segments, closed)


def _tangents(points: NDArray[np.float64], closed: bool) -> NDArray[np.float64]:
    """Directions (P, 3) of a polyline in its points, of any length."""
    if closed:
        around = np.concatenate([points[-1:], points, points[:1]])
        return np.asarray(around[2:] - around[:-2])
    tangents = np.empty_like(points)
    tangents[0], tangents[-1] = points[1] - points[0], points[-1] - points[-2]
    tangents[1:-1] = (points[2:] - points[:-2]) / 2
    return tangents


@functools.lru_cache(maxsize=256)
def _tube_triangles(count: int, segments: int, closed: bool) -> NDArray[np.int64]:
    """Triangles of a tube through ``count`` points, its ends capped where it is not closed."""
    if closed:
        return _grid_triangles(count + 1, segments, True) % (count * segments)
    caps = [(*range(segments - 1, -1, -1),), tuple(range((count - 1) * segments, count * segments))]
    return np.concatenate([_grid_triangles(count, segments, True), _fan(caps)])


def cylinder(start: ArrayLike, end: ArrayLike, radius: float, segments: int = 16) -> Mesh:
    """A capped round bar between two points."""
    return tube(np.stack([np.asarray(start, float), np.asarray(end, float)]), radius, segments)


def lathe(profile: ArrayLike, axis: int = 2, segments: int = 20) -> Mesh:
    """A body of revolution.

    Args:
        profile: (P, 2) pairs of radius and height, from the lower end to the upper, seen from outside.
        axis: 0, 1 or 2, the axis of revolution.
        segments: around.
    """
    radius, height = np.asarray(profile, float).T
    segments = sides(float(radius.max()), segments)
    cos, sin = _circle(segments)
    rings = np.empty((len(radius), segments, 3))
    rings[..., (axis + 1) % 3] = radius[:, None] * cos
    rings[..., (axis + 2) % 3] = radius[:, None] * sin
    rings[..., axis] = height[:, None]
    return rings.reshape(-1, 3), _grid_triangles(len(radius), segments, True)


def wheel(centre: ArrayLike, radius: float, width: float, axis: int = 1, segments: int = 20) -> Mesh:
    """A wheel with rounded shoulders, standing on its tread, its axle along ``axis``."""
    half, round_ = width / 2, min(radius, width) * 0.12
    profile = [
        (0.0, -half * 0.8), (radius * 0.55, -half * 0.8), (radius * 0.6, -half), (radius - round_, -half),
        (radius, -half + round_), (radius, half - round_), (radius - round_, half), (radius * 0.6, half),
        (radius * 0.55, half * 0.8), (0.0, half * 0.8),
    ]  # fmt: skip
    return move(lathe(profile, axis, segments), centre)


def sphere(centre: ArrayLike, radius: ArrayLike, segments: int = 12) -> Mesh:
    """An ellipsoid of one radius, or one along each axis."""
    segments = sides(float(np.max(radius)), segments)
    angles = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 2)
    vertices, triangles = lathe(np.stack([np.cos(angles), np.sin(angles)], 1), 2, segments)
    return vertices * np.asarray(radius, float) + np.asarray(centre, float), triangles


def prism(outline: ArrayLike, low: float, high: float, axis: int = 2) -> Mesh:
    """A simple polygon, extruded.

    Args:
        outline: (P, 2) corners, counter-clockwise, in the axes that follow ``axis`` cyclically.
        low: lower end along ``axis``.
        high: upper end along ``axis``.
        axis: 0, 1 or 2, the direction of extrusion.
    """
    polygon = np.asarray(outline, float)
    if _area(polygon) < 0:
        polygon = polygon[::-1]
    count = len(polygon)
    vertices = np.empty((2, count, 3))
    vertices[..., (axis + 1) % 3] = polygon[:, 0]
    vertices[..., (axis + 2) % 3] = polygon[:, 1]
    vertices[0, :, axis], vertices[1, :, axis] = low, high
    cap = triangulate(polygon)
    return vertices.reshape(-1, 3), np.concatenate([_grid_triangles(2, count, True), cap[:, ::-1], cap + count])


def _area(polygon: NDArray[np.float64]) -> float:
    (x, y), (next_x, next_y) = polygon.T, _next(polygon).T
    return float(np.sum(x * next_y - next_x * y) / 2)


def _next(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points of a ring, each in the place of the one before; quicker than numpy's roll."""
    return np.concatenate([points[1:], points[:1]])


def triangulate(polygon: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ear clipping of a simple counter-clockwise polygon (Meisters, Amer. Math. Monthly 82, 1975)."""
    count = len(polygon)
    edges = _next(polygon) - polygon
    following = _next(edges)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    angles = np.arctan2(turns, (edges * following).sum(1))
    if (turns > 1e-15).all() and angles.sum() < 6.5:  # convex, once round: a fan will do
        return np.array([(0, k, k + 1) for k in range(1, count - 1)], np.int64)
    left = list(range(count))
    triangles = []
    while len(left) > 3:
        for k in range(len(left)):
            a, b, c = left[k - 1], left[k], left[(k + 1) % len(left)]
            if _is_ear(polygon, a, b, c, left):
                triangles.append((a, b, c))
                left.pop(k)
                break
        else:  # collinear remains
            triangles.append((left[0], left[1], left[2]))
            left.pop(1)
    return np.array([*triangles, tuple(left)], np.int64)


def _is_ear(polygon: NDArray[np.float64], a: int, b: int, c: int, others: Sequence[int]) -> bool:
    pa, pb, pc = polygon[a], polygon[b], polygon[c]

    def cross(p: NDArray[np.float64], q: NDArray[np.float64], r: NDArray[np.float64]) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    if cross(pa, pb, pc) <= 1e-15:
        return False
    return not any(
        cross(pa, pb, polygon[k]) >= 0 and cross(pb, pc, polygon[k]) >= 0 and cross(pc, pa, polygon[k]) >= 0
        for k in others
        if k not in (a, b, c)
    )


def panel(corners: ArrayLike) -> Mesh:
    """A flat four-sided sheet, visible from both sides where the renderer does not cull."""
    return np.asarray(corners, float), np.array([(0, 1, 2), (0, 2, 3)], np.int64)


def grid_of_bars(origin: ArrayLike, u: ArrayLike, v: ArrayLike, counts: tuple[int, int], thickness: float) -> Mesh:
    """A lattice of square wires spanning the vectors ``u`` and ``v`` from ``origin``.

    Args:
        origin: corner, metres.
        u: first edge, metres.
        v: second edge, metres.
        counts: wires along ``v`` (spaced over u), and along ``u`` (spaced over v), both two or more.
        thickness: of a wire.
    """
    origin, u, v = (np.asarray(x, float) for x in (origin, u, v))
    normal = _unit(_cross(u, v))
    return merge(*(_bars(origin, a, b, n, thickness, normal) for a, b, n in ((u, v, counts[0]), (v, u, counts[1]))))


def _bars(
    origin: NDArray[np.float64],
    spaced: NDArray[np.float64],
    along: NDArray[np.float64],
    count: int,
    thickness: float,
    normal: NDArray[np.float64],
) -> Mesh:
    """Parallel bars; three-sided ones without ends, of the same girth, where they are too thin to be told apart."""
    starts = origin + np.linspace(0, 1, count)[:, None] * spaced
    ring, faces = _section(_unit(along), normal, thickness, thickness), _BEAM
    if is_fine(thickness):
        across, up = ring[1] - ring[0], ring[3] - ring[0]
        ring, faces = _TRIANGLE[:, :1] * across + _TRIANGLE[:, 1:] * up, _grid_triangles(2, 3, True)
    vertices = starts[:, None] + np.concatenate([ring, along + ring])
    numbers = np.arange(count)[:, None, None] * vertices.shape[1]
    return vertices.reshape(-1, 3), (faces + numbers).reshape(-1, 3)


class Builder:
    """Collects meshes into parts, one part for each name and material."""

    def __init__(self) -> None:
        self._meshes: dict[tuple[str, Material, bool], list[Mesh]] = {}
        self._specks: dict[tuple[str, Material, bool], list[Mesh]] = {}
        self.keypoints: dict[str, tuple[float, float, float]] = {}

    def add(self, name: str, mesh: Mesh, material: Material, smooth: bool = False) -> None:
        """Add a mesh to the part ``name`` of that material, unless it is too small to be seen."""
        meshes = self._specks if is_speck(mesh[0]) else self._meshes
        meshes.setdefault((name, material, smooth), []).append(mesh)

    def keypoint(self, name: str, point: ArrayLike) -> None:
        """Name a point of the asset (metres, asset coordinates)."""
        x, y, z = np.asarray(point, float)
        self.keypoints[name] = (float(x), float(y), float(z))

    def build(self) -> Asset:
        """The asset made of all that was added."""
        parts = []
        # what consists of specks alone is a speck, not nothing
        for (name, material, smooth), meshes in (self._meshes or self._specks).items():
            vertices, triangles = merge(*meshes)
            parts.append(Part(name, vertices.astype(np.float32), triangles.astype(np.int32), material, smooth))
        everything = np.concatenate([part.vertices for part in parts])
        length, width, height = (float(side) for side in everything.max(0) - everything.min(0))
        return Asset(tuple(parts), (length, width, height), self.keypoints)
