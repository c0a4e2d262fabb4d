"""Tables of a training."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from stages.train.curves import POINTS, precision_recall, write_curves
from stages.train.export import NO_DETECTIONS, Curve
from stages.train.types import Epoch

CURVE = Curve(np.array([0.9, 0.5, 0.2], np.float32), np.array([True, False, True]), 4)


def test_precision_and_recall_go_with_the_score() -> None:
    rows = precision_recall(CURVE)
    assert rows[:, 0].round(3).tolist() == [0.9, 0.5, 0.2]
    assert rows[:, 1].tolist() == [1, 1 / 2, 2 / 3]
    assert rows[:, 2].tolist() == [1 / 4, 1 / 4, 2 / 4]
    assert rows[-1, 3] == 2 * 2 / (3 + 4)


def test_long_tables_are_thinned_and_keep_their_ends() -> None:
    scores = np.linspace(1, 0, 5000, dtype=np.float32)
    rows = precision_recall(Curve(scores, np.ones(5000, bool), 5000))
    assert len(rows) == POINTS
    assert (rows[0, 0], rows[-1, 0]) == (1, 0)


def test_tables_and_picture_are_written(tmp_path: Path) -> None:
    epochs = [Epoch(1, {"train/box_loss": 2.0, "val/ap50": 0.1}), Epoch(2, {"train/box_loss": 1.0, "val/ap50": 0.2})]
    write_curves(tmp_path / "curves", epochs, CURVE)
    with open(tmp_path / "curves/epochs.csv", newline="") as stream:
        assert list(csv.DictReader(stream)) == [
            {"epoch": "1", "train/box_loss": "2.0", "val/ap50": "0.1"},
            {"epoch": "2", "train/box_loss": "1.0", "val/ap50": "0.2"},
        ]
    with open(tmp_path / "curves/precision_recall.csv", newline="") as stream:
        assert next(csv.DictReader(stream)) == {"score": "0.9", "precision": "1.0", "recall": "0.25", "f1": "0.4"}
    assert cv2.imread(str(tmp_path / "curves/curves.png")).shape[1] == 1200


def test_a_model_that_finds_nothing_has_curves_too(tmp_path: Path) -> None:
    write_curves(tmp_path, [Epoch(1, {"val/ap50": 0.0})], NO_DETECTIONS)
    assert (tmp_path / "precision_recall.csv").read_text().splitlines() == ["score,precision,recall,f1"]
