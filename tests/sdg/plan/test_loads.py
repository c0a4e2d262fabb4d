"""Loads and racks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.sdg.plan.draft import Draft
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.loads import KINDS, PALLET_HEIGHT, Spot, block, loaded_rack, place_load, put_load
from stages.sdg.plan.space import Hall
from tests.sdg.plan.drafts import SETTINGS


def draft(seed: int = 0) -> Draft:
    return Draft(SETTINGS, np.random.default_rng(seed), "train", Hall(20, 15, 7))


@settings(max_examples=80)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 10_000), st.floats(1.0, 2.5))
def test_loads_stay_within_their_room(kind: str, seed: int, room: float) -> None:
    scene = draft(seed)
    height = put_load(scene, Spot(1.0, 2.0, 0.5, 0.4, room), kind)
    assert 0 < height <= room
    for placement in scene.placements:
        assert 0.5 <= placement.position[2] < 0.5 + height
        assert np.hypot(placement.position[0] - 1, placement.position[1] - 2) < 0.4


@pytest.mark.parametrize("kind", ["carton_load", "wrapped_load", "collar", "small_load_carrier", "sacks"])
def test_goods_stand_on_a_pallet(kind: str) -> None:
    scene = draft()
    put_load(scene, Spot(0, 0, 0, 0, 2.0), kind)
    pallet, *goods = scene.placements
    assert pallet.family == "pallet"
    assert {placement.family for placement in goods} == {kind}
    assert min(placement.position[2] for placement in goods) == pytest.approx(PALLET_HEIGHT)


def test_loads_are_refused_where_something_stands() -> None:
    scene = draft()
    assert place_load(scene, Spot(0, 0, 0, 0, 1.5))
    before = len(scene.placements)
    assert not place_load(scene, Spot(0.5, 0.2, 0, 0, 1.5))
    assert len(scene.placements) == before


def test_a_block_is_filled_as_far_as_asked() -> None:
    taken = []
    for fill in (1.0, 0.5, 0.0):
        scene = draft(2)
        block(scene, Spot(-4, -4, 0, 0, 1.5), 3, 4, fill)
        taken.append(len(scene.boxes))
    assert taken[0] > taken[1] > taken[2] == 0


@pytest.mark.parametrize("yaw", [0.0, 1.1])
def test_goods_of_a_rack_stand_in_its_bays(yaw: float) -> None:
    scene = draft(4)
    assert loaded_rack(scene, 1.0, 0.5, yaw, 3, 1.0)
    rack, *goods = scene.placements
    assert rack.family == "rack"
    assert len(goods) > 10
    half = float(rack.parameters["bays"]) * (float(rack.parameters["bay"]) + 0.1) / 2
    to_rack = np.linalg.inv(placement_matrix(rack))
    levels = [0.0, *(float(rack.parameters["first"]) + k * float(rack.parameters["step"]) for k in range(9))]
    for placement in goods:
        x, y, z, _ = to_rack @ [*placement.position, 1]
        assert abs(x) < half
        assert abs(y) < 0.5
        assert any(level - 1e-3 <= z < level + 1.9 for level in levels)


def test_a_rack_needs_room() -> None:
    scene = draft()
    assert not loaded_rack(scene, 0, 0, 0, 12, 1.0)  # longer than the hall
    assert not Draft(SETTINGS, np.random.default_rng(0), "train", Hall(20, 15, 2.5)).placements
    assert not scene.placements
