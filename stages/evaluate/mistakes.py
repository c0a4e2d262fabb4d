"""Kinds of error as TIDE has them, and the average precision that each costs.

Bolya, Foley, Hays and Hoffman, TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV 2020. A detection
that is wrong is, in this order, badly placed (``localisation``: overlap 0.1 to 0.5 with an object of its class), of the
wrong ``class`` (0.5 or more with an object of another), a ``duplicate`` (0.5 or more with one of its class that is
taken), ``background`` (0.1 or less with all) or else ``both``, badly placed and of the wrong class. An object that
nothing found and no mended detection would find is ``missed``. The cost of a kind is what AP50 gains when an oracle
mends that kind alone. Detections in ignore regions are no errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import Truth
from stages.common.detection.matching import overlaps
from stages.evaluate.inference import MATCH_IOU, PictureResult
from stages.evaluate.metrics import ALL, rounded
from stages.evaluate.precision import RECALLS
from stages.evaluate.table import COCO_MOST, places

KINDS = ("class", "localisation", "both", "duplicate", "background", "missed")
BACKGROUND_IOU = 0.1
"""Overlap below which a detection is on nothing (TIDE's ``background_threshold``)."""

HIT = -1


@dataclass(frozen=True)
class Wrong:
    """What became of the detections and objects of a set.

    Attributes:
        scores, classes: (N,) of the detections that count.
        kind: (N,) :data:`HIT`, or place in :data:`KINDS`.
        mended: (N,) class that the oracle gives it when it mends the detection, -1 where it removes it.
        objects: (C,) true ones by class number.
        missed: (C,) of those, found by nothing and beyond mending.
        unfound: (C,) of those, found by nothing.
    """

    scores: NDArray[np.float64]
    classes: NDArray[np.int64]
    kind: NDArray[np.int64]
    mended: NDArray[np.int64]
    objects: NDArray[np.int64]
    missed: NDArray[np.int64]
    unfound: NDArray[np.int64]


@dataclass(frozen=True)
class Mistakes:
    """Errors of one class, or the mean cost over all.

    Attributes:
        counts: by kind, at the operating threshold.
        costs: AP50 by kind.
        false_positives, false_negatives: AP50 that all wrong detections and all unfound objects cost.
    """

    counts: dict[str, int]
    costs: dict[str, float]
    false_positives: float
    false_negatives: float

    def as_json(self) -> dict[str, Any]:
        """As in ``metrics.json``."""
        kinds: dict[str, Any] = {
            kind: {"count": self.counts[kind], "ap50_cost": rounded(self.costs[kind])} for kind in KINDS
        }
        return kinds | {
            "false_positives": {"ap50_cost": rounded(self.false_positives)},
            "false_negatives": {"ap50_cost": rounded(self.false_negatives)},
        }


def mistakes(
    results: Sequence[PictureResult], names: Sequence[str], scored: Sequence[int], threshold: float
) -> dict[str, Mistakes]:
    """Errors by class name, for classes with objects, and of all.

    Args:
        results: of all pictures.
        names: the model's classes.
        scored: numbers of those that count.
        threshold: operating threshold that errors are counted at.
    """
    everything, used = classify(results, len(names), 0.0), classify(results, len(names), threshold)
    present = [number for number in scored if everything.objects[number]]
    made = {}
    for number in present:
        base = _precision(everything, number, "")
        gains = {kind: max(_precision(everything, number, kind) - base, 0.0) for kind in KINDS}
        tally = np.bincount(used.kind[(used.classes == number) & (used.kind != HIT)], minlength=len(KINDS))
        counts = dict(zip(KINDS, tally.tolist(), strict=True))
        counts["missed"] = int(used.missed[number])
        found = everything.kind[everything.classes == number] == HIT
        without_alarms = _area(np.ones(int(found.sum()), bool), int(everything.objects[number]))
        with_all = _precision(everything, number, "", int(everything.unfound[number]))
        made[names[number]] = Mistakes(counts, gains, without_alarms - base, with_all - base)
    if made:
        made[ALL] = _together(list(made.values()))
    return made


def classify(results: Sequence[PictureResult], classes: int, threshold: float) -> Wrong:
    """Name the error of every detection above a threshold, and of every object that none of them hits."""
    rows = [_picture(result, classes, threshold) for result in results]
    empty = (np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    columns = [np.concatenate([start, *(row[place] for row in rows)]) for place, start in enumerate(empty)]
    order = np.argsort(-columns[0], kind="stable")
    sums = [sum((row[place] for row in rows), np.zeros(classes, np.int64)) for place in (4, 5, 6)]
    return Wrong(*(column[order] for column in columns), *sums)


def _picture(result: PictureResult, classes: int, threshold: float) -> tuple[NDArray[Any], ...]:
    """One picture's part of :class:`Wrong`, in the order of its fields."""
    found, truth, matches = result.detections, result.picture.truth, result.matches
    counted = (found.scores > threshold) & (places(found.classes, found.scores) < COCO_MOST)
    there = np.flatnonzero(~truth.ignore)
    moved = {int(old): new for new, old in enumerate(there)}
    plain = Truth(
        truth.xyxy[there],
        truth.classes[there],
        np.zeros(len(there), bool),
        {moved[index]: extents for index, extents in truth.accepted.items() if index in moved},
    )
    taken = np.zeros(len(there), bool)
    for index in matches.truth[counted & matches.hit]:
        taken[moved[int(index)]] = True
    kept = np.flatnonzero(counted & ~matches.ignored)
    kind, mended = np.full(len(kept), HIT), np.full(len(kept), -1)
    wrong = np.flatnonzero(~matches.hit[kept])
    target = np.full(len(kept), -1)
    if len(wrong):
        kind[wrong], target[wrong] = _kinds(result, kept[wrong], plain)
    mendable = target >= 0
    mendable[mendable] = ~taken[target[mendable]]
    best: dict[int, int] = {}
    for place in np.flatnonzero(mendable):
        goal = int(target[place])
        if goal not in best or found.scores[kept[place]] > found.scores[kept[best[goal]]]:
            best[goal] = int(place)
    for goal, place in best.items():
        mended[place] = plain.classes[goal]
    reachable = np.zeros(len(there), bool)
    reachable[list(best)] = True
    return (
        found.scores[kept].astype(np.float64),
        found.classes[kept],
        kind,
        mended,
        *(
            np.bincount(plain.classes[which], minlength=classes)
            for which in (np.ones(len(there), bool), ~taken & ~reachable, ~taken)
        ),
    )


def _kinds(
    result: PictureResult, wrong: NDArray[np.int64], plain: Truth
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Kind of each wrong detection, and the object that it was meant for, -1 where it was for none."""
    if not len(plain):
        return np.full(len(wrong), KINDS.index("background")), np.full(len(wrong), -1)
    overlap = overlaps(result.detections.xyxy[wrong], plain)
    same = result.detections.classes[wrong][:, None] == plain.classes[None]
    own, other = np.where(same, overlap, 0.0), np.where(same, 0.0, overlap)
    near, far = own.max(axis=1), other.max(axis=1)
    rules = {
        "localisation": (near >= BACKGROUND_IOU) & (near < MATCH_IOU),
        "class": far >= MATCH_IOU,
        "duplicate": near >= MATCH_IOU,
        "background": overlap.max(axis=1) <= BACKGROUND_IOU,
    }
    kind = np.select(list(rules.values()), [KINDS.index(name) for name in rules], KINDS.index("both"))
    target = np.full(len(wrong), -1)
    misplaced, confused = kind == KINDS.index("localisation"), kind == KINDS.index("class")
    target[misplaced], target[confused] = own.argmax(axis=1)[misplaced], other.argmax(axis=1)[confused]
    return kind, target


def _precision(wrong: Wrong, number: int, kind: str, fewer: int = 0) -> float:
    """AP50 of a class after the oracle mended a kind, with ``fewer`` objects."""
    mending = np.zeros(len(wrong.kind), bool) if not kind else wrong.kind == KINDS.index(kind)
    own = (wrong.classes == number) & ~mending
    new = mending & (wrong.mended == number)
    objects = int(wrong.objects[number]) - fewer - (int(wrong.missed[number]) if kind == "missed" else 0)
    hits = (own & (wrong.kind == HIT)) | new
    return _area(hits[own | new], objects)


def _area(hits: NDArray[np.bool_], objects: int) -> float:
    """COCO's average precision of detections by falling score; nothing to find counts as 0, as TIDE has it."""
    if objects <= 0 or not len(hits):
        return 0.0
    right = np.cumsum(hits)
    precision = np.maximum.accumulate((right / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(np.append(precision, 0.0)[np.searchsorted(right / objects, RECALLS)].mean())


def _together(classes: Sequence[Mistakes]) -> Mistakes:
    return Mistakes(
        {kind: sum(item.counts[kind] for item in classes) for kind in KINDS},
        {kind: float(np.mean([item.costs[kind] for item in classes])) for kind in KINDS},
        float(np.mean([item.false_positives for item in classes])),
        float(np.mean([item.false_negatives for item in classes])),
    )
