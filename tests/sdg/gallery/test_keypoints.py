from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from stages.sdg.gallery.keypoints import Keypoint, keypoints_of
from tests.sdg import made_up


@dataclass
class Stored:
    name: str
    xy: tuple[float, float]
    visible: bool


TIP = Keypoint("tip", 3.0, 4.5, 2)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([["tip", 3, 4.5, 2]], (TIP,)),
        ((("tip", 3, 4.5, 1),), (Keypoint("tip", 3.0, 4.5, 1),)),
        ([["tip", 3, 4.5]], (TIP,)),  # nothing said
        ([["tip", 3, 4.5, 0]], ()),  # not in the picture
        ([["tip", 3, 4.5, True], ["heel", 1, 1, False]], (TIP, Keypoint("heel", 1.0, 1.0, 1))),
        ([["tip", 3, 4.5, "visible"], ["heel", 1, 1, "occluded"]], (TIP, Keypoint("heel", 1.0, 1.0, 1))),
        ([["tip", 3, 4.5, "outside"]], ()),
        ([{"name": "tip", "x": 3, "y": 4.5, "visibility": 2}], (TIP,)),
        ({"tip": [3, 4.5, 2]}, (TIP,)),
        ({"tip": {"x": 3, "y": 4.5, "visible": True}}, (TIP,)),
        ([TIP], (TIP,)),
        ([Stored("tip", (3, 4.5), True)], (TIP,)),
        ([], ()),
        (None, ()),
    ],
)  # fmt: skip
def test_keypoints_are_read_in_every_usual_form(stored: object, expected: tuple[Keypoint, ...]) -> None:
    assert keypoints_of(SimpleNamespace(keypoints=stored)) == expected


def test_labels_may_know_nothing_of_keypoints() -> None:
    assert keypoints_of(made_up.label().instances[0]) == ()
