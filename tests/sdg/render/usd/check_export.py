from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from pxr import Usd, UsdGeom

from benchmarks.usd_stages import Counted, count, plans
from isaac.stage.keys import INSTANCE, LAMPS
from stages.common.errors import InputError, RenderError
from stages.common.settings.isaac import IsaacSim
from stages.sdg.assets.mesh import box
from stages.sdg.assets.types import Asset, Material, Part
from stages.sdg.plan.draft import scenarios
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.isaac.backend import IsaacRenderer
from stages.sdg.render.meshes import world_triangles
from stages.sdg.render.usd.check import problems
from stages.sdg.render.usd.export import foreign, open_frame, save_frame
from tests.settings import compose


def plan() -> FramePlan:
    return plan_frame(compose(), 0)


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assets")


def test_a_plan_of_every_scenario_is_a_sound_file_that_holds_it(assets: Path, tmp_path: Path) -> None:
    seen = set()
    for _, drawn in plans(11, scenes=("simple_warehouse", "warehouse")):
        path = tmp_path / "frame.usdc"
        save_frame(drawn, path, assets)
        labelled = sum(item.label is not None for item in drawn.placements)
        assert count(drawn, path) == Counted([], len(drawn.placements), labelled, 0)
        seen.add(drawn.scenario)
    assert seen == {*scenarios()}, "all that `sdg list` prints"


@pytest.mark.parametrize("suffix", [".usda", ".usdc"])
def test_files_of_others_are_referred_to_by_their_address(suffix: str, assets: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    for name in ("Isaac/Environments/hall.usda", "truck.usda", "cone.usda"):
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        there = Usd.Stage.CreateNew(str(pack / name))
        there.SetDefaultPrim(UsdGeom.Xform.Define(there, "/Root").GetPrim())
        UsdGeom.Cube.Define(there, "/Root/Real").CreateExtentAttr([(-1, -1, -1), (1, 1, 1)])
        there.Save()
    cone = f"{pack}/cone.usda"
    changes = [
        "scene.recipe.environment=/Isaac/Environments/hall.usda", f"scene.recipe.sets.warehouse=[{cone}]",
        *(f"scene.recipe.trucks.{name}_truck={pack}/truck.usda" for name in ("scale", "heavy_duty", "low_profile")),
    ]  # fmt: skip
    drawn = plan_frame(compose("scene=simple_warehouse", *changes), 0)
    path = tmp_path / f"frame{suffix}"
    paths = save_frame(drawn, path, assets, asset_root=str(pack))
    assert problems(path) == []
    stage = Usd.Stage.Open(str(path))
    for item in foreign(drawn):
        prim = stage.GetPrimAtPath(paths[item.id])
        shapes = [below for below in Usd.PrimRange(prim) if below.IsA(UsdGeom.Gprim)]
        assert [below.GetTypeName() for below in shapes] == ["Cube"], "the file itself, and nothing of its stand-in"
        size = UsdGeom.XformCache().GetLocalToWorldTransform(shapes[0]).TransformDir((1, 0, 0)).GetLength()
        assert size == pytest.approx(item.parameters.get("usd_scale", 1.0) * item.scale)
    labelled = sum(item.label is not None for item in drawn.placements)
    assert count(drawn, path) == Counted([], len(drawn.placements), labelled, 0)
    # what the Isaac backend saves does the same
    backend = IsaacRenderer.__new__(IsaacRenderer)
    backend._sim = IsaacSim(asset_root=str(pack))
    backend.save_scene(drawn, str(path.with_stem("scene")))
    with pytest.raises(RenderError, match="cannot refer to other people's files"):
        backend.save_scene(drawn, str(path.with_suffix(".usdz")))
    saved = Usd.Stage.Open(str(path.with_stem("scene")))
    assert [prim.GetTypeName() for prim in saved.Traverse()].count("Cube") == len(foreign(drawn))
    # the environment brings its own lamps
    assert not stage.GetPrimAtPath(LAMPS).GetChildren()
    other = path.with_stem("other")
    save_frame(drawn, other, assets)
    stage = Usd.Stage.Open(str(other))
    assert "Cube" not in {prim.GetTypeName() for prim in stage.Traverse()}


@pytest.mark.parametrize("suffix", [".usda", ".usdc", ".usdz"])
def test_one_file_is_all_that_is_needed(suffix: str, assets: Path, tmp_path: Path) -> None:
    drawn, path = plan(), tmp_path / "out" / f"frame{suffix}"
    paths = save_frame(drawn, path, assets)
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert problems(path) == []
    stage = Usd.Stage.Open(str(path))
    assert all(Path(layer.realPath).name == path.name for layer in stage.GetUsedLayers() if not layer.anonymous)
    assert {prim.GetAttribute(INSTANCE).Get() for prim in map(stage.GetPrimAtPath, paths.values())} == set(paths)
    if suffix == ".usdz":
        assert zipfile.ZipFile(path).testzip() is None


def test_things_stand_where_the_plan_puts_them(assets: Path) -> None:
    drawn = plan()
    stage, paths = open_frame(drawn, assets)
    boxes = UsdGeom.BBoxCache(Usd.TimeCode.Default(), [UsdGeom.Tokens.default_])
    for item in drawn.placements:
        corners = world_triangles(item).reshape(-1, 3)
        prim = stage.GetPrimAtPath(paths[item.id])
        low, high = [], []
        for mesh in prim.GetChildren():
            if mesh.IsA(UsdGeom.Mesh):
                points = np.array(UsdGeom.Mesh(mesh).GetPointsAttr().Get())
                matrix = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(mesh))
                world = points @ matrix[:3, :3] + matrix[3, :3]
                low.append(world.min(0))
                high.append(world.max(0))
        np.testing.assert_allclose(np.min(low, 0), corners.min(0), atol=1e-4)
        np.testing.assert_allclose(np.max(high, 0), corners.max(0), atol=1e-4)
        assert boxes.ComputeWorldBound(prim).ComputeAlignedRange().GetMin()[2] >= corners.min(0)[2] - 0.05


