"""Point clouds and Gaussian splats as meshes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.raw import MAX_CORNERS, RawMesh, RawScene, Unreadable, linear
from stages.sdg.reconstruct.rotate import matrices

Floats = NDArray[np.float64]

LEAST_POINTS = 200
"""Points below which a surface is a guess."""

MOST_POINTS = 2_000_000
"""Points that are looked at; of more, an even choice."""

CELLS = (12, 160)
"""Cells along the longest side of the grid that the surface is found in: the least that show a shape, and the most."""

OPAQUE = 0.35
"""Opacity from which a Gaussian is part of a surface; the haze around it is fainter."""

SH_C0 = 0.28209479177387814
"""Constant band of the real spherical harmonics, 1 / (2 sqrt(pi)): colour = 0.5 + C0 * f_dc (Kerbl et al. 2023)."""

DISK = ((0.0, 0.0), (1.0, 0.0), (-0.5, 0.866), (-0.5, -0.866))
"""Where a Gaussian's disk is sampled, in its two largest standard deviations."""


@dataclass
class Cloud:
    """Points of a surface.

    Attributes:
        points: (N, 3).
        colours: (N, 3) linear, or None.
        kind: in words.
    """

    points: Floats
    colours: NDArray[np.float32] | None
    kind: str


def read_points(path: Path) -> Cloud | None:
    """The points of a file that has no triangles; None when it has no points either.

    Raises:
        Unreadable: when it holds too many of them.
    """
    import trimesh

    with open(path, "rb") as stream:
        loaded = trimesh.load_scene(stream, file_type=path.suffix[1:].lower(), process=False)
    clouds = []
    for node in loaded.graph.nodes_geometry:
        matrix, name = loaded.graph[node]
        geometry = loaded.geometry[name]
        if isinstance(geometry, trimesh.PointCloud) and len(geometry.vertices):
            clouds.append(_cloud(geometry, matrix, srgb=path.suffix.lower() not in (".glb", ".gltf")))
    if not clouds:
        return None
    if sum(len(cloud.points) for cloud in clouds) > MAX_CORNERS // 3:
        raise Unreadable("holds more than 50 million points: thin it out first")
    coloured = [cloud.colours for cloud in clouds if cloud.colours is not None]
    colours = np.concatenate(coloured) if len(coloured) == len(clouds) else None
    return Cloud(np.concatenate([cloud.points for cloud in clouds]), colours, clouds[0].kind)


def _cloud(geometry: Any, matrix: Floats, *, srgb: bool) -> Cloud:
    raw = geometry.metadata.get("_ply_raw", {}).get("vertex", {}).get("data")
    names = set(getattr(getattr(raw, "dtype", None), "names", None) or ())
    if {"f_dc_0", "opacity", "scale_0", "rot_0"} <= names:
        return _splats(raw)
    points = np.asarray(geometry.vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    given = np.asarray(geometry.colors) if geometry.colors is not None else np.zeros((0, 4))
    colours = None
    if len(given) == len(points):
        shares = given[:, :3] / 255.0 if given.dtype.kind in "ui" else np.clip(given[:, :3], 0, 1)
        colours = linear(shares) if srgb else shares.astype(np.float32)
    return Cloud(points, colours, "point cloud")


def _splats(raw: Any) -> Cloud:
    """Points on the opaque Gaussians of a 3DGS file, four on each (layout of Kerbl et al. 2023, INRIA's reference)."""

    def columns(*names: str) -> Floats:
        return np.stack([np.asarray(raw[name], np.float64) for name in names], 1)

    opaque = 1 / (1 + np.exp(-np.clip(columns("opacity")[:, 0], -50, 50))) >= OPAQUE
    if not opaque.any():
        raise Unreadable("holds no Gaussian that is opaque: train it longer, or export a mesh")
    centres, log_scales = columns("x", "y", "z")[opaque], columns("scale_0", "scale_1", "scale_2")[opaque]
    turns = matrices(columns("rot_0", "rot_1", "rot_2", "rot_3")[opaque])
    scales = np.exp(np.clip(log_scales, -50, 50))
    wide = np.argsort(-scales, axis=1)[:, :2]
    rows = np.arange(len(centres))
    first = turns[rows, :, wide[:, 0]] * scales[rows, wide[:, 0]][:, None]
    second = turns[rows, :, wide[:, 1]] * scales[rows, wide[:, 1]][:, None]
    points = np.concatenate([centres + a * first + b * second for a, b in DISK])
    colours = linear(np.clip(0.5 + SH_C0 * columns("f_dc_0", "f_dc_1", "f_dc_2")[opaque], 0, 1))
    return Cloud(points, np.tile(colours, (len(DISK), 1)), "Gaussian splats")


def mesh_of(cloud: Cloud, scene: RawScene, path: str) -> RawMesh:
    """A closed surface through a point cloud.

    The points are thickened until they touch, the outside of that is meshed (openvdb's dual contouring) and drawn back
    onto the points, so holes of the cloud are closed and its inside is not kept. Needs Blender's openvdb, so it belongs
    into a process without usd-core.

    Args:
        cloud: its points.
        scene: takes notes.
        path: of the mesh that is made.

    Raises:
        Unreadable: when there are too few points, or they show no shape.
    """
    points, colours = _sound(cloud, scene)
    spacing = _spacing(points)
    extent = float(np.ptp(points, axis=0).max())
    if not extent > 0:
        raise Unreadable("holds points that are all in one place: export it again")
    cell = max(1.2 * spacing, extent / CELLS[1])
    if extent / cell < CELLS[0]:
        raise Unreadable(
            f"holds {len(points)} points that lie too far apart to show a surface: record it with more, or export a "
            "mesh"
        )
    vertices, triangles = _shell(points, cell)
    vertices = _drawn_back(vertices, triangles, points, cell)
    scene.notes.append(
        f"its {len(points)} points ({cloud.kind}) were meshed at a resolution of 1/{extent / cell:.0f} of its longest "
        "side; details below that are gone, and so is its inside"
    )
    corner = None if colours is None else _nearest_mean(vertices, points, colours)[triangles]
    return RawMesh(path, vertices, triangles, colours=corner)


def _sound(cloud: Cloud, scene: RawScene) -> tuple[Floats, NDArray[np.float32] | None]:
    """Finite points, few enough, without those that stand alone."""
    from scipy.spatial import cKDTree

    points, colours = cloud.points, cloud.colours
    kept = np.isfinite(points).all(1) & (np.abs(points) < 1e12).all(1)
    if not kept.all():
        scene.notes.append(f"{int((~kept).sum())} points that are no numbers were left out")
    chosen = np.flatnonzero(kept)
    if len(chosen) > MOST_POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, MOST_POINTS, replace=False))
    if len(chosen) < LEAST_POINTS:
        raise Unreadable(f"holds {len(chosen)} usable points, too few for a surface: record it with more")
    points = points[chosen]
    distance = cKDTree(points).query(points, k=9, workers=-1)[0][:, 1:].mean(1)
    # the usual test for outliers (Rusu et al. 2008): far from its neighbours, measured by how far points usually are
    lonely = distance > np.median(distance) * 6 + 1e-300
    if lonely.any() and lonely.mean() < 0.2:
        scene.notes.append(f"{int(lonely.sum())} points that stand alone were left out")
        chosen, points = chosen[~lonely], points[~lonely]
    return points, None if colours is None else colours[chosen]


