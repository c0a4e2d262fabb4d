import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.common.detection import Detections, Truth, best_f1_threshold, iou_matrix, match
from stages.common.detection.matching import precision_recall_f1


def detections(rows):
    """From (left, top, right, bottom, score, class)."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def truth(rows, accepted=None):
    """From (left, top, right, bottom, class, ignore)."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Truth(table[:, :4], table[:, 4].astype(np.int64), table[:, 5].astype(bool), accepted or {})


@pytest.mark.parametrize(
    ("first", "second", "iou"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),  # touching
        ((0, 0, 10, 10), (30, 30, 40, 40), 0.0),  # apart in both directions
        ((0, 0, 10, 10), (2, 2, 4, 4), 0.04),  # inside
        ((5, 5, 5, 5), (5, 5, 5, 5), 0.0),  # nothing over nothing
    ],
)
def test_iou(first, second, iou):
    assert iou_matrix(np.array([first]), np.array([second]))[0, 0] == pytest.approx(iou)
    assert iou_matrix(np.array([second]), np.array([first]))[0, 0] == pytest.approx(iou)


def test_the_better_detection_takes_the_object_and_the_other_is_wrong():
    found = detections([(0, 0, 10, 9, 0.6, 0), (0, 0, 10, 10, 0.9, 0)])
    matches = match(found, truth([(0, 0, 10, 10, 0, 0)]))
    assert matches.hit.tolist() == [False, True]
    assert matches.truth.tolist() == [-1, 0]
    assert matches.iou.tolist() == [0, 1]


def test_another_class_and_too_little_overlap_are_wrong():
    found = detections([(0, 0, 10, 10, 0.9, 1), (0, 0, 10, 4.9, 0.9, 0)])
    assert not match(found, truth([(0, 0, 10, 10, 0, 0)])).hit.any()
    assert match(found, truth([(0, 0, 10, 10, 0, 0)]), iou=0.4).hit.tolist() == [False, True]


def test_any_number_of_detections_inside_an_ignore_region_count_for_nothing():
    found = detections([(0, 0, 4, 4, 0.9, 0), (5, 5, 9, 9, 0.8, 0), (0, 0, 4, 4, 0.7, 1), (7, 7, 14, 14, 0.6, 0)])
    matches = match(found, truth([(0, 0, 10, 10, 0, 1)]))
    assert matches.ignored.tolist() == [True, True, False, False]  # another class, and more than half outside
    assert not matches.hit.any()


def test_an_object_is_preferred_to_the_ignore_region_around_it():
    found = detections([(0, 0, 10, 10, 0.9, 0), (0, 0, 10, 9, 0.5, 0)])
    matches = match(found, truth([(0, 0, 20, 20, 0, 1), (0, 0, 10, 12, 0, 0)]))
    assert matches.hit.tolist() == [True, False]
    assert matches.ignored.tolist() == [False, True]


def test_any_accepted_extent_makes_a_hit_and_an_object_is_hit_once():
    there = truth([(0, 0, 100, 20, 0, 0)], accepted={0: np.array([[0, 0, 100, 20], [0, 0, 30, 20]])})
    short, long = (0, 0, 30, 20, 0.5, 0), (0, 0, 100, 20, 0.9, 0)
    assert match(detections([short]), there).hit.tolist() == [True]
    assert match(detections([short, long]), there).hit.tolist() == [False, True]
    assert not match(detections([short]), truth([(0, 0, 100, 20, 0, 0)])).hit.any()


def test_nothing_against_nothing():
    assert len(match(detections([]), truth([])).hit) == 0
    assert match(detections([(0, 0, 9, 9, 0.5, 0)]), truth([])).truth.tolist() == [-1]
    assert len(match(detections([]), truth([(0, 0, 9, 9, 0, 0)])).hit) == 0


