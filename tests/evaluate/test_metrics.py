import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.bootstrap import resampling
from stages.evaluate.metrics import NOTHING, Counts, confusion, count, curve, rank, score
from stages.evaluate.table import table
from tests.evaluate.results import random_results, result

NAMES = ("pallet", "truck")


def simple():
    """Two hits, a false alarm and a miss of class 0; one object of class 1 taken for class 0."""
    return [
        result(
            [(0, 0, 10, 10, 0.9, 0), (50, 50, 60, 60, 0.8, 0), (20, 20, 40, 40, 0.7, 0), (0, 30, 10, 40, 0.2, 0)],
            [(0, 0, 10, 10, 0, 0), (0, 30, 10, 40, 0, 0), (70, 70, 90, 90, 0, 0), (20, 20, 40, 40, 1, 0)],
        )
    ]


def test_counts_at_a_threshold():
    everything = rank(table(simple()), (0, 1))
    assert count(everything, 0.5) == Counts(hits=1, false_alarms=2, objects=4)
    assert count(everything, 0.1) == Counts(hits=2, false_alarms=2, objects=4)
    assert count(rank(table(simple()), (0,)), 0.1) == Counts(2, 2, 3)
    assert count(rank(table(simple()), (1,)), 0.1) == Counts(0, 0, 1)
    assert Counts(2, 2, 4).precision == Counts(2, 2, 4).recall == Counts(2, 2, 4).f1 == 0.5
    assert Counts(0, 0, 0).f1 == 0


def test_ignored_detections_are_in_no_ranking():
    results = [result([(0, 0, 10, 10, 0.9, 0), (2, 2, 8, 8, 0.8, 0)], [(0, 0, 20, 20, 0, 1)])]
    assert count(rank(table(results), (0,)), 0.0) == Counts(0, 0, 0)


def test_the_confusion_matrix_holds_hits_mistakes_misses_and_alarms():
    pairs = confusion(simple(), NAMES, 0.5)
    assert pairs == {
        ("pallet", "pallet"): 1,
        ("truck", "pallet"): 1,
        (NOTHING, "pallet"): 1,
        ("pallet", NOTHING): 2,
    }


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6, 1.0])
def test_the_confusion_matrix_agrees_with_the_counts(threshold):
    results = random_results(7)
    pairs = confusion(results, NAMES, threshold)
    for number, name in enumerate(NAMES):
        counts = count(rank(table(results), (number,)), threshold)
        assert pairs[name, name] == counts.hits
        assert sum(n for (_, predicted), n in pairs.items() if predicted == name) == counts.hits + counts.false_alarms
        assert sum(n for (actual, _), n in pairs.items() if actual == name) == counts.objects


@given(st.integers(0, 200))
def test_a_curve_is_what_counting_at_each_threshold_gives(seed):
    ranking = rank(table(random_results(seed, pictures=3)), (0, 1))
    rows = curve(ranking)
    assert (np.diff(rows[:, 0]) < 0).all()
    assert (np.diff(rows[:, 2]) >= 0).all(), "recall grows as the threshold falls"
    for threshold, precision, recall, f1 in rows:
        counts = count(ranking, np.nextafter(threshold, -1))
        assert (counts.precision, counts.recall, counts.f1) == pytest.approx((precision, recall, f1))


def test_all_numbers_together():
    scores = score(table(simple()), NAMES, (0, 1), 0.5)
    numbers = scores.as_json()
    assert numbers["objects"] == 4
    assert numbers["hits"] == 1
    assert numbers["pictures"] == 1
    assert numbers["classes"].keys() == set(NAMES)
    assert numbers["ap50"] == pytest.approx(
        (numbers["classes"]["pallet"]["ap50"] + numbers["classes"]["truck"]["ap50"]) / 2, abs=1e-5
    )
    assert numbers["best_f1"] >= numbers["f1"]
    nothing = score(table([result([(0, 0, 9, 9, 0.9, 0)], [])]), NAMES, (0, 1), 0.5).as_json()
    assert nothing["ap50"] is None
    assert nothing["false_alarms"] == 1


def test_figures_have_intervals_that_hold_them_and_those_of_nought_are_exact():
    results = random_results(5, pictures=20)
    scores = score(table(results), NAMES, (0, 1), 0.4, resampling(20, 200))
    for figures in (*scores.classes.values(), scores.overall):
        assert figures.intervals.keys() == figures.values.keys()
        assert all(low <= figures.values[name] <= high for name, (low, high) in figures.intervals.items())
        assert figures.intervals["f1"][0] < figures.values["f1"] < figures.intervals["f1"][1]
    missed = score(table([result([], [(0, 0, 9, 9, 0, 0)])] * 4), NAMES, (0,), 0.4, resampling(4, 50)).overall
    assert missed.values["recall"] == 0
    assert missed.intervals["recall"] == pytest.approx((0, 0.602), abs=1e-3)
    assert "precision" not in missed.intervals, "nothing was found, so there is none"
    alone = score(table(results[:1]), NAMES, (0, 1), 0.4, resampling(1, 50)).overall
    assert alone.intervals == {}
