from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pxr import Sdf, Usd, UsdGeom, UsdSemantics, UsdShade

from isaac.stage.semantics import NothingLabelledError, label_stage, labels_of

TRUCK = "/World/**/PalletTruck*"


def warehouse() -> Any:
    """Two trucks of two prims each, a forklift that carries a pallet, a rack, and materials."""
    stage = Usd.Stage.CreateInMemory()
    for path in (
        "PalletTruck_01/PalletTruck_body",
        "Aisle/PalletTruck_02/frame",
        "Forklift/mast",
        "Forklift/Pallet/top",
    ):
        UsdGeom.Cube.Define(stage, f"/World/{path}")
    for path in ("", "/PalletTruck_01", "/Aisle", "/Aisle/PalletTruck_02", "/Forklift", "/Forklift/Pallet"):
        UsdGeom.Xform.Define(stage, f"/World{path}")
    UsdGeom.Mesh.Define(stage, "/World/Rack")
    UsdShade.Material.Define(stage, "/World/Looks/PalletTruck_paint")
    return stage


def found(stage: Any) -> dict[str, list[str]]:
    query = UsdSemantics.LabelsQuery("class", Usd.TimeCode.Default())
    everything = {str(prim.GetPath()): list(query.ComputeUniqueDirectLabels(prim)) for prim in stage.Traverse()}
    return {path: names for path, names in everything.items() if names}


def replicators(prim: Any, *labels: str) -> None:
    """Label as ``rep.functional.modify.semantics`` of Isaac Sim 5.1 does: ``string[]``."""
    prim.AddAppliedSchema("SemanticsLabelsAPI:class")
    prim.CreateAttribute("semantics:labels:class", Sdf.ValueTypeNames.StringArray, False).Set(list(labels))


def older(prim: Any, label: str) -> None:
    """Label as Isaac Sim up to 4.5 does."""
    prim.AddAppliedSchema("SemanticsAPI:Semantics_x")
    prim.CreateAttribute("semantic:Semantics_x:params:semanticType", Sdf.ValueTypeNames.String, False).Set("class")
    prim.CreateAttribute("semantic:Semantics_x:params:semanticData", Sdf.ValueTypeNames.String, False).Set(label)


def test_rules_label_the_outermost_prims_that_they_match() -> None:
    stage = warehouse()
    report = label_stage(stage, {TRUCK: "pallet_truck"})
    wanted = {"/World/PalletTruck_01": ["pallet_truck"], "/World/Aisle/PalletTruck_02": ["pallet_truck"]}
    assert found(stage) == wanted
    assert report.classes() == {"pallet_truck": 2}
    # the material fits as well, and is nothing that can be seen
    assert report.rules == {TRUCK: 3}
    assert report.inside == ["/World/PalletTruck_01/PalletTruck_body"]
    assert sorted(report.unmatched) == ["/World/Forklift/Pallet/top", "/World/Forklift/mast", "/World/Rack"]


def test_of_several_rules_the_last_counts_and_is_reported() -> None:
    stage = warehouse()
    report = label_stage(stage, {"/World/*": "forklift", TRUCK: "pallet_truck", "/World/Rack": "stillage"})
    assert report.doubled == {
        "/World/PalletTruck_01": ["/World/*", TRUCK],
        "/World/Rack": ["/World/*", "/World/Rack"],
    }
    assert found(stage)["/World/Rack"] == ["stillage"]
    assert found(stage)["/World/PalletTruck_01"] == ["pallet_truck"]
    assert report.unmatched == []


def test_a_prim_that_two_rules_of_one_class_match_is_matched_doubly_too() -> None:
    report = label_stage(warehouse(), {TRUCK: "pallet_truck", "/World/Pallet*": "pallet_truck"})
    assert report.doubled == {"/World/PalletTruck_01": [TRUCK, "/World/Pallet*"]}
    assert report.rules == {TRUCK: 3, "/World/Pallet*": 1}


def test_rules_below_a_prim_by_the_paths_of_its_file() -> None:
    stage = warehouse()
    rules = {"/File/**/Pallet": "pallet", "/World/**": "forklift"}
    report = label_stage(stage, rules, below="/World/Forklift", named=lambda path: path.replace("/World", "/File"))
    assert found(stage) == {"/World/Forklift/Pallet": ["pallet"]}
    assert report.unmatched == ["/World/Forklift/mast"]
    with pytest.raises(NothingLabelledError):
        label_stage(stage, {"/World/Rack": "stillage"}, below="/World/Aisle")


