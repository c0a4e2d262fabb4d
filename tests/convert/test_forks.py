"""Boxes of loaded trucks: with the slivers of their forks, or without."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.common.settings.pictures import Convert
from stages.convert.filters import reason_to_drop
from stages.convert.forks import shows_slivers, without_slivers
from stages.convert.run import convert
from tests.convert.frames import CLASSES, HEIGHT, WIDTH, ellipse, instance, write_frames

ALL, VISIBLE = Convert(), Convert(fork_rule="visible", min_forks=0.3)
BODY = (20.0, 8.0, 40.0, 34.0)


def truck(forks_visible=0.1, body=BODY):
    """A truck whose forks reach to the right of its body."""
    return replace(instance(3, (20, 8, 60, 40)), xyxy_body=body, forks_visible=forks_visible)


@pytest.mark.parametrize(
    ("made", "rule", "slivers"),
    [
        (truck(0.1), ALL, False),
        (truck(0.1), VISIBLE, True),
        (truck(0.3), VISIBLE, False),  # exactly the least share
        (truck(0.0), VISIBLE, True),
        (truck(None, None), VISIBLE, False),  # no forks
        (instance(3, (20, 8, 60, 40)), VISIBLE, False),
    ],
)
def test_when_forks_are_slivers(made, rule, slivers):
    assert shows_slivers(made, rule) == slivers


def test_nothing_but_slivers_is_hidden():
    assert reason_to_drop(truck(0.1, None), VISIBLE) == "hidden"
    assert reason_to_drop(truck(0.1, None), ALL) is None
    assert reason_to_drop(truck(0.4, None), VISIBLE) is None


@given(st.integers(21, 60), st.integers(9, 40), st.floats(0, 1))
def test_box_mask_and_count_stay_one(right, bottom, share):
    made = truck(share, (20.0, 8.0, float(right), float(bottom)))
    masks = np.zeros((HEIGHT, WIDTH), np.uint16)
    masks[ellipse(made.xyxy)] = 3
    masks[50:, :10] = 7
    before = masks.copy()
    (changed,), cut = without_slivers([made], masks, VISIBLE)
    np.testing.assert_array_equal(masks, before)
    np.testing.assert_array_equal(cut == 7, masks == 7)
    assert changed.visible_pixels == (cut == 3).sum()
    if share >= VISIBLE.min_forks:
        assert changed == made
        np.testing.assert_array_equal(cut, masks)
        return
    assert changed.xyxy == made.xyxy_body
    inside = np.zeros(masks.shape, bool)
    inside[8:bottom, 20:right] = True
    np.testing.assert_array_equal(cut == 3, (masks == 3) & inside)


def test_every_format_has_the_box_of_the_body(tmp_path):
    frames = write_frames(tmp_path / "frames", 4, 0, instances=lambda _: (truck(0.1),))
    convert(frames, tmp_path / "all", CLASSES, ALL)
    convert(frames, tmp_path / "visible", CLASSES, VISIBLE)
    left, top, right, bottom = BODY
    for name, box in (("all", [20, 8, 40, 32]), ("visible", [left, top, right - left, bottom - top])):
        (annotation,) = json.loads((tmp_path / name / "coco/val.json").read_text())["annotations"]
        assert annotation["bbox"] == box
        kitti = next((tmp_path / name / "kitti/val/label_2").iterdir()).read_text().split()
        assert [float(value) for value in kitti[4:8]] == [box[0], box[1], box[0] + box[2], box[1] + box[3]]
