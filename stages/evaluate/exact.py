"""Intervals of figures without a mistake, or without a hit, of which resampled pictures say nothing.

Where a good model on few pictures makes no mistake, every resample agrees that it never will. Intervals that follow
from the counts themselves stand in for that. One mistake is enough for the bootstrap: in simulations of 15 to 100
pictures its intervals then cover the truth as they should.
"""

from __future__ import annotations

from collections.abc import Mapping

from stages.evaluate.bootstrap import LEVEL, Interval

FEW = 1
"""Mistakes or hits, of which there are fewer, below which a bootstrap interval is widened to the exact one; of an
average there may be a part."""

TAIL = (1 - LEVEL) / 2


def proportion_interval(hits: float, count: float) -> Interval:
    """Exact interval of a share (Clopper and Pearson 1934); ``hits`` may be a part of a box, as of an average."""
    from scipy.stats import beta

    low = float(beta.ppf(TAIL, hits, count - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - TAIL, hits + 1, count - hits)) if hits < count else 1.0
    return low, high


def rate_interval(events: float, exposure: float) -> Interval:
    """Exact interval of a mean number of events, of a Poisson variable (Garwood 1936)."""
    from scipy.stats import chi2

    low = float(chi2.ppf(TAIL, 2 * events)) / 2 if events > 0 else 0.0
    return low / exposure, float(chi2.ppf(1 - TAIL, 2 * events + 2)) / 2 / exposure


def few_counted(hits: float, alarms: float | None, objects: float, ending: str = "") -> dict[str, Interval]:
    """Exact intervals of precision, recall and F1, of those with fewer than :data:`FEW` mistakes or hits.

    F1 is 2 J / (1 + J), where J is the share of hits among all boxes, found or missed: the interval is J's.

    Args:
        hits: objects that were found.
        alarms: wrong detections; None where they are not known.
        objects: that are there.
        ending: of the names.
    """
    made = {f"recall{ending}": _few(hits, objects)}
    if alarms is not None:
        made[f"precision{ending}"] = _few(hits, hits + alarms)
        ends = _few(hits, objects + alarms)
        made[f"f1{ending}"] = ends and (2 * ends[0] / (1 + ends[0]), 2 * ends[1] / (1 + ends[1]))
    return {name: ends for name, ends in made.items() if ends}


def few_found(share: float | None, objects: float) -> Interval | None:
    """Exact interval of an average over objects, such as an average precision; None where the bootstrap tells it."""
    return None if share is None else _few(share * objects, objects)


def hull(kept: Mapping[str, Interval], exact: Mapping[str, Interval]) -> dict[str, Interval]:
    """Bootstrap intervals widened to the exact ones."""
    made = dict(kept)
    for name, (low, high) in exact.items():
        known = made.get(name, (low, high))
        made[name] = min(low, known[0]), max(high, known[1])
    return made


def _few(hits: float, count: float) -> Interval | None:
    return proportion_interval(hits, count) if count and min(hits, count - hits) < FEW else None
