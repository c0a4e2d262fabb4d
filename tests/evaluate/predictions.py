"""Detections that really trained models made, kept as JSON in ``tests/data/predictions``.

``sim-test``: ``warehouse-yolo11n.pt``, exported at 640 pixels, on the 24 test frames of the laptop's settings (seed 0,
Cycles). ``loco-dev``: the same model on the photographs of ``real/loco-dev``. ``loco-dev-refined``: that model after
one epoch on 27 frames of the laptop's settings, as ``python -m stages.train`` leaves it, on the same photographs.

That model, trained on 1,750 rendered frames, was the first of this project. ``weights/warehouse-yolo11s.pt`` took its
place, so it lies in the repository's history alone, and frames are drawn otherwise by now: the three lists are kept as
they are and cannot be made again from this checkout. They are there to check arithmetic on what trained models really
say, not for the figures of a model. ``python -m tests.evaluate.predictions MODEL.onnx SET.json PICTURES OUT.json``,
which made them, adds others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from stages.common.detection import Detections, Detector, Truth
from stages.evaluate.inference import LEAST_SCORE, match_picture, usable_pixels
from stages.evaluate.real import locate
from stages.evaluate.truth import LabelledPicture, read_labelled_set

FOLDER = Path(__file__).resolve().parents[1] / "data/predictions"
NAMES = ("sim-test", "loco-dev", "loco-dev-refined")


def read(name):
    """Results, class names, numbers of the classes that count, and the operating threshold of a kept set."""
    content = json.loads((FOLDER / f"{name}.json").read_text())
    results = []
    for number, image in enumerate(content["pictures"], 1):
        rows = np.array([row[:6] for row in image["objects"]], np.float64).reshape(-1, 6)
        accepted = {i: np.array(row[6], np.float64) for i, row in enumerate(image["objects"]) if row[6]}
        truth = Truth(rows[:, :4], rows[:, 4].astype(np.int64), rows[:, 5].astype(bool), accepted)
        picture = LabelledPicture(number, image["name"], Path(image["name"]), image["width"], image["height"], truth)
        found = np.array(image["detections"], np.float64).reshape(-1, 6)
        boxes = Detections(
            found[:, :4].astype(np.float32), found[:, 4].astype(np.float32), found[:, 5].astype(np.int64)
        )
        results.append(match_picture(picture, boxes, content["scored"]))
    return results, content["names"], content["scored"], content["threshold"]


def write(model, annotations, pictures, out):
    """Ask a model about a labelled set and keep what it says."""
    detector = Detector(model)
    labelled = read_labelled_set(annotations, annotations.stem, detector.names, lambda image: locate(image, pictures))
    rows = []
    for picture in labelled.pictures:
        truth = picture.truth
        pixels, _ = usable_pixels(picture)
        found = detector.detect(pixels, LEAST_SCORE)
        objects = [
            [*box, number, ignore, truth.accepted[i].tolist() if i in truth.accepted else []]
            for i, (box, number, ignore) in enumerate(
                zip(truth.xyxy.tolist(), truth.classes.tolist(), truth.ignore.astype(int).tolist(), strict=True)
            )
        ]
        columns = zip(found.xyxy.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True)
        rows.append(
            {
                "name": picture.name,
                "width": picture.width,
                "height": picture.height,
                "objects": objects,
                "detections": [
                    [*(round(s, 2) for s in box), round(score, 5), number] for box, score, number in columns
                ],
            }
        )
    content = {
        "names": list(detector.names),
        "scored": list(labelled.scored),
        "threshold": detector.threshold,
        "pictures": rows,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:]))
