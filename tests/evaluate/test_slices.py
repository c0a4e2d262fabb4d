from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.evaluate.bootstrap import resampling
from stages.evaluate.slices import bins, object_slices, picture_slices, picture_values, worst
from tests.evaluate.results import random_results, result

SIZE = (100, 100)


def simple(**measures):
    """One hit, two misses, a false alarm; one object of another class taken for the first."""
    return result(
        [(0, 0, 10, 10, 0.9, 0), (50, 50, 60, 60, 0.8, 0), (20, 20, 40, 40, 0.7, 0), (0, 30, 10, 40, 0.2, 0)],
        [(0, 0, 10, 10, 0, 0), (0, 30, 10, 40, 0, 0), (70, 70, 90, 90, 0, 0), (20, 20, 40, 40, 1, 0)],
        measures=measures,
    )


def by_bin(made, measure):
    return {item.bin: (item.objects, item.hits) for item in made if item.measure == measure}


def test_every_object_is_in_one_bin_of_each_measure():
    results = [
        simple(occlusion=np.array([0.0, 0.5, 0.05, 0.9]), distance=np.array([1.0, 5.0, 50.0, 7.0])),
        result([], []),
    ]
    made = object_slices(results, 0.5, SIZE, resampling(2, 20))
    for measure in ("box_height", "aspect_ratio", "occlusion", "distance"):
        bins_ = [item for item in made if item.measure == measure]
        assert sum(item.objects for item in bins_) == 4
        assert sum(item.hits for item in bins_) == 1
    assert by_bin(made, "occlusion") == {"0 to 0.1": (2, 1), "0.4 to 0.7": (1, 0), "0.7 and more": (1, 0)}
    assert {item.measure for item in object_slices([simple()], 0.5, SIZE, resampling(1, 20))} == {
        "box_height",
        "aspect_ratio",
    }


def test_heights_are_those_at_the_networks_input():
    """Pictures of 100x100 in an input of 400x200 are shown at twice their size."""
    made = object_slices([simple()], 0.5, (400, 200), resampling(1, 20))
    assert by_bin(made, "box_height") == {"16 to 32": (2, 1), "32 to 64": (2, 0)}
    alarms = {item.bin: item.false_alarms for item in made if item.measure == "box_height"}
    assert alarms == {"16 to 32": 1, "32 to 64": 1}


@pytest.mark.parametrize("seed", range(3))
def test_slices_agree_with_counting_all(seed):
    results = random_results(seed)
    sampling = resampling(len(results), 50)
    objects = sum(int((~item.picture.truth.ignore).sum()) for item in results)
    hits = sum(int((item.matches.hit & (item.detections.scores > 0.3)).sum()) for item in results)
    half = ["a" if place < 6 else "b" for place in range(len(results))]
    made = picture_slices(results, 0.3, {"site": half}, sampling)
    assert sum(item.objects for item in made) == objects
    assert sum(item.hits for item in made) == hits
    for item in made:
        wrong = item.false_alarms
        assert item.values["precision"] == pytest.approx(item.hits / (item.hits + wrong))
        assert item.values["f1"] == pytest.approx(2 * item.hits / (item.hits + wrong + item.objects))
        low, high = item.intervals["recall"]
        assert low <= item.values["recall"] <= high


def test_bins_are_categories_or_of_equally_many_pictures():
    assert [(name, list(members)) for name, _, _, members in bins(["b", None, "a", "b"])] == [("a", [2]), ("b", [0, 3])]
    assert [name for name, *_ in bins([2, 1, 1, 2])] == ["1", "2"]
    made = bins([float(value) for value in range(40)])
    assert [len(members) for *_, members in made] == [10, 10, 10, 10]
    assert sorted(np.concatenate([members for *_, members in made])) == list(range(40))
    assert bins([1.0, 1.0, 1.0]) == []
    assert bins([None, None]) == []
    assert bins([float(value) for value in range(7)]) == [], "too few for two bins"


def pictures(*names, **more):
    return [replace(result([], []).picture, name=name, path=Path(name), **more) for name in names]


def test_photographs_are_sliced_by_site_and_camera():
    values = picture_values(pictures("dataset/s1/cam1/a.jpg", "dataset/s1/cam2/b.jpg", "dataset/s2/cam1/c.jpg"), {})
    assert values == {"site": ["s1", "s1", "s2"], "camera": ["s1/cam1", "s1/cam2", "s2/cam1"]}
    assert picture_values(pictures("one/a.jpg", "two/b.jpg"), {}) == {"site": ["one", "two"]}
    assert picture_values(pictures("a.jpg", "b.jpg"), {}) == {"site": [".", "."]}


def test_photographs_are_sliced_by_brightness_and_blur_where_they_were_looked_at():
    values = picture_values(pictures("a.jpg", "b.jpg"), {1: {"luminance": 0.25, "sharpness": 2.0}})
    assert (values["brightness"], values["blur"]) == ([None, 0.25], [None, -2.0])


def test_renders_are_sliced_by_scenario_and_what_was_drawn():
    values = picture_values(pictures("a.jpg", "b.jpg", scenario="dock", tags={"clutter": 1.5}), {})
    assert values == {"scenario": ["dock", "dock"], "drawn.clutter": [1.5, 1.5]}


def test_what_a_single_picture_says_may_be_chance():
    """Resamples of one picture are all alike, so its interval has no length."""
    good = [result([(0, 0, 70, 70, 0.9, 0)], [(0, 0, 70, 70, 0, 0)]) for _ in range(10)]
    bad = result([(0, 0, 10, 10, 0.9, 0)], [(0, 0, 10, 10, 0, 0)] + [(0, at, 10, at + 8, 0, 0) for at in (20, 40, 60)])
    made = picture_slices([*good, bad], 0.5, {"site": ["a"] * 10 + ["b"]}, resampling(11, 100))
    (found,) = worst(made, {"f1": 0.9})
    assert (found.slice.bin, found.sure) == ("b", False)
    assert found.sentence.endswith("may be chance")


def test_without_resamples_no_interval_is_told():
    good, bad = result([(0, 0, 70, 70, 0.9, 0)], [(0, 0, 70, 70, 0, 0)]), result([], [(0, 0, 10, 10, 0, 0)])
    first = worst(object_slices([good, *[bad] * 5], 0.5, SIZE, resampling(6, 0)), {"recall": 0.5})[0]
    assert first.sentence == "box_height 0 to 16: recall 0.00 on 5 objects against 0.50 on all; may be chance"


def test_the_worst_slices_are_named_with_what_they_cost():
    """Ten pictures whose object is found, ten smaller ones whose object is not."""
    good = [result([(0, 0, 70, 70, 0.9, 0)], [(0, 0, 70, 70, 0, 0)]) for _ in range(10)]
    bad = [result([], [(0, 0, 10, 10, 0, 0)]) for _ in range(10)]
    made = object_slices([*good, *bad], 0.5, SIZE, resampling(20, 200))
    first, *others = worst(made, {"recall": 0.5, "f1": 0.6})
    assert (first.slice.measure, first.slice.bin) == ("box_height", "0 to 16")
    assert first.sure
    assert first.lost == 5
    assert first.sentence == "box_height 0 to 16: recall 0.00 (0.00 to 0.31) on 10 objects against 0.50 on all"
    assert not others
    assert worst(made, {"recall": 0.0, "f1": 0.0}) == []
    assert first.as_json()["sentence"] == first.sentence
