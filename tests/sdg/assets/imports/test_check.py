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


def test_nothing_to_check_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assets", "check"]) == 3
    assert "assets is empty: name your objects in conf/config.yaml, or give a path" in capsys.readouterr().err
