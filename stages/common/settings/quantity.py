"""Random quantities as they are written in the settings.

A quantity is a plain number, or a list that begins with the name of the distribution::

    height: 1.6
    height: [uniform, 0.9, 2.2]
    height: [normal, 1.6, 0.2, 1.0, 2.2]         # mean, standard deviation, lower and upper bound
    distance: [log_uniform, 0.8, 25]
    trucks: [choice, {1: 5, 2: 3}]               # value: weight
    height: [combine, [3, [uniform, 1, 2]], [1, [uniform, 2, 2.8]]]   # weighted mixture
    trucks: [sequence, 1, 2, [uniform, 3, 5]]    # in turn by frame number
    noise: [given, light.exposure, [[-3, -1], [uniform, 4, 9]], [else, 1]]   # first case that holds the other's value

Lists, because Hydra lets one list or number take the place of another, while it merges mappings: so
``randomization.camera.height=[uniform,1,2]`` works whatever stood there. One key, as in ``{uniform: [0.9, 2.2]}``,
is read as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

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

FORMS = (
    "a number, or a list such as [uniform, 1, 2] ([log_uniform, ...], [normal, ...], [choice, ...], [combine, ...], "
    "[sequence, ...], [given, ...])"
)


def parse(value: Any) -> Distribution:
    """Read a distribution from its settings form (see the module's text).

    Raises:
        ValueError: when the form is not one of those, or its numbers are out of order.
    """
    if isinstance(value, Distribution):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Constant(_finite(value))
    kind, body = _named(value)
    match kind:
        case "uniform":
            return Uniform(*_ordered(body, 2))
        case "log_uniform":
            low, high = _ordered(body, 2)
            if low <= 0:
                raise ValueError("log_uniform needs bounds above 0")
            return LogUniform(low, high)
        case "normal":
            return _normal(body)
        case "choice":
            return _choice(body)
        case "combine":
            return _combine(body)
        case "sequence":
            return _sequence(body)
        case "given":
            return _given(body)
    raise ValueError(f"'{kind}' is not a distribution; write {FORMS}")


def plain(value: Distribution) -> Any:
    """The settings form of a distribution: the inverse of :func:`parse`."""
    match value:
        case Constant(number):
            return number
        case Uniform(low, high):
            return ["uniform", low, high]
        case LogUniform(low, high):
            return ["log_uniform", low, high]
        case Normal(mean, deviation, low, high):
            bounds = [] if math.isinf(low) and math.isinf(high) else [low, high]
            return ["normal", mean, deviation, *bounds]
        case Choice(values, weights):
            return ["choice", dict(zip(values, weights, strict=True))]
        case Combine(parts):
            return ["combine", *([weight, plain(part)] for weight, part in parts)]
        case Sequence(parts):
            return ["sequence", *(plain(part) for part in parts)]
        case Given(other, cases):
            return ["given", other, *([_when(low, high), plain(part)] for low, high, part in cases)]
        case Named(_, quantity):
            return plain(quantity)


def _when(low: float, high: float) -> Any:
    """The settings form of a case's range."""
    return "else" if math.isinf(low) and math.isinf(high) else low if low == high else [low, high]


def _named(value: Any) -> tuple[str, Any]:
    """Name of the distribution and its numbers, from the list or the mapping."""
    match value:
        case ["choice", weights]:
            return "choice", weights
        case [str(kind), *body]:
            return kind, body
        case dict() if len(value) == 1:
            return next(iter(value.items()))
    raise ValueError(f"write {FORMS}")


def _finite(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError(f"{number!r} is not a finite number")
    return float(number)


def _numbers(body: Any, *lengths: int) -> list[float]:
    if not isinstance(body, list | tuple) or len(body) not in lengths:
        raise ValueError(f"needs a list of {' or '.join(map(str, lengths))} numbers")
    return [_finite(number) for number in body]


def _ordered(body: Any, length: int) -> tuple[float, float]:
    low, high = _numbers(body, length)
    if low > high:
        raise ValueError(f"the lower bound {low:g} is above the upper bound {high:g}")
    return low, high


def _normal(body: Any) -> Normal:
    numbers = _numbers(body, 2, 4)
    if numbers[1] < 0:
        raise ValueError("a standard deviation cannot be negative")
    if len(numbers) == 4 and numbers[2] > numbers[3]:
        raise ValueError(f"the lower bound {numbers[2]:g} is above the upper bound {numbers[3]:g}")
    return Normal(*numbers)


def _choice(body: Any) -> Choice:
    if not isinstance(body, dict) or not body:
        raise ValueError("choice needs 'value: weight' pairs")
    weights = tuple(_finite(weight) for weight in body.values())
    if min(weights) < 0 or sum(weights) <= 0:
        raise ValueError("choice needs weights of 0 or more, one of them above 0")
    return Choice(tuple(_key(value) for value in body), weights)


def _key(value: Any) -> float:
    """A number that may have been the key of a JSON object, and so a text."""
    try:
        return _finite(float(value) if isinstance(value, str) else value)
    except ValueError:
        raise ValueError(f"{value!r} is not a finite number") from None


def _combine(body: Any) -> Combine:
    if not isinstance(body, list) or not body:
        raise ValueError("combine needs a list of [weight, distribution]")
    parts = []
    for item in body:
        if not isinstance(item, list | tuple) or len(item) != 2 or _finite(item[0]) < 0:
            raise ValueError("combine needs a list of [weight of 0 or more, distribution]")
        parts.append((_finite(item[0]), parse(item[1])))
    if sum(weight for weight, _ in parts) <= 0:
        raise ValueError("combine needs one weight above 0")
    return Combine(tuple(parts))


def _sequence(body: Any) -> Sequence:
    if not isinstance(body, list) or not body:
        raise ValueError("sequence needs a list of numbers or distributions, as in [sequence, 1, 2, 3]")
    return Sequence(tuple(parse(item) for item in body))


def _given(body: Any) -> Given:
    match body:
        case [str(other), *cases] if cases and all(isinstance(case, list | tuple) and len(case) == 2 for case in cases):
            ranges = [(*_range(when), parse(part)) for when, part in cases]
            return Given(other.removeprefix("randomization."), tuple(ranges))
    raise ValueError(
        "given needs the name of another quantity and [value, quantity], [[low, high], quantity] or [else, quantity], "
        "as in [given, light.exposure, [[-3, -1], 5], [else, 1]]"
    )


def _range(when: Any) -> tuple[float, float]:
    """Lower and upper value that a case of ``given`` holds."""
    if when == "else":
        return -math.inf, math.inf
    if isinstance(when, list | tuple):
        return _ordered(when, 2)
    return _key(when), _key(when)


Quantity = Annotated[Distribution, BeforeValidator(parse), PlainSerializer(plain)]
"""A settings field that holds a :data:`Distribution`."""


@dataclass(frozen=True)
class Within:
    """Checks that a distribution never leaves ``[low, high]``."""

    low: float
    high: float

    def __call__(self, value: Distribution) -> Distribution:
        """Return ``value``.

        Raises:
            ValueError: when it can leave the range.
        """
        low, high = value.bounds()
        if isinstance(value, Normal) and math.isinf(high - low):
            raise ValueError(f"{self}; bound it, as in [normal, mean, deviation, lower, upper]")
        if low < self.low or high > self.high:
            raise ValueError(str(self))
        return value

    def __str__(self) -> str:
        """The range in words."""
        return f"stay within {self.low:g} to {self.high:g}"


def within(low: float, high: float) -> AfterValidator:
    """The annotation that keeps a :data:`Quantity` between two numbers."""
    return AfterValidator(Within(low, high))
