"""Random quantities: what can be drawn, and how; :mod:`stages.common.settings.quantity` reads them from settings."""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

BOUNDED_TRIES = 64
"""Rejection tries of a bounded normal before the draw is clipped to its bounds."""


@functools.lru_cache(maxsize=1024)
def _edges(weights: tuple[float, ...]) -> tuple[float, ...]:
    """Upper edges of the bins that these weights have between 0 and 1, the last of which is 1.

    They are those of numpy's ``Generator.choice``, so that ``bisect_right`` of ``random()`` in them draws as it does;
    to check and add up the weights takes it longer than to draw.

    Args:
        weights: none below 0.

    Raises:
        ValueError: when nothing can be drawn by these weights.
    """
    shares = np.array(weights, float)
    shares /= shares.sum()
    if not np.all(shares >= 0):
        raise ValueError(f"weights {weights} cannot be drawn from: give 0 or more, one of them above 0")
    edges = shares.cumsum()
    return tuple((edges / edges[-1]).tolist())


def pick_by(weights: tuple[float, ...], rng: np.random.Generator) -> int:
    """An index by weight."""
    return bisect.bisect_right(_edges(weights), rng.random())


@dataclass
class Drawn:
    """What one frame has drawn so far of the quantities that others depend on.

    Attributes:
        frame: its number, from 0.
        named: quantities that others depend on, by name.
        values: of those that are drawn.
    """

    frame: int = 0
    named: Mapping[str, Named] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Constant:
    """Always the same value."""

    value: float

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:  # noqa: ARG002
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

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:  # noqa: ARG002
        """Draw one value."""
        # what rng.uniform does, which looks long at its arguments first
        return self.low + (self.high - self.low) * rng.random()

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.low, self.high


@dataclass(frozen=True)
class LogUniform:
    """Uniform in the logarithm: as many draws from 1 to 2 as from 10 to 20."""

    low: float
    high: float

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:  # noqa: ARG002
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

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:  # noqa: ARG002
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

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:  # noqa: ARG002
        """Draw one value."""
        return self.values[pick_by(self.weights, rng)]

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return min(self.values), max(self.values)


@dataclass(frozen=True)
class Combine:
    """A weighted mixture of distributions."""

    parts: tuple[tuple[float, Distribution], ...]

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:
        """Choose a part by weight, then draw from it."""
        part = pick_by(tuple(weight for weight, _ in self.parts), rng)
        return self.parts[part][1].sample(rng, drawn)

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value of all parts."""
        low, high = zip(*(part.bounds() for _, part in self.parts), strict=True)
        return min(low), max(high)


@dataclass(frozen=True)
class Sequence:
    """One part after the other, by frame number, and over again."""

    parts: tuple[Distribution, ...]

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:
        """Draw from the part whose turn it is."""
        frame = drawn.frame if drawn else 0
        return self.parts[frame % len(self.parts)].sample(rng, drawn)

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value of all parts."""
        low, high = zip(*(part.bounds() for part in self.parts), strict=True)
        return min(low), max(high)


@dataclass(frozen=True)
class Given:
    """Depends on the frame's value of another quantity.

    Attributes:
        other: dotted name of that quantity below ``randomization``.
        cases: lower and upper value of the other, both included, and what is drawn then; the first that holds counts.
    """

    other: str
    cases: tuple[tuple[float, float, Distribution], ...]

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:
        """Draw from the case that holds the other's value; that is drawn first if it has not been yet.

        Raises:
            ValueError: when the frame does not know the other quantity.
        """
        if drawn is None or self.other not in drawn.named:
            raise ValueError(f"{self.other} is not drawn here, so nothing can be drawn that depends on it")
        value = drawn.named[self.other].sample(rng, drawn)
        for low, high, part in self.cases:
            if low <= value <= high:
                return part.sample(rng, drawn)
        raise ValueError(f"no case holds {self.other}={value:g}")

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value of all cases."""
        low, high = zip(*(part.bounds() for _, _, part in self.cases), strict=True)
        return min(low), max(high)


@dataclass(frozen=True)
class Named:
    """A quantity that others depend on: drawn once in a frame, whoever asks first."""

    name: str
    quantity: Distribution

    def sample(self, rng: np.random.Generator, drawn: Drawn | None = None) -> float:
        """The frame's value."""
        if drawn is None:
            return self.quantity.sample(rng)
        if self.name not in drawn.values:
            drawn.values[self.name] = self.quantity.sample(rng, drawn)
        return drawn.values[self.name]

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self.quantity.bounds()


Distribution = Constant | Uniform | LogUniform | Normal | Choice | Combine | Sequence | Given | Named
