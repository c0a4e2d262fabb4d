import cv2
import numpy as np
import pytest

from stages.evaluate.gallery import gallery, hard, missed, shared_folder, tally, window_of, worst, wrong
from tests.evaluate.conftest import write_photograph
from tests.evaluate.results import result

NAMES = ("pallet", "truck")
SIZE = (100, 100)
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


def names(places):
    return [(item.name, index) for item, index in places]


def test_the_worst_the_missed_the_wrong_and_the_hard_are_chosen(results):
    tallies = [tally(item, 0.5) for item in results]
    assert [item.name for item in worst(tallies)] == ["noisy.png", "missed.png"]
    assert names(missed(tallies)) == [("missed.png", 1), ("missed.png", 0)]
    assert names(wrong(tallies)) == [("noisy.png", 1), ("noisy.png", 2)]
    assert names(hard(tallies, SIZE)) == [("noisy.png", 0), ("perfect.png", 0)]


def test_the_hardest_hit_is_the_one_of_which_least_is_seen():
    # 60 pixels, nine tenths of which are hidden, are less than 30 pixels in the open
    there = [(10, 10, 40, 70, 0, 0), (50, 10, 80, 40, 0, 0)]
    found = [(10, 10, 40, 70, 0.9, 0), (50, 10, 80, 40, 0.8, 0)]
    item = tally(result(found, there, measures={"occlusion": np.array([0.9, 0.0])}), 0.5)
    assert names(hard([item], SIZE)) == [("nowhere.jpg", 0), ("nowhere.jpg", 1)]
    item = tally(result(found, there), 0.5)
    assert names(hard([item], SIZE)) == [("nowhere.jpg", 1), ("nowhere.jpg", 0)]


def test_one_picture_does_not_fill_a_group():
    found = [(i, 60, i + 5, 80, 0.9 - i / 100, 0) for i in range(10)]
    items = [tally(result(found, []), 0.5), tally(result([(0, 0, 9, 9, 0.6, 0)], []), 0.5)]
    assert [index for _, index in wrong(items)] == [0, 1, 0]


def test_a_tally_changes_with_the_threshold(results):
    assert tally(results[2], 0.5).caption == "noisy.png: 1 found, 0 missed, 3 wrong"
    assert tally(results[2], 0.95).caption == "noisy.png: 0 found, 1 missed, 0 wrong"


def test_names_are_told_without_the_folders_that_all_share(results):
    assert shared_folder(["a/b/1.jpg", "a/b/2.jpg"]) == "a/b/"
    assert shared_folder(["a/b/1.jpg", "a/c/2.jpg"]) == "a/"
    assert shared_folder(["1.jpg", "a/c/2.jpg"]) == ""
    assert shared_folder([]) == ""


@pytest.mark.parametrize(
    ("box", "window"),
    [
        (None, (0, 0, 640, 480)),
        ((300, 200, 400, 260), (255, 135, 190, 190)),  # a margin around the longer side
        ((0, 0, 10, 10), (0, 0, 96, 96)),  # the least side, moved into the picture
        ((600, 440, 650, 470), (544, 384, 96, 96)),
        ((0, 0, 640, 480), (0, 0, 640, 480)),
    ],
)
def test_the_window_lies_inside_of_the_picture(box, window):
    assert window_of(None if box is None else np.array(box, float), 640, 480) == window


def test_views_have_boxes_relative_to_their_window(results):
    shown = {item.file: item for item in gallery("real", results, 0.5, NAMES, SIZE)}
    assert list(shown) == [
        "real-worst-1.jpg",
        "real-worst-2.jpg",
        "real-missed-1.jpg",
        "real-missed-2.jpg",
        "real-wrong-1.jpg",
        "real-wrong-2.jpg",
        "real-hard-1.jpg",
        "real-hard-2.jpg",
    ]
    view = shown["real-missed-1.jpg"]
    assert view.caption == "missed.png: truck, 45 × 50 pixels"
    assert view.window == (4, 0, 96, 96)
    assert [(item["box"], item["class"], item["index"]) for item in view.objects] == [
        ([6, 10, 36, 40], "pallet", 0),
        ([46, 10, 91, 60], "truck", 1),
    ]
    assert [item["index"] for item in view.objects if "focus" in item] == [1]
    assert not any("focus" in item for item in view.detections)
    found = shown["real-worst-1.jpg"].detections
    assert [(round(item["score"], 3), item["hits"], item["ignored"]) for item in found] == [
        (0.9, 0, False),
        (0.8, -1, False),
        (0.7, -1, False),
        (0.6, -1, False),
    ]


def test_the_pictures_for_markdown_show_the_boxes_in_their_colours(results):
    shown = {item.file: item for item in gallery("real", results, 0.5, NAMES, SIZE)}

    def pixels(data):
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)

    view = shown["real-hard-2.jpg"]
    assert view.caption == "perfect.png: pallet 0.90, 30 × 30 pixels"
    drawn = pixels(view.drawn)
    assert max(drawn.shape) == 320
    left, top, _, bottom = (round(side * 320 / 96) for side in view.objects[0]["box"])
    edge = drawn[top + 20 : bottom - 10, left]  # the left side of the hit, green
    assert (edge[:, 1] > edge[:, 0]).all()
    assert (edge[:, 1] > edge[:, 2]).all()
    plain = pixels(view.jpeg)
    assert plain.shape == (96, 96, 3), "nothing is made larger than it is"
    assert abs(plain.mean() - pixels(write_bytes(results[0])).mean()) < 12, "and no box is in it"


def write_bytes(item):
    return item.picture.path.read_bytes()
