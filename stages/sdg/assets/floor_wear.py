"""What time and weather leave on a concrete floor: cracks and wet patches, flat and along X from the origin."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.common.errors import SettingsError
from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, Mesh, merge
from stages.sdg.assets.palette import grey
from stages.sdg.assets.stock import pattern
from stages.sdg.assets.types import Asset, Material

CRACK, WET = 0.0025, 0.0008
"""Heights above the asset's origin, metres: cracks run through painted lines, water lies on joints and below lines."""

STEP = 0.09
"""Distance between the bends of a crack, metres."""

WETS = ("streaks", "area", "drips")
"""Kinds of wet patches."""


@register_asset("floor_crack")
def floor_crack(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A crack that forks, in places with a broken edge. Parameters: length (m, 0.5 to 4 is usual)."""
    length = float(parameters.get("length", 2.0))
    dark = Material("rubber", grey(rng, 0.006, 0.03), 0.95, seed=pattern(rng))
    width, rough = float(rng.uniform(0.003, 0.009)), float(rng.uniform(0.25, 0.6))
    trunk = _wander(rng, (0.0, 0.0), float(rng.normal(0, 0.2)), length, rough)
    ribbons = [_ribbon(trunk, width)]
    for _ in range(int(rng.integers(0, 2 + round(length)))):
        place = int(rng.integers(1, len(trunk) - 1))
        ahead = math.atan2(*(trunk[place] - trunk[place - 1])[::-1])
        turned = ahead + float(rng.choice([-1, 1]) * rng.uniform(0.4, 1.2))
        branch = _wander(rng, trunk[place], turned, length * float(rng.uniform(0.1, 0.4)), rough)
        ribbons.append(_ribbon(branch, width * 0.6))
    builder = Builder()
    builder.add("crack", merge(*ribbons), dark)
    broken = Material("plaster", grey(rng, 0.04, 0.12), 0.95, seed=pattern(rng))
    for _ in range(int(rng.integers(0, 3))):
        place = trunk[int(rng.integers(1, len(trunk) - 1))]
        builder.add("broken", _patch(rng, place, float(rng.uniform(0.015, 0.05)), CRACK - 0.0005, 9, 0.4), broken)
    return builder.build()


@register_asset("floor_wet")
def floor_wet(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Water on the floor, which is darker and glossy there.

    Parameters: kind (streaks of wet tyres, a wide area, drips), length (m; all lie along X, from the origin on).

    Raises:
        SettingsError: when there is no such kind.
    """
    drawn = str(rng.choice(WETS))
    kind, length = str(parameters.get("kind", drawn)), float(parameters.get("length", 3.0))
    if kind not in WETS:
        raise SettingsError(f"wet floors have no kind '{kind}': take one of {', '.join(WETS)}")
    # colours of wet concrete, for renderers that cannot look through water
    water = Material("water", grey(rng, 0.04, 0.1), float(rng.uniform(0.06, 0.3)), seed=pattern(rng))
    builder = Builder()
    if kind == "streaks":
        _streaks(rng, builder, water, length)
    elif kind == "area":
        middle = np.array([length / 2, 0.0])
        # splashes reach twice as far
        size = min(float(rng.uniform(0.5, 1.8)), length / 4)
        builder.add("water", _patch(rng, middle, size, WET, 56, 0.25), water)
        for _ in range(int(rng.integers(2, 7))):
            angle, far = rng.uniform(0, 2 * np.pi), size * rng.uniform(1.3, 1.9)
            spot = middle + far * np.array([math.cos(angle), math.sin(angle)])
            builder.add("water", _patch(rng, spot, float(rng.uniform(0.02, 0.15)), WET, 14, 0.2), water)
    else:
        path = _wander(rng, (0.0, 0.0), 0.0, length, 0.1)
        for at in rng.uniform(0, len(path) - 1, int(rng.integers(8, 20))):
            spot = path[int(at)] + rng.normal(0, 0.05, 2)
            builder.add("water", _patch(rng, spot, float(rng.uniform(0.01, 0.05)), WET, 10, 0.15), water)
    return builder.build()


def _streaks(rng: np.random.Generator, builder: Builder, water: Material, length: float) -> None:
    """Two tracks that bend together, break up and end as the tyres dry."""
    gauge, width = float(rng.uniform(0.35, 1.1)), float(rng.uniform(0.06, 0.16))
    path = _wander(rng, (0.0, 0.0), 0.0, length, 0.04)
    for side in (-0.5, 0.5):
        start = 0
        while start < len(path) - 3:
            run = int(rng.integers(3, max(4, len(path) - start)))
            piece = path[start : start + run + 1] + np.array([0.0, side * gauge])
            builder.add("water", _ribbon(piece, width * float(rng.uniform(0.6, 1.0)), WET, 0.25), water)
            start += run + int(rng.integers(1, 4))


def _wander(
    rng: np.random.Generator, start: ArrayLike, heading: float, length: float, rough: float
) -> NDArray[np.float64]:
    """A polyline (P, 2) that keeps to its heading by and large; ``rough`` is how far it strays, in radians."""
    count = max(5, round(length / STEP))
    turns = rng.normal(0, rough, count) + 0.5 * np.cumsum(rng.normal(0, rough / 4, count))
    steps = length / count * np.stack([np.cos(heading + turns), np.sin(heading + turns)], 1)
    origin = np.asarray(start, float)
    return np.concatenate([origin[None], origin + np.cumsum(steps, 0)])


def _ribbon(path: NDArray[np.float64], width: float, height: float = CRACK, sharp: float = 1.0) -> Mesh:
    """A flat band along a polyline, thinning out to its end; the smaller ``sharp``, the later."""
    ahead = np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    share = np.linspace(0, 1, len(path))
    wide = width / 2 * np.maximum((1 - share) ** sharp * np.minimum(1, 0.3 + 6 * share), 0.04)
    out = wide[:, None] * np.stack([-ahead[:, 1], ahead[:, 0]], 1)
    flat = np.concatenate([path - out, path + out])
    vertices = np.concatenate([flat, np.full((len(flat), 1), height)], 1)
    right = np.arange(len(path) - 1)
    left = right + len(path)
    faces = np.concatenate([np.stack([right, right + 1, left + 1], 1), np.stack([right, left + 1, left], 1)])
    return vertices, faces


def _patch(
    rng: np.random.Generator, centre: ArrayLike, radius: float, height: float, corners: int, uneven: float
) -> Mesh:
    """A flat blob about a point (X, Y); ``uneven`` is how far its rim strays from the radius, as a share of it."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    bulge = np.zeros(corners)
    for wave in range(1, 6):
        bulge += rng.normal(0, uneven / wave) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    reach = radius * np.clip(1 + bulge, 0.3, 1.8)
    x, y = np.asarray(centre, float)
    rim = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles), np.full(corners, height)], 1)
    fan = np.array([(corners, k, (k + 1) % corners) for k in range(corners)])
    return np.concatenate([rim, [[x, y, height]]]), fan
