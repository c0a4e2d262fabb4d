"""What the stand-in draws: the meshes of the open stage, as its one camera sees them, in flat grey."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stages.sdg.render.raster import rasterize

TO_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass
class Item:
    """A labelled prim, seen or not."""

    path: str
    labels: list[str]
    triangles: list = field(default_factory=list)
    tight: tuple | None = None
    loose: tuple | None = None
    occlusion: float = 0.0
    low: tuple = (0.0, 0.0, 0.0)
    high: tuple = (0.0, 0.0, 0.0)
    transform: object = None


@dataclass
class Shown:
    light: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    ids: np.ndarray
    items: dict[int, Item]
    lens: tuple
    subframes: int = 0
    number: int = 0


def draw(stage, camera, size):
    from pxr import Gf, Usd, UsdGeom

    worlds = UsdGeom.XformCache()
    items, of_path = {}, {}
    soup, ids = [np.zeros((0, 3, 3))], [np.zeros(0, np.uint16)]
    for prim in Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies()):
        if not prim.IsA(UsdGeom.Mesh) or UsdGeom.Imageable(prim).ComputeVisibility() == "invisible":
            continue
        owner, labels = _labelled(prim)
        number = 1
        if owner:
            number = of_path.setdefault(owner, len(of_path) + 2)
            items.setdefault(number, Item(owner, labels))
        mesh = UsdGeom.Mesh(prim)
        points = np.asarray(mesh.GetPointsAttr().Get(), float)
        counts = np.asarray(mesh.GetFaceVertexCountsAttr().Get())
        corners = np.asarray(mesh.GetFaceVertexIndicesAttr().Get())
        matrix = np.array(worlds.GetLocalToWorldTransform(prim))
        placed = points @ matrix[:3, :3] + matrix[3, :3]
        starts = np.cumsum(counts) - counts
        for corner in range(1, int(counts.max()) - 1):
            some = counts > corner + 1
            triangle = np.stack([starts[some], starts[some] + corner, starts[some] + corner + 1], 1)
            soup.append(placed[corners[triangle]])
            ids.append(np.full(some.sum(), number, np.uint16))
            if number > 1:
                items[number].triangles.append(soup[-1])
    lens = UsdGeom.Camera(stage.GetPrimAtPath(camera))
    width, height = size
    aperture = lens.GetHorizontalApertureAttr().Get(), lens.GetVerticalApertureAttr().Get()
    focal = lens.GetFocalLengthAttr().Get() / aperture[0] * width
    near = lens.GetClippingRangeAttr().Get()[0]
    to_world = np.array(Gf.Matrix4d(worlds.GetLocalToWorldTransform(lens.GetPrim()))).T @ TO_OPENCV
    to_camera = np.linalg.inv(to_world)
    view = (focal, width / 2, height / 2, width, height, near)

    def seen(world):
        return world @ to_camera[:3, :3].T + to_camera[:3, 3]

    world, numbers = np.concatenate(soup), np.concatenate(ids)
    drawn, depth, triangle = rasterize(seen(world), numbers, *view)
    normals = np.zeros((height, width, 3), np.float32)
    lit = triangle >= 0
    a, b, c = world[triangle[lit]].swapaxes(0, 1)
    facing = np.cross(b - a, c - a)
    normals[lit] = facing / np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-12)
    light = np.full((height, width, 3), 0.2, np.float32)
    light[lit] = (0.25 + 0.5 * np.abs(normals[lit] @ (0.3, 0.5, 0.8)))[:, None]
    for number, item in items.items():
        _measure(item, drawn == number, np.concatenate(item.triangles), seen, view)
        item.transform = np.array(worlds.GetLocalToWorldTransform(stage.GetPrimAtPath(item.path)), np.float32)
        local = np.concatenate(item.triangles).reshape(-1, 3)
        local = np.c_[local, np.ones(len(local))] @ np.linalg.inv(np.asarray(item.transform, float))
        item.low, item.high = tuple(local[:, :3].min(0)), tuple(local[:, :3].max(0))
    return Shown(light, depth, normals, drawn, items, (float(lens.GetFocalLengthAttr().Get()), aperture))


def _labelled(prim):
    """Path of the nearest labelled prim, and all labels from the outermost one inwards."""
    owner, labels = None, []
    while prim and not prim.IsPseudoRoot():
        if "SemanticsLabelsAPI:class" in prim.GetAppliedSchemas():
            values = prim.GetAttribute("semantics:labels:class").Get()
            if values:
                owner = owner or str(prim.GetPath())
                labels = [*values, *labels]
        prim = prim.GetParent()
    return owner, labels


def _measure(item, mask, triangles, seen, view):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows):
        item.tight = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    alone, _, _ = rasterize(seen(triangles), np.ones(len(triangles), np.uint16), *view)
    whole = int((alone > 0).sum())
    if whole:
        rows, columns = np.flatnonzero(alone.any(1)), np.flatnonzero(alone.any(0))
        item.loose = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
        item.occlusion = 1 - int(mask.sum()) / whole
    else:
        item.occlusion = float("nan")
