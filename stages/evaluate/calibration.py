"""Whether a score of 0.7 means right seven times in ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.evaluate.bootstrap import Interval, Resampling
from stages.evaluate.inference import MATCH_IOU
from stages.evaluate.metrics import rounded
from stages.evaluate.table import Table

LEAST_SCORE = 0.05
"""Detections below are left out: they are thousands, mean nothing and would drown the rest."""

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Detections with scores from ``low`` to ``high``: how many, their mean score, and the share that is right."""

    low: float
    high: float
    count: int
    score: float | None
    precision: float | None

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        return {
            "low": rounded(self.low),
            "high": rounded(self.high),
            "count": self.count,
            "score": rounded(self.score),
            "precision": rounded(self.precision),
        }


@dataclass(frozen=True)
class Calibration:
    """How scores and outcomes agree, at IoU 0.5.

    Attributes:
        detections: looked at.
        error: expected calibration error, the mean distance of score and precision over the bins, weighted by their
            detections (Guo et al., ICML 2017; for detectors Küppers et al., CVPR Workshops 2020).
        excess: mean score less share of hits; above 0 the model is too sure of itself.
        interval: of ``excess``.
        bins: of equal width.
    """

    detections: int
    error: float | None
    excess: float | None
    interval: Interval | None
    bins: tuple[Bin, ...]

    def as_json(self) -> dict[str, Any]:
        """As in ``metrics.json``."""
        return {
            "detections": self.detections,
            "expected_calibration_error": rounded(self.error),
            "excess_confidence": rounded(self.excess),
            "interval": {"excess_confidence": [rounded(end) for end in self.interval]} if self.interval else {},
        }


def calibration(found: Table, classes: Sequence[int], sampling: Resampling) -> Calibration:
    """Compare the scores of some classes with what became of the detections."""
    outcome = found.at[MATCH_IOU]
    kept = np.isin(found.classes, classes) & (found.scores >= LEAST_SCORE) & ~outcome.ignored
    scores, right, picture = found.scores[kept], outcome.hit[kept], found.picture[kept]
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, BINS - 1)
    made = []
    for number in range(BINS):
        inside = place == number
        some = bool(inside.any())
        made.append(
            Bin(
                float(edges[number]),
                float(edges[number + 1]),
                int(inside.sum()),
                float(scores[inside].mean()) if some else None,
                float(right[inside].mean()) if some else None,
            )
        )
    if not len(scores):
        return Calibration(0, None, None, None, tuple(made))
    gaps = np.bincount(place, scores - right, BINS)  # of each bin, its count times the distance of the means
    difference = sampling.weights @ np.bincount(picture, scores - right, sampling.pictures)
    count = sampling.weights @ np.bincount(picture, minlength=sampling.pictures).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = difference / count
    return Calibration(
        len(scores), float(np.abs(gaps).sum()) / len(scores), float(excess[0]), sampling.interval(excess), tuple(made)
    )
