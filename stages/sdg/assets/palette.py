"""Colours of warehouse things, and how an asset draws from them."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

from stages.sdg.plan.types import Colour


def linear(code: str) -> Colour:
    """Linear sRGB of a display colour like ``"#d8432a"`` (IEC 61966-2-1, inverse transfer function)."""
    values = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def vary(rng: np.random.Generator, colour: Colour, amount: float = 0.12) -> Colour:
    """A colour near ``colour``: hue, saturation and value moved by up to about ``amount``."""
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    hue = (hue + float(rng.normal(0, amount * 0.05))) % 1
    saturation = min(1.0, max(0.0, saturation * rng.uniform(1 - amount, 1 + amount)))
    value = min(0.95, max(0.005, value * rng.uniform(1 - 1.5 * amount, 1 + 1.5 * amount)))
    return colorsys.hsv_to_rgb(hue, saturation, value)


def pick(rng: np.random.Generator, codes: Sequence[str], weights: Sequence[float] | None = None) -> Colour:
    """One of some display colours, a little varied."""
    if weights is None:
        return vary(rng, linear(codes[int(rng.integers(len(codes)))]))
    # what Generator.choice does with shares, without its checks
    shares = np.cumsum(weights, dtype=float)
    return vary(rng, linear(codes[int(np.searchsorted(shares / shares[-1], rng.random(), side="right"))]))


def anything(rng: np.random.Generator) -> Colour:
    """Any colour, as domain randomisation wants it."""
    return colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0, 1) ** 0.7, rng.uniform(0.02, 0.9) ** 1.5)


def grey(rng: np.random.Generator, low: float = 0.02, high: float = 0.5) -> Colour:
    """A grey of display-like spread with a slight tint."""
    value = low * (high / low) ** rng.uniform()
    red, green, blue = (float(value * rng.uniform(0.95, 1.05)) for _ in range(3))
    return red, green, blue
