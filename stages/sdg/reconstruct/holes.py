"""Holes in a surface, closed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.sdg.reconstruct.soup import Floats, Ints, Soup
from stages.sdg.reconstruct.topology import edges_of

MOST_EDGES = 5000
"""Edges around a hole that is closed."""

ROUNDS = 3
"""How often it is looked for holes that closing others left."""


def fill_holes(soup: Soup, limit: float) -> tuple[Soup, int]:
    """Close holes whose edge is at most ``limit`` long, each by a fan around its middle.

    The new triangles belong to the mesh at the hole's edge and carry on its colours and texture.

    Returns:
        The triangles with the new ones, and how many holes were closed.
    """
    closed = 0
    for _ in range(ROUNDS):
        loops = [loop for loop in _loops(soup) if len(loop) <= MOST_EDGES and _length(soup, loop) <= limit]
        if not loops:
            break
        soup = _with_fans(soup, loops)
        closed += len(loops)
    return soup, closed


def _loops(soup: Soup) -> list[Ints]:
    """Closed walks along edges of one triangle; each step is (triangle, corner that the edge begins at)."""
    edges = edges_of(soup.triangles)
    border = np.argwhere(edges.count[edges.of] == 1)
    if not len(border):
        return []
    starts = soup.triangles[border[:, 0], border[:, 1]]
    ends = soup.triangles[border[:, 0], (border[:, 1] + 1) % 3]
    # a vertex where two holes touch has two ways out, and so has one where neighbours are turned against each other:
    # walk either way
    ways: dict[int, list[tuple[int, int]]] = {}
    for step, (a, b) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        ways.setdefault(a, []).append((step, b))
        ways.setdefault(b, []).append((step, a))
    free = np.ones(len(border), bool)
    loops = []
    for step in range(len(border)):
        if free[step]:
            loops += [border[np.array(walk)] for walk in _walks(step, int(starts[step]), int(ends[step]), ways, free)]
    return loops


def _walks(
    step: int, start: int, at: int, ways: dict[int, list[tuple[int, int]]], free: NDArray[np.bool_]
) -> list[list[int]]:
    """Simple cycles along one walk from an edge; a walk that meets itself is cut there."""
    free[step] = False
    path, seen = [step], {start: 0, at: 1}
    cycles: list[list[int]] = []
    visited = [start, at]
    while True:
        onward = next(((number, vertex) for number, vertex in ways[at] if free[number]), None)
        if onward is None:
            return cycles
        number, at = onward
        free[number] = False
        path.append(number)
        if at not in seen:
            seen[at] = len(path)
            visited.append(at)
            continue
        first = seen[at]
        if len(path) - first >= 3:
            cycles.append(path[first:])
        for vertex in visited[first + 1 :]:
            seen.pop(vertex, None)
        path, visited = path[:first], visited[: first + 1]
        if not path:
            return cycles


def _ends(soup: Soup, loop: Ints) -> tuple[Ints, Ints]:
    """Vertices that the edges of a loop begin and end at."""
    return soup.triangles[loop[:, 0], loop[:, 1]], soup.triangles[loop[:, 0], (loop[:, 1] + 1) % 3]


def _length(soup: Soup, loop: Ints) -> float:
    a, b = _ends(soup, loop)
    return float(np.linalg.norm(soup.vertices[a] - soup.vertices[b], axis=1).sum())


def _with_fans(soup: Soup, loops: list[Ints]) -> Soup:
    vertices: list[Floats] = [soup.vertices]
    triangles, owner, uv, colours = [soup.triangles], [soup.owner], [soup.uv], [soup.colours]
    count = len(soup.vertices)
    for loop in loops:
        a, b = _ends(soup, loop)
        rows, begin, end = loop[:, 0], loop[:, 1], (loop[:, 1] + 1) % 3
        if len(loop) == 3:
            corners = _triangle(a, b)
            triangles.append(corners[None])
            rows, begin, end = rows[:1], begin[:1], end[:1]
        else:
            # from the end to the beginning, against the neighbour's own direction
            triangles.append(np.stack([b, a, np.full(len(a), count)], 1))
            vertices.append(soup.vertices[np.unique([a, b])].mean(0, keepdims=True))
            count += 1
        owner.append(soup.owner[rows])
        for values, new in ((soup.uv, uv), (soup.colours, colours)):
            first, second = values[rows, end], values[rows, begin]
            # texture coordinates of the middle would lie anywhere in an atlas; the edge's own stay on its patch
            third = (first + second) / 2 if values is soup.uv else np.broadcast_to(second.mean(0), first.shape)
            new.append(np.stack([first, second, third], 1).astype(np.float32))
    return replace(
        soup, vertices=np.concatenate(vertices), triangles=np.concatenate(triangles), owner=np.concatenate(owner),
        uv=np.concatenate(uv), colours=np.concatenate(colours),
    )  # fmt: skip


def _triangle(a: Ints, b: Ints) -> Ints:
    """The three vertices of a loop of three edges, against the direction of its first one."""
    third = next(vertex for vertex in (*a.tolist(), *b.tolist()) if vertex not in (int(a[0]), int(b[0])))
    return np.array([b[0], a[0], third])
