"""Entries of the settings: files, folders, what yields no label, and what changes frames."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.errors import InputError, RenderError, SettingsError
from stages.common.settings import Settings, check
from stages.common.settings.platform import Storage
from stages.sdg.assets.imports import prepare as imports
from stages.sdg.assets.imports.prepare import check_labels, prepare, prepare_all, remarks
from stages.sdg.run import key
from stages.sdg.run.job import render_frames
from stages.sdg.shards.reader import read_frames
from tests.sdg.assets.imports.files import SCENE, USDA, entry, write_truck
from tests.settings import compose

LOCAL = Storage(name="local", kind="local")
TRUCK = {"name": "own_truck", "source": "t.glb", "class": "pallet_truck", "weight": 1000.0}


def settings(*entries: dict[str, Any], base: Settings | None = None) -> Settings:
    values = (base or compose("dataset.frames.count=32", "dataset.frames.test_count=4")).model_dump()
    return check({**values, "assets": list(entries)})


def test_a_folder_holds_the_shapes_of_a_family_and_their_parts(place: Path) -> None:
    folder = place / "trucks"
    (folder / "deep").mkdir(parents=True)
    write_truck(folder / "a.glb")
    write_truck(folder / "deep" / "b.glb")
    (folder / "notes.txt").write_text("no object")
    (folder / "part.usda").write_text(USDA + 'def Cube "C"\n{\n    double size = 100\n}\n')
    (folder / "whole.usda").write_text(USDA + 'def "W" (\n    prepend references = @part.usda@</C>\n)\n{\n}\n')
    made = prepare(entry("trucks", **{"class": "pallet_truck"}), LOCAL)
    assert [Path(name).name for name in made.sources] == ["a.glb", "b.glb", "whole.usda"]


def test_one_broken_file_of_a_folder_is_named(place: Path) -> None:
    folder = place / "trucks"
    folder.mkdir()
    write_truck(folder / "a.glb")
    (folder / "b.glb").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"trucks/b.glb is no readable glTF"):
        prepare(entry("trucks"), LOCAL)


@pytest.mark.parametrize(
    ("label", "height", "odd"),
    [
        ("pallet_truck", 1.6, ""),
        ("pallet_truck", 16.0, "its longest side is 16 m, and that of a pallet_truck 0.6 to 3.5 m: check the unit"),
        ("forklift", 0.063, "its longest side is 0.063 m, and that of a forklift 1 to 8 m: check the unit"),
        ("none", 16.0, ""),
        ("none", 40.0, "its longest side is 40 m, which is odd for a thing in a warehouse: check the unit"),
    ],
)
def test_a_thing_of_another_size_than_its_class_is_remarked_on(
    place: Path, label: str, height: float, odd: str
) -> None:
    write_truck(place / "a.glb")
    made = prepare(entry("a.glb", **{"class": label, "size": {"height": height}}), LOCAL)
    assert [said for said in remarks(made) if "longest" in said] == ([f"a.glb: {odd}"] if odd else [])


def test_an_empty_folder_is_named(place: Path) -> None:
    (place / "trucks").mkdir()
    with pytest.raises(InputError, match=r"assets.thing: trucks holds no file of .usd, .*: correct its source"):
        prepare(entry("trucks"), LOCAL)


def test_what_yields_no_label_is_refused_with_its_prims(place: Path) -> None:
    write_truck(place / "t.glb")
    with pytest.raises(SettingsError, match=r"assets.thing yields no label \(its prims are /body, /body/wheel\): give"):
        prepare_all(settings({"name": "thing", "source": "t.glb"}))
    check_labels(prepare(entry("t.glb", **{"class": "none"}), LOCAL))


def test_an_unlabelled_object_ends_the_run_before_anything_is_rendered(place: Path) -> None:
    write_truck(place / "t.glb")
    with pytest.raises(SettingsError, match="yields no label"):
        render_frames(settings({"name": "thing", "source": "t.glb"}), place / "frames", factory="nowhere:none")
    assert not (place / "frames").exists()


def test_a_rule_without_a_match_is_told_before_rendering(place: Path) -> None:
    write_truck(place / "t.glb")
    told = io.StringIO()
    chosen = settings({**TRUCK, "rules": {"/Gone": "pallet"}})
    with pytest.raises(RenderError, match="does not start"):
        render_frames(chosen, place / "frames", log=told, factory="nowhere:none")
    assert told.getvalue().startswith(
        "sdg: assets.own_truck: the rule /Gone matches nothing; the prims with meshes are /body, /body/wheel\n"
    )


def test_a_built_in_name_is_refused(place: Path) -> None:
    write_truck(place / "t.glb")
    with pytest.raises(SettingsError, match=r"assets.pallet_truck has the name of a built-in family"):
        prepare_all(settings({"name": "pallet_truck", "source": "t.glb", "class": "pallet_truck"}))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"class": "agv"}, "assets.thing has the class 'agv', which is not in scene.classes"),
        ({"rules": {"/World": "agv"}}, "assets.thing has the class 'agv'"),
        ({"rules": {"World": "pallet"}}, "'World' is no prim path: begin it with a slash"),
        ({"name": "My Truck"}, "the name 'My Truck' is no identifier"),
        ({"unit": "cm", "size": {"height": 1.0}}, "has a size and a unit"),
        ({"size": {"height": 1.0, "width": 2.0}}, "takes one side"),
        ({"unit": "yard"}, "unit is 'yard': give one of auto, m, cm, mm, in, ft"),
        ({"klass": "pallet"}, "is not a setting: did you mean assets.0.class?"),
    ],
)
def test_mistakes_in_an_entry_are_named(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings({"name": "thing", "source": "t.glb", **fields})
    assert sentence in str(caught.value)


def test_two_entries_of_one_name_are_named() -> None:
    with pytest.raises(SettingsError, match="two entries of the name 'own_truck'"):
        settings(TRUCK, TRUCK)


def test_frames_hold_the_own_object_with_its_label(place: Path) -> None:
    write_truck(place / "t.glb")
    chosen = settings(TRUCK)
    render_frames(chosen, place / "frames")
    instances = [item for frame in read_frames(place / "frames") for item in frame.label.instances]
    own = [item for item in instances if item.family == "own_truck"]
    assert len(own) > 10
    assert {item.class_name for item in own} == {"pallet_truck"}
    # one thousand to one is not never
    assert len([item for item in instances if item.family == "pallet_truck"]) <= 1
    assets = json.loads((place / "frames" / "inputs" / "assets.json").read_text())
    assert assets["own_truck"]["classes"] == ["pallet_truck"]
    assert list(assets["own_truck"]["shapes"][0]["files"]) == ["t.glb"]
    assert len(assets["own_truck"]["shapes"][0]["files"]["t.glb"]) == 64
    stored = json.loads((place / "frames" / "inputs" / "settings.json").read_text())
    assert stored["assets"][0]["class"] == "pallet_truck"


def test_the_content_of_a_file_reaches_the_content_key(place: Path) -> None:
    write_truck(place / "t.glb")
    before = key.content_key(settings(TRUCK))
    assert before != key.content_key(settings())
    assert before == key.content_key(settings(TRUCK))
    assert before != key.content_key(settings({**TRUCK, "weight": 1.0}))
    shutil.copy(place / "t.glb", place / "u.glb")
    assert before == key.content_key(settings({**TRUCK, "source": "u.glb"}))
    data = bytearray((place / "t.glb").read_bytes())
    data[-4:] = np.float32(0.123).tobytes()
    (place / "t.glb").write_bytes(data)
    prepare_all(settings(TRUCK), anew=True)
    assert before != key.content_key(settings(TRUCK))


def test_a_recorder_scene_places_all_its_things(place: Path) -> None:
    from stages.sdg.plan.planner import plan_frame

    (place / "s.usda").write_text(SCENE)
    chosen = settings({"name": "scene", "source": "s.usda", "weight": 1000.0})
    placements = [
        item for frame in range(12) for item in plan_frame(chosen, frame).placements if item.family == "scene"
    ]
    assert placements
    assert {item.label for item in placements} == {"forklift", "pallet"}
    for first, second in zip(placements[::2], placements[1::2], strict=True):
        assert (first.position, first.rotation) == (second.position, second.rotation)
        assert second.id == first.id + 1


def test_workers_take_the_files_as_the_run_found_them(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_truck(place / "t.glb")
    chosen = settings(TRUCK)
    made = prepare_all(chosen)
    monkeypatch.setattr(imports, "_KEPT", imports._Kept())
    imports.adopt(chosen, made)
    (place / "t.glb").write_bytes(b"changed meanwhile")
    assert prepare_all(chosen) == made
