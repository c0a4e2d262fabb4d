import contextlib
import io

import numpy as np
import pytest

from stages.evaluate.metrics import score
from stages.evaluate.precision import weighted_precision
from stages.evaluate.table import standing_in, table
from tests.evaluate import predictions
from tests.evaluate.results import random_results, result


def xywh(box):
    left, top, right, bottom = (float(side) for side in box)
    return [left, top, right - left, bottom - top]


def coco_records(results, classes):
    """The set and the detections as COCO has them."""
    images, annotations, found = [], [], []
    for number, item in enumerate(results, 1):
        truth = item.picture.truth
        images.append({"id": number, "width": item.picture.width, "height": item.picture.height})
        for index, box in enumerate(standing_in(item)):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(truth.classes[index]) + 1,
                    "bbox": xywh(box),
                    "area": float(np.prod(xywh(box)[2:])),
                    "iscrowd": int(truth.ignore[index]),
                }
            )
        for box, value, name in zip(item.detections.xyxy, item.detections.scores, item.detections.classes, strict=True):
            found.append({"image_id": number, "category_id": int(name) + 1, "bbox": xywh(box), "score": float(value)})
    categories = [{"id": number + 1, "name": str(number)} for number in classes]
    return {"images": images, "annotations": annotations, "categories": categories}, found


