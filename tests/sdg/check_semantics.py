from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from pxr import Usd, UsdGeom, UsdSemantics

from stages.common.errors import InputError, SettingsError
from stages.sdg.cli import main
from stages.sdg.semantics import describe, label_file, read_rules

RULES = "# trucks\n/World/**/PalletTruck*: pallet_truck\n/World/Nothing: pallet\n"


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    stage = Usd.Stage.CreateNew(str(tmp_path / "stage" / "hall.usda"))
    UsdGeom.SetStageUpAxis(stage, "Z")
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    stage.SetStartTimeCode(1)
    stage.SetEndTimeCode(240)
    stage.SetTimeCodesPerSecond(60)
    stage.SetFramesPerSecond(30)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/World").GetPrim())
    for name in ("PalletTruck_01", "Aisle/PalletTruck_02", "Rack"):
        UsdGeom.Cube.Define(stage, f"/World/{name}")
    stage.Save()
    return tmp_path / "stage" / "hall.usda"


def labels(path: Path) -> dict[str, list[str]]:
    stage = Usd.Stage.Open(str(path))
    query = UsdSemantics.LabelsQuery("class", Usd.TimeCode.Default())
    found = {str(prim.GetPath()): list(query.ComputeUniqueDirectLabels(prim)) for prim in stage.Traverse()}
    return {name: values for name, values in found.items() if values}


def test_the_layer_has_the_labels_and_the_file_stays(hall: Path, tmp_path: Path) -> None:
    before = hashlib.sha256(hall.read_bytes()).hexdigest()
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    made = label_file(hall, read_rules(rules))
    assert made.layer == hall.with_name("hall.labelled.usda")
    wanted = {"/World/PalletTruck_01": ["pallet_truck"], "/World/Aisle/PalletTruck_02": ["pallet_truck"]}
    assert labels(made.layer) == wanted
    assert labels(hall) == {}
    assert hashlib.sha256(hall.read_bytes()).hexdigest() == before
    assert sorted(path.name for path in hall.parent.iterdir()) == ["hall.labelled.usda", "hall.usda"]
    stage = Usd.Stage.Open(str(made.layer))
    assert UsdGeom.GetStageMetersPerUnit(stage) == pytest.approx(0.01)
    assert str(stage.GetDefaultPrim().GetPath()) == "/World"
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1, 240)
    assert (stage.GetTimeCodesPerSecond(), stage.GetFramesPerSecond()) == (60, 30)
    assert "PalletTruck_01 [Cube] <- pallet_truck" in made.tree
    assert made.report is not None
    told = describe(made.report)
    assert "/World/Nothing: MATCHES NO PRIM" in told
    assert "matched    2 prims labelled (2 pallet_truck)" in told
    assert "unmatched  1 surfaces without a label: /World/Rack" in told


def test_the_layer_finds_its_file_from_another_folder(hall: Path, tmp_path: Path) -> None:
    label_file(hall, {"/World/Rack": "stillage"}, tmp_path / "labels" / "hall.usda")
    (tmp_path / "labels").rename(tmp_path / "moved")
    assert labels(tmp_path / "moved" / "hall.usda") == {"/World/Rack": ["stillage"]}


def test_a_second_layer_over_the_first(hall: Path) -> None:
    first = label_file(hall, {"/World/Rack": "stillage"}).layer
    assert first is not None
    second = label_file(first, {"/World/Rack": "pallet"}, hall.with_name("second.usda")).layer
    assert second is not None
    assert labels(second) == {"/World/Rack": ["pallet"]}
    assert labels(first) == {"/World/Rack": ["stillage"]}


def test_zero_labels_are_refused(hall: Path) -> None:
    with pytest.raises(SettingsError, match=r"no rule labels a prim.*its prims are /World"):
        label_file(hall, {"/World/Jack*": "pallet_truck"})
    assert [path.name for path in hall.parent.iterdir()] == ["hall.usda"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- /World/Rack", "must be lines such as"),
        ("", "must be lines such as"),
        ("/World/Rack: 3", "must be lines such as"),
        ("/World/Rack: [", "are not YAML"),
        ("/World/Rack: pallet truck", "must be one word"),
        ("/World/Rack: a,b", "must be one word"),
    ],
)
def test_rules_that_are_none(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_rules(tmp_path / "rules.yaml")


def test_files_that_are_none(tmp_path: Path, hall: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        label_file(tmp_path / "absent.usda")
    (tmp_path / "text.usda").write_text("hello")
    with pytest.raises(InputError, match="no sound USD file"):
        label_file(tmp_path / "text.usda")
    with pytest.raises(InputError, match="cannot be read"):
        read_rules(tmp_path / "absent.yaml")
    with pytest.raises(SettingsError, match="must stay as it is"):
        label_file(hall, {"/World/Rack": "pallet"}, hall)
    with pytest.raises(SettingsError, match=r"let it end in \.usda"):
        label_file(hall, {"/World/Rack": "pallet"}, hall.with_name("labels.txt"))


def test_the_commands(hall: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    assert main(["semantics", str(hall)]) == 0
    assert "Rack [Cube]" in capsys.readouterr().out
    assert main(["semantics", str(hall), "--clear"]) == 2
    assert "give --rules FILE" in capsys.readouterr().err
    assert main(["semantics", str(hall), "--rules", str(rules), "--out", str(tmp_path / "out.usda")]) == 0
    assert "2 prims labelled" in capsys.readouterr().out
    rules.write_text("/World/Jack: pallet\n")
    assert main(["semantics", str(hall), "--rules", str(rules)]) == 2
    assert "Traceback" not in capsys.readouterr().err
    out = tmp_path / "frame.usda"
    assert main(["usd", "--frame", "1", "--out", str(out), "-S", "dataset=tiny"]) == 0
    assert "OpenUSD finds no fault" in capsys.readouterr().out
    stage = Usd.Stage.Open(str(out))
    plan = stage.GetPrimAtPath("/World/Frame").GetCustomDataByKey("plan")
    assert json.loads(json.dumps(plan))["frame"] == 1
    assert main(["usd", "--frame", "1", "--out", str(tmp_path / "frame.txt"), "-S", "dataset=tiny"]) == 3
    recipe = ["usd", "--frame", "4", "--out", str(out), "-S", "scene=simple_warehouse"]
    assert main(recipe) == 0
    assert "7 things are stand-ins for 4 files of others: --references refers to those" in capsys.readouterr().out
    assert main([*recipe, "--references"]) == 0
    said = capsys.readouterr().out
    assert "OpenUSD finds no fault; 7 things are references to 4 files of others, which were not opened" in said
    assert "/Assets/Isaac/5.1/Isaac/Environments/Simple_Warehouse/warehouse.usd@" in out.read_text()
    elsewhere = "scene.recipe.environment=https://host.example/hall.usd"
    assert main([*recipe, "-S", elsewhere, "--references"]) == 0
    assert "OpenUSD finds no fault; 7 things are references to 4 files" in capsys.readouterr().out
    packed = tmp_path / "frame.usdz"
    assert main(["usd", "--frame", "4", "--out", str(packed), "--references", "-S", "scene=simple_warehouse"]) == 3
    assert "cannot refer to other people's files" in capsys.readouterr().err
    assert not packed.exists()
