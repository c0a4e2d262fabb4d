"""Data sets that hold what is asked of them, frame by frame."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.common.errors import SettingsError
from stages.common.settings import Settings
from stages.common.settings.targets import TRUCKLESS
from stages.sdg.plan import planner
from stages.sdg.plan.ask import check_asked
from stages.sdg.plan.draft import scenarios_without_trucks
from stages.sdg.plan.own import OwnObject, Shape
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.turns import pick_bin, turn
from stages.sdg.plan.types import TEST_START
from stages.sdg.shards.records import plan_to_line
from stages.sdg.targets import Row, from_plan, rows, wanted_labels
from tests.settings import compose

REQUEST = (
    "dataset.frames.sizes=[640x480]",
    "targets.negatives=0.1",
    "targets.shares=[{label:pallet_truck,of:occlusion,above:0.5,share:0.2}]",
    "targets.histograms=[{label:pallet_truck,of:height,edges:[6,40,80,160,480],shares:[0.25,0.25,0.25,0.25]}]",
)
LOCO = ("targets=loco_like", "presets=corner_cases")


def report(asked: Settings, count: int, first: int = 0) -> list[Row]:
    labels = wanted_labels(asked)
    return rows(asked, [from_plan(plan_frame(asked, frame), labels) for frame in range(first, first + count)])


@pytest.mark.parametrize("overrides", [REQUEST, LOCO], ids=["request", "loco"])
def test_targets_are_met_within_two_points_over_500_plans(overrides: tuple[str, ...]) -> None:
    found = report(compose(*overrides), 500)
    assert len(found) >= 7
    assert [row for row in found if row.got is None or abs(row.got - row.asked) > 0.02] == []


def test_own_trucks_are_placed_as_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Shape("a", (None, "pallet_truck"), (-0.4, -0.3, 0.0), (1.2, 0.3, 1.2))  # scenery, and what is labelled
    own = {"my_truck": OwnObject("my_truck", "trucks", 1.0, (whole,))}
    monkeypatch.setattr("stages.sdg.plan.draft.own_objects", lambda settings: own)
    asked, mine = compose(*REQUEST), 0
    shown = []
    for frame in range(60):
        plan = plan_frame(asked, frame)
        mine += sum(placement.family == "my_truck" for placement in plan.placements)
        shown.append(from_plan(plan, ["pallet_truck"], own))
    assert mine >= 40
    assert [row for row in rows(asked, shown) if row.got is None or abs(row.got - row.asked) > 0.06] == []


def test_scenarios_and_distances_and_counts_are_met() -> None:
    asked = compose(
        "targets.scenarios=[[aisle,0.5],[dock,0.3],[negative,0.2]]",
        "targets.negatives=0.25",
        "targets.histograms=[{label:pallet_truck,of:distance,edges:[0.8,3,8,25],shares:[0.4,0.4,0.2]}]",
    )
    assert [row for row in report(asked, 200) if row.got is None or abs(row.got - row.asked) > 0.03] == []


@pytest.mark.parametrize("overrides", [REQUEST, LOCO], ids=["request", "loco"])
def test_a_frame_depends_on_its_own_number_alone(overrides: tuple[str, ...]) -> None:
    asked = compose(*overrides)
    grown = compose(*overrides, "dataset.frames.count=999")
    lines = [plan_to_line(plan_frame(asked, frame)) for frame in range(8)]
    assert [plan_to_line(plan_frame(grown, frame)) for frame in reversed(range(8))] == lines[::-1]


def test_without_targets_and_presets_nothing_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are those of the bare sampler, drawn once, to the byte."""
    asked = compose()
    usual = [plan_to_line(plan_frame(asked, frame)) for frame in (*range(12), TEST_START)]
    monkeypatch.setattr(planner, "preset_of", lambda settings, frame: "")
    monkeypatch.setattr(planner, "ask_for", lambda settings, frame, preset: None)
    assert [plan_to_line(plan_frame(asked, frame)) for frame in (*range(12), TEST_START)] == usual
    unused = compose("presets=corner_cases", "presets.shares=[]")
    assert [plan_to_line(plan_frame(unused, frame)) for frame in (*range(12), TEST_START)] == usual


def test_frames_without_a_preset_are_those_of_a_set_without_presets() -> None:
    mixed, bare = compose("presets=corner_cases"), compose()
    plans = [plan_frame(mixed, frame) for frame in range(40)]
    named = Counter(str(plan.tags["preset"]) for plan in plans if "preset" in plan.tags)
    assert 8 <= sum(named.values()) <= 20
    assert all(plan == plan_frame(bare, plan.frame) for plan in plans if "preset" not in plan.tags)


@pytest.mark.parametrize("name", sorted(compose("presets=corner_cases").presets.cases))
def test_every_preset_shows_what_it_says(name: str) -> None:
    asked = compose("presets=corner_cases", f"presets.shares=[[{name},1]]")
    preset, held = asked.presets.cases[name], 0
    for frame in range(4):
        plan = plan_frame(asked, frame)
        assert plan.tags["preset"] == name
        assert not preset.scenarios or plan.scenario in preset.scenarios
        shown = from_plan(plan, ["pallet_truck"]).items
        if name == "empty_hall":
            assert not shown
        values = [dataclasses.asdict(item) for item in shown]
        held += any(all(low <= item[key] <= high for key, (low, high) in preset.truck.items()) for item in values)
    assert held >= 3 or not preset.truck


def test_what_contradicts_presets_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"targets ask for a share of 0 of negatives, and presets.shares for more "):
        plan_frame(compose("presets=corner_cases", "targets.negatives=0"), 0)
    for asked, words in (
        (("presets=corner_cases", "targets.negatives=0"), "targets ask for a share of 0 of negatives"),
        (("targets.negatives=0.2", "~scene.scenarios", "+scene.scenarios={negative:1}"), "hold no pallet truck, but"),
    ):
        with pytest.raises(SettingsError, match=words):
            check_asked(compose(*asked))
    check_asked(compose(*LOCO))
    with pytest.raises(SettingsError, match=r"targets.scenarios: 'moon' is not registered; choose from aisle, "):
        plan_frame(compose("targets.scenarios=[[moon,1]]"), 0)


def test_the_settings_know_which_scenarios_have_no_truck() -> None:
    assert set(TRUCKLESS) == scenarios_without_trucks()


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 900_000), st.floats(0.01, 0.99), st.integers(0, 60))
def test_shares_hold_in_any_run_of_frames(seed: int, first: int, share: float, dimension: int) -> None:
    hits = [pick_bin([share, 1 - share], turn(seed, first + k, dimension)) == 0 for k in range(500)]
    assert abs(sum(hits) / 500 - share) < 0.015
