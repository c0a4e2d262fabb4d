from __future__ import annotations

import sys
import types
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pxr import Tf, Usd, UsdGeom, UsdShade

import isaac.stage
from isaac.stage.materials import dress
from stages.common.errors import InputError, SettingsError
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.mesh import Builder, box, sphere
from stages.sdg.assets.types import Asset, Material, Part
from stages.sdg.plan.types import Camera, Placement
from stages.sdg.render.meshes import world_triangles
from stages.sdg.render.usd.assets import asset_files, key_of, write_asset
from stages.sdg.render.usd.check import problems

PARTS = {"forks": "forks", "tiller": "tiller", "rollers": "forks"}


def placed(family: str, variant: int = 0, **parameters: Any) -> Placement:
    return Placement(1, family, variant, (0.0, 0.0, 0.0), parameters=parameters)


def meshes(path: str) -> list[Any]:
    stage = Usd.Stage.Open(path)
    meshes.stage = stage  # type: ignore[attr-defined] # prims do not keep their stage alive
    return [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]


@pytest.mark.parametrize("family", ["pallet_truck", "forklift", "pallet", "carton", "wall"])
def test_the_file_has_the_generators_triangles(family: str, tmp_path: Path) -> None:
    item = placed(family, 3, length=4.0, height=3.0) if family == "wall" else placed(family, 3)
    path = asset_files([item], tmp_path)[key_of(item)]
    assert problems(Path(path)) == []
    made = meshes(path)
    corners = [np.array(mesh.GetPointsAttr().Get())[np.array(mesh.GetFaceVertexIndicesAttr().Get())] for mesh in made]
    np.testing.assert_allclose(np.concatenate(corners).reshape(-1, 3, 3), world_triangles(item), atol=1e-6)
    parts = [part for part in build_asset(family, 3, item.parameters).parts if len(part.triangles)]
    named = [mesh.GetPrim().GetAttribute("userProperties:part").Get() for mesh in made]
    assert named == [PARTS.get(part.name, "body") for part in parts]
    for mesh, part in zip(made, parts, strict=True):
        points = np.array(mesh.GetPointsAttr().Get())
        np.testing.assert_allclose(np.array(mesh.GetExtentAttr().Get()), [points.min(0), points.max(0)])
        bound = UsdShade.MaterialBindingAPI(mesh.GetPrim()).ComputeBoundMaterial()[0]
        assert bound.GetPrim().GetName().startswith(part.material.kind)
        assert mesh.GetSubdivisionSchemeAttr().Get() == "none"


