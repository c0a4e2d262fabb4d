"""The published recipe for pallet jacks, and SimReady assets in our scenarios, from plans alone."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from stages.common.settings.pictures import parse_size
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.reference import STAND_IN, USD, without_edits
from stages.sdg.plan.planner import plan_frame
from tests.settings import compose

RECIPE = ("scene=simple_warehouse", "randomization=palletjack", "dataset.frames.sizes=[960x544]")
FRAMES = range(60)


@pytest.fixture(scope="module")
def plans():
    settings = compose(*RECIPE)
    return [plan_frame(settings, number) for number in FRAMES]


def test_of_five_thousand_frames_each_set_has_its_share() -> None:
    recipe = compose(*RECIPE).scene.recipe
    assert Counter(map(recipe.set_of, range(5000))) == {"warehouse": 2000, "additional": 2000, "none": 1000}


def test_the_profile_is_the_whole_recipe() -> None:
    settings = compose.__wrapped__("profile=palletjack", "dataset=palletjack", "renderer=isaac")
    assert (settings.dataset.frames.count, list(settings.dataset.frames.sizes)) == (5000, ["960x544"])
    assert (settings.scene.name, settings.renderer.backend) == ("simple_warehouse", "isaac")
    assert len(settings.scene.recipe.textures) == 31
    assert [len(items) for items in settings.scene.recipe.sets.values()] == [0, 62, 34]


def test_two_of_each_truck_and_all_distractors_are_in_every_frame(plans) -> None:
    recipe = compose(*RECIPE).scene.recipe
    for plan in plans:
        trucks = Counter(item.parameters[USD] for item in plan.placements if item.label == "pallet_truck")
        assert trucks == dict.fromkeys(recipe.trucks.values(), 2)
        assert len(plan.placements) == 1 + 6 + len(recipe.sets[plan.tags["distractors"]])
        assert [item.id for item in plan.placements] == list(range(1, len(plan.placements) + 1))


def test_poses_come_from_the_recipes_boxes(plans) -> None:
    things = [item for plan in plans for item in plan.placements[1:]]
    places = np.array([item.position for item in things])
    assert (places.min(0) >= (-6, -6, 0)).all()
    assert (places.max(0) <= (6, 12, 0)).all()
    assert places[:, 1].max() > 11
    turns = np.array([item.rotation[0] for item in things])
    assert 0 <= turns.min() < 0.3
    assert 6 < turns.max() <= 2 * np.pi
    scales = np.array([item.scale for item in things if item.label is None])
    assert (scales.min(), scales.max()) == (pytest.approx(1, abs=0.02), pytest.approx(1.5, abs=0.02))
    assert all(item.scale == 1 and item.parameters["usd_scale"] == 0.01 for item in things if item.label)


def test_the_camera_looks_at_the_middle_with_replicators_lens(plans) -> None:
    for plan in plans:
        matrix = np.array(plan.camera.camera_to_world)
        eye, forward = matrix[:3, 3], matrix[:3, 2]
        assert (eye >= (-9.2, -11.8, 0.4)).all()
        assert (eye <= (7.2, 15.8, 4)).all()
        np.testing.assert_allclose(forward, -eye / np.linalg.norm(eye), atol=1e-5)
        assert plan.camera.focal == pytest.approx(960 * 24 / 20.955, abs=0.01)
        assert (plan.camera.width, plan.camera.height) == parse_size("960x544")
        assert plan.camera.distortion == (0.0, 0.0)


def test_lamps_and_materials_are_drawn_anew(plans) -> None:
    recipe = compose(*RECIPE).scene.recipe
    lit, seen = [], set()
    for plan in plans:
        entries = {entry["match"]: entry["values"] for entry in json.loads(plan.placements[0].parameters["edits"])}
        assert set(entries) == {"RectLight", "SM_Floor", "SM_Wall"}
        for lamp in entries["RectLight"]:
            assert lamp["intensity"] >= 0
            assert all(0 <= value <= 1 for value in lamp["color"])
            lit.append(lamp["visible"])
        for name in ("SM_Floor", "SM_Wall"):
            told = entries[name][0]["material"]
            assert {told["texture"], told["emissive_texture"]} <= set(recipe.textures)
            assert told["metallic"] in (0, 1)
            assert 0 <= told["emissive_intensity"] <= 1000
            seen.add(told["texture"])
        paint = [json.loads(item.parameters["edits"]) for item in plan.placements if item.label]
        assert all(entry[0]["match"] == "SteerAxles" for entry in paint)
        assert len({str(entry) for entry in paint}) == 6
    assert np.mean(lit) == pytest.approx(1 / 7, abs=0.03)
    assert len(seen) > 20


def test_what_is_changed_in_a_file_makes_no_other_file_of_it(plans) -> None:
    bare = [without_edits(plan.placements[0]) for plan in plans]
    assert len({(item.family, item.variant, str(item.parameters)) for item in bare}) == 1


def test_the_other_renderers_have_a_stand_in_for_everything(plans) -> None:
    for plan in plans[:5]:
        for item in plan.placements:
            asset = build_asset(item.family, item.variant, item.parameters)
            assert asset.parts
            assert max(asset.size) < 40


def test_the_recipe_needs_its_settings() -> None:
    from stages.common.errors import SettingsError

    with pytest.raises(SettingsError, match="choose scene=simple_warehouse"):
        compose("scene=simple_warehouse", "scene.recipe=null")
    with pytest.raises(SettingsError, match=r"scene\.recipe\.order names 'office'"):
        compose(*RECIPE, "+scene.recipe.order.office=1")


def test_simready_assets_join_our_scenarios() -> None:
    settings = compose("scene=warehouse_grammar", "dataset.frames.sizes=[160x120]")
    plans = [plan_frame(settings, number) for number in range(12)]
    trucks = [item for plan in plans for item in plan.placements if item.label == "pallet_truck"]
    simready = [item for item in trucks if USD in item.parameters]
    assert len(simready) > len(trucks) / 2
    assert {item.parameters[STAND_IN] for item in simready} == {"pallet_truck"}
    assert {item.family for item in simready} <= set(settings.scene.catalogue.assets)
    assert {plan.scenario for plan in plans} > {"aisle"} or len({plan.scenario for plan in plans}) > 3
    # the rest of the scene is as ever
    assert any(item.family == "floor" for item in plans[0].placements)
