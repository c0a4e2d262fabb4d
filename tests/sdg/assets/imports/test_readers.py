"""What is read is what lies in the file: against the shapes that were written, and against Blender's own importers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.imports.reader import read
from stages.sdg.assets.imports.store import load_asset, read_meta
from stages.sdg.assets.types import Asset
from tests.sdg.assets.imports.files import SCENE, TEXTURED, USDA, entry, mesh_prim, png, usdz, write_truck

BLENDER = """
import json, sys
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
path, kind = sys.argv[1], sys.argv[2]
{
    "glb": lambda: bpy.ops.import_scene.gltf(filepath=path),
    "gltf": lambda: bpy.ops.import_scene.gltf(filepath=path),
    "obj": lambda: bpy.ops.wm.obj_import(filepath=path),
    "ply": lambda: bpy.ops.wm.ply_import(filepath=path),
    "stl": lambda: bpy.ops.wm.stl_import(filepath=path),
    "usda": lambda: bpy.ops.wm.usd_import(filepath=path),
    "usdz": lambda: bpy.ops.wm.usd_import(filepath=path),
}[kind]()
bpy.context.view_layer.update()
points, area = [], 0.0
for item in bpy.data.objects:
    if item.type != "MESH" or item.hide_get():
        continue
    world = [item.matrix_world @ vertex.co for vertex in item.data.vertices]
    points += [list(point) for point in world]
    item.data.calc_loop_triangles()
    for triangle in item.data.loop_triangles:
        a, b, c = (world[k] for k in triangle.vertices)
        area += (b - a).cross(c - a).length / 2
with open(sys.argv[3], "w") as stream:
    json.dump({"points": points, "area": area}, stream)
"""


def by_blender(path: Path) -> tuple[np.ndarray[Any, Any], float]:
    """Vertices in metres, Z up, and area of a file, by Blender's importer."""
    out = path.with_name("blender.json")
    command = [sys.executable, "-c", BLENDER, str(path), path.suffix[1:], str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert out.exists(), done.stdout + done.stderr
    found = json.loads(out.read_text())
    return np.array(found["points"]), found["area"]


def area_of(asset: Asset) -> float:
    return float(sum(trimesh.Trimesh(p.vertices, p.triangles, process=False).area for p in asset.parts))


def points_of(asset: Asset) -> np.ndarray[Any, Any]:
    return np.concatenate([part.vertices for part in asset.parts])


def placed(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Vertices on the floor, their middle above the origin, sorted and each once."""
    low, high = points.min(0), points.max(0)
    moved = points - [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    return np.unique(np.round(moved, 3), axis=0)


@pytest.mark.blender
@pytest.mark.parametrize("name", ["t.glb", "t.gltf", "t.obj", "t.ply", "t.stl"])
def test_meshes_are_those_that_blender_reads(name: str, place: Path) -> None:
    # trimesh writes as it is: say which axis is up where the format does not
    path = write_truck(place / ("model.gltf" if name == "t.gltf" else name))
    given = {} if path.suffix in (".glb", ".gltf") else {"unit": "m", "up": "y" if path.suffix == ".obj" else "z"}
    asset = load_asset(read(path, entry(path, **given)), None, 0.0)
    points, area = by_blender(path)
    assert area_of(asset) == pytest.approx(area, rel=1e-4)
    np.testing.assert_allclose(placed(points_of(asset)), placed(points), atol=2e-3)


@pytest.mark.blender
def test_a_usd_scene_is_the_one_that_blender_reads(place: Path) -> None:
    path = place / "t.usda"
    # Blender's importer makes no meshes of cubes, so the scene is written with some
    cube = trimesh.creation.box((100, 60, 40))
    more = """double3 xformOp:translate = (20, 50, 7)
    float xformOp:rotateY = 30
    uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:rotateY"]"""
    path.write_text(
        USDA
        + mesh_prim(
            "M", str([tuple(p) for p in cube.vertices.tolist()]), str(cube.faces.ravel().tolist()), str([3] * 12), more
        )
    )
    asset = load_asset(read(path, entry(path)), None, 0.0)
    points, area = by_blender(path)
    assert area_of(asset) == pytest.approx(area, rel=1e-4)
    np.testing.assert_allclose(placed(points_of(asset)), placed(points), atol=2e-3)


def test_a_gltf_truck_stands_upright_on_the_floor(place: Path) -> None:
    meta = read_meta(content := read(write_truck(place / "t.glb"), entry("t.glb", **{"class": "pallet_truck"})))
    asset = load_asset(content, None, 0.0)
    points = points_of(asset)
    assert points.min(0) == pytest.approx((-0.2, -0.3, 0), abs=1e-3)
    assert points.max(0) == pytest.approx((0.2, 0.3, 1.6), abs=1e-3)
    assert [part.name for part in asset.parts] == ["/body", "/body/wheel"]
    assert meta["groups"] == [{"path": "/", "label": "pallet_truck"}]
    body, wheel = asset.parts
    assert body.uv is not None
    assert Path(body.material.texture).read_bytes()[:4] == b"\x89PNG"
    assert body.material.roughness == pytest.approx(0.4)
    assert wheel.material.colour == pytest.approx((1, 0, 0))
    # the box has a sharp bottom below the ball's middle: faces look outwards
    inner = trimesh.Trimesh(body.vertices, body.triangles, process=False)
    assert inner.volume == pytest.approx(0.4 * 0.6 * 1.2, rel=1e-3)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"unit": "mm"}, 0.001),
        ({"unit": "in"}, 0.0254),
        ({"size": {"height": 2.4}}, 2.4 / 1.6),
        ({"size": {"length": 1.0}}, 1.0 / 0.4),
    ],
)
def test_scale_is_a_unit_or_a_side(given: dict[str, Any], size: float, place: Path) -> None:
    write_truck(place / "t.stl")
    asset = load_asset(read(Path("t.stl"), entry("t.stl", up="y", **given)), None, 0.0)
    assert asset.size == pytest.approx((0.4 * size, 0.6 * size, 1.6 * size), rel=1e-3)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"up": "z"}, (0.4, 1.6, 0.6)),
        ({"up": "x"}, (0.6, 1.6, 0.4)),
        ({"up": "y", "front": "y"}, (0.6, 0.4, 1.6)),
        ({"up": "y", "front": "-x"}, (0.4, 0.6, 1.6)),
    ],
)
def test_axes_are_as_they_are_given(given: dict[str, str], size: tuple[float, ...], place: Path) -> None:
    write_truck(place / "t.stl")
    asset = load_asset(read(Path("t.stl"), entry("t.stl", unit="m", **given)), None, 0.0)
    assert asset.size == pytest.approx(size, abs=1e-3)


