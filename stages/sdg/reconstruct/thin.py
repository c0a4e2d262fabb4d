"""Fewer triangles, with a stated error, however many there were."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.normalise import shared_out
from stages.sdg.assets.imports.raw import RawMesh
from stages.sdg.assets.imports.simplify import CHECKED, Surface, simplify, weld
from stages.sdg.reconstruct.soup import Floats, Soup, separated, stirred

MANY = 300_000
"""Triangles above which vertices are first joined in a grid: collapsing millions of edges takes minutes."""

FINEST = 640
"""Cells along the longest side of that grid."""


@dataclass(frozen=True)
class Thinned:
    """Fewer triangles.

    Attributes:
        soup: that are left.
        largest, mean: distance of the original's vertices from them, in the file's units; None when nothing was done.
    """

    soup: Soup
    largest: float | None = None
    mean: float | None = None


def thin(soup: Soup, limit: int) -> Thinned:
    """Bring triangles down to about ``limit``: in a grid while there are very many, then by quadric error."""
    if len(soup.triangles) <= limit:
        return Thinned(soup)
    original = soup.used()
    rng = np.random.default_rng(0)
    probes = original if len(original) <= CHECKED else original[rng.choice(len(original), CHECKED, replace=False)]
    cells = FINEST
    joined = soup
    while len(joined.triangles) > max(MANY, limit):
        joined = _in_grid(soup, cells)
        cells = cells * 3 // 4
    meshes = separated(joined)
    budgets = shared_out([len(mesh.triangles) for mesh in meshes], limit)
    made = stirred([_simpler(mesh, budget) for mesh, budget in zip(meshes, budgets, strict=True)])
    vertices, triangles, solid = weld(made.vertices, made.triangles)
    made = replace(made, vertices=vertices, triangles=triangles).keep(solid)
    distance = Surface(made.vertices, made.triangles).nearest(probes)[2]
    return Thinned(made, float(distance.max()), float(distance.mean()))


def keys(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each row of cells (N, 3) from 0 up, below 2 million each."""
    return (cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2]


def _in_grid(soup: Soup, count: int) -> Soup:
    """Vertices of a cell joined in their middle (Rossignac and Borrel 1993)."""
    used = soup.used()
    low, size = used.min(0), float(np.ptp(used, axis=0).max())
    places = np.clip((soup.vertices - low) * (count / size), 0, count).astype(np.int64)
    # vertices that no triangle uses weigh nothing
    weight = np.bincount(soup.triangles.ravel(), minlength=len(soup.vertices)) > 0
    _, which = np.unique(keys(places), return_inverse=True)
    total = np.maximum(np.bincount(which, weight), 1)
    middle: Floats = np.stack([np.bincount(which, soup.vertices[:, k] * weight) / total for k in range(3)], 1)
    joined = replace(soup, vertices=middle, triangles=which[soup.triangles])
    a, b, c = joined.triangles.T
    return joined.keep((a != b) & (b != c) & (c != a))


def _simpler(mesh: RawMesh, budget: int) -> RawMesh:
    if budget >= len(mesh.triangles):
        return mesh
    made = simplify(mesh.vertices, mesh.triangles, budget, mesh.uv, mesh.colours)
    return replace(mesh, vertices=made.vertices, triangles=made.triangles, uv=made.uv, colours=made.colours)