side = st.integers(0, 12)
box = st.tuples(side, side, st.integers(1, 8), st.integers(1, 8)).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
# integer boxes overlap equally often, where pycocotools takes the last and we the first: a third of a pixel apart
found_boxes = st.lists(st.tuples(box, st.integers(0, 1)), max_size=8)
true_boxes = st.lists(st.tuples(box, st.integers(0, 1), st.booleans()), max_size=6)


def pycocotools_says(found, there):
    """(hit, ignored) of each detection by pycocotools at IoU 0.5."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def xywh(corners):
        left, top, right, bottom = map(float, corners)
        return [left, top, right - left, bottom - top]

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": 1, "width": 64, "height": 64}],
            "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
            "annotations": [
                {
                    "id": index + 1,
                    "image_id": 1,
                    "category_id": int(there.classes[index]) + 1,
                    "bbox": xywh(there.xyxy[index]),
                    "area": 1,
                    "iscrowd": int(there.ignore[index]),
                }
                for index in range(len(there))
            ],
        }
        coco.createIndex()
        results = [
            {
                "image_id": 1,
                "category_id": int(found.classes[index]) + 1,
                "bbox": xywh(found.xyxy[index]),
                "score": float(found.scores[index]),
            }
            for index in range(len(found))
        ]
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.evaluate()
    hit, ignored = np.zeros(len(found), bool), np.zeros(len(found), bool)
    for entry in evaluation.evalImgs:
        if entry is not None and entry["aRng"] == evaluation.params.areaRng[0]:
            for column, number in enumerate(entry["dtIds"]):
                matched = entry["dtMatches"][0, column] > 0
                ignored[number - 1] = matched and entry["dtIgnore"][0, column]
                hit[number - 1] = matched and not entry["dtIgnore"][0, column]
    return hit, ignored


@settings(max_examples=150, deadline=None)
@given(found=found_boxes, there=true_boxes, shifts=st.integers(0, 2**32 - 1))
def test_matches_are_those_of_pycocotools(found, there, shifts):
    rng = np.random.default_rng(shifts)
    made = detections(
        [
            (*np.add(b, rng.uniform(0, 0.3, 4)), score, cls)
            for (b, cls), score in zip(found, rng.permutation(len(found)) / 8 + 0.1, strict=True)
        ]
    )
    objects = truth([(*np.add(b, rng.uniform(0, 0.3, 4)), cls, ignore) for b, cls, ignore in there])
    if not len(made):
        return
    hit, ignored = pycocotools_says(made, objects)
    matches = match(made, objects)
    np.testing.assert_array_equal(matches.hit, hit)
    np.testing.assert_array_equal(matches.ignored, ignored)


@given(
    st.lists(st.tuples(st.integers(1, 20).map(lambda step: step / 21), st.booleans()), max_size=30),
    st.integers(0, 5),
)
def test_the_best_threshold_is_the_best_of_all(ranked, missed):
    scores = np.array([score for score, _ in ranked])
    hits = np.array([hit for _, hit in ranked], bool)
    objects = int(hits.sum()) + missed
    point = best_f1_threshold(scores, hits, objects)

    def at(threshold):
        kept = scores > threshold
        return precision_recall_f1(int(hits[kept].sum()), int((~hits[kept]).sum()), objects)

    best = max((at(threshold)[2] for threshold in [0.0, *scores]), default=0.0)
    assert point.f1 == pytest.approx(best)
    if point.f1 > 0:
        assert at(point.threshold) == pytest.approx((point.precision, point.recall, point.f1))


def test_the_threshold_lies_between_scores_and_has_a_default():
    point = best_f1_threshold(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False]), 2)
    assert point.threshold == pytest.approx(0.5)
    assert (point.precision, point.recall, point.f1) == (1, 1, 1)
    assert best_f1_threshold(np.array([0.9]), np.array([False]), 3).threshold == 0.25
    assert best_f1_threshold(np.array([]), np.array([], bool), 0).f1 == 0