def test_another_suffix_is_refused(assets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no USD file: let it end in \.usda"):
        save_frame(plan(), tmp_path / "frame.blend", assets)


def test_a_place_that_cannot_be_written(assets: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_frame(plan(), tmp_path / "file" / "frame.usdc", assets)


def test_faults_of_a_file_are_found(tmp_path: Path) -> None:
    bad = tmp_path / "bad.usda"
    bad.write_text('#usda 1.0\ndef Xform "World" (\n prepend references = @./nothing.usda@\n)\n{\n}\n')
    found = " ".join(problems(bad))
    assert "Could not open asset" in found
    assert "MissingDefaultPrim" in found
    bad.write_text("#usda 1.0\ndef Xform (\n")
    with pytest.raises(InputError, match="cannot be opened as USD"):
        problems(bad)


@pytest.mark.parametrize("suffix", [".usda", ".usdz"])
def test_images_of_own_objects_are_found(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "wood.png"
    cv2.imwrite(str(image), np.full((4, 4, 3), 90, np.uint8))
    vertices, triangles = box((0, 0, 0), (1, 1, 1))
    look = Material("imported", (0.5, 0.5, 0.5), texture=str(image))
    part = Part(
        "/Crate", vertices.astype(np.float32), triangles.astype(np.int32), look, uv=np.zeros((12, 3, 2), np.float32)
    )
    monkeypatch.setattr("stages.sdg.render.usd.assets.build_asset", lambda *_: Asset((part,), (1.0, 1.0, 1.0)))
    drawn = dataclasses.replace(plan(), placements=plan().placements[:1])
    path = tmp_path / "out" / f"frame{suffix}"
    save_frame(drawn, path, tmp_path / "assets")
    image.unlink()
    assert problems(path) == []
    if suffix == ".usdz":
        assert any(name.endswith(".png") for name in zipfile.ZipFile(path).namelist())
