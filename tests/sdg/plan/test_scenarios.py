"""What holds for every scene of every scenario."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.plan.draft import Draft
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.space import Box, overlaps
from stages.sdg.plan.viewpoint import keep_out
from tests.sdg.plan.drafts import SCENARIOS, arranged
from tests.settings import compose

SHELL = {"floor", "wall", "ceiling", "window", "door", "lamp", "wall_thing", "floor_mark", "litter", "floating_shape",
         "skylight", "floor_crack", "floor_wet"}  # fmt: skip
SEEDS = st.integers(0, 2**32)
HEAVY = compose("randomization=heavy")


def boxes(draft: Draft) -> list[Box]:
    """The space that is taken, the camera's included."""
    return [Box(*row) for row in draft.boxes]


@settings(max_examples=60)
@given(st.sampled_from(SCENARIOS), SEEDS, st.booleans())
def test_nothing_stands_in_anything_else(scenario: str, seed: int, heavy: bool) -> None:
    draft = arranged(scenario, seed, settings=HEAVY) if heavy else arranged(scenario, seed)
    taken = draft.boxes
    for number, box in enumerate(boxes(draft)):
        assert not overlaps(box, taken[number + 1 :]).any()
        reach = np.abs([np.cos(box.yaw), np.sin(box.yaw)])
        assert abs(box.x) + reach @ (box.half_x, box.half_y) <= draft.hall.length / 2 + 1e-9
        assert abs(box.y) + reach @ (box.half_y, box.half_x) <= draft.hall.width / 2 + 1e-9
        assert box.high <= draft.hall.clear


@settings(max_examples=60)
@given(st.sampled_from(SCENARIOS), SEEDS)
def test_the_camera_stands_free_inside_the_hall(scenario: str, seed: int) -> None:
    draft = arranged(scenario, seed)
    view = draft.seen_from
    assert abs(view.x) < draft.hall.length / 2
    assert abs(view.y) < draft.hall.width / 2
    assert 0 < view.z < draft.hall.height
    assert keep_out(view) in boxes(draft)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_surface_reaches_the_lens(scenario: str) -> None:
    for seed in range(3):
        draft = arranged(scenario, seed)
        view = draft.seen_from
        eye = np.array([view.x, view.y, view.z])
        for placement in draft.placements:
            if placement.family in SHELL or np.hypot(*(eye[:2] - placement.position[:2])) > 8:
                continue
            asset = build_asset(placement.family, placement.variant, placement.parameters)
            points = np.concatenate([part.vertices for part in asset.parts]).astype(float)
            matrix = placement_matrix(placement)
            local = (eye - matrix[:3, 3]) @ matrix[:3, :3]
            outside = (local < points.min(0)) | (local > points.max(0))
            assert outside.any(), placement
            assert np.linalg.norm(points - local, axis=1).min() > 0.25, placement


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scene_has_its_shell_and_its_own_shapes(scenario: str) -> None:
    draft = arranged(scenario, 5)
    found = [placement.family for placement in draft.placements]
    assert found.count("floor") == 1
    assert found.count("wall") == 4
    assert len(found) > 20
    assert float(draft.tags["trucks"]) >= 0


def test_a_frame_repeats_the_shapes_of_its_stock() -> None:
    draft = arranged("aisle", 5)
    pallets = {placement.variant for placement in draft.placements if placement.family == "pallet"}
    assert 1 < len(pallets) <= 4
