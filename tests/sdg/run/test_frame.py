from __future__ import annotations

import cv2
import numpy as np
import pytest

from stages.common.settings import Settings
from stages.sdg.annotators import annotator_names, suffixes
from stages.sdg.run.frame import describe_plan, make_frame
from stages.sdg.shards.records import label_from_json, plan_from_line
from tests.sdg import made_up
from tests.sdg.run import flat


def with_annotators(*names: str) -> Settings:
    base = flat.settings()
    frames = base.dataset.frames.model_copy(update={"annotators": list(names)})
    return base.model_copy(update={"dataset": base.dataset.model_copy(update={"frames": frames})})


@pytest.mark.parametrize("annotators", [(), ("depth",), ("normals",), ("flow", "keypoints"), tuple(annotator_names())])
def test_members_are_those_asked_for(annotators: tuple[str, ...]) -> None:
    frame = make_frame(with_annotators(*annotators), flat.Flat(), 3)
    assert tuple(sorted(frame.members)) == suffixes(annotators)
    for suffix, data in frame.members.items():
        if not suffix.endswith("json"):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            assert image.shape[:2] == (120, 160)


def test_a_frame_is_the_same_whatever_was_made_before_it() -> None:
    renderer = flat.Flat()
    first = make_frame(flat.settings(), renderer, 3)
    make_frame(flat.settings(), renderer, 8)
    again = make_frame(flat.settings(), renderer, 3)
    assert (again.members, again.plan) == (first.members, first.plan)


def test_plan_and_label_belong_to_the_frame() -> None:
    frame = make_frame(flat.settings(), flat.Flat(), 1_000_000)
    assert plan_from_line(frame.plan).frame == 1_000_000
    assert plan_from_line(frame.plan).split == "test"
    assert label_from_json(frame.members["json"]).split == "test"


def test_time_is_accounted_for() -> None:
    seconds = make_frame(flat.settings(), flat.Flat(), 3).seconds
    assert set(seconds) == {"plan", "backend", "label", "encode", "render"}
    assert min(seconds.values()) >= 0


def test_a_plan_in_one_line() -> None:
    assert describe_plan(made_up.plan(4)) == (
        "train frame 4 of seed 5: scenario aisle, 160x120, 2 things (1 pallet_truck), 1 lamps"
    )
