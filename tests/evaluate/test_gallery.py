import cv2
import numpy as np
import pytest

from stages.evaluate.gallery import choose, gallery, tally
from tests.evaluate.conftest import write_photograph
from tests.evaluate.results import result

NAMES = ("pallet", "truck")
THERE = (10, 10, 40, 40, 0, 0)
RIGHT, WRONG = (10, 10, 40, 40, 0.9, 0), (60, 60, 80, 80, 0.8, 0)


@pytest.fixture
def results(tmp_path):
    def at(name, found, there):
        return result(found, there, path=write_photograph(tmp_path / name, 100, 100))

    return [
        at("perfect.png", [RIGHT], [THERE]),
        at("missed.png", [], [THERE, (50, 10, 95, 60, 1, 0)]),
        at("noisy.png", [RIGHT, WRONG, (0, 60, 9, 80, 0.7, 1), (20, 80, 50, 90, 0.6, 0)], [THERE]),
        at("empty.png", [], []),
    ]


def test_the_best_the_worst_and_the_largest_missed_are_chosen(results):
    best, worst, missed = choose(results, 0.5)
    assert [item.result.picture.name for item in best] == ["perfect.png", "noisy.png"]
    assert [item.result.picture.name for item in worst] == ["noisy.png", "missed.png"]
    assert [(item.result.picture.name, index) for item, index in missed] == [("missed.png", 1), ("missed.png", 0)]


def test_a_tally_changes_with_the_threshold(results):
    assert tally(results[2], 0.5).caption == "noisy.png: 1 found, 0 missed, 3 wrong"
    assert tally(results[2], 0.95).caption == "noisy.png: 0 found, 1 missed, 0 wrong"


def test_the_pictures_show_the_boxes_in_their_colours(results):
    shown = gallery("real", results, 0.5, NAMES)
    assert [item.file for item in shown] == [
        "real-best-1.jpg",
        "real-best-2.jpg",
        "real-worst-1.jpg",
        "real-worst-2.jpg",
        "real-missed-1.jpg",
        "real-missed-2.jpg",
    ]
    pictures = [cv2.imdecode(np.frombuffer(item.jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int) for item in shown]
    perfect = pictures[0]
    assert perfect.shape == (100, 100, 3)
    edge = perfect[15:36, 10]  # the left side of the hit, green
    assert (edge[:, 1] > edge[:, 0]).all()
    assert (edge[:, 1] > edge[:, 2]).all()
    assert max(pictures[4].shape) == 260
    assert shown[4].caption == "missed.png: truck, 45 by 50 pixels"
