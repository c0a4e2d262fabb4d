"""Which random quantities may depend on which."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from stages.common.settings.distribution import Choice, Combine, Constant, Distribution, Given, Named, Sequence
from stages.common.settings.messages import nearest

Interval = tuple[float, float]


def references(quantity: Distribution) -> Iterator[Given]:
    """All conditions within a quantity."""
    match quantity:
        case Given(_, cases):
            yield quantity
            for _, _, part in cases:
                yield from references(part)
        case Combine(parts):
            for _, part in parts:
                yield from references(part)
        case Sequence(parts):
            for part in parts:
                yield from references(part)
        case Named(_, inner):
            yield from references(inner)


def mistakes(quantities: Mapping[str, Distribution], often: frozenset[str]) -> Iterator[str]:
    """One sentence for each condition that cannot be met.

    Args:
        quantities: all of them by dotted name below ``randomization``.
        often: names of those that a frame draws more than once, so that nothing can depend on them.
    """
    once = [name for name in quantities if name not in often]
    for name, quantity in quantities.items():
        key = f"randomization.{name}"
        for given in references(quantity):
            if given.other in often:
                yield (
                    f"{key} depends on {given.other}, which each thing in a frame draws anew: depend on one that a "
                    f"frame draws once, such as {once[0]}"
                )
            elif given.other not in quantities:
                yield f"{key} depends on {given.other}, which is no quantity: {nearest(given.other, once)}"
            elif (hole := _hole(given, quantities[given.other])) is not None:
                yield (
                    f"{key} has no case for {given.other}={hole:g}: add [{hole:g}, quantity], a range that "
                    "holds it, or [else, quantity]"
                )
    if circle := _circle(quantities):
        named = " on ".join(f"randomization.{name}" for name in circle)
        yield f"{named} depend on each other in a circle: give one of them without a condition"


def _circle(quantities: Mapping[str, Distribution]) -> list[str]:
    """Names along a circle of conditions, or none."""
    others = {name: {given.other for given in references(quantity)} for name, quantity in quantities.items()}

    def follow(path: list[str]) -> list[str]:
        for other in sorted(others.get(path[-1], ())):
            if other in path:
                return [*path[path.index(other) :], other]
            if found := follow([*path, other]):
                return found
        return []

    return next((found for name in others if (found := follow([name]))), [])


def _hole(given: Given, other: Distribution) -> float | None:
    """A value of the other quantity that no case holds, or None."""
    cases = sorted(case[:2] for case in given.cases)
    for low, high in _support(other):
        at, covered = low, False
        for start, end in cases:
            if start <= at <= end:
                at, covered = end, True
        if not covered:
            return low if math.isfinite(low) else -math.inf
        if at < high:
            return (at + min([start for start, _ in cases if start > at] + [high])) / 2
    return None


def _support(quantity: Distribution) -> list[Interval]:
    """Intervals that hold all values of a quantity."""
    match quantity:
        case Constant(value):
            return [(value, value)]
        case Choice(values, weights):
            return [(value, value) for value, weight in zip(values, weights, strict=True) if weight > 0]
        case Combine(parts):
            return [interval for weight, part in parts if weight > 0 for interval in _support(part)]
        case Sequence(parts):
            return [interval for part in parts for interval in _support(part)]
        case Given(_, cases):
            return [interval for _, _, part in cases for interval in _support(part)]
        case Named(_, inner):
            return _support(inner)
    return [quantity.bounds()]
