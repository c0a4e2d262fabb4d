"""What the self-check finds and says, on made-up labels."""

from __future__ import annotations

import numpy as np
import pytest

from stages.sdg.check.compare import Side, compare, reasons, table
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
