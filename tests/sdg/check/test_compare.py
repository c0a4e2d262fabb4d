"""What the self-check finds and says, on made-up labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stages.sdg.check.compare import Side, compare, reasons, table
from stages.sdg.check.run import _text
from stages.sdg.label.types import FrameLabel, InstanceLabel


def side(boxes: dict[int, tuple[int, int, int, int]], *, says: dict | None = None, distance: float = 4.0) -> Side:
    instance = np.zeros((120, 160), np.uint16)
    items = []
    for number, (left, top, right, bottom) in boxes.items():
        instance[top:bottom, left:right] = number
        box = (float(left), float(top), float(right), float(bottom))
        items.append(
            InstanceLabel(
                id=number, class_name="pallet_truck", family="f", variant=0, xyxy=box, xyxy_loose=box,
                visible_pixels=int((instance == number).sum()), occlusion=0.0, truncation=0.0, distance=distance,
            )
        )  # fmt: skip
    label = FrameLabel(frame=2, split="train", scenario="x", width=160, height=120, instances=tuple(items), tags={})
    return Side(label, instance, says or {})


BOXES = {1: (10, 10, 60, 60), 2: (80, 40, 120, 100), 3: (130, 5, 158, 40)}


def test_the_same_labels_agree() -> None:
    found = compare([side(BOXES)], [side(BOXES)])
    assert (found.mean_iou, found.least_iou, found.is_good) == (1.0, 1.0, True)
    assert reasons(found) == []


def hollow(whole: Side, thickness: int) -> Side:
    """The same labels with masks that are rims alone."""
    instance = np.zeros_like(whole.instance)
    for item in whole.label.instances:
        left, top, right, bottom = (int(side) for side in item.xyxy)
        instance[top:bottom, left:right] = item.id
        instance[top + thickness : bottom - thickness, left + thickness : right - thickness] = 0
    return Side(whole.label, instance)


def test_masks_that_differ_within_the_same_boxes_are_no_agreement() -> None:
    found = compare([side(BOXES)], [hollow(side(BOXES), 1)])
    assert (found.mean_iou, found.least_iou) == (1.0, 1.0)
    assert found.least_mask < 0.1
    assert not found.is_good
    (reason,) = reasons(found)
    assert "3 masks differ within the same boxes (the least IoU is 0.08)" in reason
    text = _text(found, "isaac", "blender", Path("out"))
    assert "isaac and blender differ" in text
    assert reason in text
    assert "of masks 0.0949 and 0.0784" in text


def test_a_mask_that_differs_at_its_rim_agrees_and_is_told() -> None:
    found = compare([side({1: (10, 10, 60, 60)}), side(BOXES)], [side({1: (10, 10, 60, 60)}), side(BOXES)])
    assert "what differs" not in _text(found, "isaac", "blender", Path("out"))
    found = compare([side(BOXES)] * 9, [*[side(BOXES)] * 8, hollow(side(BOXES), 9)])
    assert found.mean_mask > 0.95
    assert 0.5 < found.least_mask < 0.8
    assert not found.is_good
    found = compare([side(BOXES)] * 9, [*[side(BOXES)] * 8, hollow(side(BOXES), 16)])
    assert 0.8 < found.least_mask < 0.9
    assert found.is_good
    assert "agree; what differs all the same:\n  * " in _text(found, "isaac", "blender", Path("out"))


def test_a_shift_is_found_and_named() -> None:
    moved = {number: (a + 3, b + 2, c + 3, d + 2) for number, (a, b, c, d) in BOXES.items() if number != 3}
    found = compare([side({1: BOXES[1], 2: BOXES[2]})], [side(moved)])
    assert not found.is_good
    assert "off by about (+3.0, +2.0) pixels: the camera's aperture offset" in reasons(found)[0]


def test_what_is_missing_or_extra_is_named() -> None:
    found = compare([side(BOXES)], [side({1: BOXES[1]})])
    assert not found.is_good
    assert [item[1] for item in found.missing] == [2, 3]
    assert "its file was perhaps not loaded" in reasons(found)[0]
    assert "missing (2400 pixels)" in table(found)
    assert "something that hides them" in reasons(compare([side({1: BOXES[1]})], [side(BOXES)]))[0]
    assert "no object is in both renders" in reasons(compare([side(BOXES)], [side({})]))[0]


def test_another_lens_moves_boxes_by_different_amounts() -> None:
    grown = {1: (4, 4, 54, 54), 2: (82, 42, 122, 102), 3: (139, 0, 160, 38)}
    assert any("focal length" in reason for reason in reasons(compare([side(BOXES)], [side(grown)])))


def test_units_show_in_distances() -> None:
    found = compare([side(BOXES)], [side(BOXES, distance=400.0)])
    assert any("100.000 times" in reason for reason in reasons(found))


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"facts": {"attempts": ["the picture is blank at 16 subframes"]}}, "was tried again: the picture is blank"),
        ({"facts": {"box_max_is_inclusive": 0}}, "set BOX_MAX_IS_INCLUSIVE"),
        ({"boxes": {"tight": {"1": {"class": ["wheel"]}}}}, "calls instance 1 ['wheel']"),
        ({"boxes": {"tight": {"9": {"class": []}}}}, "no tight box for instance 1"),
    ],
)
def test_what_the_engine_says_against_its_mask(says: dict, words: str) -> None:
    one = {1: BOXES[1]}
    assert any(words in note for note in compare([side(one)], [side(one, says=says)]).notes)


def test_labels_joined_by_commas_are_the_same_class() -> None:
    says = {"boxes": {"tight": {"1": {"class": ["scenery", "pallet_truck"]}}}}
    assert compare([side({1: BOXES[1]})], [side({1: BOXES[1]}, says=says)]).notes == []
