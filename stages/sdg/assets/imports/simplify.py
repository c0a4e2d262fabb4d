"""Fewer triangles, and how far off the result is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLES = 200_000
"""Points spread over a surface by area, among which the nearest are looked for."""

CHECKED = 4_000
"""Vertices of the original whose distance from the simplified surface is measured."""

CANDIDATES = 8
"""Triangles that are looked at for the nearest point to another."""


@dataclass(frozen=True)
class Simplified:
    """A mesh with fewer triangles.

    Attributes:
        vertices: (N, 3).
        triangles: (M, 3).
        uv: (M, 3, 2) of the corners, or None.
        colours: (M, 3, 3) of the corners, or None.
        largest, mean: distance of the original's vertices from the new surface, in the mesh's units.
    """

    vertices: Floats
    triangles: Ints
    uv: NDArray[np.float32] | None
    colours: NDArray[np.float32] | None
    largest: float
    mean: float


def weld(vertices: Floats, triangles: Ints) -> tuple[Floats, Ints, NDArray[np.bool_]]:
    """Make vertices at the same place one, and find triangles that are more than a line.

    Returns:
        Vertices, triangles, all of them, and which of these have an area.
    """
    places, which = np.unique(vertices, axis=0, return_inverse=True)
    joined = which.reshape(-1)[triangles]
    a, b, c = joined.T
    solid = (a != b) & (b != c) & (c != a)
    corners = places[joined]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return places, joined, solid & (area > 0)


def simplify(
    vertices: Floats,
    triangles: Ints,
    count: int,
    uv: NDArray[np.float32] | None = None,
    colours: NDArray[np.float32] | None = None,
) -> Simplified:
    """Collapse edges by quadric error (Garland and Heckbert 1997) until about ``count`` triangles are left.

    What the corners carry is taken from the nearest point of the original.

    Args:
        vertices: (N, 3), welded.
        triangles: (M, 3).
        count: of triangles to keep.
        uv: (M, 3, 2) of the corners.
        colours: (M, 3, 3) of the corners.
    """
    import fast_simplification

    low, span = vertices.min(0), max(float(np.ptp(vertices, axis=0).max()), 1e-12)
    # single precision around the origin, whatever the file's units are
    points, faces = fast_simplification.simplify(
        ((vertices - low) / span).astype(np.float32), triangles.astype(np.int32), target_count=count, agg=5.0
    )[:2]
    new, corners = np.asarray(points, np.float64) * span + low, np.asarray(faces, np.int64)
    if not len(corners):
        return Simplified(vertices, triangles, uv, colours, 0.0, 0.0)
    kept = {"uv": uv, "colours": colours}
    if uv is not None or colours is not None:
        original = Surface(vertices, triangles)
        # a little inside the corner, so that it falls on the right side of a seam
        inner = new[corners] * 0.9 + new[corners].mean(1, keepdims=True) * 0.1
        owner, shares = original.weights(inner.reshape(-1, 3))
        for name, values in kept.items():
            if values is not None:
                drawn = np.einsum("pk,pkw->pw", shares, values[owner])
                kept[name] = drawn.reshape(len(corners), 3, -1).astype(np.float32)
    rng = np.random.default_rng(0)
    checked = vertices if len(vertices) <= CHECKED else vertices[rng.choice(len(vertices), CHECKED, replace=False)]
    distance = Surface(new, corners).nearest(checked)[2]
    return Simplified(new, corners, kept["uv"], kept["colours"], float(distance.max()), float(distance.mean()))


class Surface:
    """Triangles that are asked for the point nearest to others."""

    def __init__(self, vertices: Floats, triangles: Ints) -> None:
        from scipy.spatial import cKDTree

        self.corners = vertices[triangles]
        rng = np.random.default_rng(0)
        area = np.linalg.norm(
            np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0]), axis=1
        )
        spread = rng.choice(len(triangles), SAMPLES, p=area / area.sum()) if area.sum() > 0 else np.zeros(0, np.int64)
        shares = rng.dirichlet((1, 1, 1), len(spread))
        self._owner = np.concatenate([np.arange(len(triangles)), spread])
        points = np.concatenate([self.corners.mean(1), np.einsum("pk,pkw->pw", shares, self.corners[spread])])
        self._tree: Any = cKDTree(points)

    def nearest(self, points: Floats) -> tuple[Ints, Floats, Floats]:
        """Triangle (P,), point on it (P, 3) and distance (P,) nearest to each point."""
        from trimesh.triangles import closest_point

        best = np.full(len(points), np.inf)
        owner, place = np.zeros(len(points), np.int64), np.zeros((len(points), 3))
        near = self._tree.query(points, k=min(CANDIDATES, len(self._owner)))[1].reshape(len(points), -1)
        for column in self._owner[near].T:
            found = closest_point(self.corners[column], points)
            distance = np.linalg.norm(found - points, axis=1)
            nearer = distance < best
            best[nearer], owner[nearer], place[nearer] = distance[nearer], column[nearer], found[nearer]
        return owner, place, best

    def weights(self, points: Floats) -> tuple[Ints, Floats]:
        """Triangle (P,) nearest to each point, and the shares (P, 3) of its corners there."""
        from trimesh.triangles import points_to_barycentric

        owner, place, _ = self.nearest(points)
        shares = np.nan_to_num(points_to_barycentric(self.corners[owner], place, method="cramer"), nan=1 / 3)
        shares = np.clip(shares, 0, 1)
        return owner, shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)
