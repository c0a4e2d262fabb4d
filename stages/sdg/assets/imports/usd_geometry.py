"""Triangles of USD prims: meshes, the plain shapes, point instancers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.raw import Unreadable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_INSTANCES = 20_000
"""Instances of one point instancer that are read."""


@dataclass
class Shape:
    """Triangles of one prim in its own coordinates.

    Attributes:
        points: (N, 3).
        triangles: (M, 3) indices into the points.
        corners: (M, 3) indices into the face corners, in the file's order.
        faces: (M,) the face that each triangle is part of.
        left_handed: faces are clockwise seen from outside.
        subsets: prims of material subsets and their faces.
    """

    points: Floats
    triangles: Ints
    corners: Ints
    faces: Ints
    left_handed: bool = False
    subsets: list[tuple[Any, Ints]] = field(default_factory=list)


def mesh_of(prim: Any, path: str) -> Shape:
    """Triangles of a mesh prim; polygons are fanned, holes left out.

    Raises:
        Unreadable: when counts and indices contradict each other.
    """
    from pxr import Usd, UsdGeom, UsdShade

    mesh, time = UsdGeom.Mesh(prim), Usd.TimeCode.EarliestTime()
    points = _array(mesh.GetPointsAttr().Get(time), np.float64).reshape(-1, 3)
    counts = _array(mesh.GetFaceVertexCountsAttr().Get(time), np.int64)
    indices = _array(mesh.GetFaceVertexIndicesAttr().Get(time), np.int64)
    if (counts < 0).any() or counts.sum() != len(indices):
        raise Unreadable(f"is broken: the faces of {path} do not add up; export it again")
    if len(indices) and not 0 <= indices.min() <= indices.max() < len(points):
        raise Unreadable(f"is broken: {path} uses points that it does not hold; export it again")
    triangles, corners, faces = fan(counts, indices)
    holes = _array(mesh.GetHoleIndicesAttr().Get(time), np.int64)
    if len(holes):
        kept = ~np.isin(faces, holes)
        triangles, corners, faces = triangles[kept], corners[kept], faces[kept]
    subsets = [
        (subset.GetPrim(), _array(subset.GetIndicesAttr().Get(time), np.int64))
        for subset in UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets()
    ]
    left = str(mesh.GetOrientationAttr().Get(time)) == "leftHanded"
    return Shape(points, triangles, corners, faces, left, subsets)


def _array(values: Any, kind: Any) -> Any:
    return np.array(values if values is not None else [], kind)


def fan(counts: Ints, indices: Ints) -> tuple[Ints, Ints, Ints]:
    """Triangles of polygons, all from each one's first corner.

    Args:
        counts: (F,) corners of each face.
        indices: (sum of counts,) point of each corner.

    Returns:
        (M, 3) points, (M, 3) corners and (M,) faces of the triangles.
    """
    starts = np.cumsum(counts) - counts
    pieces = np.maximum(counts - 2, 0)
    faces = np.repeat(np.arange(len(counts)), pieces)
    step = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first = starts[faces]
    corners = np.stack([first, first + step + 1, first + step + 2], 1) if len(faces) else np.zeros((0, 3), np.int64)
    return indices[corners], corners, faces


def shape_of(prim: Any) -> Shape | None:
    """Triangles of a cube, sphere, cylinder, cone, capsule or plane; None for what has no surface here."""
    from pxr import Usd, UsdGeom

    from stages.sdg.assets import mesh as make

    time = Usd.TimeCode.EarliestTime()

    def written(name: str) -> Any:
        attribute = prim.GetAttribute(name)
        return attribute.Get(time) if attribute else None

    def number(name: str, usual: float) -> float:
        value = written(name)
        return usual if value is None else float(value)

    kind = prim.GetTypeName()
    axis = {"X": 0, "Y": 1, "Z": 2}[str(written("axis") or "Z")]
    half = number("height", 2.0) / 2
    radius = number("radius", 1.0 if kind in ("Sphere", "Cylinder", "Cone") else 0.5)
    if prim.IsA(UsdGeom.Cube):
        side = number("size", 2.0) / 2
        made = make.box((-side,) * 3, (side,) * 3)
    elif prim.IsA(UsdGeom.Sphere):
        made = make.sphere((0, 0, 0), radius, 24)
    elif kind in ("Cylinder", "Cylinder_1"):
        made = make.lathe([(0, -half), (radius, -half), (radius, half), (0, half)], axis, 32)
    elif kind == "Cone":
        made = make.lathe([(0, -half), (radius, -half), (0, half)], axis, 32)
    elif kind in ("Capsule", "Capsule_1"):
        turn = np.linspace(-np.pi / 2, np.pi / 2, 16)
        profile = np.stack([radius * np.cos(turn), radius * np.sin(turn) + np.where(turn < 0, -half, half)], 1)
        made = make.lathe(profile, axis, 24)
    elif kind == "Plane":
        length, width = number("length", 2.0) / 2, number("width", 2.0) / 2
        flat = np.zeros((4, 3))
        u, v = (axis + 1) % 3, (axis + 2) % 3
        flat[:, u], flat[:, v] = (-width, width, width, -width), (-length, -length, length, length)
        made = flat, np.array([(0, 1, 2), (0, 2, 3)])
    else:
        return None
    points, triangles = made
    numbers = np.arange(triangles.size).reshape(-1, 3)
    return Shape(np.asarray(points, np.float64), np.asarray(triangles, np.int64), numbers, np.arange(len(triangles)))


def corner_values(prim: Any, name: str, shape: Shape, chosen: NDArray[np.bool_], width: int) -> Any:
    """Values of a primvar at the corners of the chosen triangles, (M, 3, width) float32; None without one."""
    from pxr import Usd, UsdGeom

    time = Usd.TimeCode.EarliestTime()
    found = UsdGeom.PrimvarsAPI(prim).FindPrimvarWithInheritance(name)
    if not found and width == 2:
        others = UsdGeom.PrimvarsAPI(prim).GetPrimvarsWithValues()
        found = next((item for item in others if "texCoord2" in str(item.GetTypeName())), None)
    if not found or not found.HasValue():
        return None
    values = _array(found.ComputeFlattened(time), np.float32)
    if values.size == 0 or values.size % width:
        return None
    values = values.reshape(-1, width)
    how = str(found.GetInterpolation())
    triangles, faces = shape.triangles[chosen], shape.faces[chosen]
    index = {"faceVarying": shape.corners[chosen], "uniform": np.repeat(faces[:, None], 3, 1)}.get(how, triangles)
    if how == "constant":
        index = np.zeros_like(triangles)
    if not len(index) or index.max() >= len(values):
        return None
    return values[index]


def point_instances(prim: Any) -> Iterator[tuple[Any, Floats, int]]:
    """Prototype, matrix (row vectors, to the instancer) and number of each instance that is shown.

    Raises:
        Unreadable: when there are too many, or an instance has no prototype.
    """
    from pxr import Usd, UsdGeom

    instancer, time = UsdGeom.PointInstancer(prim), Usd.TimeCode.EarliestTime()
    kinds = _array(instancer.GetProtoIndicesAttr().Get(time), np.int64)
    targets = instancer.GetPrototypesRel().GetForwardedTargets()
    if len(kinds) > MAX_INSTANCES:
        raise Unreadable(f"holds {len(kinds)} instances at {prim.GetPath()}, above {MAX_INSTANCES}: thin them out")
    if len(kinds) and kinds.max() >= len(targets):
        raise Unreadable(f"is broken: {prim.GetPath()} has instances without a prototype; export it again")
    places = instancer.ComputeInstanceTransformsAtTime(
        time, time, UsdGeom.PointInstancer.ExcludeProtoXform, UsdGeom.PointInstancer.IgnoreMask
    )
    mask = list(instancer.ComputeMaskAtTime(time)) or [True] * len(kinds)
    for number, (kind, place) in enumerate(zip(kinds, places, strict=False)):
        prototype = prim.GetStage().GetPrimAtPath(targets[kind])
        if mask[number] and prototype:
            yield prototype, np.array(place, np.float64).reshape(4, 4), number
