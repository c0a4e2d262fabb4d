"""What hangs below a hall's roof: beams, a duct, a cable tray and lamps, and how high things may reach beneath them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from stages.sdg.plan.draft import Draft, Parameter
from stages.sdg.plan.space import Box

TO_WALL = 0.3
"""Distance that lamps keep from walls, whose doors and windows stand out a little, metres."""

SHIFTS = (
    (0.0, 0.0), (0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5), (0.9, 0.0), (-0.9, 0.0), (0.0, 0.9), (0.0, -0.9),
)  # fmt: skip
"""Where else a lamp is hung, along and across it, when something is in its place, metres."""

TRAY = 0.15
"""Half the width of a cable tray, metres."""

PLACES = 12
"""Places that are tried for a duct or a tray."""


@dataclass(frozen=True)
class Overhead:
    """What is to hang in a hall, metres.

    Attributes:
        ceiling: whether there is one; without it there are no beams, ducts and trays either.
        beams: depth of the beams below the ceiling.
        duct: radius of a duct right below the beams, 0 for none.
        tray: height of a cable tray there, 0 for none.
        lamps: distance from the roof down to the lamps' glowing faces.
    """

    ceiling: bool
    beams: float
    duct: float
    tray: float
    lamps: float

    @property
    def pipes(self) -> float:
        """Distance from the roof down to the underside of duct and tray."""
        return self.beams + max(2 * self.duct, self.tray)


def draw_overhead(draft: Draft, height: float) -> Overhead:
    """What hangs in a hall of that height in metres; the lower the hall, the flatter it is."""
    rng, flat = draft.rng, min(1.0, height / 5)
    ceiling = draft.chance(0.88)
    beams = flat * float(rng.uniform(0.2, 0.6))
    duct = flat * float(rng.uniform(0.15, 0.35)) if draft.chance(0.5) else 0.0
    tray = 0.1 if draft.chance(0.6) else 0.0
    drop = flat * float(rng.uniform(0.0, 0.35)) + 0.15
    if not ceiling:
        return Overhead(False, 0.0, 0.0, 0.0, 0.3 + drop)
    return Overhead(True, beams, duct, tray, beams + drop)


def hang(draft: Draft, box: Box) -> bool:
    """Keep a box below the roof for something that hangs there; False where it is taken."""
    if not draft.is_free(box):
        return False
    draft.occupy(box)
    draft.hung += 1
    return True


def add_ceiling(draft: Draft, overhead: Overhead) -> None:
    """The ceiling with its beams, duct and tray, clear of the columns that stand already."""
    hall = draft.hall
    told: dict[str, Parameter] = {"length": hall.length, "width": hall.width, "beams": overhead.beams}
    for name, half, tall in (("duct", overhead.duct, 2 * overhead.duct), ("tray", TRAY, overhead.tray)):
        at = _free_line(draft, half, tall) if tall else None
        told[name] = half if at is not None else 0.0
        told[f"{name}_at"] = at or 0.0
    draft.add("ceiling", (0, 0, hall.height), parameters=told, variant=draft.new_variant())


def _free_line(draft: Draft, half: float, tall: float) -> float | None:
    """Y of a line along the hall that is free right below the beams, ``half`` metres to each side; None without one."""
    hall = draft.hall
    for _ in range(PLACES):
        at = float(draft.rng.uniform(-0.4, 0.4)) * hall.width
        if hang(draft, Box(0, at, 0, hall.length / 2, half + 0.02, hall.clear - tall, hall.clear)):
            return at
    return None


def place_of_lamp(draft: Draft, x: float, y: float, z: float, yaw: float, length: float) -> tuple[float, float] | None:
    """Where a strip lamp hangs that is wanted with its glowing face at (x, y, z); None where there is no room."""
    hall, cos, sin = draft.hall, math.cos(yaw), math.sin(yaw)
    reach_x = hall.length / 2 - TO_WALL - abs(cos) * length / 2 - 0.1
    reach_y = hall.width / 2 - TO_WALL - abs(sin) * length / 2 - 0.1
    for along, across in SHIFTS:
        u = min(max(x + along * cos - across * sin, -reach_x), reach_x)
        v = min(max(y + along * sin + across * cos, -reach_y), reach_y)
        if hang(draft, Box(u, v, yaw, length / 2 + 0.05, 0.1, z - 0.05, hall.clear)):
            return u, v
    return None


def headroom(draft: Draft, box: Box) -> float:
    """Height above the floor that things on a box's plan may reach: up to beams and all that hangs above it, metres."""
    hung = slice(draft.hung_from, draft.hung_from + draft.hung)
    above = draft.cut_by(replace(box, low=0.0, high=math.inf), hung)
    return float(min(above[:, 5].min(initial=math.inf), draft.hall.clear))
