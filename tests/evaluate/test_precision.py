import contextlib
import io

import numpy as np
import pytest

from stages.evaluate.precision import average_precision, by_class, coco_records
from tests.evaluate.results import random_results, result


def by_pycocotools(results, classes):
    """The same by COCO's own code."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = coco_records(results, classes)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    return by_class(evaluation.eval["precision"], classes)


@pytest.mark.parametrize("seed", range(4))
def test_pycocotools_comes_to_the_same(seed):
    results = random_results(seed)
    ours, theirs = average_precision(results, (0, 1)), by_pycocotools(results, (0, 1))
    assert ours.keys() == theirs.keys() == {0, 1}
    for number in ours:
        assert ours[number].at_50 == pytest.approx(theirs[number].at_50, abs=1e-9)
        assert ours[number].at_50_95 == pytest.approx(theirs[number].at_50_95, abs=1e-9)
        assert 0.05 < ours[number].at_50_95 < ours[number].at_50 < 1, "the made-up case must be neither empty nor easy"


def test_finding_everything_exactly_gives_one():
    results = [
        result([(0, 0, 20, 20, 0.9, 0), (30, 30, 60, 50, 0.3, 0)], [(0, 0, 20, 20, 0, 0), (30, 30, 60, 50, 0, 0)])
    ]
    precision = average_precision(results, (0,))[0]
    assert (precision.at_50, precision.at_50_95) == (pytest.approx(1), pytest.approx(1))


def test_a_class_without_objects_has_none_and_one_without_detections_has_zero():
    results = [result([(0, 0, 20, 20, 0.9, 1)], [(0, 0, 20, 20, 0, 0), (0, 0, 9, 9, 1, 1)])]
    precision = average_precision(results, (0, 1))
    assert precision.keys() == {0}
    assert precision[0].at_50 == 0


def test_nothing_found_at_all():
    assert average_precision([result([], [(0, 0, 20, 20, 0, 0)])], (0,))[0].at_50 == 0


def test_detections_in_an_ignore_region_cost_nothing():
    objects = [(0, 0, 20, 20, 0, 0), (50, 50, 90, 90, 0, 1)]
    alarm = (52, 52, 60, 60, 0.95, 0)
    hit = (0, 0, 20, 20, 0.5, 0)
    assert average_precision([result([alarm, hit], objects)], (0,))[0].at_50 == pytest.approx(1)
    assert average_precision([result([alarm, hit], objects[:1])], (0,))[0].at_50 == pytest.approx(0.5)


def test_the_accepted_extent_that_was_found_stands_for_the_object():
    there, short = [(0, 0, 90, 20, 0, 0)], (0, 0, 30, 20, 0.9, 0)
    accepted = {0: np.array([[0, 0, 90, 20], [0, 0, 31, 20]])}
    with_extents = average_precision([result([short], there, accepted=accepted)], (0,))[0]
    assert with_extents.at_50 == pytest.approx(1)
    assert with_extents.at_50_95 == pytest.approx(1)  # 30/31 overlap
    assert average_precision([result([short], there)], (0,))[0].at_50 == 0
    unfound = result([(50, 50, 80, 80, 0.9, 0)], there, accepted=accepted)
    assert coco_records([unfound], (0,))[0]["annotations"][0]["bbox"] == [0, 0, 90, 20]
