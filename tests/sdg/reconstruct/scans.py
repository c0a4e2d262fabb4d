"""Meshes as scanners, reconstruction networks and people leave them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

HEIGHT = 1.2
"""Metres that the trucks are asked to have."""

TRUCK_HEIGHT = 1.225
"""Units of the truck below, as it is modelled."""


def turned(mesh: trimesh.Trimesh, angle: float, about: tuple[float, float, float]) -> trimesh.Trimesh:
    copy = mesh.copy()
    copy.apply_transform(trimesh.transformations.rotation_matrix(angle, about))
    return copy


def truck_parts() -> dict[str, trimesh.Trimesh]:
    """A crude pallet truck, Z up, tiller at -X, on its wheels."""

    def box(sides: tuple[float, ...], place: tuple[float, ...]) -> trimesh.Trimesh:
        return trimesh.creation.box(sides).apply_translation(place)

    def roll(radius: float, length: float, place: tuple[float, ...], across: bool = True) -> trimesh.Trimesh:
        made = trimesh.creation.cylinder(radius, length, sections=24)
        return (turned(made, np.pi / 2, (1, 0, 0)) if across else made).apply_translation(place)

    forks = [box((1.15, 0.16, 0.06), (0.2, y, 0.1)) for y in (0.19, -0.19)]
    wheels = [roll(0.07, 0.1, (x, y, 0.07)) for x in (-0.45, 0.65) for y in (0.19, -0.19)]
    tiller = [roll(0.02, 0.8, (-0.55, 0, 0.8), across=False), roll(0.025, 0.3, (-0.55, 0, 1.2))]
    return {
        "forks": trimesh.util.concatenate(forks),
        "body": box((0.25, 0.5, 0.5), (-0.45, 0, 0.28)),
        "tiller": trimesh.util.concatenate(tiller),
        "wheels": trimesh.util.concatenate(wheels),
    }


def truck() -> trimesh.Trimesh:
    return trimesh.util.concatenate(list(truck_parts().values()))


def fine(rounds: int = 3) -> trimesh.Trimesh:
    made = truck()
    for _ in range(rounds):
        made = made.subdivide()
    return made


@dataclass
class Scan:
    """A file, and what is asked of it.

    Attributes:
        file: name.
        write: makes it.
        wishes: of the request, besides class and height.
        says: what the report must say, by a function of the record; empty for nothing more.
        refused: words of the sentence that it ends in, for what cannot be used.
    """

    file: str
    write: Callable[[Path], Any]
    wishes: dict[str, Any] = field(default_factory=dict)
    says: Callable[[dict[str, Any]], bool] = lambda record: True
    refused: str = ""


def _export(made: Callable[[], Any], **options: Any) -> Callable[[Path], Any]:
    return lambda path: made().export(path, **options)


def noisy() -> trimesh.Trimesh:
    made = fine()
    made.vertices = made.vertices + np.random.default_rng(0).normal(size=made.vertices.shape) * 0.003
    return made


def holed() -> trimesh.Trimesh:
    made = fine()
    made.update_faces(np.random.default_rng(1).random(len(made.faces)) > 0.03)
    return made


def with_nan() -> trimesh.Trimesh:
    made = fine()
    vertices = np.array(made.vertices)
    vertices[::700] = np.nan
    return trimesh.Trimesh(vertices, made.faces, process=False)


def inside_out() -> trimesh.Trimesh:
    made = truck().subdivide()
    faces = made.faces.copy()
    wrong = np.random.default_rng(2).random(len(faces)) < 0.4
    faces[wrong] = faces[wrong][:, ::-1]
    return trimesh.Trimesh(made.vertices, faces, process=False)


def with_specks() -> trimesh.Trimesh:
    places = np.random.default_rng(3).uniform(-9, 9, (20, 3))
    return trimesh.util.concatenate(
        [truck().subdivide(), *(trimesh.creation.icosphere(1, 0.01).apply_translation(place) for place in places)]
    )


def repeated() -> trimesh.Trimesh:
    """Triangles that are there twice, lines, points, and a fin on an edge of two others."""
    made = truck()
    faces = np.concatenate([made.faces, made.faces[:40], [[0, 0, 1], [2, 2, 2]], [made.faces[0][[0, 1, 1]]]])
    return trimesh.Trimesh(made.vertices, faces, process=False)


def huge(path: Path) -> None:
    made = turned(truck(), -np.pi / 2, (1, 0, 0))
    made.vertices = made.vertices * 1e6 + [3e8, -2e8, 5e8]
    made.export(path)


def millions(path: Path) -> None:
    """Two million triangles: a lumpy closed surface, 1.24 x 0.84 x 0.97."""
    across, around = 1001, 1000
    polar, turn = np.meshgrid(np.linspace(0, np.pi, across), np.linspace(0, 2 * np.pi, around, False), indexing="ij")
    radius = 1 + 0.03 * np.sin(9 * turn) * np.sin(7 * polar) * np.sin(polar)
    shape = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], -1)
    points = np.clip(shape * radius[..., None] * 1.5, -1, 1) * [0.62, 0.42, 0.485]
    number = np.arange(across * around).reshape(across, around)
    a, b = number[:-1], np.roll(number, -1, 1)[:-1]
    c, d = np.roll(number, -1, 1)[1:], number[1:]
    faces = np.concatenate([np.stack([a, d, b], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    trimesh.Trimesh(points.reshape(-1, 3), faces, process=False).export(path)


def painted(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Red above 0.6, blue below."""
    colours = np.where(mesh.vertices[:, 2:] > 0.6, [220, 20, 20, 255], [20, 20, 220, 255]).astype(np.uint8)
    return trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=colours, process=False)


