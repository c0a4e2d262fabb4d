"""glTF, GLB, OBJ, PLY and STL, read with trimesh."""

from __future__ import annotations

import io
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

from stages.sdg.assets.imports.raw import (
    GREY,
    MAX_CORNERS,
    MAX_DEPTH,
    MAX_MESHES,
    Axis,
    RawMaterial,
    RawMesh,
    RawScene,
    Unreadable,
    linear,
)
from stages.sdg.plan.types import Colour

FORMATS: dict[str, tuple[str, float | None, str, Axis, str]] = {
    ".gltf": ("glTF", 1.0, "glTF is in metres", "y", "glTF has Y up"),
    ".glb": ("glTF binary", 1.0, "glTF is in metres", "y", "glTF has Y up"),
    ".obj": ("OBJ", None, "OBJ has no unit", "y", "assumed, most OBJ files have Y up"),
    ".ply": ("PLY", None, "PLY has no unit", "z", "assumed, most PLY files have Z up"),
    ".stl": ("STL", None, "STL has no unit", "z", "assumed, most STL files have Z up"),
}
"""Format in words, metres per unit, why, up axis, why (Khronos glTF 2.0 specification, 3.4)."""

GLTF_LIMIT_FAR = 64 << 20
"""Most bytes of the JSON part of a glTF file."""


def read_mesh_file(path: Path) -> RawScene:
    """Read one file.

    Raises:
        Unreadable: when it is broken, empty, cyclic, too deep or compressed in a way that is not understood.
    """
    import trimesh

    kind = path.suffix.lower()
    name, unit, unit_from, up, up_from = FORMATS[kind]
    scene = RawScene(name, unit=unit, unit_from=unit_from, up=up, up_from=up_from, files=[path])
    if kind in (".gltf", ".glb"):
        _check_nodes(_gltf_json(path))
    if kind == ".stl":
        _check_stl(path)
    resolver = _recording(path, scene)
    options: dict[str, Any] = {"process": False}
    if kind == ".obj":
        options |= {"split_objects": True, "split_groups": True, "group_material": True}
    try:
        with open(path, "rb") as stream:
            loaded = trimesh.load_scene(stream, file_type=kind[1:], resolver=resolver, **options)
    except (Unreadable, MemoryError):
        raise
    except RecursionError as error:
        raise Unreadable(f"nests its nodes more than {MAX_DEPTH} deep: flatten it and export it again") from error
    except IndexError as error:
        raise Unreadable(f"is no readable {name} (a face names a point that is not there): export it again") from error
    except Exception as error:
        if scene.missing:
            reason = f"refers to {scene.missing[0]}, which is not there: put it beside the file"
            raise Unreadable(reason, scene.missing) from error
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise Unreadable(f"is no readable {name} ({reason}): export it again") from error
    _collect(loaded, scene, path)
    return scene


def _check_stl(path: Path) -> None:
    """Refuse a binary file that is cut off, which would be taken for a text without triangles."""
    with open(path, "rb") as stream:
        head = stream.read(512)
    if b"\0" in head and len(head) >= 84:
        (count,) = struct.unpack("<I", head[80:84])
        if path.stat().st_size < 84 + 50 * count:
            raise Unreadable(f"is no readable STL (it ends before its {count} triangles do): export it again")


def _recording(path: Path, scene: RawScene) -> Any:
    """A resolver of files beside ``path`` that keeps account of what was read and what was missing."""
    from trimesh.resolvers import FilePathResolver

    class Recording(FilePathResolver):  # type: ignore[misc]
        def get(self, name: str) -> bytes:
            file = Path(path.parent, name.strip().replace("\\", "/"))
            try:
                data = file.read_bytes()
            except OSError:
                if name not in scene.missing:
                    scene.missing.append(name)
                raise
            if file not in scene.files:
                scene.files.append(file)
            return data

    return Recording(str(path))