def test_files_are_kept_and_shared(tmp_path: Path) -> None:
    items = [placed("pallet", 2), placed("pallet", 2), placed("pallet", 4), placed("pallet", 2, wear=0.5)]
    found = asset_files(items, tmp_path)
    assert len(found) == len({*found.values()}) == 3
    before = {path: Path(path).stat().st_mtime_ns for path in found.values()}
    assert asset_files(items, tmp_path) == found
    assert {path: Path(path).stat().st_mtime_ns for path in found.values()} == before
    assert sorted(map(str, tmp_path.iterdir())) == sorted(found.values())


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not registered"):
        asset_files([placed("unheard_of")], tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        asset_files([placed("pallet")], tmp_path / "file")


def test_smooth_parts_are_shaded_round_and_keep_their_edges(tmp_path: Path) -> None:
    builder = Builder()
    builder.add("ball", sphere((0, 0, 0), 1.0, 16), Material("plastic", (0.5, 0.5, 0.5)), smooth=True)
    builder.add("box", box((2, 0, 0), (3, 1, 1)), Material("plastic", (0.4, 0.5, 0.5)), smooth=True)
    write_asset(builder.build(), tmp_path / "a.usdc")
    ball, cube = meshes(str(tmp_path / "a.usdc"))

    def corners(mesh: Any) -> tuple[Any, Any]:
        points = np.array(mesh.GetPointsAttr().Get())[np.array(mesh.GetFaceVertexIndicesAttr().Get())]
        return points, np.array(mesh.GetNormalsAttr().Get())

    points, normals = corners(ball)
    middle = points.reshape(-1, 3).mean(0)
    outward = (points - middle) / np.linalg.norm(points - middle, axis=1, keepdims=True)
    kept = np.linalg.norm(normals, axis=1) > 0.5  # triangles without an area at the poles have none
    assert ((normals * outward).sum(1)[kept] > 0.97).all()
    _, flat = corners(cube)
    np.testing.assert_allclose(np.abs(flat).max(1), 1.0, atol=1e-6)
    assert ball.GetNormalsInterpolation() == "faceVarying"


def shader(path: str, name: str = "Surface") -> Any:
    stage = Usd.Stage.Open(path)
    shader.stage = stage  # type: ignore[attr-defined]
    return next(UsdShade.Shader(prim) for prim in stage.Traverse() if prim.GetName() == name)


def one_part(material: Material, **values: Any) -> Asset:
    vertices, triangles = box((0, 0, 0), (1, 1, 1))
    part = Part("body", vertices.astype(np.float32), triangles.astype(np.int32), material, **values)
    return Asset((part,), (1.0, 1.0, 1.0))


def test_a_plain_surface_is_as_the_generator_says(tmp_path: Path) -> None:
    write_asset(one_part(Material("paint", (0.1, 0.5, 0.9), 0.3, 0.8)), tmp_path / "a.usdc")
    found = shader(str(tmp_path / "a.usdc"))
    assert tuple(found.GetInput("diffuseColor").Get()) == pytest.approx((0.1, 0.5, 0.9))
    assert found.GetInput("roughness").Get() == pytest.approx(0.3)
    assert found.GetInput("metallic").Get() == pytest.approx(0.8)


def test_wear_and_dirt_are_mixed_in(tmp_path: Path) -> None:
    clean = Material("paint", (0.0, 0.0, 1.0), 0.3, seed=1)
    found = []
    for number, (wear, dirt) in enumerate([(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.0, 1.0)]):
        material = Material("paint", clean.colour, 0.3, wear=wear, dirt=dirt, seed=1)
        write_asset(one_part(material), tmp_path / f"{number}.usdc")
        found.append(shader(str(tmp_path / f"{number}.usdc")).GetInput("diffuseColor").Get()[2])
    assert found[0] == pytest.approx(1.0)
    assert found[0] > found[1] > found[2] > 0.25
    assert found[3] < 0.5


def test_what_glows_shines(tmp_path: Path) -> None:
    write_asset(one_part(Material("glow", (1.0, 0.5, 0.25), glow=4.0)), tmp_path / "a.usdc")
    found = shader(str(tmp_path / "a.usdc"))
    assert tuple(found.GetInput("emissiveColor").Get()) == (4.0, 2.0, 1.0)
    assert tuple(found.GetInput("diffuseColor").Get()) == (0.0, 0.0, 0.0)


def test_images_go_beside_the_file(tmp_path: Path) -> None:
    image = tmp_path / "wood.png"
    cv2.imwrite(str(image), np.full((4, 4, 3), 90, np.uint8))
    uv = np.random.default_rng(0).random((12, 3, 2)).astype(np.float32)
    place = tmp_path / "assets" / "a.usdc"
    write_asset(one_part(Material("imported", (0.5, 0.5, 0.5), texture=str(image)), uv=uv), place)
    assert problems(place) == []
    asset = shader(str(place), "Image").GetInput("file").Get()
    assert Path(asset.resolvedPath).parent == place.parent / "textures"
    assert Path(asset.resolvedPath).read_bytes() == image.read_bytes()
    mesh = meshes(str(place))[0]
    found = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get())
    np.testing.assert_allclose(found, uv.reshape(-1, 2))


def test_colours_of_corners_are_kept(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).random((12, 3, 3)).astype(np.float32)
    write_asset(one_part(Material("imported", (0.5,) * 3, vertex_colours=True), colours=colours), tmp_path / "a.usdc")
    assert problems(tmp_path / "a.usdc") == []
    mesh = meshes(str(tmp_path / "a.usdc"))[0]
    np.testing.assert_allclose(np.array(mesh.GetDisplayColorAttr().Get()), colours.reshape(-1, 3))
    assert mesh.GetDisplayColorPrimvar().GetInterpolation() == "faceVarying"
    assert shader(str(tmp_path / "a.usdc")).GetInput("diffuseColor").HasConnectedSource()


