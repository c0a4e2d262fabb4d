"""From matched detections to numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import OperatingPoint, best_f1_threshold, iou_matrix
from stages.common.detection.matching import precision_recall_f1
from stages.evaluate.inference import MATCH_IOU, PictureResult
from stages.evaluate.precision import AveragePrecision, average_precision

NOTHING = "background"
"""What a false alarm is in the confusion matrix, and what a missed object is taken for."""

HEIGHT_BINS = (0, 32, 64, 128, 256)
OCCLUSION_BINS = (0, 0.1, 0.4, 0.7)
DISTANCE_BINS = (0, 3, 6, 12, 24)


@dataclass(frozen=True)
class Ranking:
    """Detections of one or more classes over all pictures, ignored ones left out.

    Attributes:
        scores: (N,) falling.
        hits: (N,) which are right.
        objects: true objects that count.
    """

    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    objects: int


@dataclass(frozen=True)
class Counts:
    """Right and wrong at one threshold."""

    hits: int
    false_alarms: int
    objects: int

    @property
    def precision(self) -> float:
        """Right among found."""
        return precision_recall_f1(self.hits, self.false_alarms, self.objects)[0]

    @property
    def recall(self) -> float:
        """Found among there."""
        return precision_recall_f1(self.hits, self.false_alarms, self.objects)[1]

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return precision_recall_f1(self.hits, self.false_alarms, self.objects)[2]


@dataclass(frozen=True)
class Slice:
    """Recall of the objects in one bin of a measure."""

    measure: str
    bin: str
    objects: int
    hits: int


@dataclass(frozen=True)
class Scores:
    """All numbers of one model on one set.

    Attributes:
        threshold: operating threshold that ``counts`` are at.
        pictures: measured.
        precision: average precision by class name, for classes with objects.
        counts: by class name.
        overall: of all classes together (each box counts the same).
        best: threshold with the best F1 on this very set; what a perfect choice of threshold would give.
        slices: recall by height, and where known by occlusion and distance.
    """

    threshold: float
    pictures: int
    precision: dict[str, AveragePrecision]
    counts: dict[str, Counts]
    overall: Counts
    best: OperatingPoint
    slices: tuple[Slice, ...]

    @property
    def ap50(self) -> float | None:
        """Mean over classes of the average precision at IoU 0.5."""
        return float(np.mean([value.at_50 for value in self.precision.values()])) if self.precision else None

    @property
    def ap50_95(self) -> float | None:
        """Mean over classes of the average precision at IoU 0.5 to 0.95."""
        return float(np.mean([value.at_50_95 for value in self.precision.values()])) if self.precision else None

    def as_json(self) -> dict[str, Any]:
        """Numbers as in ``metrics.json``, rounded to 5 places; None where there is nothing to measure."""
        classes = {}
        for name, counts in self.counts.items():
            precision = self.precision.get(name)
            classes[name] = {
                "ap50": _rounded(precision.at_50 if precision else None),
                "ap50_95": _rounded(precision.at_50_95 if precision else None),
                **_count_numbers(counts),
            }
        return {
            "ap50": _rounded(self.ap50),
            "ap50_95": _rounded(self.ap50_95),
            **_count_numbers(self.overall),
            "best_f1": _rounded(self.best.f1),
            "best_threshold": _rounded(self.best.threshold),
            "pictures": self.pictures,
            "classes": classes,
        }


def score(results: Sequence[PictureResult], names: Sequence[str], scored: Sequence[int], threshold: float) -> Scores:
    """Measure.

    Args:
        results: of all pictures.
        names: the model's classes.
        scored: numbers of those that count.
        threshold: operating threshold, exclusive.
    """
    rankings = {number: rank(results, [number]) for number in scored}
    everything = rank(results, scored)
    return Scores(
        threshold=threshold,
        pictures=len(results),
        precision={names[number]: value for number, value in average_precision(results, scored).items()},
        counts={names[number]: count(ranking, threshold) for number, ranking in rankings.items()},
        overall=count(everything, threshold),
        best=best_f1_threshold(everything.scores, everything.hits, everything.objects),
        slices=tuple(slices(results, threshold)),
    )


def rank(results: Sequence[PictureResult], classes: Sequence[int]) -> Ranking:
    """Detections of some classes in the order of their scores."""
    scores: list[NDArray[Any]] = [np.zeros(0)]
    hits: list[NDArray[np.bool_]] = [np.zeros(0, bool)]
    objects = 0
    for result in results:
        counted = np.isin(result.detections.classes, classes) & ~result.matches.ignored
        scores.append(result.detections.scores[counted])
        hits.append(result.matches.hit[counted])
        truth = result.picture.truth
        objects += int((np.isin(truth.classes, classes) & ~truth.ignore).sum())
    together = np.concatenate(scores).astype(np.float64)
    order = np.argsort(-together, kind="stable")
    return Ranking(together[order], np.concatenate(hits)[order], objects)


def count(ranking: Ranking, threshold: float) -> Counts:
    """Right and wrong among the detections that score more than ``threshold``."""
    kept = ranking.scores > threshold
    hits = int(ranking.hits[kept].sum())
    return Counts(hits, int(kept.sum()) - hits, ranking.objects)


def curve(ranking: Ranking) -> NDArray[np.float64]:
    """Rows (threshold, precision, recall, f1), (K, 4), one for each distinct score, falling.

    Each row is what the detections with that score or a higher one give.
    """
    if not len(ranking.scores):
        return np.zeros((0, 4))
    right = np.cumsum(ranking.hits)
    last = np.flatnonzero(np.append(np.diff(ranking.scores) < 0, True))
    found = last + 1
    precision = right[last] / found
    recall = right[last] / max(ranking.objects, 1)
    f1 = 2 * right[last] / (found + ranking.objects)
    return np.stack([ranking.scores[last], precision, recall, f1], axis=1)


def confusion(results: Sequence[PictureResult], names: Sequence[str], threshold: float) -> Counter[tuple[str, str]]:
    """How often an object of one class was taken for another, by (actual, predicted).

    Hits stay hits. Other detections above the threshold are paired with what is left of the objects whatever their
    class, by falling score, at IoU 0.5, and what is left over then with ``background``, but for what was matched with
    an ignore region.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for result in results:
        truth, found = result.picture.truth, result.detections
        above = found.scores > threshold
        hits = above & result.matches.hit
        free = ~truth.ignore
        free[result.matches.truth[hits]] = False
        pairs.update((names[number], names[number]) for number in found.classes[hits])
        for index in np.flatnonzero(above & ~result.matches.hit & ~result.matches.ignored):
            overlap = np.where(free, iou_matrix(found.xyxy[index], truth.xyxy)[0], -1)
            taken = int(overlap.argmax()) if overlap.max(initial=-1) >= MATCH_IOU else None
            if taken is not None:
                free[taken] = False
            actual = NOTHING if taken is None else names[truth.classes[taken]]
            pairs[actual, names[found.classes[index]]] += 1
        pairs.update((names[number], NOTHING) for number in truth.classes[free])
    return pairs


