"""The ``fake`` renderer: flat colours and simple light in milliseconds, without any engine.

It draws the same meshes of the same plan with the same passes as the others, so that settings can be tried and
everything after rendering can be tested. It knows no shadows, reflections or patterns.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import RenderError
from stages.common.settings.pictures import Renderer
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.types import Part
from stages.sdg.plan.geometry import rigid
from stages.sdg.plan.types import Camera, FramePlan, Lamp
from stages.sdg.render.amodal import amodal_extents
from stages.sdg.render.camera import overscan, world_to_camera
from stages.sdg.render.meshes import labelled_parts, labelled_triangles, triangle_parts, world_triangles
from stages.sdg.render.passes import Passes
from stages.sdg.render.raster import rasterize
from stages.sdg.render.sensor_geometry import distort_passes

Floats = NDArray[np.float32]

BOUNCED = 0.35
"""Light that reaches every surface by way of others, as a share of the mean of the direct light."""


@dataclass(frozen=True)
class _Soup:
    """All triangles of a scene.

    Attributes:
        corners: (T, 3, 3) world metres.
        ids: (T,) placement ids.
        colour: (T, 3) linear.
        glow: (T,) emitted radiance.
        parts: (T,) part numbers.
    """

    corners: NDArray[np.float64]
    ids: NDArray[np.uint16]
    colour: Floats
    glow: Floats
    parts: NDArray[np.uint8]


class FakeRenderer:
    """Renders plans with :func:`stages.sdg.render.raster.rasterize`."""

    def __init__(self, settings: Renderer) -> None:
        self._settings = settings

    def render(self, plan: FramePlan, *, normals: bool = False) -> Passes:
        """Render one plan; see :class:`stages.sdg.render.passes.RendererBackend`."""
        started = time.perf_counter()
        soup = _soup(plan)
        built = time.perf_counter()
        passes = distort_passes(_draw(plan, soup, overscan(plan.camera), normals), plan.camera)
        rendered = time.perf_counter()
        seen = passes.instance
        passes.amodal = amodal_extents(plan.camera, labelled_triangles(plan, seen), labelled_parts(plan, seen))
        measured = time.perf_counter()
        passes.seconds = {"build": built - started, "render": rendered - built, "amodal": measured - rendered}
        return passes

    def save_scene(self, plan: FramePlan, path: str) -> None:
        """This renderer has no scene files.

        Raises:
            RenderError: always.
        """
        raise RenderError(
            f"the fake renderer cannot save frame {plan.frame} to {path}; save it with renderer.backend=blender"
        )

    def close(self) -> None:
        """Nothing to let go of."""


def _soup(plan: FramePlan) -> _Soup:
    corners, ids, colours, glows = [np.zeros((0, 3, 3))], [], [np.zeros((0, 3))], []
    part_numbers = [np.zeros(0, np.uint8)]
    for placement in plan.placements:
        asset = build_asset(placement.family, placement.variant, placement.parameters)
        counts = [len(part.triangles) for part in asset.parts]
        corners.append(world_triangles(placement))
        ids.append(np.full(sum(counts), placement.id, np.uint16))
        colours.append(np.concatenate([_colours(part) for part in asset.parts]))
        part_numbers.append(triangle_parts(placement))
        glows.append(np.repeat([part.material.glow for part in asset.parts], counts))
    return _Soup(
        np.concatenate(corners),
        np.concatenate([np.zeros(0, np.uint16), *ids]),
        np.concatenate(colours).astype(np.float32),
        np.concatenate([np.zeros(0), *glows]).astype(np.float32),
        np.concatenate(part_numbers),
    )


def _colours(part: Part) -> NDArray[Any]:
    """(M, 3) linear colour of each triangle."""
    if part.colours is not None:
        return np.asarray(part.colours.mean(1))
    return np.tile(np.array(part.material.colour), (len(part.triangles), 1))


def _draw(plan: FramePlan, soup: _Soup, canvas: Camera, normals: bool) -> Passes:
    """Passes on the undistorted canvas."""
    instance, depth, triangle = rasterize(
        world_to_camera(canvas, soup.corners),
        soup.ids,
        canvas.focal,
        canvas.width / 2,
        canvas.height / 2,
        canvas.width,
        canvas.height,
        canvas.near,
    )
    seen = triangle >= 0
    shown = triangle[seen]
    linear = np.broadcast_to(np.asarray(plan.sky, np.float32), (*seen.shape, 3)).copy()
    points = _seen_points(canvas, depth, seen)
    facing = _facing(soup.corners, shown, canvas)
    linear[seen] = _shade(plan, soup, shown, points, facing)
    normal_image = np.zeros((*seen.shape, 3), np.float32) if normals else None
    if normal_image is not None:
        normal_image[seen] = facing
    parts = np.zeros(seen.shape, np.uint8)
    parts[seen] = soup.parts[shown]
    return Passes(linear, instance, depth, {}, normal_image, parts=parts)


def _seen_points(canvas: Camera, depth: Floats, seen: NDArray[np.bool_]) -> Floats:
    """(P, 3) world metres of what the pixels show."""
    rows, columns = np.nonzero(seen)
    z = depth[seen]
    x = (columns + 0.5 - canvas.width / 2).astype(np.float32) * z / np.float32(canvas.focal)
    y = (rows + 0.5 - canvas.height / 2).astype(np.float32) * z / np.float32(canvas.focal)
    matrix = np.asarray(canvas.camera_to_world, np.float32)
    return np.asarray(np.stack([x, y, z], 1) @ matrix[:3, :3].T + matrix[:3, 3])


def _facing(corners: NDArray[np.float64], shown: NDArray[np.int32], canvas: Camera) -> Floats:
    """(P, 3) unit normals of the shown triangles, turned to the camera."""
    used = np.flatnonzero(np.bincount(shown, minlength=len(corners)))
    a, b, c = corners[used].swapaxes(0, 1)
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)
    eye = np.asarray(canvas.camera_to_world)[:3, 3]
    normal[np.einsum("ij,ij->i", normal, eye - a) < 0] *= -1
    by_triangle = np.zeros(corners.shape[:2], np.float32)
    by_triangle[used] = normal
    return np.asarray(by_triangle[shown])


def _shade(plan: FramePlan, soup: _Soup, shown: NDArray[np.int32], points: Floats, facing: Floats) -> Floats:
    """(P, 3) radiance of Lambertian surfaces under all lamps, without shadows."""
    direct = np.zeros_like(points)
    for lamp in plan.lamps:
        direct += _irradiance(lamp, points, facing)[:, None] * np.asarray(lamp.colour, np.float32)
    bounced = BOUNCED * direct.mean(0) if len(direct) else np.zeros(3, np.float32)
    light = (direct + bounced) / np.float32(math.pi) + np.asarray(plan.sky, np.float32)
    return np.asarray(soup.colour[shown] * (light + soup.glow[shown, None]), np.float32)


def _irradiance(lamp: Lamp, points: Floats, facing: Floats) -> Floats:
    """(P,) W/m² that falls on surfaces: a Lambertian emitter, an even one, or parallel light, by the lamp's kind."""
    pose = rigid(lamp.position, lamp.rotation).astype(np.float32)
    shines = -pose[:3, 2]
    if lamp.kind == "sun":
        return np.asarray(lamp.power * np.maximum(facing @ -shines, 0), np.float32)
    away = pose[:3, 3] - points
    # nearer than its own size a lamp grows no brighter
    square = np.maximum(np.einsum("ij,ij->i", away, away), max(lamp.size) ** 2 / 4 + 1e-4)
    on_surface = np.maximum(np.einsum("ij,ij->i", away, facing), 0) / np.sqrt(square)
    if lamp.kind == "point":
        return np.asarray(lamp.power / (4 * math.pi) * on_surface / square, np.float32)
    from_lamp = np.maximum(-away @ shines, 0) / np.sqrt(square)
    return np.asarray(lamp.power / math.pi * on_surface * from_lamp / square, np.float32)