def dressed(path: Path) -> Any:
    stage = Usd.Stage.Open(str(path))
    dressed.stage = stage  # type: ignore[attr-defined]
    material = next(UsdShade.Material(prim) for prim in stage.Traverse() if prim.IsA(UsdShade.Material))
    assert material.ComputeSurfaceSource()[0].GetIdAttr().Get() == "UsdPreviewSurface"
    return material.ComputeSurfaceSource("mdl")[0]


def test_isaac_gets_omnipbr_and_the_file_stays_plain(tmp_path: Path) -> None:
    path = tmp_path / "a.usdc"
    write_asset(one_part(Material("paint", (0.1, 0.5, 0.9), 0.3, 0.8, dirt=0.5)), path)
    before = path.read_bytes()
    plain = shader(str(path)).GetInput("diffuseColor").Get()
    layer = dress(str(path))
    found = dressed(path)
    assert found.GetSourceAsset("mdl").path == "OmniPBR.mdl"
    assert found.GetSourceAssetSubIdentifier("mdl") == "OmniPBR"
    assert found.GetInput("diffuse_color_constant").Get() == plain
    assert found.GetInput("metallic_constant").Get() < 0.8
    assert not found.GetInput("enable_emission")
    said = layer.ExportToString()
    assert dress(str(path)) == layer
    assert layer.ExportToString() == said
    assert path.read_bytes() == before
    with pytest.raises(Tf.ErrorException):
        layer.Save()


def test_lamps_and_images_in_omnipbr(tmp_path: Path) -> None:
    write_asset(one_part(Material("glow", (1.0, 0.5, 0.25), glow=4.0)), tmp_path / "glow.usdc")
    _glow = dress(str(tmp_path / "glow.usdc"))
    found = dressed(tmp_path / "glow.usdc")
    assert found.GetInput("enable_emission").Get()
    assert (*found.GetInput("emissive_color").Get(), found.GetInput("emissive_intensity").Get()) == (1, 0.5, 0.25, 4)
    image = tmp_path / "wood.png"
    cv2.imwrite(str(image), np.full((4, 4, 3), 90, np.uint8))
    uv = np.zeros((12, 3, 2), np.float32)
    write_asset(one_part(Material("imported", (0.5,) * 3, texture=str(image)), uv=uv), tmp_path / "image.usdc")
    _image = dress(str(tmp_path / "image.usdc"))
    assert Path(dressed(tmp_path / "image.usdc").GetInput("diffuse_texture").Get().resolvedPath).is_file()


def test_colours_of_corners_stay_with_the_preview_surface(tmp_path: Path) -> None:
    colours = np.zeros((12, 3, 3), np.float32)
    write_asset(one_part(Material("imported", (0.5,) * 3, vertex_colours=True), colours=colours), tmp_path / "a.usdc")
    assert "OmniPBR" not in dress(str(tmp_path / "a.usdc")).ExportToString()


def test_files_of_others_are_not_touched(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateNew(str(tmp_path / "theirs.usda"))
    UsdGeom.Xform.Define(stage, "/Asset").GetPrim().GetReferences().AddReference("omniverse://nowhere/rack.usd")
    stage.Save()
    before = stage.GetRootLayer().ExportToString()
    assert dress(str(tmp_path / "theirs.usda")).ExportToString() == before
    assert dress(str(tmp_path / "theirs.usda")).permissionToSave


def test_a_stage_in_isaac_has_omnipbr_and_others_have_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = placed("pallet", 8)
    plan = {
        "frame": 0, "seed": 0, "split": "train", "scenario": "aisle", "lamps": [], "sky": [0.0, 0.0, 0.0],
        "placements": [{**asdict(item), "label": None}], "camera": asdict(Camera(8, 8, 8.0, tuple(np.eye(4).tolist()))),
    }  # fmt: skip

    def outputs() -> int:
        stage = Usd.Stage.CreateInMemory()
        isaac.stage.build(stage, plan, asset_files([item], tmp_path))
        return sum(
            bool(UsdShade.Material(prim).GetSurfaceOutput("mdl"))
            for prim in stage.Traverse()
            if UsdShade.Material(prim)
        )

    assert outputs() == 0
    monkeypatch.setitem(sys.modules, "omni.usd", types.ModuleType("omni.usd"))
    assert outputs() > 0
