import numpy as np
import pytest

from stages.evaluate.metrics import ALL
from stages.evaluate.mistakes import KINDS, classify, mistakes
from stages.evaluate.table import standing_in
from tests.evaluate import predictions
from tests.evaluate.results import random_results, result

NAMES = ("pallet", "truck")
PALLET, TRUCK = (0, 0, 20, 20, 0, 0), (50, 50, 90, 90, 1, 0)


def kinds(found, there):
    """Names of the kinds of all detections by falling score, and counts of missed objects."""
    made = classify([result(found, there)], 2, 0.0)
    return ["hit" if kind < 0 else KINDS[kind] for kind in made.kind], made.missed.tolist()


@pytest.mark.parametrize(
    ("found", "kind", "missed"),
    [
        ((0, 0, 20, 20, 0.9, 0), "hit", [0, 1]),
        ((0, 0, 20, 8, 0.9, 0), "localisation", [0, 1]),  # IoU 0.4 with the pallet, which the oracle would find
        ((50, 50, 90, 90, 0.9, 0), "class", [1, 0]),  # on the truck
        ((50, 50, 90, 62, 0.9, 0), "both", [1, 1]),  # IoU 0.3 with the truck
        ((0, 60, 20, 80, 0.9, 0), "background", [1, 1]),
    ],
)
def test_each_kind(found, kind, missed):
    assert kinds([found], [PALLET, TRUCK]) == ([kind], missed)


def test_a_second_detection_is_a_duplicate_and_one_in_an_ignore_region_is_no_error():
    again = [(0, 0, 20, 20, 0.9, 0), (0, 0, 20, 19, 0.8, 0)]
    assert kinds(again, [PALLET]) == (["hit", "duplicate"], [0, 0])
    assert kinds([(2, 2, 8, 8, 0.9, 0)], [(0, 0, 20, 20, 0, 1)]) == ([], [0, 0])


def test_a_picture_without_objects_has_only_background():
    assert kinds([(0, 0, 9, 9, 0.9, 0), (0, 0, 9, 9, 0.8, 1)], []) == (["background"] * 2, [0, 0])


def test_what_mending_a_kind_would_gain():
    """The only error is the badly placed one, so that mending it gives 1 and costs what is missing to 1."""
    results = [result([(0, 0, 20, 8, 0.9, 0)], [PALLET]), result([(0, 0, 20, 20, 0.5, 0)], [PALLET])]
    made = mistakes(results, NAMES, (0, 1), 0.6)
    assert made.keys() == {"pallet", ALL}
    found = made["pallet"]
    assert found.counts == {**dict.fromkeys(KINDS, 0), "localisation": 1, "missed": 1}
    precision = 51 / 101 * 0.5  # recall up to 0.5 at a precision of a half
    assert found.costs["localisation"] == pytest.approx(1 - precision)
    assert found.costs["missed"] == found.costs["background"] == 0
    numbers = found.as_json()
    assert numbers["localisation"] == {"count": 1, "ap50_cost": pytest.approx(1 - precision, abs=1e-5)}


def test_one_object_is_mended_once():
    """Of two badly placed detections of one object the better one is mended, and the other removed."""
    results = [result([(0, 0, 20, 8, 0.9, 0), (0, 0, 20, 7, 0.8, 0)], [PALLET])]
    wrong = classify(results, 2, 0.0)
    assert wrong.mended.tolist() == [0, -1]
    assert mistakes(results, NAMES, (0, 1), 0.5)["pallet"].costs["localisation"] == pytest.approx(1)


def as_tide_has_it(item, scored):
    """A picture as TIDE's own code knows one: no ignore regions, one box an object, less than 100 detections."""
    truth, found = item.picture.truth, item.detections
    kept = ~item.matches.ignored & (found.scores > 0.15)
    return result(
        np.column_stack([found.xyxy, found.scores, found.classes])[kept],
        np.column_stack([standing_in(item), truth.classes, truth.ignore])[~truth.ignore],
        scored=scored,
    )


# What tidecv 1.0.1, the authors' code, says of the same pictures
TIDE = {
    "sim-test": {
        "class": 0.001497,
        "localisation": 0.060647,
        "both": 0.034924,
        "duplicate": 0.02193,
        "background": 0.013569,
        "missed": 0.193665,
        "false_positives": 0.119307,
        "false_negatives": 0.286453,
    },
    "loco-dev": {
        "class": 0.0,
        "localisation": 0.197398,
        "both": 0.0,
        "duplicate": 0.00096,
        "background": 0.042219,
        "missed": 0.154315,
        "false_positives": 0.107262,
        "false_negatives": 0.334826,
    },
    "loco-dev-refined": {
        "class": 0.0,
        "localisation": 0.142185,
        "both": 0.0,
        "duplicate": 0.001226,
        "background": 0.038286,
        "missed": 0.236366,
        "false_positives": 0.062235,
        "false_negatives": 0.401854,
    },
}


@pytest.mark.parametrize("name", TIDE)
def test_the_costs_are_those_of_the_authors_code(name, monkeypatch):
    # its recall points are 0.57 and so on, COCO's a rounding error more
    monkeypatch.setattr("stages.evaluate.mistakes.RECALLS", np.arange(101) / 100)
    results, names, scored, threshold = predictions.read(name)
    found = mistakes([as_tide_has_it(item, scored) for item in results], names, scored, threshold)[ALL]
    costs = {**found.costs, "false_positives": found.false_positives, "false_negatives": found.false_negatives}
    assert costs == pytest.approx(TIDE[name], abs=2e-6)


@pytest.mark.parametrize("seed", range(4))
def test_every_wrong_detection_has_one_kind(seed):
    results = random_results(seed)
    wrong = classify(results, 2, 0.0)
    hits = sum(int(item.matches.hit.sum()) for item in results)
    ignored = sum(int(item.matches.ignored.sum()) for item in results)
    assert (wrong.kind < 0).sum() == hits
    assert len(wrong.kind) + ignored == sum(len(item.detections) for item in results)
    assert (wrong.missed <= wrong.unfound).all()
    assert wrong.unfound.sum() + hits == wrong.objects.sum()
    made = mistakes(results, NAMES, (0, 1), 0.3)
    assert all(value >= 0 for item in made.values() for value in item.costs.values())