def _gltf_json(path: Path) -> dict[str, Any]:
    """The JSON of a glTF file, without its buffers."""
    try:
        with open(path, "rb") as stream:
            if path.suffix.lower() == ".gltf":
                if path.stat().st_size > GLTF_LIMIT_FAR * 16:
                    raise Unreadable("is too large for text: export it as .glb")
                text = stream.read()
            else:
                magic, _, _, length, kind = struct.unpack("<4sIIII", stream.read(20))
                if magic != b"glTF" or kind != 0x4E4F534A or length > GLTF_LIMIT_FAR:
                    raise ValueError("no glTF header")
                text = stream.read(length)
        header = json.loads(text)
        if not isinstance(header, dict) or "asset" not in header:
            raise ValueError("no glTF asset")
    except RecursionError as error:
        raise Unreadable(f"nests its JSON more than {MAX_DEPTH} deep: export it again") from error
    except (ValueError, struct.error) as error:
        raise Unreadable(f"is no readable glTF ({' '.join(str(error).split())[:80]}): export it again") from error
    needed = set(header.get("extensionsRequired", [])) - {
        "KHR_materials_unlit", "KHR_texture_transform", "KHR_mesh_quantization", "KHR_materials_emissive_strength",
        "KHR_materials_specular", "KHR_materials_ior", "KHR_materials_clearcoat", "KHR_materials_transmission",
        "KHR_lights_punctual", "KHR_materials_pbrSpecularGlossiness",
    }  # fmt: skip
    if needed:
        raise Unreadable(f"needs {', '.join(sorted(map(str, needed)))}, which is not read: export it without")
    return header


def _check_nodes(header: dict[str, Any]) -> None:
    """Refuse cyclic and very deep node trees."""
    try:
        children = [list(node.get("children", ())) for node in header.get("nodes", [])]
        depth = [0] * len(children)
        waiting = _parents(children)
        ready = [index for index, count in enumerate(waiting) if count == 0]
        done = 0
        while ready:
            node = ready.pop()
            done += 1
            for child in children[node]:
                depth[child] = max(depth[child], depth[node] + 1)
                waiting[child] -= 1
                if waiting[child] == 0:
                    ready.append(child)
    except (TypeError, AttributeError, IndexError) as error:
        raise Unreadable("is no readable glTF (it refers to nodes that are not there): export it again") from error
    if done < len(children):
        raise Unreadable("is cyclic, since a node of it is its own ancestor: export it again")
    if max(depth, default=0) > MAX_DEPTH:
        raise Unreadable(f"nests its nodes {max(depth)} deep, above {MAX_DEPTH}: flatten it and export it again")


def _parents(children: list[list[int]]) -> list[int]:
    counts = [0] * len(children)
    for below in children:
        for child in below:
            counts[child] += 1
    return counts


