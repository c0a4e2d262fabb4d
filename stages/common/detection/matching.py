"""Which detections are hits: greedy matching by score, as COCO does it, with ignore regions and accepted extents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection.detector import DEFAULT_THRESHOLD, Detections

Boxes = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Truth:
    """What is in one picture.

    Attributes:
        xyxy: (M, 4) boxes in picture pixels.
        classes: (M,) class numbers, the same as the detections'.
        ignore: (M,) True for regions that are neither hit nor miss (``iscrowd: 1``).
        accepted: other extents (K, 4) that count as right as well, by index of the object.
    """

    xyxy: Boxes
    classes: NDArray[np.int64]
    ignore: NDArray[np.bool_]
    accepted: Mapping[int, Boxes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True)
class Matches:
    """What became of the detections of one picture, in their order.

    Attributes:
        truth: (N,) index of the object that each detection is matched with, or -1.
        hit: (N,) matched with an object that counts.
        ignored: (N,) matched with an ignore region; counts neither as right nor as wrong.
        iou: (N,) overlap with what it is matched with, 0 where it is not.
    """

    truth: NDArray[np.int64]
    hit: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    iou: NDArray[np.float64]


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it gives."""

    threshold: float
    precision: float
    recall: float
    f1: float


def intersections(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Shared area of every pair of boxes, (N, 4) and (M, 4) to (N, M)."""
    a, b = np.asarray(first, np.float64).reshape(-1, 4), np.asarray(second, np.float64).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared: NDArray[np.float64] = np.clip(high - low, 0, None).prod(axis=2)
    return shared


def areas(xyxy: Boxes) -> NDArray[np.float64]:
    """Area of each box, (N, 4) to (N,)."""
    boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
    result: NDArray[np.float64] = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    return result


def iou_matrix(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of every pair of boxes, (N, 4) and (M, 4) to (N, M); 0 where both are empty."""
    shared = intersections(first, second)
    union = areas(first)[:, None] + areas(second)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def overlaps(xyxy: Boxes, truth: Truth) -> NDArray[np.float64]:
    """Overlap of each box (N, 4) with each true object, (N, M).

    IoU with the best of an object's accepted extents; for an ignore region the share of the box inside it, as COCO
    has it for crowds.
    """
    result = iou_matrix(xyxy, truth.xyxy)
    for index, extents in truth.accepted.items():
        result[:, index] = np.maximum(result[:, index], iou_matrix(xyxy, extents).max(axis=1, initial=0))
    own = areas(xyxy)[:, None]
    inside = np.divide(intersections(xyxy, truth.xyxy), own, out=np.zeros_like(result), where=own > 0)
    return np.where(truth.ignore[None], inside, result)


def match(detections: Detections, truth: Truth, iou: float = 0.5) -> Matches:
    """Match the detections of one picture with its objects.

    By falling score, each detection takes the free object of its class that it overlaps most, if by ``iou`` at least;
    failing that, an ignore region of its class, which any number may take (pycocotools' ``evaluateImg``).

    Args:
        detections: of the picture, in any order.
        truth: of the picture.
        iou: least overlap.
    """
    count = len(detections)
    taken = np.full(count, -1, np.int64)
    overlap = overlaps(detections.xyxy, truth)
    usable = (overlap >= min(iou, 1 - 1e-10)) & (detections.classes[:, None] == truth.classes[None])
    free = np.ones(len(truth), bool)
    for index in np.argsort(-detections.scores, kind="stable"):
        for group in (usable[index] & free & ~truth.ignore, usable[index] & truth.ignore):
            if group.any():
                taken[index] = np.where(group, overlap[index], -1).argmax()
                free[taken[index]] = bool(truth.ignore[taken[index]])
                break
    matched = taken >= 0
    ignored = np.zeros(count, bool)
    ignored[matched] = truth.ignore[taken[matched]]
    best = np.zeros(count)
    best[matched] = overlap[matched, taken[matched]]
    return Matches(taken, matched & ~ignored, ignored, best)


def precision_recall_f1(hits: int, false_alarms: int, objects: int) -> tuple[float, float, float]:
    """Precision, recall and F1; 0 where there is nothing to divide by."""
    precision = hits / (hits + false_alarms) if hits + false_alarms else 0.0
    recall = hits / objects if objects else 0.0
    f1 = 2 * hits / (hits + false_alarms + objects) if hits + false_alarms + objects else 0.0
    return precision, recall, f1


def best_f1_threshold(scores: NDArray[np.floating[Any]], hits: NDArray[np.bool_], objects: int) -> OperatingPoint:
    """Threshold with the best F1 over all pictures and classes together.

    Greedy matching goes by falling score, so the matches made at a low threshold hold at every higher one.

    Args:
        scores: (N,) of all detections but ignored ones.
        hits: (N,) which of them are hits.
        objects: true objects that count.

    Returns:
        The point; its threshold lies half way between the last score kept and the next, so that ``score > threshold``
        keeps the same detections after rounding. The higher threshold wins between equal ones. Without any hit it
        is :data:`~stages.common.detection.detector.DEFAULT_THRESHOLD`, with zeros.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = np.asarray(scores, np.float64)[order]
    right = np.cumsum(hits[order])
    if not len(ranked) or not right[-1]:
        return OperatingPoint(DEFAULT_THRESHOLD, 0.0, 0.0, 0.0)
    last_of_score = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    f1 = 2 * right[last_of_score] / (last_of_score + 1 + objects)
    cut = int(last_of_score[int(np.argmax(f1))])
    below = ranked[cut + 1] if cut + 1 < len(ranked) else 0.0
    precision, recall, value = precision_recall_f1(int(right[cut]), cut + 1 - int(right[cut]), objects)
    return OperatingPoint(float((ranked[cut] + below) / 2), precision, recall, value)
