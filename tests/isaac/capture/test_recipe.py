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


PALLETS = 'def Xform "Pallets"\n{{\n{}{}}}\n'.format(
    box("SM_PaletteA_01", (-3, -0.6, 0), (-1.8, 0.6, 0.8), FOREIGN, LABELLED),
    box("SM_PaletteA_02", (1.8, -0.6, 0), (3, 0.6, 0.8)),
)
RULES = "+scene.recipe.rules={/Root/**/SM_Palette*:pallet,/Root/SM_Wall*:none}"


def furnished(pack: Path) -> None:
    """Put two pallets into the environment's file."""
    hall = pack / "Isaac/Environments/Simple_Warehouse/warehouse.usd"
    hall.write_text(hall.read_text().rstrip().removesuffix("}") + PALLETS + "}\n")


def test_things_inside_a_file_are_labelled_by_rules(pack: Path, tmp_path: Path) -> None:
    furnished(pack)
    both = [*overrides(pack), "scene.classes=[pallet,pallet_truck]", "scene.recipe.camera=[[0,-9,2],[0.1,-9,2.1]]"]
    plain, told = (drive(tmp_path, [], {}, *both, *more, assets=pack, plans=[2, 4]) for more in ([], [RULES]))
    for before, frame in zip(plain["frames"], told["frames"], strict=True):
        assert {item[0] for item in before["labels"].values()} == {"pallet_truck"}
        pallets = {number: item for number, item in frame["labels"].items() if item[0] == "pallet"}
        assert len(pallets) == 2, "nothing hides these pallets as a whole"
        assert {number: item for number, item in frame["labels"].items() if number not in pallets} == before["labels"]
        for number, (_, left, top, right, bottom, occlusion, truncation) in pallets.items():
            tight = frame["boxes"]["tight"][number]
            assert tight["xyxy"] == [left, top, right, bottom]
            assert tight["class"] == ["scenery", "pallet"], "Replicator joins it with the environment's own"
            assert tight["occlusion"] == pytest.approx(occlusion, abs=0.06), "the outline is the pallet's alone"
            assert truncation == 0
            assert right - left < 60


def test_rules_that_label_nothing_fail_the_frame(pack: Path, tmp_path: Path) -> None:
    rules = "+scene.recipe.rules={/Root/**/SM_Palette*:pallet}"
    error = drive(tmp_path, [], {}, *overrides(pack), rules, assets=pack, plans=[4])["frames"][0]["error"]
    assert "no rule labels a prim that can have one in /Root" in error
    assert "stages.sdg semantics" in error


def test_a_missing_asset_fails_the_frame_and_is_named(pack: Path, tmp_path: Path) -> None:
    (pack / "truck.usd").unlink()
    frames = drive(tmp_path, [], {}, *overrides(pack), assets=pack, plans=[4])["frames"]
    assert f"nothing to see is in {pack}/truck.usd" in frames[0]["error"]
    assert "the file is missing, was not loaded, or is empty" in frames[0]["error"]


def test_an_asset_that_comes_late_is_waited_for(pack: Path, tmp_path: Path) -> None:
    (pack / "truck.usd").rename(pack / "truck.late")
    (pack / "truck.usd").write_text(f'{HEAD.format(unit=0.01)}def Xform "Root"\n{{\n}}\n')
    quirks = {"assets_come_after": 7, "late_asset": "truck.usd"}
    (frame,) = drive(tmp_path, [], quirks, *overrides(pack), assets=pack, plans=[4])["frames"]
    assert "error" not in frame, frame
    assert "showed nothing" in frame["facts"]["attempts"][0]
    # the labels of a file that comes late go as those of any other
    assert all(frame["boxes"]["tight"][number]["class"] == ["pallet_truck"] for number in frame["labels"])


def test_a_stage_that_does_not_end_loading_fails_the_frame(pack: Path, tmp_path: Path) -> None:
    quirks = {"loading_updates": 10**9}
    (frame,) = drive(tmp_path, [], quirks, *overrides(pack), assets=pack, plans=[4])["frames"]
    assert "the stage did not end loading" in frame["error"]


def test_a_stage_that_loads_for_very_long_is_waited_for(pack: Path, tmp_path: Path) -> None:
    (frame,) = drive(tmp_path, [], {"loading_updates": 3000}, *overrides(pack), assets=pack, plans=[4])["frames"]
    assert frame["facts"]["attempts"] == ["the stage was still loading"]


@pytest.mark.parametrize(("which", "count"), [("[paths[2]]", "1 of "), ("paths.values()", " (the first is 1)")])
def test_a_hook_that_takes_labels_away_is_an_error(tmp_path: Path, which: str, count: str) -> None:
    hook = tmp_path / "hook.py"
    hook.write_text(
        "def bare(stage, plan, paths):\n"
        "    from pxr import Usd\n"
        "    with Usd.EditContext(stage, stage.GetSessionLayer()):\n"
        f"        for path in {which}:\n"
        "            stage.GetPrimAtPath(path).GetAttribute('semantics:labels:class').Block()\n"
    )
    error = drive(tmp_path, [{}], {}, f"renderer.isaac.hooks=['{hook}:bare']")["frames"][0]["error"]
    assert "instances have no label" in error
    assert count in error


def test_assets_that_cannot_be_reached_are_named(pack: Path, tmp_path: Path) -> None:
    error = drive(tmp_path, [], {}, *overrides(pack), plans=[0])["frames"][0]["error"]
    assert "NVIDIA's assets cannot be reached for /Isaac/Environments/Simple_Warehouse/warehouse.usd" in error
    assert "renderer.isaac.asset_root" in error


def test_a_local_pack_is_taken_from_the_settings(pack: Path, tmp_path: Path) -> None:
    told = drive(tmp_path, [], {}, *overrides(pack), f"renderer.isaac.asset_root={pack}", plans=[4])
    assert "error" not in told["frames"][0]
    config = next(call for call in told["calls"] if call["call"] == "SimulationApp")
    assert f"--/persistent/isaac/asset_root/default={pack}" in config["extra_args"]


def test_the_example_of_a_hook_runs(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}], {}, "renderer.isaac.hooks=[examples/custom/warm_floor.py:warm_floor]")
    assert told["frames"][0]["same_ids"] > 0.9999


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