def by_pycocotools(results, classes):
    """(AP50, AP50:95, AR) by class number, by COCO's own code."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = coco_records(results, classes)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found) if found else coco.loadRes(np.zeros((0, 7))), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision, recall = evaluation.eval["precision"][:, :, :, 0, -1], evaluation.eval["recall"][:, :, 0, -1]
    return {
        number: (precision[0, :, column].mean(), precision[:, :, column].mean(), recall[:, column].mean())
        for column, number in enumerate(classes)
        if precision[0, 0, column] > -1
    }


def ours(results, classes):
    found = table(results)
    made = {number: weighted_precision(found, number, np.ones((1, len(results)))) for number in classes}
    return {
        number: (item.at_50[0], item.at_50_95[0], item.recall[0])
        for number, item in made.items()
        if np.isfinite(item.at_50[0])
    }


@pytest.mark.parametrize("seed", range(6))
def test_pycocotools_comes_to_the_same(seed):
    results = random_results(seed)
    mine, theirs = ours(results, (0, 1)), by_pycocotools(results, (0, 1))
    assert mine.keys() == theirs.keys() == {0, 1}
    for number in mine:
        assert mine[number] == pytest.approx(theirs[number], abs=1e-9)
        assert 0.05 < mine[number][1] < mine[number][0] < 1, "the made-up case must be neither empty nor easy"


@pytest.mark.parametrize("name", predictions.NAMES)
def test_pycocotools_comes_to_the_same_on_what_trained_models_found(name):
    results, _, scored, _ = predictions.read(name)
    truths = [item.picture.truth for item in results]
    assert any(truth.ignore.any() for truth in truths)
    mine, theirs = ours(results, scored), by_pycocotools(results, scored)
    assert mine.keys() == theirs.keys() != set()
    for number in mine:
        assert mine[number] == pytest.approx(theirs[number], abs=1e-6)
        assert mine[number][0] > 0.05


@pytest.mark.parametrize("name", predictions.NAMES)
def test_pictures_without_objects_count_as_in_coco(name):
    """Every third picture loses its objects, and one of those its detections."""
    results, _, scored, _ = predictions.read(name)
    emptied = [emptied_of_objects(item, scored) if place % 3 == 0 else item for place, item in enumerate(results)]
    emptied.append(result([], [], scored=scored))
    mine, theirs = ours(emptied, scored), by_pycocotools(emptied, scored)
    assert mine.keys() == theirs.keys() != set()
    for number in mine:
        assert mine[number] == pytest.approx(theirs[number], abs=1e-6)


def emptied_of_objects(item, scored):
    found = item.detections
    return result(np.column_stack([found.xyxy, found.scores, found.classes]), [], scored=scored)


def test_empty_pictures_of_every_kind():
    results = [
        result([], []),
        *random_results(3),
        result([(0, 0, 9, 9, 0.99, 0)], []),
        result([], [(0, 0, 9, 9, 1, 0)]),
    ]
    for number, values in by_pycocotools(results, (0, 1)).items():
        assert ours(results, (0, 1))[number] == pytest.approx(values, abs=1e-9)


@pytest.mark.parametrize("name", predictions.NAMES)
@pytest.mark.parametrize("iou", [0.3, 0.5])
def test_precision_recall_and_f1_are_those_of_counting_one_by_one(name, iou):
    """Counted by plain loops over plain lists, with ignore regions and accepted extents."""
    results, names, scored, threshold = predictions.read(name)
    scores = score(table(results), names, scored, threshold)
    ending = "" if iou == 0.5 else "_iou30"
    total = np.zeros(3, int)
    for number in scored:
        hits, alarms, objects = count_by_hand(results, number, threshold, iou)
        total += (hits, alarms, objects)
        values = scores.classes[names[number]].values
        expected = (hits / (hits + alarms) if hits + alarms else None, hits / objects if objects else None)
        assert (values[f"precision{ending}"], values[f"recall{ending}"]) == pytest.approx(expected)
    hits, alarms, objects = total
    values = scores.overall.values
    assert values[f"precision{ending}"] == pytest.approx(hits / (hits + alarms))
    assert values[f"recall{ending}"] == pytest.approx(hits / objects)
    assert values[f"f1{ending}"] == pytest.approx(2 * hits / (hits + alarms + objects))
    if iou == 0.5:
        assert values["false_positives_per_picture"] == pytest.approx(alarms / len(results))
        assert (scores.overall.counts.hits, scores.overall.counts.false_alarms) == (hits, alarms)


def overlap(a, b):
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0, 0.0
    own = (a[2] - a[0]) * (a[3] - a[1])
    return wide * high / (own + (b[2] - b[0]) * (b[3] - b[1]) - wide * high), wide * high / own


def count_by_hand(results, number, threshold, iou):
    hits = alarms = objects = 0
    for item in results:
        truth, found = item.picture.truth, item.detections
        mine = [i for i in range(len(truth)) if truth.classes[i] == number]
        left = {i: [truth.xyxy[i], *truth.accepted.get(i, [])] for i in mine if not truth.ignore[i]}
        objects += len(left)
        boxes = sorted(
            (-found.scores[i], i)
            for i in range(len(found))
            if found.classes[i] == number and found.scores[i] > threshold
        )
        for _, i in boxes:
            box = found.xyxy[i].astype(float)
            best = max(((max(overlap(box, e)[0] for e in extents), -k) for k, extents in left.items()), default=(0, 0))
            if best[0] >= iou:
                hits += 1
                del left[-best[1]]
            elif not any(truth.ignore[k] and overlap(box, truth.xyxy[k])[1] >= iou for k in mine):
                alarms += 1
    return hits, alarms, objects


@pytest.mark.parametrize("seed", range(3))
def test_a_weighting_is_the_same_as_repeating_pictures(seed):
    results = random_results(seed)
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 3, (5, len(results))).astype(float)
    found = table(results)
    made = weighted_precision(found, 0, weights)
    for row in range(len(weights)):
        repeated = [item for item, times in zip(results, weights[row], strict=True) for _ in range(int(times))]
        at_50, at_50_95, recall = ours(repeated, (0,))[0]
        assert (made.at_50[row], made.at_50_95[row], made.recall[row]) == pytest.approx((at_50, at_50_95, recall))


def test_finding_everything_exactly_gives_one():
    results = [
        result([(0, 0, 20, 20, 0.9, 0), (30, 30, 60, 50, 0.3, 0)], [(0, 0, 20, 20, 0, 0), (30, 30, 60, 50, 0, 0)])
    ]
    assert ours(results, (0,))[0] == pytest.approx((1, 1, 1))


def test_a_class_without_objects_has_none_and_one_without_detections_has_zero():
    results = [result([(0, 0, 20, 20, 0.9, 1)], [(0, 0, 20, 20, 0, 0), (0, 0, 9, 9, 1, 1)])]
    found = ours(results, (0, 1))
    assert found.keys() == {0}
    assert found[0] == (0, 0, 0)


def test_detections_in_an_ignore_region_cost_nothing():
    objects = [(0, 0, 20, 20, 0, 0), (50, 50, 90, 90, 0, 1)]
    alarm, hit = (52, 52, 60, 60, 0.95, 0), (0, 0, 20, 20, 0.5, 0)
    assert ours([result([alarm, hit], objects)], (0,))[0][0] == pytest.approx(1)
    assert ours([result([alarm, hit], objects[:1])], (0,))[0][0] == pytest.approx(0.5)


def test_the_accepted_extent_that_was_found_stands_for_the_object():
    there, short = [(0, 0, 90, 20, 0, 0)], (0, 0, 30, 20, 0.9, 0)
    accepted = {0: np.array([[0, 0, 90, 20], [0, 0, 31, 20]])}
    assert ours([result([short], there, accepted=accepted)], (0,))[0][:2] == pytest.approx((1, 1))  # 30/31 overlap
    assert ours([result([short], there)], (0,))[0][0] == 0
    unfound = result([(50, 50, 80, 80, 0.9, 0)], there, accepted=accepted)
    assert standing_in(unfound)[0].tolist() == [0, 0, 90, 20]


def test_only_a_hundred_detections_of_a_class_in_a_picture_count():
    alarms = [(50, 50, 60, 60, 0.9 - i / 1000, 0) for i in range(100)]
    hit = (0, 0, 20, 20, 0.5, 0)
    results = [result([*alarms, hit], [(0, 0, 20, 20, 0, 0)])]
    assert ours(results, (0,))[0] == by_pycocotools(results, (0,))[0] == (0, 0, 0)
