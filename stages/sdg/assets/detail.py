"""How fine an asset is built: the primitives leave out what is smaller than the picture shows.

A placement's parameter :data:`DETAIL` is a length in metres, half a pixel at its distance
(:mod:`stages.sdg.plan.detail` says which). While an asset is built with it, round things get fewer sides, chamfers and
small parts go, thin wires lose sides. What is drawn at random stays as it is, so a far thing is the near one,
simplified.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

DETAIL = "detail"
"""Parameter of a placement: metres below which its asset need not be exact."""

SAG = 1.0
"""Most that a flat side may lie inside the circle that it stands for, in units of the detail."""

LEAST_SIDES = 5
"""Sides of the coarsest round thing."""

_detail: ContextVar[float] = ContextVar("detail", default=0.0)


@contextmanager
def built_with(detail: float) -> Iterator[None]:
    """Build what is built inside with this detail, in metres; 0 builds everything."""
    token = _detail.set(detail)
    try:
        yield
    finally:
        _detail.reset(token)


def sides(radius: float, most: int) -> int:
    """Sides that a round thing of this radius (metres) needs, at most ``most``."""
    detail = _detail.get()
    if not detail:
        return most
    sag = min(1.0, SAG * detail / max(radius, 1e-9))
    return min(most, max(LEAST_SIDES, math.ceil(math.pi / math.acos(1 - sag)) if sag < 1 else 0))


def is_fine(length: float) -> bool:
    """Whether a chamfer or the thickness of a wire is at most a pixel."""
    return length <= 2 * _detail.get()


def is_speck(vertices: NDArray[np.float64]) -> bool:
    """Whether a mesh is shorter than a pixel and thinner than half of one."""
    detail = _detail.get()
    if not detail:
        return False
    # most meshes end far from where they start, which is quicker to see than how large they are
    first, last = vertices[0].tolist(), vertices[-1].tolist()
    if max(map(abs, map(float.__sub__, first, last))) >= 2 * detail:
        return False
    _, middle, longest = sorted((vertices.max(0) - vertices.min(0)).tolist())
    return bool(middle < detail and longest < 2 * detail)


def whole(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the asset with all its detail."""
    return {name: value for name, value in parameters.items() if name != DETAIL}
