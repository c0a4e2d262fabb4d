"""From matched detections to numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import OperatingPoint, best_f1_threshold, iou_matrix
from stages.common.detection.matching import precision_recall_f1
from stages.evaluate.bootstrap import Interval, Resampling
from stages.evaluate.exact import FEW, few_counted, few_found, hull, rate_interval
from stages.evaluate.inference import MATCH_IOU, PictureResult
from stages.evaluate.precision import weighted_precision
from stages.evaluate.table import LOOSE_IOU, Table

NOTHING = "background"
"""What a false alarm is in the confusion matrix, and what a missed object is taken for."""

ALL = "all"
"""All classes together: average precision is the mean over classes, for the rest each box counts the same."""

Values = NDArray[np.float64]


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
class Figures:
    """Numbers of one class, or of all together.

    Attributes:
        counts: at the operating threshold and IoU 0.5.
        values: by name (:data:`NAMES`); None where there is nothing to measure.
        intervals: 95 % intervals of those that have one.
    """

    counts: Counts
    values: Mapping[str, float | None]
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As in ``metrics.json``, rounded to 5 places."""
        return {
            **{name: rounded(value) for name, value in self.values.items()},
            "objects": self.counts.objects,
            "hits": self.counts.hits,
            "false_alarms": self.counts.false_alarms,
            "interval": {name: [rounded(low), rounded(high)] for name, (low, high) in self.intervals.items()},
        }


PRECISION_NAMES = ("ap50", "ap50_95", "ar")
COUNT_NAMES = ("precision", "recall", "f1", "false_positives_per_picture")
LOOSE = f"_iou{round(100 * LOOSE_IOU)}"
NAMES = (*PRECISION_NAMES, *COUNT_NAMES, f"precision{LOOSE}", f"recall{LOOSE}", f"f1{LOOSE}")
"""Of all figures; those without an overlap in their name are at IoU 0.5."""


@dataclass(frozen=True)
class Scores:
    """All numbers of one model on one set.

    Attributes:
        threshold: operating threshold that counts are at.
        pictures: measured.
        classes: by class name.
        overall: of all classes together.
        best: threshold with the best F1 on this very set; what a perfect choice of threshold would give.
    """

    threshold: float
    pictures: int
    classes: dict[str, Figures]
    overall: Figures
    best: OperatingPoint

    @property
    def ap50(self) -> float | None:
        """Mean over classes of the average precision at IoU 0.5."""
        return self.overall.values["ap50"]

    def as_json(self) -> dict[str, Any]:
        """Numbers as in ``metrics.json``, rounded to 5 places; None where there is nothing to measure."""
        return {
            **self.overall.as_json(),
            "best_f1": rounded(self.best.f1) if self.overall.counts.objects else None,
            "best_threshold": rounded(self.best.threshold),
            "pictures": self.pictures,
            "classes": {name: figures.as_json() for name, figures in self.classes.items()},
        }


def score(
    found: Table,
    names: Sequence[str],
    scored: Sequence[int],
    threshold: float,
    sampling: Resampling | None = None,
    drawn: Mapping[str, Mapping[str, Values]] | None = None,
) -> Scores:
    """Measure.

    Args:
        found: the set and what was found.
        names: the model's classes.
        scored: numbers of those that count.
        threshold: operating threshold, exclusive.
        sampling: weightings to take intervals from; None takes none.
        drawn: what :func:`sampled_figures` gives for those, where it is known already.
    """
    once = np.ones((1, found.pictures))
    exact = sampled_figures(found, names, scored, threshold, once)
    if sampling and drawn is None:
        drawn = sampled_figures(found, names, scored, threshold, sampling.weights)
    groups = {names[number]: [number] for number in scored} | {ALL: list(scored)}
    made = {}
    for name, numbers in groups.items():
        values = {key: None if np.isnan(value[0]) else float(value[0]) for key, value in exact[name].items()}
        intervals = {key: sampling.interval(value) for key, value in drawn[name].items()} if sampling and drawn else {}
        kept = {key: ends for key, ends in intervals.items() if ends is not None and values[key] is not None}
        counts = count(rank(found, numbers), threshold)
        if sampling and sampling.resamples and found.pictures > 1:
            kept = hull(kept, _exact(found, numbers, threshold, values))
        made[name] = Figures(counts, values, kept)
    everything = rank(found, scored)
    overall = made.pop(ALL)
    best = best_f1_threshold(everything.scores, everything.hits, everything.objects)
    return Scores(threshold, found.pictures, made, overall, best)


