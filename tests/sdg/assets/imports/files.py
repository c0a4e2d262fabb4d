"""Files of every format that is read, sound and broken."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from stages.common.settings.imports import ImportedAsset

CHECKER = (np.indices((32, 32)).sum(0) // 8 % 2 * 255).astype(np.uint8)


def entry(source: object, **fields: Any) -> ImportedAsset:
    """An entry of the settings."""
    return ImportedAsset.model_validate({"name": "thing", "source": str(source), **fields})


def checker() -> Image.Image:
    """An image that is red where the squares are light, else black."""
    dark = np.zeros_like(CHECKER)
    return Image.fromarray(np.stack([CHECKER, dark, dark], -1))


def truck() -> trimesh.Scene:
    """A textured box 1.2 m high on a red ball, as one node below another; Y up, away from the origin."""
    scene = trimesh.Scene()
    box = trimesh.creation.box((0.4, 1.2, 0.6))
    uv = box.vertices[:, :2] - box.vertices[:, :2].min(0)
    image = trimesh.visual.material.PBRMaterial(
        name="checks", baseColorTexture=checker(), metallicFactor=0.0, roughnessFactor=0.4
    )
    box.visual = trimesh.visual.TextureVisuals(uv=uv, material=image)
    scene.add_geometry(box, node_name="body", transform=trimesh.transformations.translation_matrix((5, 3, 2)))
    ball = trimesh.creation.icosphere(3, 0.2)
    red = trimesh.visual.material.PBRMaterial(name="red", baseColorFactor=[255, 0, 0, 255])
    ball.visual = trimesh.visual.TextureVisuals(material=red)
    move = trimesh.transformations.translation_matrix((0, -0.8, 0))
    scene.add_geometry(ball, node_name="wheel", parent_node_name="body", transform=move)
    return scene


def write_truck(path: Path) -> Path:
    """The truck in the format of the suffix."""
    scene = truck()
    if path.suffix == ".gltf":
        for name, data in scene.export(file_type="gltf").items():
            (path if name == "model.gltf" else path.parent / name).write_bytes(data)
    elif path.suffix == ".glb":
        path.write_bytes(scene.export(file_type="glb"))
    else:
        mesh = trimesh.util.concatenate([trimesh.Trimesh(m.vertices, m.faces) for m in scene.dump()])
        mesh.export(path)
    return path


USDA = """#usda 1.0
(
    defaultPrim = "World"
    metersPerUnit = 0.01
    upAxis = "Y"
)
"""

SCENE = (
    USDA
    + """
def Xform "World"
{
    def Xform "Forklift_01" (
        prepend apiSchemas = ["SemanticsLabelsAPI:class"]
    )
    {
        token[] semantics:labels:class = ["forklift"]
        def Cube "Body"
        {
            double size = 100
            double3 xformOp:translate = (0, 50, 0)
            uniform token[] xformOpOrder = ["xformOp:translate"]
            color3f[] primvars:displayColor = [(1, 0, 0)]
        }
    }
    def Xform "Pallet_01" (
        prepend apiSchemas = ["SemanticsAPI:Semantics_x"]
    )
    {
        string semantic:Semantics_x:params:semanticType = "class"
        string semantic:Semantics_x:params:semanticData = "pallet"
        def Cube "Deck"
        {
            double size = 1
            double3 xformOp:translate = (150, 7, 0)
            float3 xformOp:scale = (120, 14, 80)
            uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:scale"]
        }
    }
    def Sphere "Helper"
    {
        double radius = 900
        uniform token purpose = "guide"
    }
    def Sphere "Hidden"
    {
        double radius = 900
        token visibility = "invisible"
    }
}
"""
)
"""A scene as the Synthetic Data Recorder sees it: two labelled things, labels of both schemas, centimetres, Y up."""


def mesh_prim(name: str, points: str, faces: str = "[0, 1, 2]", counts: str = "[3]", more: str = "") -> str:
    """A mesh prim as text."""
    return f"""
def Mesh "{name}"
{{
    int[] faceVertexCounts = {counts}
    int[] faceVertexIndices = {faces}
    point3f[] points = {points}
    {more}
}}
"""


def glb(header: dict[str, Any], binary: bytes = b"") -> bytes:
    """A binary glTF file of some JSON."""
    text = json.dumps({"asset": {"version": "2.0"}, **header}).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    if binary:
        chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def triangle_glb(points: Any, nodes: list[dict[str, Any]] | None = None) -> bytes:
    """A binary glTF file with one triangle."""
    data = np.asarray(points, np.float32).tobytes()
    nodes = nodes or [{"mesh": 0, "name": "it"}]
    return glb(
        {
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": nodes,
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
            "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
            "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": len(data)}],
            "buffers": [{"byteLength": len(data)}],
        },
        data,
    )


def usdz(path: Path, **members: bytes) -> Path:
    """A USDZ package; members start at multiples of 64 bytes and are stored, as the format asks."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
        for name, data in members.items():
            info = zipfile.ZipInfo(name.replace("__", "."))
            header = package.fp.tell() + 30 + len(info.filename)  # type: ignore[union-attr]
            info.extra = b"\x86\x19" + struct.pack("<H", (-header - 4) % 64) + bytes((-header - 4) % 64)
            package.writestr(info, data)
    return path


def png() -> bytes:
    """The checker as PNG."""
    stream = io.BytesIO()
    checker().save(stream, "PNG")
    return stream.getvalue()


TEXTURED = (
    USDA
    + """
def Xform "World"
{
    def Mesh "Plate" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {
        int[] faceVertexCounts = [4]
        int[] faceVertexIndices = [0, 1, 2, 3]
        point3f[] points = [(0, 0, 0), (100, 0, 0), (100, 200, 0), (0, 200, 0)]
        texCoord2f[] primvars:st = [(0, 0), (1, 0), (1, 1), (0, 1)] (
            interpolation = "vertex"
        )
        rel material:binding = </World/Look>
    }
    def Material "Look"
    {
        token outputs:surface.connect = </World/Look/Surface.outputs:surface>
        def Shader "Surface"
        {
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor.connect = </World/Look/Picture.outputs:rgb>
            float inputs:roughness = 0.25
            float inputs:metallic = 0.75
            token outputs:surface
        }
        def Shader "Picture"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @checks.png@
            float3 outputs:rgb
        }
    }
}
"""
)
