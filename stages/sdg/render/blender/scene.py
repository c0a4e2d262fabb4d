"""A frame plan as a Blender scene."""

from __future__ import annotations

import json
from typing import Any

import bpy
import mathutils
import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.types import Asset, part_number
from stages.sdg.plan.geometry import placement_matrix, rigid
from stages.sdg.plan.types import Camera, FramePlan, Lamp
from stages.sdg.render.blender.materials import COLOURS, UV, Look, is_kept, look_of, material_of
from stages.sdg.render.blender.tree import SHIFT, face_values

SENSOR_WIDTH_MM = 36.0
SMOOTH_ANGLE = 0.7
"""Edges sharper than this stay sharp on smooth parts, in radians."""


def clear() -> None:
    """Remove everything of the frame before, but for the materials that any frame may need."""
    data = bpy.data
    gone = [item for kind in (data.objects, data.meshes, data.lights, data.cameras, data.worlds) for item in kind]
    data.batch_remove([*gone, *(material for material in data.materials if not is_kept(material))])


def build(plan: FramePlan, camera: Camera) -> None:
    """Make the plan's scene in the current, empty Blender file, seen by ``camera`` (which has no distortion)."""
    scene = bpy.context.scene
    meshes: dict[str, Any] = {}
    for placement in plan.placements:
        key = json.dumps([placement.family, placement.variant, placement.parameters], sort_keys=True)
        if key not in meshes:
            asset = build_asset(placement.family, placement.variant, placement.parameters)
            meshes[key] = _mesh(asset)
        item = bpy.data.objects.new(f"{placement.id:05d}_{placement.family}", meshes[key])
        item.matrix_world = mathutils.Matrix(placement_matrix(placement).tolist())
        item.pass_index = placement.id
        scene.collection.objects.link(item)
    for number, lamp in enumerate(plan.lamps):
        _lamp(lamp, number)
    _world(plan)
    _camera(camera)


def _mesh(asset: Asset) -> Any:
    vertices = np.concatenate([part.vertices for part in asset.parts])
    starts = np.cumsum([0] + [len(part.vertices) for part in asset.parts])
    triangles = np.concatenate([part.triangles + start for part, start in zip(asset.parts, starts, strict=False)])
    counts = [len(part.triangles) for part in asset.parts]
    slots: dict[tuple[Look, int], int] = {}
    of_part = [slots.setdefault((look_of(p.material), part_number(p.name)), len(slots)) for p in asset.parts]
    mesh = bpy.data.meshes.new("asset")
    mesh.vertices.add(len(vertices))
    mesh.loops.add(triangles.size)
    mesh.polygons.add(len(triangles))
    mesh.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))
    # attributes are copied whole; what vertices, loops and polygons say of the same would be set one by one
    mesh.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.attributes[".corner_vert"].data.foreach_set("value", np.ascontiguousarray(triangles, np.int32).ravel())
    if len(slots) > 1:
        _of_faces(mesh, "material_index", "INT", np.repeat(np.array(of_part, np.int32), counts))
    _of_faces(mesh, "sharp_face", "BOOLEAN", np.repeat([not part.smooth for part in asset.parts], counts))
    mesh.update(calc_edges=True)
    if any(part.smooth for part in asset.parts):
        mesh.set_sharp_from_angle(angle=SMOOTH_ANGLE)
    for look, number in slots:
        mesh.materials.append(material_of(look, number))
    _face_values(mesh, asset, counts)
    _corner_values(mesh, asset)
    return mesh


def _of_faces(mesh: Any, name: str, kind: str, values: NDArray[Any]) -> None:
    """Give a mesh's faces an attribute, one value each."""
    mesh.attributes.new(name, kind, "FACE").data.foreach_set(_FIELDS[kind], values.ravel())


_FIELDS = {"INT": "value", "BOOLEAN": "value", "FLOAT_VECTOR": "vector", "FLOAT_COLOR": "color"}
"""Of an attribute's items, by its type."""


def _face_values(mesh: Any, asset: Asset, counts: list[int]) -> None:
    """What the parts' materials say in numbers, for the trees to read."""
    for name, values in face_values([part.material for part in asset.parts], counts).items():
        _of_faces(mesh, name, "FLOAT_VECTOR" if name == SHIFT else "FLOAT_COLOR", values)


def _corner_values(mesh: Any, asset: Asset) -> None:
    """Texture coordinates and colours of the corners, where any part has them."""
    if any(part.uv is not None for part in asset.parts):
        pieces = [np.zeros((len(p.triangles), 3, 2), np.float32) if p.uv is None else p.uv for p in asset.parts]
        mesh.uv_layers.new(name=UV).uv.foreach_set("vector", np.concatenate(pieces).ravel())
    if any(part.material.vertex_colours for part in asset.parts):
        white = [np.ones((len(p.triangles), 3, 3), np.float32) if p.colours is None else p.colours for p in asset.parts]
        colours = np.concatenate(white).reshape(-1, 3)
        layer = mesh.color_attributes.new(COLOURS, "FLOAT_COLOR", "CORNER")
        layer.data.foreach_set("color", np.c_[colours, np.ones(len(colours), np.float32)].astype(np.float32).ravel())


def _lamp(lamp: Lamp, number: int) -> None:
    light = bpy.data.lights.new(f"lamp{number:03d}", lamp.kind.upper())
    light.energy, light.color = lamp.power, lamp.colour
    if lamp.kind == "area":
        light.shape = "RECTANGLE"
        light.size, light.size_y = lamp.size
    elif lamp.kind == "point":
        light.shadow_soft_size = lamp.size[0] / 2
    else:
        light.angle = lamp.size[0]
    item = bpy.data.objects.new(light.name, light)
    item.matrix_world = mathutils.Matrix(rigid(lamp.position, lamp.rotation).tolist())
    bpy.context.scene.collection.objects.link(item)


def _world(plan: FramePlan) -> None:
    world = bpy.data.worlds.new("sky")
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*plan.sky, 1.0)
    bpy.context.scene.world = world


def _camera(camera: Camera) -> None:
    data = bpy.data.cameras.new("camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_WIDTH_MM
    data.lens = camera.focal * SENSOR_WIDTH_MM / camera.width
    data.clip_start, data.clip_end = camera.near, 500.0
    item = bpy.data.objects.new("camera", data)
    opencv = np.array(camera.camera_to_world) @ np.diag([1.0, -1.0, -1.0, 1.0])
    item.matrix_world = mathutils.Matrix(opencv.tolist())
    scene = bpy.context.scene
    scene.collection.objects.link(item)
    scene.camera = item
    scene.render.resolution_x, scene.render.resolution_y = camera.width, camera.height
    scene.render.resolution_percentage = 100
