import numpy as np
import pytest

from benchmarks.gate_power import one_try
from stages.common.errors import SettingsError
from stages.common.settings.learning import SLICED, Gate
from stages.evaluate.gate import Found, decide
from stages.evaluate.slices import EDGES
from tests.evaluate.predictions import read
from tests.evaluate.results import result
from tests.settings import compose

GATE = Gate(name="standard", resamples=300)
THERE = (0, 0, 20, 20, 0, 0)
HIT, ALARM = (0, 0, 20, 20, 0.9, 0), (60, 60, 80, 80, 0.9, 0)


def found(hits, pictures=40, alarms=False):
    """A picture with one object each, of which the first are found."""
    extra = [ALARM] if alarms else []
    return Found([result([HIT, *extra] if place < hits else extra, [THERE]) for place in range(pictures)], 0.5)


def gate(challenger, champion, settings=GATE, scored=(0,), **cut_by):
    return decide(challenger, champion, ("a", "b"), scored, settings, input_size=(100, 100), cut_by=cut_by)


def test_a_model_that_is_surely_better_passes():
    made = gate(found(36), found(16))
    assert made.passed
    assert made.difference == pytest.approx(made.challenger - made.champion)
    assert 0 < made.interval[0] < made.difference < made.interval[1]
    assert made.reasons[0].endswith("lies above the margin 0")
    assert made.reasons[1].startswith("none of the 2 slices of at least 30 objects falls by more than its limit")


@pytest.mark.parametrize("hits", [16, 17, 10], ids=["the same", "by chance", "worse"])
def test_a_model_that_is_not_surely_better_stays_out(hits):
    made = gate(found(hits), found(16))
    assert not made.passed
    assert "does not lie above the margin 0" in made.reasons[0]


def test_the_margin_is_for_the_lower_end_of_the_interval():
    low = gate(found(36), found(16)).interval[0]
    assert gate(found(36), found(16), GATE.model_copy(update={"margin": low - 0.001})).passed
    assert not gate(found(36), found(16), GATE.model_copy(update={"margin": low + 0.001})).passed


def test_a_slice_that_falls_keeps_a_better_model_out():
    """One camera of two gets worse, the whole gets better."""
    camera = ["near"] * 80 + ["far"] * 40
    old = Found([*found(20, 80).results, *found(40, 40).results], 0.5)
    new = Found([*found(78, 80).results, *found(30, 40).results], 0.5)
    made = gate(new, old, camera=camera)
    assert made.interval[0] > 0
    assert not made.passed
    assert made.reasons[1] == (
        "falls by more than its limit: camera far: f1 0.857 against 1.000 on 40 objects, -0.143, limit -0.1"
    )
    assert gate(new, old, GATE.model_copy(update={"slice_limits": {"camera": 0.2}}), camera=camera).passed
    few = gate(new, old, GATE.model_copy(update={"least_objects": 41}), camera=camera)
    assert few.passed
    assert few.too_small == made.too_small + 1


def test_a_class_that_falls_keeps_a_better_model_out():
    def both(first, second):
        pictures = [([HIT] if n < first else []) + ([(*ALARM[:5], 1)] if n < second else []) for n in range(40)]
        return Found([result(boxes, [THERE, (60, 60, 80, 80, 1, 0)]) for boxes in pictures], 0.5)

    made = gate(both(40, 20), both(5, 36), scored=(0, 1))
    assert made.interval[0] > 0
    assert not made.passed
    assert [text for text in made.reasons if "class b: f1 0.667 against 0.947 on 40 objects" in text]


def test_average_precision_can_decide():
    made = gate(found(36), found(16), GATE.model_copy(update={"measure": "ap50"}))
    assert made.passed
    assert made.challenger == pytest.approx(0.9, abs=0.02)
    assert made.reasons[0].startswith("AP50 0.9")


def test_too_little_to_tell():
    assert gate(found(1, 1), found(0, 1)).reasons[0].endswith("has no interval on so few pictures")
    empty = Found([result([], []) for _ in range(5)], 0.5)
    assert gate(empty, empty).reasons[0] == "F1 cannot be told for both models on this set"
    assert not gate(empty, None).passed


def test_the_first_champion_must_reach_a_floor():
    assert gate(found(3), None).passed
    nothing = gate(found(0), None)
    assert not nothing.passed
    assert nothing.reasons == ("there is no champion yet, and F1 0.000 lies below the floor 0.1 for the first",)
    assert gate(found(0), None, GATE.model_copy(update={"floor": 0})).passed


@pytest.mark.parametrize("champion", [found(0, 11), None], ids=["a champion", "none"])
def test_few_pictures_or_objects_decide_nothing(champion):
    made = gate(found(11, 11), champion)
    assert not made.passed
    assert made.reasons[1:3] == (
        "11 pictures are too few to decide (gate.least_pictures=12)",
        "11 objects are too few to decide (gate.least_set_objects=20)",
    )
    enough = GATE.model_copy(update={"least_pictures": 11, "least_set_objects": 11})
    assert gate(found(11, 11), champion, enough).passed


def test_slices_that_are_too_small_are_no_reason_for_it():
    made = gate(found(25, 25), found(5, 25))
    assert made.passed
    assert made.reasons[1] == "whether a slice falls is not known, since none of 2 has 30 objects"


@pytest.mark.parametrize(("pictures", "most"), [(12, 5), (15, 5)])
def test_an_equal_model_on_as_few_pictures_as_the_gate_takes(pictures, most):
    """Under 5 of 100 tries; on four pictures it would be eight."""
    rng = np.random.default_rng(3)
    assert sum(one_try(rng, pictures, 0.55, GATE).passed for _ in range(100)) < most


def test_models_that_were_really_trained():
    """The refined model against the one it started from, on the photographs of LOCO: 15 are too few to tell."""
    (old, names, scored, before), (new, _, _, after) = read("loco-dev"), read("loco-dev-refined")
    made = decide(Found(new, after), Found(old, before), names, scored, GATE, input_size=(640, 640), cut_by={})
    assert made.pictures == 15
    assert made.interval[0] < made.difference < made.interval[1]
    assert made.passed == (made.interval[0] > 0 and not any(item.falls for item in made.slices))
    itself = decide(Found(old, before), Found(old, before), names, scored, GATE, input_size=(640, 640), cut_by={})
    assert (itself.passed, itself.difference, itself.interval) == (False, 0, (0, 0))


@pytest.mark.parametrize(("skill", "least", "most"), [(0.55, 0, 3), (1.3, 20, 25)], ids=["equal", "better by 0.10"])
def test_few_tries_of_the_simulation(skill, least, most):
    """25 of the 500 that ``benchmarks/gate_power.py`` makes."""
    rng = np.random.default_rng(5)
    assert least <= sum(one_try(rng, 200, skill, GATE).passed for _ in range(25)) <= most


def test_limits_of_what_nothing_is_sliced_by_are_refused():
    with pytest.raises(
        SettingsError, match=r"gate\.slice_limits names 'kamera', by which nothing is sliced: choose from"
    ):
        compose("+gate.slice_limits.kamera=0.2")
    assert compose("+gate.slice_limits.camera=0.2").gate.slice_limits == {"camera": 0.2}


def test_limits_may_name_all_that_objects_are_sliced_by():
    assert set(EDGES) <= set(SLICED)
