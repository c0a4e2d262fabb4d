from __future__ import annotations

import cv2
import numpy as np

from stages.sdg.shards.members import depth_image, encode_png, flow_image, normals_image, semantic_image
from tests.sdg import made_up


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_masks_keep_16_bits() -> None:
    mask = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30) * 100
    again = decoded(encode_png(mask))
    assert again.dtype == np.uint16
    assert np.array_equal(again, mask)
    assert encode_png(mask) == encode_png(mask.copy(order="F"))


def test_colours_keep_their_order() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = (255, 128, 1)
    assert decoded(encode_png(image))[0, 0].tolist() == [1, 128, 255]  # OpenCV reads BGR


def test_depth_in_millimetres() -> None:
    depth = np.array([[0.5, 1.0006, np.inf, 65.534, 65.6, 1e4, 1e-6]], np.float32)
    assert depth_image(depth).tolist() == [[500, 1001, 0, 65534, 65535, 65535, 1]]


def test_normals_as_colours() -> None:
    normals = np.array([[[1, 0, 0], [0, -1, 0], [0, 0, 0]]], np.float32)
    depth = np.array([[1, 1, np.inf]], np.float32)
    assert normals_image(normals, depth).tolist() == [[[255, 128, 128], [128, 0, 128], [0, 0, 0]]]


def test_semantic_has_the_class_number_of_labelled_things_only() -> None:
    instance = np.array([[0, 1, 3, 3, 9]], np.uint16)  # 1 and 9 are unlabelled
    label = made_up.label()
    assert semantic_image(instance, label, ["pallet", "pallet_truck"]).tolist() == [[0, 0, 2, 2, 0]]
    assert semantic_image(np.zeros((1, 2), np.uint16), made_up.label(), ["pallet_truck"]).tolist() == [[0, 0]]


def test_flow_in_kitti_s_steps_with_the_devkit_s_own_reading() -> None:
    flow = np.array([[[0, 0], [1.5, -2.25], [511.98, -512], [512.1, 0], [3, 3]]])
    valid = np.array([[True, True, True, True, False]])
    image = decoded(encode_png(flow_image(flow, valid)))[..., ::-1]  # red, green, blue
    assert image.dtype == np.uint16
    assert image[..., 2].tolist() == [[1, 1, 1, 0, 0]]
    assert image[0, 3:].tolist() == [[0, 0, 0], [0, 0, 0]]
    read = (image[..., :2].astype(float) - 2**15) / 64  # io_flow.h
    assert np.abs(read - flow)[0, :3].max() <= 1 / 128