def slices(results: Sequence[PictureResult], threshold: float) -> list[Slice]:
    """Recall in bins of the objects' height (pixels), and of occlusion and distance (metres) where all are known."""
    values: dict[str, list[NDArray[np.float64]]] = {}
    found: dict[str, list[NDArray[np.bool_]]] = {}
    for result in results:
        truth = result.picture.truth
        hit = np.zeros(len(truth), bool)
        hit[result.matches.truth[result.matches.hit & (result.detections.scores > threshold)]] = True
        measures = {"height_pixels": truth.xyxy[:, 3] - truth.xyxy[:, 1], **result.picture.measures}
        for measure, value in measures.items():
            values.setdefault(measure, []).append(value[~truth.ignore])
            found.setdefault(measure, []).append(hit[~truth.ignore])
    bins = {"height_pixels": HEIGHT_BINS, "occlusion": OCCLUSION_BINS, "distance": DISTANCE_BINS}
    made = []
    for measure, edges in bins.items():
        if measure not in values:
            continue
        value, hit = np.concatenate(values[measure]), np.concatenate(found[measure])
        for low, high in zip(edges, [*edges[1:], np.inf], strict=True):
            inside = (value >= low) & (value < high)
            name = f"{low:g} to {high:g}" if np.isfinite(high) else f"{low:g} and more"
            made.append(Slice(measure, name, int(inside.sum()), int(hit[inside].sum())))
    return made


def _count_numbers(counts: Counts) -> dict[str, float | int | None]:
    return {
        "precision": _rounded(counts.precision),
        "recall": _rounded(counts.recall),
        "f1": _rounded(counts.f1),
        "objects": counts.objects,
        "hits": counts.hits,
        "false_alarms": counts.false_alarms,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
