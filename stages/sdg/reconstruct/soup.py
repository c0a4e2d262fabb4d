"""All triangles of a scene in one set of arrays, so that they can be mended together and given back by material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.raw import RawMesh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass
class Soup:
    """Triangles over shared vertices.

    Attributes:
        vertices: (N, 3).
        triangles: (M, 3).
        owner: (M,) number of the mesh that each belongs to.
        uv: (M, 3, 2) texture coordinates of the corners; zero where the mesh has none.
        colours: (M, 3, 3) linear colours of the corners; zero where the mesh has none.
        meshes: what the triangles came from; says which of these values count.
    """

    vertices: Floats
    triangles: Ints
    owner: Ints
    uv: NDArray[np.float32]
    colours: NDArray[np.float32]
    meshes: Sequence[RawMesh]

    def keep(self, chosen: NDArray[np.bool_]) -> Soup:
        """The triangles of a mask."""
        return replace(
            self, triangles=self.triangles[chosen], owner=self.owner[chosen], uv=self.uv[chosen],
            colours=self.colours[chosen],
        )  # fmt: skip

    def used(self) -> Floats:
        """Vertices that triangles refer to."""
        is_used = np.zeros(len(self.vertices), bool)
        is_used[self.triangles] = True
        return np.asarray(self.vertices[is_used])


def stirred(meshes: Sequence[RawMesh]) -> Soup:
    """Put meshes together; errors none, whatever their vertices hold."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    count = [len(mesh.triangles) for mesh in meshes]

    def corners(values: NDArray[np.float32] | None, number: int, width: int) -> NDArray[np.float32]:
        return np.zeros((count[number], 3, width), np.float32) if values is None else values

    return Soup(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]),
        np.repeat(np.arange(len(meshes)), count),
        np.concatenate([corners(mesh.uv, number, 2) for number, mesh in enumerate(meshes)]),
        np.concatenate([corners(mesh.colours, number, 3) for number, mesh in enumerate(meshes)]),
        meshes,
    )


def separated(soup: Soup) -> list[RawMesh]:
    """The meshes again, without those that have no triangle left."""
    made = []
    for number, mesh in enumerate(soup.meshes):
        mine = soup.owner == number
        if not mine.any():
            continue
        used, which = np.unique(soup.triangles[mine], return_inverse=True)
        made.append(
            replace(
                mesh,
                vertices=soup.vertices[used],
                triangles=which.reshape(-1, 3).astype(np.int64),
                uv=None if mesh.uv is None else soup.uv[mine],
                colours=None if mesh.colours is None else soup.colours[mine],
            )
        )
    return made
