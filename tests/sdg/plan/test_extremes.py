"""Whatever the settings within their ranges, nothing stands in anything else and the camera stands free."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.common.settings import check
from stages.sdg.plan import planner
from stages.sdg.plan.draft import Draft
from stages.sdg.plan.space import Box, overlaps
from stages.sdg.plan.viewpoint import keep_out
from tests.sdg.plan.drafts import SCENARIOS
from tests.settings import compose

PLAIN = compose().model_dump(mode="json")
TRUCK = {"label": "pallet_truck", "of": "occlusion", "above": 0.5, "share": 0.5}


def between(low: float, high: float) -> st.SearchStrategy[object]:
    """A number, or a uniform quantity, anywhere in a range, its ends more often than not."""
    number = st.one_of(st.sampled_from([low, high]), st.floats(low, high))
    return st.one_of(number, st.tuples(number, number).map(lambda pair: ["uniform", *sorted(pair)]))


EXTREMES = st.fixed_dictionaries({
    "camera": st.fixed_dictionaries({
        "height": between(0.05, 20), "pitch": between(-90, 90), "roll": between(-180, 180),
        "field_of_view": between(10, 150), "distance": between(0.1, 200),
    }),
    "content": st.fixed_dictionaries({
        "negatives": st.floats(0, 1), "trucks": between(0, 50), "clutter": between(0, 10),
        "distractors": between(0, 100), "flying": st.floats(0, 1), "leaning": st.floats(0, 1),
        "structure": st.booleans(),
    }),
    "light": st.fixed_dictionaries({
        "lamps_off": between(0, 1), "daylight": between(0, 100), "exposure": between(-10, 10),
    }),
    "sensor": st.fixed_dictionaries({"distortion": between(-0.6, 0.6)}),
})  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SCENARIOS), st.integers(0, 2**32 - 1), st.integers(0, 900_000), EXTREMES, st.booleans())
def test_no_plan_has_things_in_each_other_or_the_camera_in_a_wall(
    scenario: str, seed: int, frame: int, extremes: dict[str, dict[str, object]], targeted: bool
) -> None:
    values = {**PLAIN, "seed": seed, "scene": {**PLAIN["scene"], "scenarios": {scenario: 1.0}}}
    changed = {group: {**PLAIN["randomization"][group], **keys} for group, keys in extremes.items()}
    values["randomization"] = {**PLAIN["randomization"], **changed}
    if targeted and scenario != "negative":
        values["targets"] = {**PLAIN["targets"], "shares": [TRUCK], "tries": 2}
    asked, drafts = check(values), []

    class Kept(Draft):
        def __post_init__(self) -> None:
            super().__post_init__()
            drafts.append(self)

    original = planner.Draft
    planner.Draft = Kept  # type: ignore[misc]
    try:
        plan = planner.plan_frame(asked, frame)
    finally:
        planner.Draft = original  # type: ignore[misc]
    draft = next(item for item in drafts if len(item.placements) == len(plan.placements))
    sound(draft)
    assert np.isfinite(plan.camera.camera_to_world).all()
    assert plan.camera.focal > 0


def sound(draft: Draft) -> None:
    taken, view, hall = draft.boxes, draft.seen_from, draft.hall
    for number, row in enumerate(taken):
        box = Box(*row)
        assert not overlaps(box, taken[number + 1 :]).any()
        reach = np.abs([np.cos(box.yaw), np.sin(box.yaw)])
        assert abs(box.x) + reach @ (box.half_x, box.half_y) <= hall.length / 2 + 1e-9
        assert abs(box.y) + reach @ (box.half_y, box.half_x) <= hall.width / 2 + 1e-9
        assert box.high <= hall.clear + 1e-9
    assert abs(view.x) < hall.length / 2
    assert abs(view.y) < hall.width / 2
    assert 0 < view.z < hall.height
    assert keep_out(view) in [Box(*row) for row in taken]
