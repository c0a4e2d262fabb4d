from __future__ import annotations

import numpy as np
import pytest

from stages.sdg.plan.draft import Draft
from stages.sdg.plan.furnish import CLUTTER
from stages.sdg.plan.loads import HALF_LENGTH, PALLET_HEIGHT, Spot, put_load
from stages.sdg.plan.own import OwnObject, Shape, joined
from tests.sdg.plan.drafts import SETTINGS


def shape(content: str, label: str | None = None, half: float = 0.2, tall: float = 0.5) -> Shape:
    return Shape(content, (label,), (-half, -half, 0.0), (half, half, tall))


def own(*shapes: Shape, pool: str = "clutter", weight: float = 1.0) -> dict[str, OwnObject]:
    return {"thing": OwnObject("thing", pool, weight, shapes)}


def draft_with(objects: dict[str, OwnObject]) -> Draft:
    draft = Draft(SETTINGS, np.random.default_rng(4), "train")
    draft.own = objects
    return draft


def test_without_own_objects_nothing_is_drawn_otherwise() -> None:
    draft = draft_with({})
    before = draft.rng.bit_generator.state
    assert draft.pool(CLUTTER, "clutter", "loads") is CLUTTER
    assert draft.own_of("trucks") is None
    assert draft.rng.bit_generator.state == before


@pytest.mark.parametrize(("weight", "share"), [(1.0, 0.5), (3.0, 0.75)])
def test_a_weight_is_against_all_built_in_things_together(weight: float, share: float) -> None:
    weights = joined(CLUTTER, own(shape("a"), weight=weight), ("clutter",))
    assert weights["thing"] / sum(weights.values()) == pytest.approx(share)


def test_a_weight_of_nothing_and_another_pool_are_left_out() -> None:
    assert joined(CLUTTER, own(shape("a"), weight=0.0), ("clutter",)) is CLUTTER
    assert joined(CLUTTER, own(shape("a"), pool="loads"), ("clutter",)) is CLUTTER


def test_files_of_a_folder_are_split() -> None:
    (thing,) = own(shape("a"), shape("b"), shape("c")).values()
    train = {thing.shape(variant, "train").content for variant in range(0, 40, 2)}
    test = {thing.shape(variant, "test").content for variant in range(1, 41, 2)}
    assert (train, test) == ({"a", "c"}, {"b"})


def test_a_single_file_is_in_both() -> None:
    (thing,) = own(shape("a")).values()
    assert thing.shape(0, "train") == thing.shape(1, "test")


@pytest.mark.parametrize(
    ("label", "half", "tall", "below", "height"),
    [
        ("pallet", 0.4, 0.15, [], 0.15),  # carriers stand on the ground
        (None, 0.2, 0.5, ["pallet"], PALLET_HEIGHT + 0.5),
        (None, HALF_LENGTH + 0.1, 0.5, ["pallet"], PALLET_HEIGHT),  # too long: the pallet stays empty
        (None, 0.2, 5.0, ["pallet"], PALLET_HEIGHT),  # too high
    ],
)
def test_loads_stand_where_they_fit(
    label: str | None, half: float, tall: float, below: list[str], height: float
) -> None:
    draft = draft_with(own(shape("a", label, half, tall), pool="loads"))
    assert put_load(draft, Spot(1.0, 2.0, 0.0, 0.3, 2.0), "thing") == pytest.approx(height)
    families = [item.family for item in draft.placements]
    fits = height != PALLET_HEIGHT
    assert families == [*below, *(["thing"] if fits else [])]
    if fits:
        assert draft.placements[-1].label == label
        assert draft.placements[-1].position[2] == pytest.approx(PALLET_HEIGHT if below else 0)
