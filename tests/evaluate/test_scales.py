from itertools import pairwise

import numpy as np
import pytest

from stages.common.detection import Detections, Detector
from stages.evaluate.scales import detect_scaled, starts
from tests.evaluate.conftest import NAMES
from tests.tiny_models import write_constant_model


class BrightSpots:
    """Finds the bounding box of the white pixels, in any picture, as a perfect detector would."""

    input_size = (100, 100)

    def __init__(self):
        self.seen = []

    def detect(self, picture, _):
        self.seen.append(picture.shape[:2])
        rows, columns = np.nonzero(picture[..., 0] == 255)
        if not len(rows):
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return Detections(np.array([box], np.float32), np.array([0.9], np.float32), np.array([0]))


def picture(box, size=(200, 300)):
    pixels = np.zeros((*size, 3), np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = 255
    return pixels


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.8, 1, 1.5, 2, 3])
@pytest.mark.parametrize("box", [(10, 20, 40, 70), (140, 90, 160, 110), (270, 170, 300, 200), (20, 10, 280, 190)])
def test_boxes_come_back_in_the_pictures_pixels_whatever_the_scale(scale, box):
    found = detect_scaled(BrightSpots(), picture(box), scale)
    best = found.xyxy[0].tolist()
    assert best == list(box)


def test_a_smaller_input_sees_smaller_objects_and_a_larger_one_larger_windows():
    detector = BrightSpots()
    detect_scaled(detector, picture((10, 20, 40, 70)), 0.5)
    assert detector.seen == [(600, 600)], "300 pixels wide in half of 100: the canvas is 600"
    detector.seen.clear()
    detect_scaled(detector, picture((10, 20, 40, 70)), 2)
    assert detector.seen[0] == (200, 300), "the whole picture once"
    assert set(detector.seen[1:]) == {(150, 150)}


@pytest.mark.parametrize(("length", "window"), [(300, 150), (1000, 333), (640, 639), (100, 200)])
def test_windows_cover_a_side_and_overlap(length, window):
    places = starts(length, window)
    assert places[0] == 0
    assert places[-1] == max(length - window, 0)
    assert all(second - first <= window * 0.75 + 1 for first, second in pairwise(places))


def test_the_models_own_size_is_what_it_always_does(tmp_path):
    detector = Detector(write_constant_model(tmp_path / "m.onnx", NAMES, (96, 64), [(4, 8, 30, 40, 0.9, 4)]))
    pixels = picture((0, 0, 9, 9), (64, 96))
    assert detect_scaled(detector, pixels, 1).xyxy.tolist() == detector.detect(pixels, 0.001).xyxy.tolist()
