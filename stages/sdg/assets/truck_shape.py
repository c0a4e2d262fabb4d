"""Dimensions of pallet trucks, drawn after makers' data sheets.

2 to 2.5 t trucks: fork length 0.8 to 1.22 m (1.15 usual), width over forks 0.45 to 0.685 m (0.54 usual), fork 0.15 to
0.18 m wide, lowered height 0.051 to 0.09 m, tiller top at 1.15 to 1.3 m.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stages.common.errors import SettingsError
from stages.sdg.assets.catalogue import Parameters

STYLES = {
    "standard": 10, "low": 1, "short": 2, "wide": 1.5, "quick": 2, "scissor": 1, "scale": 1, "galvanised": 1,
    "stainless": 1, "brake": 1,
}  # fmt: skip
"""Kinds of hand pallet trucks, and how often each is drawn."""

ELECTRIC_STYLES = {"standard": 10, "low": 1, "short": 2, "wide": 1.5}
"""Kinds of walk-behind electric ones."""

OVER_FORKS = (0.45, 0.52, 0.54, 0.55, 0.57)
OVER_FORKS_WEIGHTS = (1, 2, 3, 1, 1)

HIGHEST = 0.75
"""Most that a scissor truck lifts, metres."""

SHEET = 0.012
"""Thickness of a fork's top plate, metres."""

SCALE_GAP = 0.02
"""Height of the load cells between the forks of a weighing truck and the plates on them, metres."""


@dataclass(frozen=True)
class Shape:
    """Drawn dimensions of one truck, metres and radians."""

    style: str
    fork_length: float
    fork_width: float
    over_forks: float
    fork_low: float
    fork_thick: float
    lift: float
    body_height: float
    body_top: float
    pump_x: float
    wheel_radius: float
    wheel_width: float
    tiller_length: float
    tiller_angle: float
    tiller_swing: float

    @property
    def body_base(self) -> float:
        """Height of the lower edge of what rises from the forks to the pump; a scissor truck's stays on the floor."""
        return 0.03 if self.style == "scissor" else self.fork_low + self.lift - self.fork_thick

    @property
    def head(self) -> float:
        """Height of its upper edge, at the pump."""
        return self.body_height + (0.0 if self.style == "scissor" else min(self.lift, 0.15))

    @property
    def roller_room(self) -> float:
        """Largest radius of a load roller that stays below the lowered fork's top plate."""
        return (self.fork_low - (SCALE_GAP if self.style == "scale" else 0.0) - SHEET - 0.003) / 2


def one_of(known: Mapping[str, object], parameters: Parameters, name: str, drawn: str) -> str:
    """The choice that the scene asks for by the parameter ``name``, or the drawn one.

    Raises:
        SettingsError: when there is no such choice.
    """
    asked = str(parameters.get(name) or drawn)
    if asked not in known:
        raise SettingsError(f"pallet trucks have no {name} '{asked}': take one of {', '.join(known)}")
    return asked


def draw_shape(rng: np.random.Generator, parameters: Parameters, styles: Mapping[str, float] | None = None) -> Shape:
    """Dimensions of one truck.

    Args:
        rng: of the asset.
        parameters: style, lift (m), tiller_angle and tiller_swing (radians) may be fixed.
        styles: that this family has and how often each is drawn; :data:`STYLES` without them.

    Raises:
        SettingsError: when the family has no such style.
    """
    styles = styles or STYLES
    weights = np.array(list(styles.values()), float)
    style = one_of(styles, parameters, "style", str(rng.choice(list(styles), p=weights / weights.sum())))
    length = {"short": rng.uniform(0.8, 0.95), "scissor": rng.uniform(1.1, 1.19)}.get(style, rng.uniform(1.05, 1.22))
    wide, usual = rng.uniform(0.62, 0.70), rng.choice(OVER_FORKS, p=np.array(OVER_FORKS_WEIGHTS) / 8)
    over = wide if style == "wide" else usual
    high, raised = rng.uniform(0.1, HIGHEST - 0.03), rng.uniform() < 0.75
    lift = (high if raised else 0.0) if style == "scissor" else rng.uniform(0, 0.12)
    drawn = Shape(
        style=style,
        fork_length=float(length),
        fork_width=float(rng.uniform(0.145, 0.18)),
        over_forks=float(over + rng.normal(0, 0.006)),
        fork_low=float(rng.uniform(0.051, 0.06) if style == "low" else rng.uniform(0.075, 0.092)),
        fork_thick=float(rng.uniform(0.034, 0.062)),
        lift=float(lift),
        body_height=float(rng.uniform(0.34, 0.52)),
        body_top=float(rng.uniform(0.16, 0.34)),
        pump_x=float(-rng.uniform(0.14, 0.22)),
        wheel_radius=float(rng.choice([0.08, 0.09, 0.1, 0.1])),
        wheel_width=float(rng.uniform(0.045, 0.06)),
        tiller_length=float(rng.uniform(0.78, 1.0)),
        tiller_angle=float(rng.choice([rng.normal(0.03, 0.05), rng.uniform(0, 1.0)], p=[0.75, 0.25])),
        tiller_swing=float(rng.choice([0.0, rng.normal(0, 0.5), rng.uniform(-1.5, 1.5)], p=[0.45, 0.35, 0.2])),
    )
    return _fitted(drawn, parameters)


def _fitted(drawn: Shape, parameters: Parameters) -> Shape:
    """What the scene fixes, and a fork that does not reach into the floor."""
    lift, thick = float(parameters.get("lift", drawn.lift)), drawn.fork_thick
    if drawn.style == "scissor":
        lift = min(max(0.0, lift), HIGHEST)
    if drawn.style == "scale":
        thick += SCALE_GAP
    return dataclasses.replace(
        drawn,
        lift=lift,
        fork_thick=min(thick, drawn.fork_low - 0.018),
        tiller_angle=float(parameters.get("tiller_angle", drawn.tiller_angle)),
        tiller_swing=float(parameters.get("tiller_swing", drawn.tiller_swing)),
    )


def arm_span(shape: Shape, rise: float) -> float:
    """Distance along X between the ends of a scissor arm, one of which lies ``rise`` metres above the other."""
    return math.sqrt((shape.fork_length * 0.78) ** 2 - rise**2)