def _spacing(points: Floats) -> float:
    """Distance that most points have to their sixth neighbour."""
    from scipy.spatial import cKDTree

    some = points if len(points) <= 20_000 else points[np.random.default_rng(0).choice(len(points), 20_000, False)]
    return float(np.percentile(cKDTree(points).query(some, k=7, workers=-1)[0][:, -1], 90))


def _shell(points: Floats, cell: float) -> tuple[Floats, NDArray[np.int64]]:
    """Outer surface at one and a half cells from the points: vertices and triangles."""
    import bpy
    from scipy import ndimage

    bpy.utils.expose_bundled_modules()
    import openvdb  # type: ignore[import-not-found,unused-ignore]

    margin = 4
    low = points.min(0) - margin * cell
    shape = np.ceil((points.max(0) - low) / cell).astype(int) + margin + 1
    index = np.clip(np.rint((points - low) / cell).astype(int), 0, shape - 1)
    empty = np.ones(tuple(shape), bool)
    empty[tuple(index.T)] = False
    distance = ndimage.distance_transform_edt(empty) * cell
    radius = 1.5 * cell
    free, _ = ndimage.label(distance > radius)
    outside = free == free[0, 0, 0]
    field = np.where(outside, distance - radius, np.minimum(distance - radius, -0.25 * cell))
    field = ndimage.gaussian_filter(field, 0.7)
    grid = openvdb.FloatGrid(float(field.max()))
    grid.copyFromArray(np.ascontiguousarray(field, np.float32))
    made, threes, fours = grid.convertToPolygons(0.0, 0.0)
    triangles = np.concatenate([threes.reshape(-1, 3), fours[:, [0, 1, 2]], fours[:, [0, 2, 3]]]).astype(np.int64)
    if not len(triangles):
        raise Unreadable("holds points that show no surface: export a mesh")
    return np.asarray(made, np.float64) * cell + low, triangles


def _drawn_back(vertices: Floats, triangles: NDArray[np.int64], points: Floats, cell: float) -> Floats:
    """Vertices moved along their normals onto the plane of the nearest points, at most as far as the shell is off."""
    import trimesh
    from scipy.spatial import cKDTree

    mesh = trimesh.Trimesh(vertices, triangles, process=False)
    normals = np.asarray(mesh.vertex_normals, np.float64)
    far, near = cKDTree(points).query(vertices, k=min(8, len(points)), workers=-1)
    weights = np.exp(-((far / (1.5 * cell)) ** 2)) + 1e-12
    middle = np.einsum("nk,nkw->nw", weights, points[near]) / weights.sum(1, keepdims=True)
    step = ((middle - vertices) * normals).sum(1)
    mesh.vertices = vertices + normals * np.clip(step, -2.2 * cell, 0)[:, None]
    # Taubin's filter, which smooths without shrinking
    trimesh.smoothing.filter_taubin(mesh, lamb=0.5, nu=0.53, iterations=6)
    return np.asarray(mesh.vertices, np.float64)


def _nearest_mean(vertices: Floats, points: Floats, colours: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.spatial import cKDTree

    near = cKDTree(points).query(vertices, k=min(4, len(points)), workers=-1)[1]
    return np.asarray(colours[near].mean(1), np.float32)
