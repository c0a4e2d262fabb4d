"""All detections and objects of a set in columns, so that counting and resampling take a few array operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import Truth, iou_matrix, match
from stages.common.detection.matching import overlaps
from stages.evaluate.inference import MATCH_IOU, PictureResult

COCO_IOUS = np.linspace(0.5, 0.95, 10)
"""Overlaps over which AP50:95 and AR are means (pycocotools' ``iouThrs``)."""

COCO_MOST = 100
"""Detections of a class in a picture that enter AP and AR (the last of pycocotools' ``maxDets``)."""

LOOSE_IOU = 0.3
"""Second overlap at which precision, recall and F1 are given: found, if not well outlined."""

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What became of the detections at one overlap: (N,) hits, and (N,) those that count neither way."""

    hit: Bools
    ignored: Bools


@dataclass(frozen=True)
class Table:
    """A set's N detections, by falling score, and its M objects, ignore regions left out.

    Attributes:
        pictures: P, how many there are; each is a number from 0.
        picture, classes, scores: (N,) of the detections; equal scores keep the order of the pictures.
        place: (N,) rank among the detections of the same picture and class, from 0.
        coco_hit, coco_ignored: (T, N) at :data:`COCO_IOUS`, as pycocotools matches.
        at: outcome at the overlaps where precision, recall and F1 are counted, by overlap.
        object_picture, object_classes: (M,) of the objects.
    """

    pictures: int
    picture: Ints
    classes: Ints
    scores: Floats
    place: Ints
    coco_hit: Bools
    coco_ignored: Bools
    at: Mapping[float, Outcome]
    object_picture: Ints
    object_classes: Ints

    def objects(self, number: int | None = None) -> Floats:
        """(P,) objects of one class, or of all, in each picture."""
        kept = self.object_picture if number is None else self.object_picture[self.object_classes == number]
        return np.bincount(kept, minlength=self.pictures).astype(np.float64)


def table(results: Sequence[PictureResult], *, coco: bool = True) -> Table:
    """Put the results of a set into columns.

    Args:
        results: of all pictures.
        coco: match at :data:`COCO_IOUS` too; without, those columns have no rows and average precision is not to be
            had.
    """
    picture = np.repeat(np.arange(len(results)), [len(item.detections) for item in results])
    scores = _joined([item.detections.scores for item in results], np.float64)
    classes = _joined([item.detections.classes for item in results], np.int64)
    rows = [coco_match(item) if coco else _unmatched(len(item.detections)) for item in results]
    loose = [match(item.detections, item.picture.truth, LOOSE_IOU) for item in results]
    order = np.argsort(-scores, kind="stable")
    empty = np.zeros((len(COCO_IOUS) if coco else 0, 0), bool)
    truths = [item.picture.truth for item in results]
    return Table(
        pictures=len(results),
        picture=picture[order],
        classes=classes[order],
        scores=scores[order],
        place=_joined([places(item.detections.classes, item.detections.scores) for item in results], np.int64)[order],
        coco_hit=np.concatenate([empty, *(hit for hit, _ in rows)], axis=1)[:, order],
        coco_ignored=np.concatenate([empty, *(ignored for _, ignored in rows)], axis=1)[:, order],
        at={
            iou: Outcome(
                _joined([found.hit for found in matches], bool)[order],
                _joined([found.ignored for found in matches], bool)[order],
            )
            for iou, matches in ((MATCH_IOU, [item.matches for item in results]), (LOOSE_IOU, loose))
        },
        object_picture=np.repeat(np.arange(len(results)), [int((~truth.ignore).sum()) for truth in truths]),
        object_classes=_joined([truth.classes[~truth.ignore] for truth in truths], np.int64),
    )


def coco_match(result: PictureResult) -> tuple[Bools, Bools]:
    """Which detections of a picture are hits and which ignored at each of :data:`COCO_IOUS`, (T, N) both.

    pycocotools' ``evaluateImg``, all overlaps at once: by falling score a detection takes the free object of its class
    that it overlaps most, the last of equal ones, or failing that an ignore region.
    """
    truth, found = result.picture.truth, result.detections
    hit, ignored = _unmatched(len(found), len(COCO_IOUS))
    if not len(truth) or not len(found):
        return hit, ignored
    plain = Truth(standing_in(result), truth.classes, truth.ignore)
    overlap = np.where(found.classes[:, None] == truth.classes[None], overlaps(found.xyxy, plain), -1.0)
    free = np.repeat(~truth.ignore[None], len(COCO_IOUS), axis=0)
    region = np.where(truth.ignore[None], overlap, -1.0).max(axis=1)
    steps = np.minimum(COCO_IOUS, 1 - 1e-10)
    for index in np.argsort(-found.scores, kind="stable"):
        if overlap[index].max() < steps[0]:
            continue
        reach = np.where(free, overlap[index], -1.0)
        taken = len(truth) - 1 - reach[:, ::-1].argmax(axis=1)
        good = reach[np.arange(len(steps)), taken] >= steps
        hit[:, index] = good
        ignored[:, index] = ~good & (region[index] >= steps)
        free[good, taken[good]] = False
    return hit, ignored


def standing_in(result: PictureResult) -> Floats:
    """One box (M, 4) for each object: of its accepted extents the one that was found, or else its own."""
    truth = result.picture.truth
    boxes = np.array(truth.xyxy, np.float64)
    for index, extents in truth.accepted.items():
        matched = np.flatnonzero(result.matches.truth == index)
        if len(matched):
            choices = np.concatenate([boxes[index : index + 1], np.asarray(extents, np.float64)])
            boxes[index] = choices[iou_matrix(result.detections.xyxy[matched[:1]], choices)[0].argmax()]
    return boxes


def places(classes: Ints, scores: NDArray[np.floating[Any]]) -> Ints:
    """(N,) rank of each detection of a picture among those of its class, best first."""
    result = np.zeros(len(classes), np.int64)
    order = np.argsort(-scores, kind="stable")
    for number in np.unique(classes):
        mine = order[classes[order] == number]
        result[mine] = np.arange(len(mine))
    return result


def _unmatched(count: int, levels: int = 0) -> tuple[Bools, Bools]:
    return np.zeros((levels, count), bool), np.zeros((levels, count), bool)


def _joined(parts: Sequence[NDArray[Any]], kind: Any) -> Any:
    return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)
