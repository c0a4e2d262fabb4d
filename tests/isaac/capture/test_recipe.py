"""The published recipe against the stand-in, with a small pack of assets that has what NVIDIA's has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.isaac.drive import drive

HEAD = '#usda 1.0\n(\n    defaultPrim = "Root"\n    upAxis = "Z"\n    metersPerUnit = {unit}\n)\n\n'


def box(name: str, low: tuple[float, ...], high: tuple[float, ...], more: str = "", schema: str = "") -> str:
    """A mesh prim with the shape of a box; six quads."""
    points = [(x, y, z) for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])]
    faces = "0, 2, 3, 1, 4, 5, 7, 6, 0, 1, 5, 4, 2, 6, 7, 3, 0, 4, 6, 2, 1, 3, 7, 5"
    return (
        f'def Mesh "{name}" {schema}\n{{\n    int[] faceVertexCounts = [4, 4, 4, 4, 4, 4]\n'
        f"    int[] faceVertexIndices = [{faces}]\n    point3f[] points = {points}\n{more}}}\n"
    )


LABELLED = '(\n    prepend apiSchemas = ["SemanticsLabelsAPI:class"]\n)'
FOREIGN = (
    '    token[] semantics:labels:class = ["wheel"]\n    string semantic:Semantics_a1b2:params:semanticData = "x"\n'
)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Assets as Isaac Sim's server has them: a hall in metres, trucks in centimetres, labels where none is wanted."""
    root = tmp_path / "Assets" / "Isaac" / "5.1"
    hall = root / "Isaac" / "Environments" / "Simple_Warehouse"
    (hall / "Props").mkdir(parents=True)
    lamps = "".join(f'def RectLight "RectLight_{n}"\n{{\n    float inputs:intensity = 5\n}}\n' for n in range(5))
    floor = box("SM_Floor_01", (-15, -15, -0.1), (15, 18, 0), FOREIGN, LABELLED)
    wall = box("SM_Wall_01", (-15, 17, 0), (15, 17.2, 6))
    text = f'{HEAD.format(unit=1)}def Xform "Root"\n{{\n{floor}{wall}{lamps}}}\n'
    (hall / "warehouse.usd").write_text(text)
    # 1.6 m long, 0.6 m wide, 1.2 m high, in centimetres
    forks, tower = (
        box("Body", (-30, -30, 0), (130, 30, 20)),
        box("SteerAxles", (-30, -10, 20), (-10, 10, 120), FOREIGN, LABELLED),
    )
    (root / "truck.usd").write_text(f'{HEAD.format(unit=0.01)}def Xform "Root"\n{{\n{forks}{tower}}}\n')
    cone = box("Cone", (-0.2, -0.2, 0), (0.2, 0.2, 0.6), FOREIGN, LABELLED)
    (hall / "Props" / "cone.usd").write_text(f'{HEAD.format(unit=1)}def Xform "Root"\n{{\n{cone}}}\n')
    return root


def overrides(pack: Path) -> list[str]:
    cone = "/Isaac/Environments/Simple_Warehouse/Props/cone.usd"
    return ["scene=simple_warehouse", "randomization=palletjack", "dataset.frames.sizes=[240x136]",
            *(f"scene.recipe.trucks.{name}_truck={pack}/truck.usd" for name in ("scale", "heavy_duty", "low_profile")),
            f"scene.recipe.sets.warehouse=[{cone},{cone}]", f"scene.recipe.sets.additional=[{cone}]"]  # fmt: skip


def test_the_recipe_is_rendered_with_its_own_assets(pack: Path, tmp_path: Path) -> None:
    told = drive(tmp_path, [], {}, *overrides(pack), assets=pack, plans=[0, 2, 4])
    frames = told["frames"]
    assert [frame["tags"]["distractors"] for frame in frames] == ["warehouse", "additional", "none"]
    seen = 0
    for frame in frames:
        edited = frame["facts"]["edited"]
        assert (edited["RectLight"], edited["SM_Floor"], edited["SM_Wall"], edited["SteerAxles"]) == (5, 1, 1, 1)
        for number, (name, left, top, right, bottom, occlusion, truncation) in frame["labels"].items():
            seen += 1
            assert name == "pallet_truck"
            assert 0 <= occlusion < 1
            assert 0 <= truncation < 1
            tight = frame["boxes"]["tight"][number]
            assert tight["class"] == ["pallet_truck"], "labels of the file would be joined by commas"
            assert tight["xyxy"] == [left, top, right, bottom]
            assert tight["occlusion"] == pytest.approx(occlusion, abs=0.06), "the file's own outline counts"
        # metres: a truck in centimetres would fill the hall, or be a speck
        assert frame["depth"][1] < 60
    assert seen >= 3
    # the environment and the truck are loaded once
    assert sum(call["call"] == "SimulationApp" for call in told["calls"]) == 1


def test_assets_that_cannot_be_reached_are_named(pack: Path, tmp_path: Path) -> None:
    error = drive(tmp_path, [], {}, *overrides(pack), plans=[0])["frames"][0]["error"]
    assert "NVIDIA's assets cannot be reached for /Isaac/Environments/Simple_Warehouse/warehouse.usd" in error
    assert "renderer.isaac.asset_root" in error


def test_a_local_pack_is_taken_from_the_settings(pack: Path, tmp_path: Path) -> None:
    told = drive(tmp_path, [], {}, *overrides(pack), f"renderer.isaac.asset_root={pack}", plans=[4])
    assert "error" not in told["frames"][0]
    config = next(call for call in told["calls"] if call["call"] == "SimulationApp")
    assert f"--/persistent/isaac/asset_root/default={pack}" in config["extra_args"]


def test_a_hook_changes_the_stage(tmp_path: Path) -> None:
    hook = tmp_path / "hook.py"
    hook.write_text(
        "def away(stage, plan, paths):\n"
        "    from pxr import UsdGeom\n"
        "    UsdGeom.Imageable(stage.GetPrimAtPath(paths[3])).MakeInvisible()\n"
    )
    plain = drive(tmp_path, [{}])["frames"][0]
    told = drive(tmp_path, [{}], {}, f"renderer.isaac.hooks=['{hook}:away']")["frames"][0]
    assert "3" in plain["boxes"]["tight"]
    assert "3" not in told["boxes"]["tight"]
    occlusion = [frame["boxes"]["tight"]["2"]["occlusion"] for frame in (plain, told)]
    assert occlusion[0] > occlusion[1], "what hid the truck is gone"
