"""Triangles of an asset that only Isaac Sim can read, so that labels know its whole outline. numpy and pxr."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def triangles_below(stage: Any, path: str, within: str = "") -> NDArray[np.float32]:
    """(T, 3, 3) corners of all visible meshes below a prim, in its coordinates or in those of a prim that it is in.

    Instances are included.

    Polygons are fanned from their first corner. Guides and proxies, which are not rendered, are left out.
    """
    from pxr import Gf, Usd, UsdGeom

    root = stage.GetPrimAtPath(path)
    worlds = UsdGeom.XformCache()
    to_root = worlds.GetLocalToWorldTransform(stage.GetPrimAtPath(within or path)).GetInverse()
    pieces = [np.zeros((0, 3, 3), np.float32)]
    for prim in Usd.PrimRange(root, Usd.TraverseInstanceProxies()):
        if not prim.IsA(UsdGeom.Mesh):
            continue
        image = UsdGeom.Imageable(prim)
        if image.ComputePurpose() not in (UsdGeom.Tokens.default_, UsdGeom.Tokens.render):
            continue
        if _is_hidden_below(prim, root):
            continue
        mesh = UsdGeom.Mesh(prim)
        points = np.asarray(mesh.GetPointsAttr().Get() or [], np.float64).reshape(-1, 3)
        counts = np.asarray(mesh.GetFaceVertexCountsAttr().Get() or [], np.int64)
        corners = np.asarray(mesh.GetFaceVertexIndicesAttr().Get() or [], np.int64)
        if not len(points) or counts.sum() != len(corners):
            continue
        # Gf matrices act on row vectors
        matrix = np.array(Gf.Matrix4d(worlds.GetLocalToWorldTransform(prim) * to_root))
        placed = points @ matrix[:3, :3] + matrix[3, :3]
        pieces.append(placed[fan(counts, corners)].astype(np.float32))
    return np.concatenate(pieces)


def fan(counts: NDArray[np.int64], corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """(T, 3) point numbers of the triangles of polygons with so many corners each."""
    sizes = np.maximum(counts - 2, 0)
    faces = np.repeat(np.arange(len(counts)), sizes)
    first = (np.cumsum(counts) - counts)[faces]
    step = np.arange(len(faces)) - (np.cumsum(sizes) - sizes)[faces]
    return np.asarray(corners[np.stack([first, first + step + 1, first + step + 2], 1)])


def _is_hidden_below(prim: Any, root: Any) -> bool:
    """Whether the prim or an ancestor below the root is invisible; the root itself is hidden between frames."""
    from pxr import UsdGeom

    while prim and prim != root:
        visibility = UsdGeom.Imageable(prim).GetVisibilityAttr()
        if visibility and visibility.Get() == UsdGeom.Tokens.invisible:
            return True
        prim = prim.GetParent()
    return False
