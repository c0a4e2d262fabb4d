"""Which triangles share an edge, which hang together, and which face the same way; fast for millions of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.reconstruct.soup import Ints


@dataclass(frozen=True)
class Edges:
    """Edges of triangles.

    Attributes:
        ends: (E, 2) vertices, the smaller first.
        count: (E,) triangles at each.
        of: (M, 3) edge of each triangle that begins at its corner.
        forward: (M, 3) whether the triangle runs along it from the smaller vertex.
    """

    ends: Ints
    count: Ints
    of: Ints
    forward: NDArray[np.bool_]


def edges_of(triangles: Ints) -> Edges:
    """The edges of (M, 3) triangles."""
    start, end = triangles, np.roll(triangles, -1, axis=1)
    low, high = np.minimum(start, end), np.maximum(start, end)
    width = int(triangles.max(initial=0)) + 1
    keys, which, count = np.unique(low * width + high, return_inverse=True, return_counts=True)
    return Edges(np.stack([keys // width, keys % width], 1), count, which.reshape(triangles.shape), start < end)


def pairs_of(edges: Edges) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Triangles (P,), (P,) on both sides of each edge of exactly two, and whether they are turned the same way."""
    flat = edges.of.ravel()
    order = np.argsort(flat, kind="stable")
    order = order[edges.count[flat[order]] == 2].reshape(-1, 2)
    along = edges.forward.ravel()[order]
    return order[:, 0] // 3, order[:, 1] // 3, along[:, 0] != along[:, 1]


def in_pieces(triangles: Ints) -> Ints:
    """Number (M,) of the piece of each triangle; triangles hang together by shared vertices."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(triangles):
        return np.zeros(0, np.int64)
    size = int(triangles.max()) + 1
    rows, columns = triangles[:, [0, 0]].ravel(), triangles[:, [1, 2]].ravel()
    graph: Any = coo_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][triangles[:, 0]]
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(-1))


def facing(triangles: Ints) -> Ints:
    """+1 or -1 for each triangle (M,): those to turn so that neighbours are turned the same way.

    A tree over neighbours is walked by doubling steps, so the time grows with the logarithm of its depth.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    count = len(triangles)
    first, second, alike = pairs_of(edges_of(triangles))
    if alike.all():
        return np.ones(count, np.int64)
    ones = np.ones(len(first), np.int32)
    graph: Any = coo_matrix((ones, (first, second)), shape=(count, count))
    piece = connected_components(graph, directed=False)[1]
    seeds = np.unique(piece, return_index=True)[1]
    # one more node, a neighbour of one triangle of every piece, is the root of all
    rows, columns = np.concatenate([first, np.full(len(seeds), count)]), np.concatenate([second, seeds])
    whole: Any = coo_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=(count + 1, count + 1))
    parent = breadth_first_order(whole.tocsr(), count, directed=False)[1].astype(np.int64)
    parent[count] = count
    sign = np.ones(count + 1, np.int64)
    for a, b in ((first, second), (second, first)):
        sign[a[(parent[a] == b) & ~alike]] = -1
    while (parent != count).any():
        sign, parent = sign * sign[parent], parent[parent]
        sign[count] = 1
    return sign[:count]
