"""Two models, or ours and published detections, on the same pictures: differences with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.evaluate.bootstrap import Interval, Resampling
from stages.evaluate.metrics import Counts, Values, count, rank, rounded, sampled_counts, sampled_figures
from stages.evaluate.table import Table


@dataclass(frozen=True)
class Difference:
    """One figure of two models.

    Attributes:
        first, second: its values; None where there is none.
        difference: first less second.
        interval: 95 % interval of the difference; both models are resampled together, so that pictures which are hard
            for both cancel.
    """

    first: float | None
    second: float | None
    difference: float | None
    interval: Interval | None

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out nought."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)

    def as_json(self) -> dict[str, Any]:
        """Rounded to 5 places."""
        return {
            "first": rounded(self.first),
            "second": rounded(self.second),
            "difference": rounded(self.difference),
            "interval": None if self.interval is None else [rounded(end) for end in self.interval],
            "sure": self.sure,
        }


@dataclass(frozen=True)
class Published:
    """What others reached on the same pictures, and how far ahead of them the model is."""

    counts: Counts
    differences: Mapping[str, Difference]

    def as_json(self) -> dict[str, Any]:
        """As in ``metrics.json``."""
        return {
            "precision": rounded(self.counts.precision),
            "recall": rounded(self.counts.recall) if self.counts.objects else None,
            "f1": rounded(self.counts.f1) if self.counts.objects else None,
            "ahead": {
                name: {"difference": rounded(item.difference)}
                | ({"interval": [rounded(end) for end in item.interval]} if item.interval else {})
                for name, item in self.differences.items()
            },
        }


def compare_models(
    first: Table,
    second: Table,
    names: Sequence[str],
    scored: Sequence[int],
    thresholds: tuple[float, float],
    sampling: Resampling,
) -> dict[str, dict[str, Difference]]:
    """Differences by class name and ``all``, then by figure.

    Args:
        first: what one model found.
        second: what the other found in the same pictures, in the same order.
        names: of the classes of both.
        scored: numbers of those that count.
        thresholds: each model's own.
        sampling: of those pictures.
    """
    one, two = (
        sampled_figures(found, names, scored, threshold, sampling.weights)
        for found, threshold in zip((first, second), thresholds, strict=True)
    )
    return {
        name: {figure: difference(values, two[name][figure], sampling) for figure, values in figures.items()}
        for name, figures in one.items()
    }


def compare_published(
    ours: Table, theirs: Table, scored: Sequence[int], threshold: float, sampling: Resampling
) -> Published:
    """Beside detections that others published without scores: counts, and the model's lead."""
    mine = sampled_counts(ours, scored, threshold, sampling.weights)
    other = sampled_counts(theirs, scored, 0.0, sampling.weights)
    leads = {name: difference(mine[name], other[name], sampling) for name in ("precision", "recall", "f1")}
    return Published(count(rank(theirs, scored), 0.0), leads)


def difference(first: Values, second: Values, sampling: Resampling) -> Difference:
    """Of one figure that was computed for the same weightings."""
    one, two = (float(values[0]) if np.isfinite(values[0]) else None for values in (first, second))
    ahead = None if one is None or two is None else one - two
    return Difference(one, two, ahead, None if ahead is None else sampling.interval(first - second))