@pytest.mark.parametrize("suffix", [".usda", ".usdz"])
def test_a_recorder_scene_gives_one_instance_for_each_labelled_thing(suffix: str, place: Path) -> None:
    path = place / f"s{suffix}"
    if suffix == ".usda":
        path.write_text(SCENE)
    else:
        usdz(path, s__usda=SCENE.encode())
    content = read(path, entry(path))
    meta = read_meta(content)
    assert meta["groups"] == [
        {"path": "/World/Forklift_01", "label": "forklift"},
        {"path": "/World/Pallet_01", "label": "pallet"},
    ]
    forklift, pallet = (build_asset("thing", 0, {"content": content, "group": group, "dirt": 0.2}) for group in (0, 1))
    assert forklift.size == pytest.approx((1, 1, 1), abs=1e-4)
    assert pallet.size == pytest.approx((1.2, 0.8, 0.14), abs=1e-4)
    assert forklift.parts[0].colours is not None
    assert forklift.parts[0].colours[0, 0] == pytest.approx((1, 0, 0))
    # both stand where they stand in the scene
    assert points_of(pallet)[:, 0].mean() - points_of(forklift)[:, 0].mean() == pytest.approx(1.5, abs=1e-3)


def test_rules_say_otherwise_than_the_labels_of_the_file(place: Path) -> None:
    Path("s.usda").write_text(SCENE)
    rules = {"/World/Fork*": "pallet_truck", "/World/Pallet_*": "drop"}
    content = read(Path("s.usda"), entry("s.usda", rules=rules))
    assert read_meta(content)["groups"] == [{"path": "/World/Forklift_01", "label": "pallet_truck"}]
    assert load_asset(content, None, 0.0).size == pytest.approx((1, 1, 1), abs=1e-4)


