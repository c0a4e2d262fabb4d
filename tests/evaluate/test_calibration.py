import numpy as np
import pytest

from stages.evaluate.bootstrap import resampling
from stages.evaluate.calibration import calibration
from stages.evaluate.table import table
from tests.evaluate.results import random_results, result

THERE = (0, 0, 20, 20, 0, 0)


def at(score, right):
    return result([(0, 0, 20, 20, score, 0) if right else (50, 50, 70, 70, score, 0)], [THERE])


def test_scores_that_say_the_truth_have_no_error():
    results = [at(0.75, right) for right in (True, True, True, False)]
    found = calibration(table(results), [0], resampling(4, 50))
    assert found.error == pytest.approx(0, abs=1e-6)
    assert found.excess == pytest.approx(0, abs=1e-6)
    assert found.detections == 4
    assert [(item.count, item.precision) for item in found.bins if item.count] == [(4, 0.75)]


def test_a_model_that_is_too_sure():
    found = calibration(
        table([at(0.95, False), at(0.95, True), at(0.15, False), at(0.15, False)]), [0], resampling(4, 50)
    )
    assert found.error == pytest.approx((0.45 + 0.15) / 2, abs=1e-6)
    assert found.excess == pytest.approx(0.55 - 0.25, abs=1e-6)
    low, high = found.interval
    assert low <= found.excess <= high


def test_nothing_above_the_least_score():
    found = calibration(table([at(0.01, False)]), [0], resampling(1, 10))
    assert (found.detections, found.error, found.excess) == (0, None, None)
    assert found.as_json()["interval"] == {}


def test_the_bins_hold_every_detection_once():
    results = random_results(2)
    found = calibration(table(results), [0, 1], resampling(len(results), 50))
    counted = sum(int((~item.matches.ignored & (item.detections.scores >= 0.05)).sum()) for item in results)
    assert found.detections == sum(item.count for item in found.bins) == counted
    expected = sum(item.count * abs(item.score - item.precision) for item in found.bins if item.count) / counted
    assert found.error == pytest.approx(expected)
    assert np.isfinite(found.error)