def _exact(
    found: Table, numbers: Sequence[int], threshold: float, values: Mapping[str, float | None]
) -> dict[str, Interval]:
    """Intervals of the figures that hang on no mistake or no hit; see :mod:`stages.evaluate.exact`."""
    made: dict[str, Interval] = {}
    for iou, ending in ((MATCH_IOU, ""), (LOOSE_IOU, LOOSE)):
        counts = count(rank(found, numbers, iou), threshold)
        made |= few_counted(counts.hits, counts.false_alarms, counts.objects, ending)
        if iou == MATCH_IOU and counts.false_alarms < FEW:
            made["false_positives_per_picture"] = rate_interval(counts.false_alarms, found.pictures)
    objects = int(np.isin(found.object_classes, numbers).sum())
    averages = {name: few_found(values[name], objects) for name in PRECISION_NAMES}
    made |= {name: ends for name, ends in averages.items() if ends}
    return {name: ends for name, ends in made.items() if values[name] is not None}


def sampled_figures(
    found: Table, names: Sequence[str], scored: Sequence[int], threshold: float, weights: NDArray[np.floating[Any]]
) -> dict[str, dict[str, Values]]:
    """Every figure for each of B weightings of the pictures, (B,), by class name and :data:`ALL`, then by figure.

    NaN where there is nothing to divide by.
    """
    made: dict[str, dict[str, Values]] = {}
    for number in scored:
        precision = weighted_precision(found, number, weights)
        made[names[number]] = {
            **dict(zip(PRECISION_NAMES, (precision.at_50, precision.at_50_95, precision.recall), strict=True)),
            **sampled_counts(found, [number], threshold, weights),
        }
    means = {key: _mean([figures[key] for figures in made.values()]) for key in PRECISION_NAMES}
    made[ALL] = means | sampled_counts(found, scored, threshold, weights)
    return made


def sampled_counts(
    found: Table, classes: Sequence[int], threshold: float, weights: NDArray[np.floating[Any]]
) -> dict[str, Values]:
    """Figures that follow from counts, (B,) each."""
    mine = np.isin(found.classes, classes) & (found.scores > threshold)
    there = weights @ sum((found.objects(number) for number in classes), np.zeros(found.pictures))
    made: dict[str, Values] = {}
    for iou, ending in ((MATCH_IOU, ""), (LOOSE_IOU, LOOSE)):
        outcome = found.at[iou]
        hits = weights @ _by_picture(found, mine & outcome.hit)
        alarms = weights @ _by_picture(found, mine & ~outcome.hit & ~outcome.ignored)
        made |= ratios(hits, alarms, there, ending)
        if not there.any():  # without objects there is no recall that F1 could balance precision with
            made[f"f1{ending}"] = np.full(len(there), np.nan)
        if iou == MATCH_IOU:
            made["false_positives_per_picture"] = alarms / np.maximum(weights.sum(axis=1, dtype=np.float64), 1)
    return made


def ratios(hits: Values, alarms: Values, objects: Values, ending: str = "") -> dict[str, Values]:
    """Precision, recall and F1 from counts, NaN where there is nothing to divide by."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            f"precision{ending}": hits / (hits + alarms),
            f"recall{ending}": hits / objects,
            f"f1{ending}": 2 * hits / (hits + alarms + objects),
        }


def _by_picture(found: Table, which: NDArray[np.bool_]) -> Values:
    return np.bincount(found.picture[which], minlength=found.pictures).astype(np.float64)


def _mean(rows: Sequence[Values]) -> Values:
    """Mean of what is not NaN, column by column; NaN where nothing is."""
    table = np.stack(rows)
    known = np.isfinite(table)
    total = np.where(known, table, 0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(table.shape[1], np.nan), where=known.any(axis=0))


def rank(found: Table, classes: Sequence[int], iou: float = MATCH_IOU) -> Ranking:
    """Detections of some classes in the order of their scores, matched at an IoU of :attr:`Table.at`."""
    outcome = found.at[iou]
    counted = np.isin(found.classes, classes) & ~outcome.ignored
    objects = int(np.isin(found.object_classes, classes).sum())
    return Ranking(found.scores[counted], outcome.hit[counted], objects)


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


def rounded(value: float | None) -> float | None:
    """To 5 places; None stays None, and so does what is no number."""
    return None if value is None or not np.isfinite(value) else round(float(value), 5)
