"""Pallet trucks put where the camera sees them: parked, under loads, in rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.draft import Box, Draft, View
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.loads import place_load, put_load
from stages.sdg.plan.sight import clear_share
from stages.sdg.plan.types import Placement

TRIES = 120
TRUCK_POINTS = np.array(
    [
        (-0.25, 0.0, 1.2),
        (-0.2, 0.0, 0.8),
        (-0.2, 0.15, 0.3),
        (-0.2, -0.15, 0.3),
        (0.3, 0.25, 0.15),
        (0.3, -0.25, 0.15),
        (0.9, 0.0, 0.1),
    ]
)
"""Points of a truck that ought to be in sight, asset coordinates."""

ASPECT = 0.62
"""Height over width of the picture that a truck must fit into: between 9:16 and 3:4, as sizes are drawn later."""

FORKS_IN = 0.62
"""Distance from the heel of the forks to the middle of a pallet that is driven in, metres."""


def truck_box(x: float, y: float, yaw: float, loaded: bool) -> Box:
    """Space of a truck whose fork heel is at (x, y)."""
    low, high, half = -0.5, 1.3, 0.45 if loaded else 0.34
    middle = (low + high) / 2
    return Box(
        x + middle * math.cos(yaw), y + middle * math.sin(yaw), yaw, (high - low) / 2, half, 0, 2.0 if loaded else 0.5
    )


def add_truck(
    draft: Draft, x: float, y: float, yaw: float, loaded: bool, room: float = 2.0, kind: str | None = None
) -> Placement:
    """Put a truck, and perhaps its load, at a place that is known to be free."""
    rng = draft.rng
    electric = draft.chance(0.14)
    parameters: dict[str, float | str] = {}
    if loaded:
        lift = float(rng.choice([0.0, rng.uniform(0.02, 0.1)]))
        parameters.update(lift=lift, style=str(rng.choice(["standard", "standard", "standard", "quick", "galvanised"])))
        height = max(0.0, lift - 0.015)
        put_load(
            draft, x + FORKS_IN * math.cos(yaw), y + FORKS_IN * math.sin(yaw), height, yaw, room, kind or _under(draft)
        )
    # a truck that nobody holds stands with its tiller up
    if draft.chance(0.8):
        parameters["tiller_angle"] = float(rng.normal(0.04, 0.06))
    elif draft.chance(0.5):
        parameters["tiller_angle"] = float(rng.uniform(0.0, 1.15))
    family = "electric_pallet_truck" if electric else "pallet_truck"
    return draft.add(
        family, (x, y, 0), (yaw + float(rng.normal(0, 0.03)), 0, 0), variant=draft.new_variant(), **parameters
    )


def _under(draft: Draft) -> str:
    """What a truck carries."""
    kinds = {
        "carton_load": 4,
        "collar": 4,
        "wrapped_load": 2,
        "pallets": 3,
        "stillage": 2,
        "empty": 1,
        "small_load_carrier": 1.5,
        "block": 1.5,
    }
    return str(draft.rng.choice(list(kinds), p=np.array(list(kinds.values())) / sum(kinds.values())))


def place_trucks(
    draft: Draft, count: int, low: float | None = None, high: float | None = None, sight: float = 0.45
) -> int:
    """Put trucks into the view, at distances of the settings' range (or within ``low`` to ``high``).

    Returns:
        How many found a place.
    """
    placed = 0
    for _ in range(count):
        placed += _place_one(draft, low, high, sight)
    return placed


def _place_one(draft: Draft, low: float | None, high: float | None, sight: float) -> int:
    view, rng = draft.view, draft.rng
    assert view is not None, "the view is chosen before trucks are placed"
    loaded = draft.chance(0.5)
    for attempt in range(TRIES):
        if attempt == TRIES // 2:
            loaded, sight = False, sight * 0.7
        distance = (
            draft.draw(draft.settings.randomization.camera.distance)
            if low is None or high is None
            else float(rng.uniform(low, high))
        )
        # a few may be cut by the picture's border
        cut = draft.chance(0.06)
        spread = view.half_angle * (
            float(rng.uniform(0.8, 1.05)) * rng.choice([-1, 1]) if cut else float(rng.uniform(-0.9, 0.9))
        )
        heading = view.yaw + spread
        x, y = view.x + distance * math.cos(heading), view.y + distance * math.sin(heading)
        # parked trucks show their handle side; a load stands behind them
        toward = draft.chance(0.8)
        yaw = heading + float(rng.normal(0, 0.45)) if toward else float(rng.uniform(-math.pi, math.pi))
        box = truck_box(x, y, yaw, loaded)
        if (
            not draft.is_free(box)
            or not (cut or _in_picture(view, x, y, yaw))
            or not _in_sight(draft, view, x, y, yaw, sight)
        ):
            continue
        room = min(2.2, draft.hall.height - 1.0)
        draft.occupy(box)
        add_truck(draft, x, y, yaw, loaded, room)
        if draft.chance(0.12):
            _row(draft, x, y, yaw)
        if draft.settings.randomization.content.structure:
            _surround(draft, x, y, yaw)
        return 1
    return 0


def _points(x: float, y: float, yaw: float) -> NDArray[np.float64]:
    """World positions of :data:`TRUCK_POINTS` of a truck with its fork heel at (x, y)."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    return TRUCK_POINTS @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]) + (x, y, 0)


def _in_picture(view: View, x: float, y: float, yaw: float) -> bool:
    """Whether a truck lies inside the picture, before roll and lens distortion."""
    pose = np.array(look_along((view.x, view.y, view.z), view.yaw, view.pitch, 0.0))
    right, down, forward = ((_points(x, y, yaw) - pose[:3, 3]) @ pose[:3, :3]).T
    edge = math.tan(view.half_angle)
    return bool(
        (forward > 0.2).all()
        and (np.abs(right) < 0.95 * edge * forward).all()
        and (np.abs(down) < ASPECT * edge * forward).all()
    )


def _in_sight(draft: Draft, view: View, x: float, y: float, yaw: float, share: float) -> bool:
    return clear_share(np.array([view.x, view.y, view.z]), _points(x, y, yaw), draft.boxes) >= share


def _surround(draft: Draft, x: float, y: float, yaw: float) -> None:
    """Goods behind and beside a truck, as it stands where it was last used."""
    sides = {
        "behind": (1.95, 0.0),
        "left": (0.5, 0.95),
        "right": (0.5, -0.95),
        "far_left": (1.4, 1.5),
        "far_right": (1.4, -1.5),
    }
    cos, sin = math.cos(yaw), math.sin(yaw)
    for along, across in sides.values():
        if draft.chance(0.4):
            shift = draft.rng.normal(0, 0.12, 2)
            u, v = along + abs(float(shift[0])), across + math.copysign(abs(float(shift[1])), across)
            turned = yaw + (math.pi / 2 if draft.chance(0.4) else 0.0) + float(draft.rng.normal(0, 0.06))
            place_load(draft, x + u * cos - v * sin, y + u * sin + v * cos, turned, float(draft.rng.uniform(0.5, 2.2)))


def _row(draft: Draft, x: float, y: float, yaw: float) -> None:
    """Trucks beside a truck, parked the same way."""
    for k in range(1, int(draft.rng.integers(2, 4))):
        shift = 0.75 * k
        px, py = x - shift * math.sin(yaw), y + shift * math.cos(yaw)
        box = truck_box(px, py, yaw, False)
        if not draft.is_free(box):
            return
        draft.occupy(box)
        add_truck(draft, px, py, yaw + float(draft.rng.normal(0, 0.08)), False)
