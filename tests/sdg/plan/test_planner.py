"""Frame number in, frame plan out: the same for ever, complete, and as the settings ask."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.common.errors import SettingsError
from stages.common.settings.pictures import parse_size
from stages.sdg.assets.catalogue import build_asset, families
from stages.sdg.plan.draft import LABELS, Draft, register_scenario, scenarios
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.types import TEST_START, FramePlan, Placement
from stages.sdg.render.camera import project
from stages.sdg.shards.records import plan_from_line, plan_to_line
from tests.sdg.plan.drafts import SCENARIOS, SETTINGS, only, plans
from tests.settings import REPOSITORY, compose

TRUCKS = ("pallet_truck", "electric_pallet_truck")
TRAIN = st.integers(0, TEST_START - 1)
FRESH = """
import json
import sys
from stages.common.settings import check
from stages.sdg.plan.planner import plan_frame
from stages.sdg.shards.records import plan_to_line
settings = check(json.loads(sys.argv[1]))
print("\\n".join(plan_to_line(plan_frame(settings, int(frame))) for frame in sys.argv[2:]))
"""


def trucks(plan: FramePlan) -> list[Placement]:
    """The pallet trucks of a plan."""
    return [placement for placement in plan.placements if placement.family in TRUCKS]


def test_a_plan_is_the_same_in_a_fresh_process() -> None:
    frames = [17, 3, TEST_START + 2]
    arguments = [sys.executable, "-c", FRESH, SETTINGS.model_dump_json(), *map(str, frames)]
    printed = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [plan_to_line(plan_frame(SETTINGS, frame)) for frame in frames]


@settings(max_examples=20)
@given(TRAIN, TRAIN)
def test_a_plan_depends_on_its_own_number_alone(frame: int, before: int) -> None:
    alone = plan_frame(SETTINGS, frame)
    other = plan_frame(SETTINGS, before)
    assert plan_frame(SETTINGS, frame) == alone
    assert (other == alone) == (before == frame)


def test_another_seed_gives_another_plan() -> None:
    assert plan_frame(SETTINGS, 4) != plan_frame(SETTINGS.model_copy(update={"seed": SETTINGS.seed + 1}), 4)


def test_settings_that_are_not_of_the_picture_change_no_plan() -> None:
    assert plan_frame(compose("train.epochs=9", "dataset.frames.count=64"), 4) == plan_frame(SETTINGS, 4)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_plans_are_complete(scenario: str) -> None:
    known = families()
    for plan in plans(scenario):
        assert plan.scenario == scenario
        assert [placement.id for placement in plan.placements] == list(range(1, len(plan.placements) + 1))
        assert {placement.family for placement in plan.placements} <= set(known)
        assert plan.lamps
        assert all(np.isfinite([*lamp.position, lamp.power]).all() and lamp.power > 0 for lamp in plan.lamps)
        assert all(placement.label == LABELS.get(placement.family) for placement in plan.placements)
        assert plan_from_line(plan_to_line(plan)) == plan


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_train_and_test_share_no_shape(scenario: str) -> None:
    def shapes(first: int) -> set[int]:
        return {placement.variant for plan in plans(scenario, 6, first) for placement in plan.placements}

    train, test = shapes(0), shapes(TEST_START)
    assert {plan.split for plan in plans(scenario, 6, TEST_START)} == {"test"}
    assert train
    assert test
    assert not train & test


def test_without_variety_every_family_has_one_shape_in_a_split() -> None:
    plain = compose("randomization.content.variety=false")
    drawn = {
        (plan.split, placement.variant)
        for plan in (plan_frame(plain, frame) for frame in (0, 1, TEST_START))
        for placement in plan.placements
    }
    assert drawn == {("train", 0), ("test", 1)}


def test_negatives_have_no_truck() -> None:
    frames = [*plans("negative"), *(plan_frame(compose("randomization.content.negatives=1"), k) for k in range(12))]
    assert [trucks(plan) for plan in frames] == [[]] * len(frames)
    assert {plan.tags["trucks"] for plan in frames} == {0}


def test_without_structure_things_lie_anywhere() -> None:
    flat = compose("randomization.content.structure=false")
    assert {plan_frame(flat, frame).scenario for frame in range(8)} == {"uniform"}


def test_the_numbers_of_trucks_are_those_asked_for() -> None:
    asked = compose("randomization.content.trucks=3", "randomization.content.negatives=0")
    frames = [plan_frame(only("parking", asked), frame) for frame in range(40)]
    placed = [len(trucks(plan)) for plan in frames]
    assert placed == [plan.tags["trucks"] for plan in frames]
    assert set(placed) <= {1, 2, 3}
    assert np.mean(placed) > 2
    assert sum(_has_row(plan) for plan in frames) >= 8


def test_rows_are_counted_in() -> None:
    asked = compose("randomization.content.trucks=1", "randomization.content.negatives=0")
    plans = [plan_frame(asked, frame) for frame in range(40)]
    assert {len(trucks(plan)) for plan in plans if plan.scenario != "negative"} == {1}


def _has_row(plan: FramePlan) -> bool:
    """Whether two trucks stand side by side, their forks the same way."""
    found = [(*truck.position[:2], truck.rotation[0]) for truck in trucks(plan)]
    return any(
        math.dist(one[:2], other[:2]) < 1.25 and abs(math.remainder(one[2] - other[2], 2 * math.pi)) < 0.5
        for number, one in enumerate(found)
        for other in found[:number]
    )


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "negative"])
def test_most_frames_show_the_trucks_that_they_claim(scenario: str) -> None:
    claimed, shown = 0, 0
    for plan in plans(scenario, 32):
        count = int(plan.tags["trucks"])
        assert len(trucks(plan)) >= count
        claimed += count > 0
        shown += count > 0 and any(_in_picture(plan, truck) for truck in trucks(plan))
    assert claimed >= 16
    assert shown >= 0.85 * claimed


def _in_picture(plan: FramePlan, truck: Placement) -> bool:
    """Whether half of the truck's keypoints or more fall in the picture."""
    asset = build_asset(truck.family, truck.variant, truck.parameters)
    matrix = placement_matrix(truck)
    points = np.array(list(asset.keypoints.values())) @ matrix[:3, :3].T + matrix[:3, 3]
    pixels, depth = project(plan.camera, points)
    inside = (depth > 0) & (pixels > 0).all(1) & (pixels < (plan.camera.width, plan.camera.height)).all(1)
    return bool(inside.mean() >= 0.5)


