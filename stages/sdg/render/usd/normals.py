"""Normals of triangles' corners, so that all renderers see the same edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SMOOTH_ANGLE = 0.7
"""Faces that meet at less than this are shaded as one curved surface, in radians; as in the Blender backend."""


def corner_normals(vertices: NDArray[np.float32], triangles: NDArray[np.int32], *, smooth: bool) -> NDArray[np.float32]:
    """Unit normals (M, 3, 3) of the corners of (M, 3) triangles; zero for those without an area.

    Args:
        vertices: (N, 3).
        triangles: (M, 3) counter-clockwise.
        smooth: average, weighted by area, over the faces at a vertex that lie within :data:`SMOOTH_ANGLE`; else each
            corner has its face's normal.
    """
    corners = vertices.astype(np.float64)[triangles]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    faces = _unit(areas)
    if not smooth or not len(triangles):
        return np.repeat(faces[:, None], 3, 1).astype(np.float32)
    first, second = _neighbours(triangles)
    near = (faces[first // 3] * faces[second // 3]).sum(1) > np.cos(SMOOTH_ANGLE)
    total = np.zeros((triangles.size, 3))
    np.add.at(total, first[near], areas[second[near] // 3])
    return _unit(total).reshape(-1, 3, 3).astype(np.float32)


def _neighbours(triangles: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All ordered pairs of corners at the same vertex, each with itself among them."""
    flat = triangles.ravel()
    order = np.argsort(flat, kind="stable")
    count = np.bincount(flat)
    each = count[flat[order]]
    start = np.repeat(np.cumsum(count) - count, count)
    first = np.repeat(order, each)
    step = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    return first, order[np.repeat(start, each) + step]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
