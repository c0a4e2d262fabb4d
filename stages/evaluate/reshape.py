"""Distributions of the settings, moved: scaled, shifted, stretched, or given more weight in a range."""

from __future__ import annotations

import math
from collections.abc import Callable

from pydantic import AfterValidator

from stages.common.settings import Settings
from stages.common.settings.distribution import (
    Choice,
    Combine,
    Constant,
    Distribution,
    Given,
    LogUniform,
    Named,
    Normal,
    Sequence,
    Uniform,
)
from stages.common.settings.messages import find
from stages.common.settings.quantity import Within

Limits = tuple[float, float]
Map = Callable[[float], float]


def limits(key: str) -> Limits:
    """The range that a random setting must stay within."""
    ranges = [
        item.func
        for item in find(Settings, key.split(".")).metadata
        if isinstance(item, AfterValidator) and isinstance(item.func, Within)
    ]
    return (ranges[0].low, ranges[0].high) if ranges else (-math.inf, math.inf)


def scaled(value: Distribution, factor: float, within: Limits) -> Distribution:
    """All values times ``factor``."""
    return _mapped(value, lambda number: number * factor, factor, within)


def shifted(value: Distribution, by: float, within: Limits) -> Distribution:
    """All values more by ``by``."""
    return _mapped(value, lambda number: number + by, 1.0, within)


def stretched(value: Distribution, low: float, high: float, within: Limits) -> Distribution:
    """The least value times ``low``, the greatest times ``high``, and those between in proportion of their logarithms.

    Of a range whose ends would cross both become their geometric mean.
    """
    least, most = value.bounds()
    if least <= 0 or least == most:
        return scaled(value, math.sqrt(low * high), within)
    first, last = least * low, most * high
    if first > last:
        first = last = math.sqrt(first * last)

    def move(number: float) -> float:
        place = math.log(number / least) / math.log(most / least)
        return math.exp(math.log(first) + place * math.log(last / first))

    return _mapped(value, move, math.sqrt(low * high), within)


def combined(value: Distribution, more: Distribution) -> Combine:
    """A mixture with a third of the draws from ``more``."""
    parts = value.parts if isinstance(value, Combine) else ((2.0, value),)
    total = sum(weight for weight, _ in parts)
    return Combine((*parts, (_short(total / 2), more)))


def _mapped(value: Distribution, move: Map, spread: float, within: Limits) -> Distribution:
    def to(number: float) -> float:
        return _short(min(max(move(number), within[0]), within[1])) if math.isfinite(number) else number

    match value:
        case Constant(number):
            return Constant(to(number))
        case Uniform(low, high):
            return Uniform(to(low), to(high))
        case LogUniform(low, high):
            return LogUniform(max(to(low), 1e-6), max(to(high), 1e-6))
        case Normal(mean, deviation, low, high):
            return Normal(to(mean), _short(deviation * spread), to(low), to(high))
        case Choice(values, weights):
            merged: dict[float, float] = {}
            for number, weight in zip(values, weights, strict=True):
                merged[to(number)] = merged.get(to(number), 0) + weight
            return Choice(tuple(merged), tuple(merged.values()))
        case Combine(parts):
            return Combine(tuple((weight, _mapped(part, move, spread, within)) for weight, part in parts))
        case Sequence(parts):
            return Sequence(tuple(_mapped(part, move, spread, within) for part in parts))
        case Given(other, cases):
            return Given(other, tuple((low, high, _mapped(part, move, spread, within)) for low, high, part in cases))
        case Named(_, quantity):
            return _mapped(quantity, move, spread, within)


def _short(value: float) -> float:
    """Three digits: a setting is read by people."""
    return float(f"{value:.3g}")
