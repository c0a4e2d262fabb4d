"""The check command, as a user calls it."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from stages.sdg.cli import main
from tests.sdg.assets.imports.files import SCENE, write_truck
from tests.settings import REPOSITORY


@pytest.fixture
def project(place: Path) -> Path:
    """A project with settings of its own."""
    shutil.copytree(REPOSITORY / "conf", place / "conf")
    return place


def entries(project: Path, text: str) -> None:
    config = project / "conf" / "config.yaml"
    config.write_text(config.read_text().replace("assets: []", f"assets:\n{text}"))


def test_it_tells_and_draws_what_was_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_truck(project / "t.glb")
    (project / "s.usda").write_text(SCENE)
    entries(
        project,
        "  - {name: own_truck, source: t.glb, class: pallet_truck, max_triangles: 500}\n"
        "  - {name: scene, source: s.usda, rules: {/World/Fork*: forklift, /World/Gone: pallet}}\n",
    )
    assert main(["assets", "check"]) == 0
    said = capsys.readouterr().out
    for line in (
        "t.glb: glTF binary",
        "triangles   1292; simplified to 500, off by ",
        "size        0.400 x 0.600 x 1.6",
        "unit        1 unit = 1 m; glTF is in metres",
        "up          y; glTF has Y up",
        "surface     2 materials, 1 textures",
        "instance    /: pallet_truck (2 parts)",
        "instance    /World/Forklift_01: forklift (1 parts)",
        "rule        /World/Fork*: forklift, 1 prim",
        "rule        /World/Gone: pallet, MATCHES NO PRIM",
        "remark: the rule /World/Gone matches nothing; the prims with meshes are /World/Forklift_01/Body, ",
        "own label   pallet: pallet",
        "remark: one shape, so training and test frames show the same one",
        "remark: it lies outside assets/, so dvc repro does not see it change",
        "runs/assets.jpg: 2 own objects from four sides",
    ):
        assert line in said
    picture = cv2.imread("runs/assets.jpg")
    assert picture.shape == (2 * 320, 4 * 320, 3)
    for view in range(4):  # something stands in the middle of every view
        middle = picture[100:220, 320 * view + 100 : 320 * view + 220]
        assert middle.std() > 10


def test_what_yields_no_label_ends_with_an_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_truck(project / "t.glb")
    write_truck(project / "u.stl")
    entries(project, "  - {name: bare, source: t.glb}\n  - {name: unitless, source: u.stl, class: pallet}\n")
    assert main(["assets", "check"]) == 3
    told = capsys.readouterr()
    assert "USELESS: assets.bare yields no label (its prims are /body, /body/wheel): give it a class" in told.out
    assert "USELESS: assets.unitless: u.stl does not say its unit" in told.out
    assert told.err.startswith("error: 2 of 2 own objects cannot be used as they are: see above, mend bare, unitless")
    assert Path("runs/assets.jpg").exists()


def test_one_path_that_no_entry_names(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_truck(project / "u.stl")
    assert main(["assets", "check", "u.stl"]) == 3
    assert main(["assets", "check", "u.stl", "--unit", "m", "--up", "y", "--class", "pallet_truck"]) == 0
    assert "size        0.400 x 0.600 x 1.600 m" in capsys.readouterr().out


def test_keys_are_tried_on_a_path_without_an_entry(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "s.usda").write_text(SCENE)
    rules = ["--rule", "/World/Fork*: forklift", "--rule", "/World/Gone: pallet"]
    assert main(["assets", "check", "s.usda", *rules, "--size", "height=3", "--front=-x"]) == 0
    said = capsys.readouterr().out
    assert "rule        /World/Fork*: forklift, 1 prim" in said
    assert "x 3.000 m (length, width, height)" in said


def test_keys_that_are_tried_win_over_the_entry(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_truck(project / "u.stl")
    entries(project, "  - {name: own_truck, source: u.stl, class: pallet_truck, unit: m, up: y}\n")
    assert main(["assets", "check", "u.stl", "--size", "height=0.8", "--class", "forklift"]) == 0
    said = capsys.readouterr().out
    assert "own_truck" in said
    assert "0.200 x 0.300 x 0.800 m" in said
    assert "instance    /: forklift" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["u.stl", "--class", "pallet_jack"], "assets.u_checked has the class 'pallet_jack', which is not in "),
        (["u.stl", "--rule", "/a: jack"], "assets.u_checked has the class 'jack', which is not in scene"),
        (["u.stl", "--rule", "jack"], "--rule is 'jack': give prims and their class, as '/World/Fork*: pallet_truck'"),
        (["u.stl", "--rule", "a: pallet"], "assets.u_checked.rules: 'a' is no prim path: begin it with a slash"),
        (["u.stl", "--size", "depth=1"], "--size is 'depth=1': give one side in metres, as height=1.2, length=2 or"),
        (["u.stl", "--size", "height=-1"], "assets[0].size.height is -1.0: give a number above 0 and at most 200"),
        (["u.stl", "--size", "height=1", "--unit", "m"], "assets.u_checked has a size and a unit: keep the one "),
        (["--class", "pallet"], "--class is for one object: give its PATH, too"),
    ],
)  # fmt: skip
def test_keys_that_no_entry_may_have(
    project: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    write_truck(project / "u.stl")
    assert main(["assets", "check", *options]) == 2
    assert words in capsys.readouterr().err


def test_sizes_that_no_picture_shows_are_useless(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_truck(project / "t.glb")
    for size, words in (("0.004", "m, too small to be seen in any picture: give its unit"),
                        ("150", "m and fits into no hall (the largest is 44 x 20 x 9 m): give its unit")):  # fmt: skip
        assert main(["assets", "check", "t.glb", "--class", "pallet_truck", "--size", f"height={size}"]) == 3
        assert f"USELESS: assets.t_checked: t.glb measures {float(size) / 4:.3g} x" in (said := capsys.readouterr().out)
        assert words in said


def test_a_scene_that_places_no_own_objects_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_truck(project / "t.glb")
    config = project / "conf" / "config.yaml"
    config.write_text(config.read_text().replace("- scene: warehouse", "- scene: simple_warehouse"))
    entries(project, "  - {name: own_truck, source: t.glb, class: pallet_truck}\n")
    assert main(["assets", "check"]) == 3
    words = "assets are not placed by the scenario simple_warehouse, which has things of its own alone: choose another"
    assert f"USELESS: {words}" in capsys.readouterr().out
    assert main(["preview", "-n", "1"]) == 2
    assert words in capsys.readouterr().err


def test_nothing_to_check_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assets", "check"]) == 3
    assert "assets is empty: name your objects in conf/config.yaml, or give a path" in capsys.readouterr().err
