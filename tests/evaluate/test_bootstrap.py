import numpy as np
import pytest

from stages.evaluate.bootstrap import resampling
from stages.evaluate.compare import difference
from stages.evaluate.exact import proportion_interval, rate_interval
from stages.evaluate.inference import MATCH_IOU
from stages.evaluate.metrics import ALL, sampled_figures, score
from stages.evaluate.table import COCO_IOUS, LOOSE_IOU, Outcome, Table, table
from tests.evaluate.results import result

FIGURES = ("ap50", "recall", "precision", "f1", "false_positives_per_picture")


GOOD = {"skill": 4.2, "sureness": 3.0, "wrong": 0.4}
"""Of a model that finds 97 of 100 objects and raises an alarm in each twentieth picture."""


def draw_set(rng, pictures, skill=1.0, sureness=1.0, wrong=2.0):
    """A set from a world where some pictures are harder than others, as a table."""
    hard = rng.normal(0, 0.7, pictures)
    there, alarms = rng.poisson(1.6, pictures), rng.poisson(wrong, pictures)
    owner = np.repeat(np.arange(pictures), there)
    found = rng.random(len(owner)) < 1 / (1 + np.exp(-skill - hard[owner]))
    logits = np.concatenate(
        [rng.normal(sureness, 1.2, len(owner))[found] + 0.5 * hard[owner[found]], rng.normal(-1.2, 1.2, alarms.sum())]
    )
    picture = np.concatenate([owner[found], np.repeat(np.arange(pictures), alarms)])
    hit = np.arange(len(picture)) < found.sum()
    order = np.argsort(-logits, kind="stable")
    scores, picture, hit = 1 / (1 + np.exp(-logits[order])), picture[order], hit[order]
    nothing = np.zeros(len(hit), bool)
    levels = np.zeros((len(COCO_IOUS), len(hit)), bool)
    levels[0] = hit  # no more than the average precision at the first IoU is asked for below
    zeros = np.zeros(len(hit), np.int64)
    outcomes = {iou: Outcome(hit, nothing) for iou in (MATCH_IOU, LOOSE_IOU)}
    return Table(pictures, picture, zeros, scores, zeros, levels, levels & False, outcomes, owner, owner * 0)


def figures(found, weights):
    return sampled_figures(found, ["thing"], [0], 0.5, weights)[ALL]


def truth(**world):
    """The figures of the world itself: of so many pictures that chance has no part in them."""
    world = draw_set(np.random.default_rng(99), 200_000, **world)
    return {name: float(value[0]) for name, value in figures(world, np.ones((1, world.pictures), np.float32)).items()}


def cover(pictures, tries=500, **world):
    """Shares of intervals that hold the truth, and their mean lengths, by figure; each data set once from the world."""
    rng, wanted = np.random.default_rng(pictures), truth(**world)
    ends = {name: [] for name in FIGURES}
    sampling = resampling(pictures, 400, seed=1)
    for _ in range(tries):
        found = draw_set(rng, pictures, **world)
        drawn = sampled_figures(found, ["thing"], [0], 0.5, sampling.weights)
        made = score(found, ["thing"], [0], 0.5, sampling, drawn).overall
        for name in FIGURES:
            if made.values[name] is not None:
                ends[name].append(made.intervals[name])
    held = {name: np.mean([low <= wanted[name] <= high for low, high in rows]) for name, rows in ends.items()}
    return held, {name: np.mean([high - low for low, high in rows]) for name, rows in ends.items()}


@pytest.mark.parametrize(("pictures", "longest"), [(15, 0.25), (40, 0.13), (100, 0.08)])
def test_intervals_of_a_good_model_on_few_pictures_are_no_shorter(pictures, longest):
    """Its handful of mistakes is a whole number, so more than 95 % is all that can be asked, without being long."""
    shares, lengths = cover(pictures, 300, **GOOD)
    assert all(share >= 0.93 for share in shares.values()), shares
    assert lengths["f1"] < longest


def test_a_model_without_a_mistake_may_make_some():
    """Ten pictures with an object each, all found."""
    found = table([result([(0, 0, 20, 20, 0.9, 0)], [(0, 0, 20, 20, 0, 0)]) for _ in range(10)])
    made = score(found, ["thing", "other"], [0], 0.5, resampling(10, 200)).overall.intervals
    for name in ("recall", "precision", "ap50", "recall_iou30", "precision_iou30"):
        assert made[name] == pytest.approx((0.692, 1), abs=1e-3)  # 0.025 ** (1 / 10)
    assert made["f1"] == pytest.approx((2 * 0.692 / 1.692, 1), abs=1e-3)
    assert made["false_positives_per_picture"] == pytest.approx((0, 0.369), abs=1e-3)  # -log(0.025) / 10


def test_a_rate_has_garwoods_interval():
    assert rate_interval(0, 1) == pytest.approx((0, 3.689), abs=1e-3)
    assert rate_interval(3, 2) == pytest.approx((0.619 / 2, 8.767 / 2), abs=1e-3)  # his table


@pytest.mark.parametrize("pictures", [15, 60])
def test_intervals_cover_the_truth_in_95_of_100_data_sets(pictures):
    """500 data sets: the share of intervals that hold the truth is 93 to 97 %."""
    shares, _ = cover(pictures)
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


def test_the_same_arguments_give_the_same_weightings():
    first, second = resampling(30, 50, seed=3), resampling(30, 50, seed=3)
    np.testing.assert_array_equal(first.weights, second.weights)
    assert (first.weights[0] == 1).all()
    assert (first.weights[1:51].sum(axis=1) == 30).all()
    assert (first.weights[51:].sum(axis=1) == 29).all()
    assert not np.array_equal(first.weights, resampling(30, 50, seed=4).weights)


def test_many_pictures_are_left_out_in_groups():
    sampling = resampling(1000, 10)
    assert sampling.weights.shape == (1 + 10 + 200, 1000)
    assert (sampling.weights[11:] == 0).sum() == 1000, "each picture once"


@pytest.mark.parametrize("pictures", [0, 1])
def test_one_picture_says_nothing_about_others(pictures):
    sampling = resampling(pictures, 20)
    assert sampling.interval(np.ones(len(sampling.weights))) is None


def test_a_figure_that_most_resamples_do_not_have_has_no_interval():
    sampling = resampling(10, 100)
    values = np.full(len(sampling.weights), np.nan)
    values[0] = 0.5
    assert sampling.interval(values) is None
    assert resampling(10, 0).interval(np.ones(11)) is None


def test_a_share_of_nought_has_the_exact_interval():
    assert proportion_interval(0, 4) == pytest.approx((0, 0.602), abs=1e-3)  # 1 - 0.025 ** (1 / 4)
    assert proportion_interval(4, 4) == pytest.approx((0.398, 1), abs=1e-3)


def test_a_paired_difference_is_surer_than_two_intervals():
    """The second model misses a few objects more, in pictures that are hard for both."""
    rng = np.random.default_rng(0)
    objects, hits = rng.integers(1, 6, 80).astype(float), np.zeros(80)
    hits[:] = np.round(objects * rng.random(80))
    worse = np.maximum(hits - (rng.random(80) < 0.25), 0)
    sampling = resampling(80, 500)
    first, second = (sampling.weights @ part / (sampling.weights @ objects) for part in (hits, worse))
    found = difference(first, second, sampling)
    assert found.sure
    assert found.difference == pytest.approx(found.first - found.second)
    alone = [sampling.interval(values) for values in (first, second)]
    assert alone[0][0] < alone[1][1], "the two intervals overlap"