def _collect(loaded: Any, scene: RawScene, path: Path) -> None:
    """Take every instance of every mesh out of a trimesh scene."""
    import trimesh

    graph = loaded.graph
    parents = graph.transforms.parents
    scene.prims = max(len(graph.nodes) - 1, len(graph.nodes_geometry))
    if len(graph.nodes_geometry) > MAX_MESHES:
        raise Unreadable(f"holds {len(graph.nodes_geometry)} meshes, above {MAX_MESHES}: merge some")
    corners, materials = 0, {}
    for node in graph.nodes_geometry:
        matrix, geometry_name = graph[node]
        mesh = loaded.geometry[geometry_name]
        if not isinstance(mesh, trimesh.Trimesh) or not len(mesh.faces):
            continue
        corners += 3 * len(mesh.faces)
        if corners > MAX_CORNERS:
            raise Unreadable("holds more than 50 million triangles, instances counted: simplify it first")
        triangles = np.asarray(mesh.faces, np.int64)
        points = np.asarray(mesh.vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
        if np.linalg.det(matrix[:3, :3]) < 0:
            triangles = triangles[:, ::-1]
        visual = mesh.visual
        key = id(getattr(visual, "material", None))
        if key not in materials:
            materials[key] = _material(visual, scene)
        uv = getattr(visual, "uv", None)
        usable = uv is not None and len(uv) == len(points)
        scene.meshes.append(
            RawMesh(
                _path_of(node, geometry_name, parents, graph.base_frame, scene, path),
                points,
                triangles,
                materials[key],
                np.asarray(uv, np.float32)[triangles] if usable else None,
                _vertex_colours(visual, triangles, len(points), srgb=not scene.format.startswith("glTF")),
            )
        )


def _path_of(node: str, geometry: str, parents: Any, root: str, scene: RawScene, path: Path) -> str:
    """Names from the root to a node; formats without a tree give the object's or the file's name."""
    if not scene.format.startswith("glTF"):
        # trimesh numbers the objects of an OBJ file that have no name
        named = scene.format == "OBJ" and geometry != path.name and not re.fullmatch(r"geometry_\d+", str(geometry))
        return "/" + "/".join(part for part in (str(geometry) if named else path.stem).split("/") if part)
    names = [str(node)]
    while node in parents and parents[node] != root and len(names) <= MAX_DEPTH:
        node = parents[node]
        names.append(str(node))
    return "/" + "/".join(name.replace("/", "_") for name in reversed(names))


def _vertex_colours(visual: Any, triangles: Any, count: int, *, srgb: bool) -> Any:
    """(M, 3, 3) linear colours of the corners where the file has colours of vertices or faces.

    glTF keeps them linear (glTF 2.0, 3.7.2.1), the others as they are shown.
    """

    def colours(values: Any) -> Any:
        given = np.asarray(values)[..., :3]
        shares = given / 255.0 if given.dtype.kind in "ui" else np.clip(given, 0, 1)
        return linear(shares) if srgb else shares.astype(np.float32)

    kind = getattr(visual, "kind", None)
    if kind == "vertex" and len(visual.vertex_colors) == count:
        return colours(visual.vertex_colors)[triangles]
    if kind == "face":
        return np.repeat(colours(visual.face_colors)[:, None], 3, axis=1)
    attributes = getattr(visual, "vertex_attributes", None)
    found = attributes.get("color") if attributes is not None and hasattr(attributes, "get") else None
    return colours(found)[triangles] if found is not None and len(found) == count else None


def _material(visual: Any, scene: RawScene) -> RawMaterial:
    from trimesh.visual.material import PBRMaterial, SimpleMaterial

    material = getattr(visual, "material", None)
    if isinstance(material, PBRMaterial):
        factor = material.baseColorFactor
        colour = _colour(factor, GREY if material.baseColorTexture is None else (1.0, 1.0, 1.0))
        emitted = material.emissiveFactor
        glow = float(np.max(emitted)) if emitted is not None and material.emissiveTexture is None else 0.0
        return RawMaterial(
            str(material.name or ""),
            colour,
            _unit(material.roughnessFactor, 0.6 if material.metallicRoughnessTexture is None else 0.5),
            _unit(material.metallicFactor, 0.0) if material.metallicRoughnessTexture is None else 0.0,
            glow if glow > 0.5 else 0.0,
            embedded=_encoded(material.baseColorTexture, scene),
        )
    if isinstance(material, SimpleMaterial):
        image = _encoded(material.image, scene)
        shine = float(material.glossiness or 0.0)
        # Blinn-Phong exponent to roughness (Karis 2013): n = 2 / r^4 - 2
        rough = float((2.0 / (shine + 2.0)) ** 0.25) if shine > 0 else 0.6
        # Kd is what Blender writes it to be, linear; the format does not say
        base: Colour = (1.0, 1.0, 1.0) if image else _colour(material.diffuse, GREY)
        return RawMaterial(str(material.name or ""), base, min(1.0, max(0.05, rough)), embedded=image)
    return RawMaterial()


def _unit(value: Any, usual: float) -> float:
    return usual if value is None else float(np.clip(value, 0, 1))


def _colour(value: Any, usual: Colour) -> Colour:
    if value is None:
        return usual
    given = np.asarray(value)
    values = given[:3].astype(np.float64) / (255.0 if given.dtype.kind in "ui" else 1.0)
    red, green, blue = np.clip(values, 0, 1).tolist()
    return red, green, blue


def _encoded(image: Any, scene: RawScene) -> bytes | None:
    if image is None:
        return None
    stream = io.BytesIO()
    try:
        image.convert("RGB").save(stream, "PNG", compress_level=1)
    except (OSError, ValueError) as error:
        scene.notes.append(f"a texture cannot be decoded ({' '.join(str(error).split())[:60]}) and is left out")
        return None
    return stream.getvalue()