def of_parts(path: Path) -> None:
    scene = trimesh.Scene()
    for number, (name, part) in enumerate(truck_parts().items()):
        colour = [60 * number, 255 - 60 * number, 90, 255]
        part.visual = trimesh.visual.TextureVisuals(
            material=trimesh.visual.material.PBRMaterial(name=name, baseColorFactor=colour)
        )
        scene.add_geometry(turned(part, -np.pi / 2, (1, 0, 0)), node_name=name, geom_name=name)
    scene.export(path)


def checks() -> NDArray[np.uint8]:
    """A picture whose left half is red and whose right half is green."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32, 0] = pixels[:, 32:, 1] = 230
    return pixels


def textured(path: Path) -> None:
    from PIL import Image

    made = turned(fine(2), -np.pi / 2, (1, 0, 0))
    low, span = made.vertices[:, 0].min(), np.ptp(made.vertices[:, 0])
    uv = np.stack([(made.vertices[:, 0] - low) / span * 0.98 + 0.01, np.full(len(made.vertices), 0.5)], 1)
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(checks()), roughnessFactor=0.9)
    made.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    made.export(path)


def cloud(path: Path) -> None:
    points, faces = trimesh.sample.sample_surface(truck(), 40_000, seed=4)
    points = points + np.random.default_rng(5).normal(size=points.shape) * 0.002
    stray = np.random.default_rng(6).uniform(-3, 3, (15, 3))
    colours = np.tile(np.array([200, 40, 40, 255], np.uint8), (40_015, 1))
    trimesh.PointCloud(np.concatenate([points, stray]), colors=colours).export(path)
    del faces


SPLAT = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2",
         "rot_0", "rot_1", "rot_2", "rot_3"]  # fmt: skip


def splats(path: Path) -> None:
    """Flat Gaussians on the surface, and a faint haze around it, as INRIA's and SAM 3D's ``save_ply`` write them."""
    rng = np.random.default_rng(7)
    points, index = trimesh.sample.sample_surface(truck(), 15_000, seed=8)
    normals = truck().face_normals[index]
    haze = rng.uniform(-1, 1.5, (3000, 3))
    count = len(points) + len(haze)
    rows = np.zeros((count, len(SPLAT)), "<f4")
    rows[:, :3] = np.concatenate([points, haze])
    rows[:, 6:9] = (np.array([0.9, 0.5, 0.1]) - 0.5) / 0.28209479
    rows[:, 9] = np.where(np.arange(count) < len(points), 4.0, -4.0)
    rows[:, 10:13] = np.log([0.006, 0.006, 0.0005])
    # the rotation that brings +Z to the normal
    half = np.concatenate([1 + normals[:, 2:], -normals[:, 1:2], normals[:, :1], np.zeros((len(normals), 1))], 1)
    rows[: len(points), 13:] = half
    rows[len(points) :, 13] = 1
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n"
    header += "".join(f"property float {name}\n" for name in SPLAT) + "end_header\n"
    path.write_bytes(header.encode() + rows.tobytes())


def usda(path: Path) -> None:
    made = turned(truck(), -np.pi / 2, (1, 0, 0))
    points = ", ".join(f"({x:.4f}, {y:.4f}, {z:.4f})" for x, y, z in made.vertices * 100)
    index = ", ".join(str(i) for i in made.faces.ravel())
    counts = ", ".join("3" * len(made.faces))
    path.write_text(
        '#usda 1.0\n(\n    defaultPrim = "T"\n    metersPerUnit = 0.01\n    upAxis = "Y"\n)\n'
        f'def Xform "T"\n{{\n    def Mesh "M"\n    {{\n        int[] faceVertexCounts = [{counts}]\n'
        f"        int[] faceVertexIndices = [{index}]\n        point3f[] points = [{points}]\n    }}\n}}\n"
    )


def plate(path: Path) -> None:
    trimesh.Trimesh([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]]).export(path)


def line(path: Path) -> None:
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False).export(path)


def all_nan(path: Path) -> None:
    trimesh.Trimesh(np.full((3, 3), np.nan), [[0, 1, 2]], process=False).export(path)


def few(path: Path) -> None:
    trimesh.PointCloud(np.random.default_rng(0).normal(size=(30, 3))).export(path)


def sparse(path: Path) -> None:
    trimesh.PointCloud(np.random.default_rng(0).normal(size=(400, 3))).export(path)


def haze_only(path: Path) -> None:
    splats(path)
    data = path.read_bytes()
    head, body = data.split(b"end_header\n", 1)
    rows = np.frombuffer(body, "<f4").reshape(-1, len(SPLAT)).copy()
    rows[:, 9] = -9
    path.write_bytes(head + b"end_header\n" + rows.tobytes())


def zipped(path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "nothing")
    path.write_bytes(stream.getvalue())


def told(name: str) -> Callable[[dict[str, Any]], bool]:
    """Whether the count ``name`` of what was mended is above 0."""
    return lambda record: record["mended"][name] > 0


def watertight(record: dict[str, Any]) -> bool:
    return bool(record["result"]["watertight"])


SCANS: dict[str, Scan] = {
    "clean": Scan("clean.glb", _export(lambda: turned(truck(), -np.pi / 2, (1, 0, 0))), says=watertight),
    "tilted": Scan(
        "tilted.glb", _export(lambda: turned(turned(truck(), -np.pi / 2, (1, 0, 0)), 0.12, (1, 0.3, 0.5))),
        says=lambda record: "tilted by" in record["up"],
    ),
    "noisy": Scan("noisy.ply", _export(noisy), says=watertight),
    "holed": Scan("holed.ply", _export(holed), says=lambda r: r["mended"]["holes"] > 500 and watertight(r)),
    "upside_down": Scan("upside.ply", _export(lambda: turned(truck(), np.pi, (1, 0, 0)))),
    "askew": Scan("askew.stl", _export(lambda: turned(truck(), 0.9, (1, 0.3, 0.5)))),
    "huge": Scan("huge.obj", huge),
    "millimetres": Scan(
        "mm.stl", lambda path: truck().apply_scale(1000 * HEIGHT / TRUCK_HEIGHT).export(path),
        {"side": "", "unit": "mm", "up": "z"},
    ),
    "many_parts": Scan("parts.glb", of_parts, says=lambda record: record["result"]["pieces"] >= 8),
    "coloured": Scan("colours.ply", _export(lambda: painted(fine(2)))),
    "millions": Scan("millions.ply", millions, {"class_name": "stillage", "side": "height"},
                     says=lambda record: record["triangles"]["before"] > 1_990_000 and told("thinned")(record)),
    "textured": Scan("textured.glb", textured),
    "points": Scan("points.ply", cloud, says=watertight),
    "splats": Scan("splats.ply", splats),
    "nan": Scan("nan.ply", _export(with_nan), says=told("lost")),
    "inside_out": Scan("winding.obj", _export(inside_out), {"up": "z"}, says=told("turned")),
    "specks": Scan("specks.ply", _export(with_specks), says=lambda record: record["mended"]["specks"] == 20),
    "repeated": Scan("repeated.ply", _export(repeated), {"up": "z"}, says=told("flat")),
    "usd": Scan("scene.usda", usda),
    "mat": Scan("mat.ply", plate, {"side": "length", "up": "z"}, says=lambda record: not watertight(record)),
    "flat": Scan("flat.ply", plate, {"up": "z"}, refused="has no height of its own"),
    "line": Scan("line.ply", line, refused="holds no triangles with an area"),
    "all_nan": Scan("all_nan.ply", all_nan, refused="no numbers"),
    "empty": Scan("empty.stl", lambda path: path.write_bytes(b""), refused="is empty"),
    "not_there": Scan("nowhere.glb", lambda path: None, refused="is not there"),
    "broken": Scan("broken.glb", lambda path: path.write_bytes(b"glTF" + bytes(40)), refused="is no readable glTF"),
    "cut_off": Scan("cut.stl", lambda path: path.write_bytes(bytes(80) + b"\xff" + bytes(53)), refused="ends before"),
    "archive": Scan("archive.zip", zipped, refused="is of no known format"),
    "no_faces": Scan("vertex.obj", lambda path: path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n"), refused="too few"),
    "few_points": Scan("few.ply", few, refused="too few for a surface"),
    "sparse_points": Scan("sparse.ply", sparse, refused="too far apart"),
    "haze": Scan("haze.ply", haze_only, refused="no Gaussian that is opaque"),
}  # fmt: skip