def test_a_thing_in_another_thing_is_said_to_be() -> None:
    stage = warehouse()
    report = label_stage(stage, {"/World/Forklift": "forklift", "/World/**/Pallet": "pallet"})
    assert report.joined == {"/World/Forklift/Pallet": "/World/Forklift"}
    assert found(stage) == {"/World/Forklift": ["forklift"], "/World/Forklift/Pallet": ["pallet"]}


def test_zero_labels_are_refused_and_nothing_is_written() -> None:
    stage = warehouse()
    before = stage.ExportToString()
    for rules in ({"/World/Jack*": "pallet_truck"}, {"/World/**": "none"}, {"/World/Looks/*": "pallet"}):
        with pytest.raises(NothingLabelledError):
            label_stage(stage, rules)
    assert stage.ExportToString() == before


@pytest.mark.parametrize("write", [replicators, older])
def test_labels_of_others_are_kept_or_give_way(write: Any) -> None:
    stage = warehouse()
    write(stage.GetPrimAtPath("/World/Rack"), "shelf")
    write(stage.GetPrimAtPath("/World/PalletTruck_01/PalletTruck_body"), "palletjack")
    assert labels_of(stage.GetPrimAtPath("/World/Rack")) == ["shelf"]
    report = label_stage(stage, {TRUCK: "pallet_truck"})
    assert report.kept == {"/World/Rack": ["shelf"]}
    # below a labelled prim, or Replicator would say "pallet_truck,palletjack"
    assert report.cleared == ["/World/PalletTruck_01/PalletTruck_body"]
    assert labels_of(stage.GetPrimAtPath("/World/PalletTruck_01/PalletTruck_body")) == []
    label_stage(stage, {TRUCK: "pallet_truck"}, clear=True)
    assert labels_of(stage.GetPrimAtPath("/World/Rack")) == []
    assert found(stage).keys() == {"/World/PalletTruck_01", "/World/Aisle/PalletTruck_02"}


@pytest.mark.parametrize("write", [replicators, older])
def test_a_label_in_anothers_type_is_found_by_the_query_after_a_rule(write: Any, tmp_path: Path) -> None:
    below = warehouse()
    write(below.GetPrimAtPath("/World/Rack"), "shelf")
    below.Export(str(tmp_path / "below.usda"))
    over = Sdf.Layer.CreateAnonymous(".usda")
    over.subLayerPaths = [str(tmp_path / "below.usda")]
    stage = Usd.Stage.Open(over)
    label_stage(stage, {"/World/Rack": "stillage"})
    assert found(stage) == {"/World/Rack": ["stillage"]}
    assert labels_of(stage.GetPrimAtPath("/World/Rack")) == ["stillage"]


def test_none_takes_labels_away() -> None:
    stage = warehouse()
    label_stage(stage, {TRUCK: "pallet_truck", "/World/Forklift": "forklift"})
    report = label_stage(stage, {"/World/Aisle": "none"})
    assert report.cleared == ["/World/Aisle/PalletTruck_02"]
    assert found(stage).keys() == {"/World/PalletTruck_01", "/World/Forklift"}


def test_prims_inside_an_instance_are_reported(tmp_path: Path) -> None:
    asset = Usd.Stage.CreateNew(str(tmp_path / "asset.usda"))
    asset.SetDefaultPrim(UsdGeom.Xform.Define(asset, "/Asset").GetPrim())
    UsdGeom.Cube.Define(asset, "/Asset/PalletTruck")
    asset.Save()
    stage = Usd.Stage.CreateInMemory()
    for number in range(2):
        prim = UsdGeom.Xform.Define(stage, f"/World/Item_{number}").GetPrim()
        prim.GetReferences().AddReference(str(tmp_path / "asset.usda"))
        prim.SetInstanceable(True)
    report = label_stage(stage, {"/World/Item_0": "pallet_truck", TRUCK: "pallet_truck"})
    assert report.labelled == {"/World/Item_0": "pallet_truck"}
    assert report.instanced == ["/World/Item_0/PalletTruck", "/World/Item_1/PalletTruck"]
    assert report.unmatched == ["/World/Item_1/PalletTruck"]
