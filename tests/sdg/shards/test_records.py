from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.common.errors import InputError
from stages.common.settings.pictures import Renderer
from stages.sdg.label.keypoints import keypoints
from stages.sdg.label.labels import label_frame
from stages.sdg.label.space import boxes_3d, camera_label, poses
from stages.sdg.plan.types import Camera, FramePlan, Lamp, Placement, SensorPlan
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.shards import records
from stages.sdg.shards.records import label_from_json, label_to_json, plan_from_line, plan_to_line
from tests.sdg import made_up
from tests.sdg.render import scenes

numbers = st.floats(allow_nan=False, allow_infinity=False)
three = st.tuples(numbers, numbers, numbers)
values = st.dictionaries(st.text(max_size=5), st.one_of(numbers, st.text(max_size=5), st.booleans()), max_size=3)
plans = st.builds(
    FramePlan,
    frame=st.integers(0, 2_000_000),
    camera=st.builds(
        Camera,
        focal=numbers,
        camera_to_world=st.tuples(*[st.tuples(*[numbers] * 4)] * 4),
        distortion=st.tuples(numbers, numbers),
        near=numbers,
    ),
    sensor=st.builds(SensorPlan, exposure=numbers, white_balance=three, noise=numbers),
    placements=st.lists(
        st.builds(Placement, position=three, rotation=three, scale=numbers, parameters=values), max_size=2
    ).map(tuple),
    lamps=st.lists(
        st.builds(Lamp, position=three, rotation=three, power=numbers, colour=three, size=st.tuples(numbers, numbers)),
        max_size=2,
    ).map(tuple),
    sky=three,
    tags=st.dictionaries(st.text(max_size=5), st.one_of(numbers, st.text(max_size=5)), max_size=3),
)


@given(plans)
def test_plan_reads_back_bit_for_bit(plan: FramePlan) -> None:
    line = plan_to_line(plan)
    assert "\n" not in line
    again = plan_from_line(line)
    # repr tells 0.0 from -0.0 and True from 1.0, which == does not
    assert again == plan
    assert repr(sorted_dicts(again)) == repr(sorted_dicts(plan))
    assert plan_to_line(again) == line


def sorted_dicts(plan: FramePlan) -> object:
    return json.loads(json.dumps(dataclasses.asdict(plan), sort_keys=True))


def test_line_does_not_depend_on_the_order_in_which_a_plan_was_filled() -> None:
    one = dataclasses.replace(made_up.plan(), tags={"a": 1.0, "b": "x"})
    two = dataclasses.replace(made_up.plan(), tags={"b": "x", "a": 1.0})
    assert plan_to_line(one) == plan_to_line(two)


def test_numpy_floats_are_plain_numbers_in_the_line() -> None:
    plan = dataclasses.replace(made_up.plan(), sky=(np.float64(0.1), 0.2, 0.3))
    assert plan_from_line(plan_to_line(plan)).sky == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    "number",
    [
        float("nan"),  # a bug upstream must not become null
        float("inf"),
        np.float32(0.1),  # reads back as another number
    ],
)
def test_what_json_cannot_hold_is_refused(number: float) -> None:
    with pytest.raises((ValueError, TypeError)):
        plan_to_line(dataclasses.replace(made_up.plan(), sky=(number, 0.0, 0.0)))


def test_what_is_known_in_space_reads_back() -> None:
    plan = scenes.plan((-0.1, 0.0))
    passes = FakeRenderer(Renderer(name="test", backend="fake")).render(plan)
    label = label_frame(plan, passes, scenes.CLASSES)
    for record, read in (
        (camera_label(plan), records.camera_from_json),
        (boxes_3d(plan, label), records.boxes_from_json),
        (poses(plan, label), records.poses_from_json),
        (keypoints(plan, passes, label), records.keypoints_from_json),
    ):
        assert record
        assert read(records.record_to_json(record)) == record
        with pytest.raises(InputError, match="cannot be read"):
            read(b'[{"id": "x"}]')


def test_label_reads_back() -> None:
    label = made_up.label(12)
    assert label_from_json(label_to_json(label)) == label


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"frame": "x"}'])
def test_other_text_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(InputError, match=r"^line 3 of plan\.jsonl cannot be read .*; make the frames again$"):
        plan_from_line(text, "line 3 of plan.jsonl")
