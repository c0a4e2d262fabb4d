from __future__ import annotations

import numpy as np

from stages.sdg.label.draw import colour_of, draw_labels, mask_overlay
from stages.sdg.label.types import FrameLabel, InstanceLabel

CLASSES = ["pallet", "pallet_truck"]


def label() -> FrameLabel:
    near = InstanceLabel(3, "pallet_truck", "f", 0, (40, 50, 80, 90), (40, 50, 80, 90), 900, 0.25, 0.1, 2.0)
    far = InstanceLabel(4, "pallet", "f", 0, (60, 40, 120, 70), (60, 40, 120, 70), 900, 0.0, 0.0, 6.0)
    return FrameLabel(1, "train", "aisle", 160, 120, (near, far), {})


def test_boxes_frame_the_pixels_of_their_instance() -> None:
    picture = np.zeros((120, 160, 3), np.uint8)
    drawn = draw_labels(picture, label(), CLASSES)
    assert not picture.any()
    truck, pallet = colour_of("pallet_truck", CLASSES), colour_of("pallet", CLASSES)
    assert truck != pallet
    # the last pixel of a box is the one before its exclusive maximum
    for row, column in ((89, 40), (89, 79), (60, 40), (89, 60)):
        assert tuple(drawn[row, column]) == truck
    assert not drawn[90:, :].any()
    for row, column in ((69, 110), (55, 119)):
        assert tuple(drawn[row, column]) == pallet
    # the nearer box lies over the farther one
    assert tuple(drawn[55, 79]) == truck


def test_boxes_fit_a_picture_of_another_size() -> None:
    drawn = draw_labels(np.zeros((240, 320, 3), np.uint8), label(), CLASSES)
    assert tuple(drawn[179, 100]) == colour_of("pallet_truck", CLASSES)


def test_masks_are_tinted_where_the_instance_is_seen() -> None:
    picture = np.full((120, 160, 3), 100, np.uint8)
    instance = np.zeros((120, 160), np.uint16)
    instance[50:60, 40:50], instance[0:5, 0:5] = 3, 9
    tinted = mask_overlay(picture, instance, label(), CLASSES, opacity=1.0)
    assert tuple(tinted[55, 45]) == colour_of("pallet_truck", CLASSES)
    assert (tinted[instance != 3] == 100).all()
    half = mask_overlay(picture, instance, label(), CLASSES)
    assert tuple(half[55, 45]) == tuple(round((100 + c) / 2) for c in colour_of("pallet_truck", CLASSES))