@pytest.mark.parametrize("packed", [False, True], ids=["beside", "in the package"])
def test_textures_of_a_preview_surface_are_kept(packed: bool, place: Path) -> None:
    path = place / ("t.usdz" if packed else "t.usda")
    if packed:
        usdz(path, t__usda=TEXTURED.encode(), checks__png=png())
    else:
        path.write_text(TEXTURED)
        (place / "checks.png").write_bytes(png())
    content = read(path, entry(path))
    (part,) = load_asset(content, None, 0.0).parts
    assert (part.material.roughness, part.material.metallic) == (0.25, 0.75)
    assert part.uv is not None
    assert sorted(map(tuple, np.unique(part.uv.reshape(-1, 2), axis=0).tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert 0.3 < part.material.colour[0] < 0.7
    assert read_meta(content)["facts"]["missing"] == []


def test_references_instances_and_point_instancers_are_followed(place: Path) -> None:
    (place / "part.usda").write_text(
        USDA.replace('"World"', '"Part"')
        + 'def Xform "Part"\n{\n    def Cube "Box"\n    {\n        double size = 10\n    }\n}\n'
    )
    instance = """
    def Xform "I{n}" (
        instanceable = true
        prepend references = @part.usda@
    )
    {{
        double3 xformOp:translate = ({x}, 0, 0)
        uniform token[] xformOpOrder = ["xformOp:translate"]
    }}
"""
    cloud = """
    def PointInstancer "Many"
    {
        int[] protoIndices = [0, 0, 0]
        point3f[] positions = [(0, 0, 100), (50, 0, 100), (100, 0, 100)]
        rel prototypes = </World/Many/Kinds/Box>
        def Scope "Kinds"
        {
            def Cube "Box"
            {
                double size = 10
            }
        }
    }
"""
    (place / "a.usda").write_text(
        USDA + 'def Xform "World"\n{' + instance.format(n=1, x=0) + instance.format(n=2, x=100) + cloud + "}\n"
    )
    meta = read_meta(read(Path("a.usda"), entry("a.usda", rules={"/World/I*": "pallet", "/World/Many": "stillage"})))
    assert [name for name, _ in meta["files"]] == ["a.usda", "part.usda"]
    assert sorted(part["path"] for part in meta["parts"]) == [
        "/World/I1/Box", "/World/I2/Box", "/World/Many/Box_0", "/World/Many/Box_1", "/World/Many/Box_2",
    ]  # fmt: skip
    assert [group["label"] for group in meta["groups"]] == ["pallet", "pallet", "stillage"]
    assert np.ptp([meta["facts"]["low"], meta["facts"]["high"]], axis=0) == pytest.approx((1.1, 1.1, 0.1), abs=1e-4)


def test_materials_of_omniverse_give_their_colour(place: Path) -> None:
    look = """
def Material "Look"
{
    token outputs:mdl:surface.connect = </Look/Shader.outputs:out>
    def Shader "Shader"
    {
        uniform token info:implementationSource = "sourceAsset"
        uniform asset info:mdl:sourceAsset = @OmniPBR.mdl@
        uniform token info:mdl:sourceAsset:subIdentifier = "OmniPBR"
        color3f inputs:diffuse_color_constant = (0.8, 0.1, 0.05)
        float inputs:reflection_roughness_constant = 0.3
        token outputs:out
    }
}
"""
    triangle = mesh_prim("M", "[(0, 0, 0), (100, 0, 0), (0, 100, 0)]", more="rel material:binding = </Look>")
    triangle = triangle.replace('"M"', '"M" (\n    prepend apiSchemas = ["MaterialBindingAPI"]\n)')
    Path("a.usda").write_text(USDA + look + triangle)
    content = read(Path("a.usda"), entry("a.usda"))
    (part,) = load_asset(content, None, 0.0).parts
    assert part.material.colour == pytest.approx((0.8, 0.1, 0.05))
    assert part.material.roughness == pytest.approx(0.3)
    assert read_meta(content)["facts"]["missing"] == []


def test_a_usd_file_without_a_unit_means_centimetres_and_that_is_said(place: Path) -> None:
    Path("a.usda").write_text('#usda 1.0\ndef Cube "C"\n{\n    double size = 100\n}\n')
    facts = read_meta(read(Path("a.usda"), entry("a.usda")))["facts"]
    assert facts["high"][2] == pytest.approx(1.0)
    assert facts["unit_from"] == "the file does not say, and USD then means centimetres"


def test_the_same_file_is_read_once_and_a_changed_one_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.sdg.assets.imports import reader

    Path("t.usda").write_text(TEXTURED)
    (place / "checks.png").write_bytes(png())
    first = read(Path("t.usda"), entry("t.usda"))
    monkeypatch.setattr(reader, "_run_child", lambda *_: pytest.fail("was read again"))
    assert read(Path("t.usda"), entry("t.usda", name="other", weight=3)) == first
    (place / "checks.png").write_bytes(png() + b" ")
    with pytest.raises(pytest.fail.Exception, match="was read again"):
        read(Path("t.usda"), entry("t.usda"))
    monkeypatch.undo()
    monkeypatch.chdir(place)
    assert read(Path("t.usda"), entry("t.usda")) != first


def test_the_key_does_not_depend_on_the_place(place: Path) -> None:
    keys = []
    for folder in ("one", "two"):
        (place / folder).mkdir()
        keys.append(read(write_truck(place / folder / "t.glb"), entry("x")))
    assert keys[0] == keys[1]
