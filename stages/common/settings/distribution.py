"""Random quantities as they are written in the settings.

A quantity is a plain number, or a list that begins with the name of the distribution::

    height: 1.6
    height: [uniform, 0.9, 2.2]
    height: [normal, 1.6, 0.2, 1.0, 2.2]         # mean, standard deviation, lower and upper bound
    distance: [log_uniform, 0.8, 25]
    trucks: [choice, {1: 5, 2: 3}]               # value: weight
    height: [combine, [3, [uniform, 1, 2]], [1, [uniform, 2, 2.8]]]   # weighted mixture

Lists, because Hydra lets one list or number take the place of another, while it merges mappings: so
``randomization.camera.height=[uniform,1,2]`` works whatever stood there. One key, as in ``{uniform: [0.9, 2.2]}``,
is read as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, PlainSerializer

BOUNDED_TRIES = 64
"""Rejection tries of a bounded normal before the draw is clipped to its bounds."""


@dataclass(frozen=True)
class Constant:
    """Always the same value."""

    value: float

    def sample(self, rng: np.random.Generator) -> float:  # noqa: ARG002
        """Return the value; draws nothing."""
        return self.value

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.value, self.value


@dataclass(frozen=True)
class Uniform:
    """Equally likely between ``low`` and ``high``."""

    low: float
    high: float

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        return float(rng.uniform(self.low, self.high))

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.low, self.high


@dataclass(frozen=True)
class LogUniform:
    """Uniform in the logarithm: as many draws from 1 to 2 as from 10 to 20."""

    low: float
    high: float

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        return float(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.low, self.high


@dataclass(frozen=True)
class Normal:
    """Normal, drawn again while outside ``[low, high]``."""

    mean: float
    deviation: float
    low: float = -math.inf
    high: float = math.inf

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one value within the bounds."""
        for _ in range(BOUNDED_TRIES):
            value = float(rng.normal(self.mean, self.deviation))
            if self.low <= value <= self.high:
                return value
        return float(np.clip(self.mean, self.low, self.high))

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.low, self.high


@dataclass(frozen=True)
class Choice:
    """One of some numbers, by weight."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        weights = np.asarray(self.weights, float)
        return self.values[int(rng.choice(len(self.values), p=weights / weights.sum()))]

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return min(self.values), max(self.values)


@dataclass(frozen=True)
class Combine:
    """A weighted mixture of distributions."""

    parts: tuple[tuple[float, Distribution], ...]

    def sample(self, rng: np.random.Generator) -> float:
        """Choose a part by weight, then draw from it."""
        weights = np.asarray([weight for weight, _ in self.parts], float)
        part = int(rng.choice(len(self.parts), p=weights / weights.sum()))
        return self.parts[part][1].sample(rng)

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value of all parts."""
        low, high = zip(*(part.bounds() for _, part in self.parts), strict=True)
        return min(low), max(high)


Distribution = Constant | Uniform | LogUniform | Normal | Choice | Combine

FORMS = "a number, or a list such as [uniform, 1, 2] ([log_uniform, ...], [normal, ...], [choice, ...], [combine, ...])"


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
