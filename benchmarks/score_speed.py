"""How long counting takes once the network has spoken: 5,000 pictures with 50,000 detections, beside pycocotools.

    python -m benchmarks.score_speed
    python -m benchmarks.score_speed --pictures 500

Everything after the network is timed: matching, figures, slices, error kinds, calibration, 1,000 resamples, the choice
of pictures, and the report in HTML and Markdown with its CSVs. Beside it, in the same process, pycocotools evaluates
and accumulates the same boxes: one average precision, without intervals, slices or a report. Pictures and boxes are
made up; nothing is fetched. Processor time is what two idle cores would share; the clock counts other programs, too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from stages.common.detection import Detections, Detector, Truth
from stages.common.settings.learning import Evaluate
from stages.evaluate import measure as measure_module
from stages.evaluate.gap import Gap
from stages.evaluate.inference import Model, match_picture
from stages.evaluate.measure import Measured
from stages.evaluate.run import Evaluation, write_results
from stages.evaluate.truth import LabelledPicture, LabelledSet

Made = TypeVar("Made")
NAMES = ("small_load_carrier", "forklift", "pallet", "stillage", "pallet_truck")
WIDTH, HEIGHT = 640, 480
SCENARIOS = ("aisle", "dock", "staging", "parking")


def made_up(pictures: int, detections: int, folder: Path, seed: int = 0) -> tuple[LabelledSet, list[Detections]]:
    """A labelled set and what a fair detector would find in it."""
    import cv2

    rng = np.random.default_rng(seed)
    photograph = folder / "picture.jpg"
    cv2.imwrite(str(photograph), rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    labelled, found = [], []
    for number in range(pictures):
        count = int(rng.poisson(5))
        corner = rng.uniform(0, [WIDTH - 40, HEIGHT - 40], (count, 2))
        boxes = np.concatenate([corner, corner + rng.lognormal(3.8, 0.6, (count, 2))], axis=1)
        classes = rng.integers(0, len(NAMES), count)
        measures = {
            "occlusion": rng.random(count),
            "truncation": rng.random(count) / 2,
            "distance": rng.uniform(1, 20, count),
        }
        tags: dict[str, float | str] = {"clutter": float(rng.uniform(0.4, 1.4)), "noise": float(rng.uniform(0, 4))}
        truth = Truth(boxes, classes, rng.random(count) < 0.1)
        labelled.append(
            LabelledPicture(
                number,
                f"{number:07d}.jpg",
                photograph,
                WIDTH,
                HEIGHT,
                truth,
                measures,
                str(rng.choice(SCENARIOS)),
                tags,
            )
        )
        found.append(_detections(rng, boxes, classes, detections // pictures))
    return LabelledSet("made up", NAMES, tuple(range(len(NAMES))), tuple(labelled), (), ()), found


def _detections(rng: np.random.Generator, boxes: Any, classes: Any, count: int) -> Detections:
    """So many: most objects, some of them twice, and the rest nothing."""
    near = min(len(boxes), count)
    corner = rng.uniform(0, [WIDTH - 40, HEIGHT - 40], (count - near, 2))
    nothing = np.concatenate([corner, corner + rng.lognormal(3.8, 0.6, (count - near, 2))], axis=1)
    xyxy = np.concatenate([boxes[:near] + rng.normal(0, 3, (near, 4)), nothing])
    xyxy[:, 2:] = np.maximum(xyxy[:, 2:], xyxy[:, :2] + 1)
    numbers = np.concatenate([classes[:near], rng.integers(0, len(NAMES), count - near)])
    scores = np.concatenate([rng.beta(4, 2, near), rng.beta(1, 5, count - near)])
    order = np.argsort(-scores, kind="stable")
    return Detections(xyxy[order].astype(np.float32), scores[order].astype(np.float32), numbers[order])


def timed(work: Callable[[], Made]) -> tuple[Made, str, float]:
    """What the work gives, its times in words, and its seconds by the clock."""
    start, used = time.perf_counter(), time.process_time()
    made = work()
    seconds, busy = time.perf_counter() - start, time.process_time() - used
    return made, f"{seconds:.1f} s by the clock, {busy:.1f} s of processor time", busy


def ours(model: Model, labelled: LabelledSet, found: list[Detections], out: Path) -> Measured:
    """Everything but the network, whose answers are given."""

    def spoken(*_: object) -> tuple[list[Any], list[str]]:
        pairs = zip(labelled.pictures, found, strict=True)
        return [match_picture(picture, boxes, labelled.scored) for picture, boxes in pairs], []

    real, measure_module.detect_set = measure_module.detect_set, spoken
    try:
        settings = Evaluate(name="benchmark", resamples=1000, scale_pictures=0, appearance_pictures=0)
        measured = measure_module.measure("sim", model, labelled, settings)
    finally:
        measure_module.detect_set = real
    gaps: dict[str, Gap] = {}
    _, told, _ = timed(
        lambda: write_results(out, model.detector, "", Evaluation({"sim": measured.metrics()}, measured, {}, gaps))
    )
    print(f"of that the report: {told}, {(out / 'report.html').stat().st_size / 1e6:.1f} MB")
    return measured


def theirs(labelled: LabelledSet, found: list[Detections]) -> list[float]:
    """AP50 and AP50:95 by pycocotools, from the same boxes."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def xywh(box: Any) -> list[float]:
        return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]

    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(labelled.pictures, 1):
        truth = picture.truth
        for box, name, ignore in zip(truth.xyxy, truth.classes, truth.ignore, strict=True):
            sides = xywh(box)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": int(name) + 1, "bbox": sides,
                 "area": sides[2] * sides[3], "iscrowd": int(ignore)}
            )  # fmt: skip
    results = [
        {"image_id": number, "category_id": int(name) + 1, "bbox": xywh(box), "score": float(score)}
        for number, item in enumerate(found, 1)
        for box, score, name in zip(item.xyxy, item.scores, item.classes, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in range(1, len(found) + 1)],
            "annotations": annotations,
            "categories": [{"id": number + 1, "name": name} for number, name in enumerate(NAMES)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    table = evaluation.eval["precision"][:, :, :, 0, -1]
    return [float(table[0].mean()), float(table.mean())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--detections", type=int, default=50_000)
    arguments = parser.parse_args()
    from tests.tiny_models import write_constant_model

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labelled, found = made_up(arguments.pictures, arguments.detections, folder)
        model = Model(Detector(write_constant_model(folder / "m.onnx", NAMES, (WIDTH, HEIGHT), [], threshold=0.4)))
        measured, mine, seconds = timed(lambda: ours(model, labelled, found, folder / "reports"))
        figures, other, plain = timed(lambda: theirs(labelled, found))
    values = measured.scores.overall.values
    print(f"{arguments.pictures} pictures, {sum(map(len, found))} detections, {labelled.objects} objects")
    print(f"ours, with 1,000 resamples, slices, error kinds and the report: {mine}")
    print(f"pycocotools, AP alone: {other}; ratio of processor time {seconds / plain:.2f}")
    print(f"AP50 {values['ap50']:.6f} and {figures[0]:.6f}, AP50:95 {values['ap50_95']:.6f} and {figures[1]:.6f}")


if __name__ == "__main__":
    main()
