"""Results of pictures that are nowhere, made by hand or at random."""

from pathlib import Path

import numpy as np

from stages.common.detection import Detections, Truth
from stages.evaluate.inference import match_picture
from stages.evaluate.truth import LabelledPicture


def result(found, there, scored=(0, 1), accepted=None, measures=None, path=Path("nowhere.jpg")):
    """From (left, top, right, bottom, score, class) found and (left, top, right, bottom, class, ignore) there."""
    rows = np.array(found, np.float32).reshape(-1, 6)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    objects = np.array(there, np.float64).reshape(-1, 6)
    truth = Truth(objects[:, :4], objects[:, 4].astype(np.int64), objects[:, 5].astype(bool), accepted or {})
    picture = LabelledPicture(1, path.name, path, 100, 100, truth, measures or {})
    return match_picture(picture, Detections(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64)), scored)


def random_results(seed, pictures=12, classes=2):
    """Objects, detections near some of them, false alarms and ignore regions."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(pictures):
        low = rng.uniform(0, 80, (rng.integers(0, 6), 2))
        boxes = np.concatenate([low, low + rng.uniform(6, 30, low.shape)], axis=1)
        numbers = rng.integers(0, classes, len(boxes))
        there = np.column_stack([boxes, numbers, rng.random(len(boxes)) < 0.2])
        near = np.repeat(np.column_stack([boxes, numbers]), 2, axis=0)
        near[:, :4] += rng.normal(0, 2.5, (len(near), 4))
        near[:, 2:4] = np.maximum(near[:, 2:4], near[:, :2] + 1)
        false = rng.uniform(0, 60, (rng.integers(0, 4), 2))
        wrong = np.column_stack([false, false + rng.uniform(5, 40, false.shape), rng.integers(0, classes, len(false))])
        found = np.concatenate([near, wrong])
        found = found[rng.random(len(found)) < 0.8]
        table = np.column_stack([found[:, :4], rng.random(len(found)), found[:, 4]])
        made.append(result(table, there, scored=tuple(range(classes))))
    return made
