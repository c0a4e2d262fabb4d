from __future__ import annotations

import numpy as np

from stages.sdg.label.draw import colour_of, draw_boxes_3d, draw_keypoints, draw_labels, mask_overlay
from stages.sdg.label.keypoints import KEYPOINTS
from stages.sdg.label.types import FrameLabel, InstanceLabel
from stages.sdg.label.types3d import Box3D, Keypoint, Keypoints

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


def box_3d(corners: tuple[tuple[float, float] | None, ...]) -> Box3D:
    turn = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return Box3D(3, "pallet", (1.0, 1.0, 1.0), (0.0, 0.0, 4.0), (0.0, 0.0, 0.0), turn, turn, corners, (4.0,) * 8)


def test_edges_of_a_box_in_space_reach_from_corner_to_corner_at_any_size() -> None:
    low = ((20, 20), (60, 20), (20, 40), (60, 40))
    box = box_3d((*low, *((x + 15, y + 45) for x, y in low)))
    for scale in (1, 2):
        drawn = draw_boxes_3d(np.zeros((100 * scale, 120 * scale, 3), np.uint8), [box], 120)
        for x, y in ((40, 20), (20, 30), (27.5, 42.5), (55, 65)):
            around = drawn[round(y * scale) - 1 : round(y * scale) + 2, round(x * scale) - 1 : round(x * scale) + 2]
            assert around.any(), (x, y)
        assert not drawn[: 15 * scale].any()


def test_edges_behind_the_camera_or_endlessly_far_are_left_out() -> None:
    picture = np.zeros((100, 120, 3), np.uint8)
    hidden = box_3d((None, (1e12, -1e12), None, (1e9, 5), None, (1e7, 1e7), None, (-1e8, 4)))
    assert not draw_boxes_3d(picture, [hidden], 120).any()


def test_keypoints_are_full_where_visible_rings_where_hidden_and_absent_outside() -> None:
    points = [Keypoint(name, 0.0, 0.0, 0, None) for name in KEYPOINTS["pallet_truck"]]
    points[0] = Keypoint("fork_tip_left", 30.0, 40.0, 2, (0.0, 0.0, 3.0))
    points[1] = Keypoint("fork_tip_right", 80.0, 40.0, 1, (0.0, 0.0, 3.0))
    drawn = draw_keypoints(np.zeros((100, 120, 3), np.uint8), [Keypoints(2, "pallet_truck", tuple(points))], 120)
    assert drawn[40, 30].argmax() == 1  # green: left
    assert not drawn[40, 80].any()
    assert drawn[40, 83].argmax() == 2  # red: right
    assert not drawn[:30].any()
