"""How far two histograms are apart, and whether that is more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.deploy.drift.measures import OF_PICTURES
from stages.deploy.drift.reference import TRAINED

SIGNIFICANT = 0.01
"""Probability of so large an index by chance, below which it counts."""

LEAST = 30
"""Pictures of which anything is said."""


@dataclass(frozen=True)
class Drift:
    """One measure.

    Attributes:
        measure: its name; with the ending ``_trained`` against the labelled boxes of the training data.
        index: population stability index: 0 for equal shares; above 0.1 is usually called a moderate, above 0.25 a
            large change (Siddiqi, Credit Risk Scorecards, 2006).
        chance: probability of such an index, or a larger one, when nothing has changed.
        expected, found: counts by bin.
    """

    measure: str
    index: float
    chance: float
    expected: Mapping[str, int]
    found: Mapping[str, int]

    @property
    def sure(self) -> bool:
        """Is it more than chance?"""
        return self.chance < SIGNIFICANT

    @property
    def moved(self) -> str:
        """The bin whose share changed most, in words."""
        expected, found = sum(self.expected.values()) or 1, sum(self.found.values()) or 1
        name = max(self.expected, key=lambda key: abs(self.found[key] / found - self.expected[key] / expected))
        return f"{name}: {self.expected[name] / expected:.0%} to {self.found[name] / found:.0%}"


def compare(reference: Mapping[str, Any], seen: Mapping[str, Any]) -> list[Drift]:
    """All measures, the largest index first; those of pixels only where pictures were kept.

    Args:
        reference: of a bundle.
        seen: what :meth:`Histograms.as_json` says of the captured requests.
    """
    pairs = [(name, bins, seen["counts"].get(name)) for name, bins in reference["counts"].items()]
    pairs += [
        (f"{name}_{TRAINED}", bins, seen["counts"].get(name)) for name, bins in reference.get(TRAINED, {}).items()
    ]
    drifts = []
    for name, expected, found in pairs:
        kind = "pictures" if name in OF_PICTURES else "answers"
        if found and sum(expected.values()) and sum(found.values()) and set(expected) == set(found):
            drifts.append(measure_drift(name, expected, found, reference[kind], seen[kind]))
    return sorted(drifts, key=lambda drift: -drift.index)


def measure_drift(
    name: str, expected: Mapping[str, int], found: Mapping[str, int], expected_pictures: int, found_pictures: int
) -> Drift:
    """The population stability index of two histograms over the same bins.

    Half an observation is added to each bin, so that empty ones do not make it infinite. When nothing has changed, the
    index divided by ``1/n + 1/m`` follows a chi-squared distribution with one degree of freedom less than bins
    (Yurdakul, Statistical Properties of the Population Stability Index, 2018). For n and m the pictures are taken and
    not the boxes, since boxes of one picture are not independent: that errs towards chance.
    """
    from scipy.stats import chi2

    bins = [key for key in expected if expected[key] or found[key]]
    index = 0.0
    totals = sum(expected.values()) + len(bins) / 2, sum(found.values()) + len(bins) / 2
    for key in bins:
        before, after = (expected[key] + 0.5) / totals[0], (found[key] + 0.5) / totals[1]
        index += (after - before) * math.log(after / before)
    if len(bins) < 2 or min(expected_pictures, found_pictures) < 1:
        return Drift(name, index, 1.0, expected, found)
    scale = 1 / expected_pictures + 1 / found_pictures
    return Drift(name, index, float(chi2.sf(index / scale, len(bins) - 1)), expected, found)


def worst(drifts: list[Drift]) -> float:
    """The largest index that is more than chance; 0 for none."""
    return max((drift.index for drift in drifts if drift.sure), default=0.0)
