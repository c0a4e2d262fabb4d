"""95 % intervals over pictures: how far a figure would move had other pictures of the same kind been taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
"""Of the intervals."""

MOST_GROUPS = 200
"""Pictures are left out one by one, or beyond so many pictures in so many groups, to measure skewness."""

NORMAL = NormalDist()

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Resampling:
    """Weightings of P pictures that every figure of a set is computed for.

    The same weightings serve all figures and all models on a set, so that differences are paired.

    Attributes:
        weights: (1 + R + G, P): all pictures once; R resamples with replacement; all but one of G groups.
        resamples: R.
    """

    weights: NDArray[np.float32]
    resamples: int

    @property
    def pictures(self) -> int:
        """P."""
        return int(self.weights.shape[1])

    def interval(self, values: Floats) -> Interval | None:
        """The interval of a figure.

        Bias-corrected and accelerated (Efron, Better Bootstrap Confidence Intervals, JASA 1987), with the nominal level
        widened for few pictures as the t interval is (Hesterberg, What Teachers Should Know About the Bootstrap, The
        American Statistician 2015): plain percentiles cover the truth only 91 % of the time with fifteen pictures.

        Args:
            values: (1 + R + G,) the figure for each weighting; NaN where there is none.

        Returns:
            Lower and upper end, or None for fewer than two pictures or a figure that most resamples do not have.
        """
        point, drawn, left_out = values[0], values[1 : 1 + self.resamples], values[1 + self.resamples :]
        drawn = drawn[np.isfinite(drawn)]
        if self.pictures < 2 or not np.isfinite(point) or 2 * len(drawn) < self.resamples or not len(drawn):
            return None
        low, high = np.quantile(drawn, _levels(point, drawn, left_out[np.isfinite(left_out)], self.pictures))
        return float(min(low, point)), float(max(high, point))


def resampling(pictures: int, resamples: int, seed: int = 0) -> Resampling:
    """Draw the weightings of a set; the same arguments give the same ones."""
    rng = np.random.default_rng([seed, pictures])
    groups = min(pictures, MOST_GROUPS)
    weights = np.ones((1 + resamples + groups, pictures), np.float32)
    for row in range(1, 1 + resamples):
        weights[row] = np.bincount(rng.integers(0, max(pictures, 1), pictures), minlength=pictures)
    for group, members in enumerate(np.array_split(rng.permutation(pictures), groups) if groups else []):
        weights[1 + resamples + group, members] = 0
    return Resampling(weights, resamples)


def _levels(point: float, drawn: Floats, left_out: Floats, pictures: int) -> list[float]:
    """Quantiles of the resamples that the interval ends at."""
    edge = math.sqrt(pictures / (pictures - 1)) * _student(pictures - 1)
    below = float((drawn < point).mean() + (drawn <= point).mean()) / 2
    bias = NORMAL.inv_cdf(min(max(below, 1 / len(drawn)), 1 - 1 / len(drawn)))
    skewed = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    spread = float((skewed**2).sum()) ** 1.5
    acceleration = float((skewed**3).sum()) / (6 * spread) if spread > 0 else 0.0
    return [NORMAL.cdf(bias + (bias + side) / (1 - acceleration * (bias + side))) for side in (-edge, edge)]


@cache
def _student(freedom: int) -> float:
    """Upper quantile of Student's distribution for :data:`LEVEL`."""
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, freedom))