def test_labels_keep_to_the_classes_that_are_asked_for() -> None:
    scene = SETTINGS.scene.model_copy(update={"classes": ["pallet"]})
    plan = plan_frame(SETTINGS.model_copy(update={"scene": scene}), 0)
    assert {placement.label for placement in plan.placements} == {None, "pallet"}


def test_picture_sizes_and_lenses_are_drawn_from_the_settings() -> None:
    asked = compose("dataset.frames.sizes=[320x240,[200x100,3]]", "randomization.camera.field_of_view=90")
    cameras = [plan_frame(asked, frame).camera for frame in range(24)]
    assert {(camera.width, camera.height) for camera in cameras} == {(320, 240), (200, 100)}
    plain = compose("randomization.camera.field_of_view=90", "randomization.sensor.enabled=false")
    camera = plan_frame(plain, 0).camera
    width, _ = parse_size(next(iter(plain.dataset.frames.sizes)))
    assert camera.focal == pytest.approx(width / 2)
    assert camera.distortion == (0.0, 0.0)
    assert not plan_frame(plain, 0).sensor.enabled


def test_an_unknown_scenario_is_named() -> None:
    with pytest.raises(SettingsError, match=r"scene\.scenarios: 'moon' is not registered; choose from aisle, "):
        plan_frame(only("moon"), 0)


def test_a_registered_scenario_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.sdg.plan.draft._SCENARIOS", scenarios())

    @register_scenario("twin")
    def twin(draft: Draft) -> None:
        scenarios()["workshop"](draft)
        draft.tags["twin"] = "yes"

    assert plan_frame(only("twin"), 0).tags["twin"] == "yes"
