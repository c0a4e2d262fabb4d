"""Average precision, by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.common.detection import Truth, iou_matrix
from stages.evaluate.inference import PictureResult

Records = list[dict[str, Any]]


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's area under the precision-recall curve (101 points, 100 detections a picture).

    Attributes:
        at_50: at IoU 0.5.
        at_50_95: mean over IoU 0.5 to 0.95 in steps of 0.05.
    """

    at_50: float
    at_50_95: float


def average_precision(results: Sequence[PictureResult], classes: Sequence[int]) -> dict[int, AveragePrecision]:
    """Average precision by class number; a class without objects has none.

    Ignore regions are COCO's crowds. COCO knows one box an object: where other extents are accepted, the one that the
    matched detection overlaps most stands for the object, its own box when nothing is matched with it.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    truth, found = coco_records(results, classes)
    reference = COCO(truth)
    evaluation = COCOeval_faster(reference, reference.loadRes(found), "bbox", print_function=_silent)
    evaluation.evaluate()
    evaluation.accumulate()
    return by_class(evaluation.eval["precision"], classes)


def by_class(precision: Any, classes: Sequence[int]) -> dict[int, AveragePrecision]:
    """From COCO's precision array (IoU, recall, class, area, detections), -1 where a class has no objects."""
    table = np.asarray(precision)[:, :, :, 0, -1]
    return {
        number: AveragePrecision(float(table[0, :, column].mean()), float(table[:, :, column].mean()))
        for column, number in enumerate(classes)
        if table[0, 0, column] > -1
    }


def coco_records(results: Sequence[PictureResult], classes: Sequence[int]) -> tuple[dict[str, Any], Records]:
    """The set and the detections as COCO has them; images are numbered from 1, categories are class numbers + 1."""
    images, annotations, found = [], Records(), Records()
    for number, result in enumerate(results, 1):
        picture = result.picture
        images.append({"id": number, "width": picture.width, "height": picture.height})
        boxes = _standing_in(result)
        for index, box in enumerate(boxes):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(picture.truth.classes[index]) + 1,
                    "bbox": _xywh(box),
                    "area": float((box[2] - box[0]) * (box[3] - box[1])),
                    "iscrowd": int(picture.truth.ignore[index]),
                }
            )
        for box, score, class_number in zip(
            result.detections.xyxy, result.detections.scores, result.detections.classes, strict=True
        ):
            found.append(
                {
                    "image_id": number,
                    "category_id": int(class_number) + 1,
                    "bbox": _xywh(box.astype(np.float64)),
                    "score": float(score),
                }
            )
    categories = [{"id": number + 1, "name": str(number)} for number in classes]
    truth = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    return truth, found


def _standing_in(result: PictureResult) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One box (M, 4) for each object: of its accepted extents the one that was found, or else its own."""
    truth: Truth = result.picture.truth
    boxes = np.array(truth.xyxy, np.float64)
    for index, extents in truth.accepted.items():
        matched = np.flatnonzero(result.matches.truth == index)
        if len(matched):
            choices = np.concatenate([boxes[index : index + 1], np.asarray(extents, np.float64)])
            boxes[index] = choices[iou_matrix(result.detections.xyxy[matched[:1]], choices)[0].argmax()]
    return boxes


def _xywh(box: Any) -> list[float]:
    left, top, right, bottom = (float(side) for side in box)
    return [left, top, right - left, bottom - top]


def _silent(*_: Any) -> None:
    """COCO's table is not for our output."""
