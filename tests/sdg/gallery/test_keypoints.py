from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from stages.common.errors import InputError
from stages.sdg.gallery.keypoints import MEMBER, Keypoint, keypoints_of
from stages.sdg.shards.reader import ShardFrame
from tests.sdg import made_up

TIP = Keypoint("tip", 3.0, 4.5, 2)

FORMS = [
    ([["tip", 3, 4.5, 2]], (TIP,)),
    ([["tip", 3, 4.5]], (TIP,)),  # nothing said of whether it can be seen
    ([["tip", 3, 4.5, 1], ["heel", 1, 1, 0]], (Keypoint("tip", 3.0, 4.5, 1),)),  # hidden, and not in the picture
    ([{"name": "tip", "x": 3, "y": 4.5, "visibility": 2, "camera": [0, 0, 1]}], (TIP,)),
    ([], None),
]


@pytest.mark.parametrize(("points", "expected"), FORMS)
def test_points_come_from_their_member(points: list[Any], expected: tuple[Keypoint, ...] | None) -> None:
    data = json.dumps([{"id": 3, "class_name": "pallet_truck", "points": points}]).encode()
    assert keypoints_of(ShardFrame(made_up.label(), {MEMBER: data})) == ({3: expected} if expected else {})


@pytest.mark.parametrize(("points", "expected"), [*FORMS, ((TIP,), (TIP,)), (None, None)])
def test_points_come_from_the_labels(points: Any, expected: tuple[Keypoint, ...] | None) -> None:
    label: Any = SimpleNamespace(frame=4, instances=[SimpleNamespace(id=3, keypoints=points)])
    assert keypoints_of(ShardFrame(label, {})) == ({3: expected} if expected else {})


def test_labels_may_know_nothing_of_keypoints() -> None:
    assert keypoints_of(ShardFrame(made_up.label(), {})) == {}


@pytest.mark.parametrize("data", [b"{", b"[1]", b'[{"id": 3}]', b'[{"id": 3, "points": [["tip", 3]]}]'])
def test_points_of_another_form_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"the keypoints of frame 9 cannot be read \(.*\); make the frames again"):
        keypoints_of(ShardFrame(made_up.label(9), {MEMBER: data}))
