"""Pallet trucks put where the camera sees them: parked, under loads, in rows, tipped up."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.draft import Bay, Draft, Parameter
from stages.sdg.plan.geometry import step
from stages.sdg.plan.leaning import lean_one
from stages.sdg.plan.loads import SPARE, Spot, place_load, put_load
from stages.sdg.plan.order import Ask, Order, UnplaceableError
from stages.sdg.plan.sight import clear_share
from stages.sdg.plan.space import Box
from stages.sdg.plan.types import Placement
from stages.sdg.plan.viewpoint import share_in_picture

TRIES = 120

VIEWS = 2
"""Views of one hall in which trucks are put up as ordered, before another hall is tried."""

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

LEAST_SHARE = 0.4
"""Share of :data:`TRUCK_POINTS` that the picture shows of a truck which its border may cut."""

IN_BAY = 0.2
"""Share of trucks that are left below a rack, where a rack has room."""

IN_ROW = 0.55
"""Share of trucks beside which others are parked, where more are to come."""

BAY_TRIES = 24

NEXT_BAY = 1.0
"""Distance within which two places below a rack are neighbours, metres."""

OUTSIDE = slice(0, 4)
"""Those of :data:`TRUCK_POINTS` that stick out of a rack."""

RACK_HALF_DEPTH = 0.68
"""Half the depth of a rack with what sticks out of it, metres."""

FORKS_IN = 0.62
"""Distance from the heel of the forks to the middle of a pallet that is driven in, metres."""


AROUND = ((1.95, 0.0), (0.5, 0.95), (0.5, -0.95), (1.4, 1.5), (1.4, -1.5))
"""Where goods stand behind and beside a truck: metres ahead of its fork heel and to its left."""

CARRIED = {
    "carton_load": 4.0, "collar": 4.0, "wrapped_load": 2.0, "pallets": 3.0, "stillage": 2.0, "empty": 1.0,
    "small_load_carrier": 1.5, "block": 1.5,
}  # fmt: skip
"""What trucks carry, and how often; see :data:`stages.sdg.plan.loads.KINDS`."""


CARRIES = 2.2
"""Height that a load on a truck's forks may reach above the floor, metres."""

LOADED = {
    "standard": 12, "quick": 4, "galvanised": 3, "brake": 2, "stainless": 1.5, "scale": 1.5, "wide": 1,
}  # fmt: skip
"""Styles of hand pallet trucks below a load, and how often; forks of the others are too short or raised too high."""


def truck_box(x: float, y: float, yaw: float, loaded: bool) -> Box:
    """Space of a truck whose fork heel is at (x, y)."""
    low, high, half = -0.5, 1.3, 0.45 if loaded else 0.34
    return Box(*step(x, y, yaw, (low + high) / 2), yaw, (high - low) / 2, half, 0, CARRIES if loaded else 0.5)


def add_truck(draft: Draft, x: float, y: float, yaw: float, loaded: bool, high: float = CARRIES) -> Placement:
    """Put a truck, and perhaps a load that reaches up to ``high`` metres, at a place that is known to be free."""
    rng = draft.rng
    electric = draft.chance(0.1)
    parameters: dict[str, Parameter] = {}
    if loaded:
        lift = float(rng.choice([0.0, rng.uniform(0.02, 0.1)]))
        style = draft.pick(LOADED)
        parameters.update(lift=lift, style="standard" if electric else style)
        load_up(draft, x, y, yaw, lift, high)
    parameters.update(_tiller(draft, x, y, yaw))
    family = "electric_pallet_truck" if electric else "pallet_truck"
    turn = (yaw + float(rng.normal(0, 0.03)), 0.0, 0.0)
    return draft.add(family, (x, y, 0), turn, parameters, variant=draft.new_variant())


def load_up(draft: Draft, x: float, y: float, yaw: float, lift: float, high: float = CARRIES) -> None:
    """Put a load that reaches up to ``high`` metres on forks whose heel is at (x, y), ``lift`` metres up."""
    under = max(0.0, lift - 0.015)
    spot = Spot(*step(x, y, yaw, FORKS_IN), under, yaw, high - under - SPARE)
    put_load(draft, spot, draft.pick(draft.pool(CARRIED, "loads")))


def _tiller(draft: Draft, x: float, y: float, yaw: float) -> dict[str, Parameter]:
    """How a truck's tiller stands: up, as nobody holds it, or lowered and aside where there is room behind it."""
    rng, behind = draft.rng, Box(*step(x, y, yaw, -0.9), yaw, 0.4, 0.8, 0.0, 1.45)
    if draft.chance(0.8) or not draft.is_free(behind):
        return {"tiller_angle": float(np.clip(rng.normal(0.04, 0.06), -0.2, 0.2))}
    draft.occupy(behind)
    return {"tiller_angle": float(rng.uniform(0.0, 1.1)), "tiller_swing": float(np.clip(rng.normal(0, 0.4), -0.8, 0.8))}


def place_trucks(draft: Draft, count: int, reach: tuple[float, float] | None = None, sight: float = 0.45) -> int:
    """Put trucks into the view.

    Args:
        draft: the scene, its view set.
        count: trucks to place.
        reach: nearest and farthest distance in metres; the settings' distribution without it.
        sight: least share of a truck's points in sight where it is put.

    Returns:
        How many found a place.
    """
    if draft.ask is not None and (draft.ask.exact or draft.ask.orders):
        return _place_asked(draft, draft.ask, count, reach, sight)
    return _place_some(draft, count, reach, sight)


def _place_some(draft: Draft, count: int, reach: tuple[float, float] | None, sight: float) -> int:
    """Put up ``count`` trucks, rows and pairs counted in; returns how many found a place."""
    asked = placed = 0
    while asked < count:
        found = _place_one(draft, count - asked, reach, sight)
        asked, placed = asked + max(1, found), placed + found
    return placed


def _place_asked(draft: Draft, ask: Ask, count: int, reach: tuple[float, float] | None, sight: float) -> int:
    """Put up trucks as the frame's orders say; those without an order stand anywhere in view.

    Raises:
        UnplaceableError: when an order finds no place and the frame's orders are strict.
    """
    # a hall takes longer to fill than a view to set: look elsewhere first, unless something stands in view already
    fresh = len(draft.placements) == draft.mark[0]
    for _ in range(VIEWS - 1 if fresh and ask.strict else 0):
        try:
            return _place_in_view(draft, ask, count, reach, sight)
        except UnplaceableError:
            draft.take_back(*draft.mark)
            draft.look_again()
    return _place_in_view(draft, ask, count, reach, sight)


def _place_in_view(draft: Draft, ask: Ask, count: int, reach: tuple[float, float] | None, sight: float) -> int:
    from stages.sdg.plan.ordered import place_to_order, sights_of

    orders = ask.orders[len(draft.ordered) : len(draft.ordered) + count]
    sights = sights_of(draft)
    placed = sum(place_to_order(draft, order, reach, sights) for order in orders)
    others = count - len(orders)
    if ask.exact:
        placed += sum(place_to_order(draft, Order(), reach, sights) for _ in range(others))
    else:
        placed += _place_some(draft, others, reach, sight)
    if draft.settings.randomization.content.structure:
        for number in list(draft.ordered):
            truck = draft.placements[number - 1]
            _surround(draft, *truck.position[:2], truck.rotation[0])
    return placed


def _place_one(draft: Draft, most: int, reach: tuple[float, float] | None, sight: float) -> int:
    """Put up a truck, and perhaps some beside it, ``most`` in all; returns how many found a place."""
    own = draft.own_of("trucks")
    if own is not None:
        return int(_place_own(draft, own, reach, sight))
    view, leaning = draft.seen_from, draft.settings.randomization.content.leaning
    if leaning and draft.chance(leaning) and lean_one(draft, reach, sight):
        return 1
    below_racks = draft.bays and draft.settings.randomization.content.structure and draft.chance(IN_BAY)
    if below_racks and (placed := _place_in_bay(draft, most, sight)):
        return placed
    loaded, least = draft.chance(0.5), 1.0
    for attempt in range(TRIES):
        if attempt == TRIES // 2:  # ask for less
            loaded, sight, least = False, sight * 0.7, LEAST_SHARE
        x, y, yaw, cut = _draw_pose(draft, reach)
        box, points = truck_box(x, y, yaw, loaded), _points(x, y, yaw)
        if not draft.is_free(box) or share_in_picture(view, points) < (LEAST_SHARE if cut else least):
            continue
        if clear_share(np.array([view.x, view.y, view.z]), points, draft.boxes) < sight:
            continue
        draft.occupy(box)
        add_truck(draft, x, y, yaw, loaded)
        beside = _row(draft, x, y, yaw, most - 1) if most > 1 and draft.chance(IN_ROW) else 0
        if draft.settings.randomization.content.structure:
            _surround(draft, x, y, yaw)
        return 1 + beside
    return 0


def _place_in_bay(draft: Draft, most: int, sight: float) -> int:
    """Leave a truck in an empty place below a rack's first beam, its tiller towards the camera; perhaps two.

    Returns:
        How many, at most ``most``.
    """
    for number in draft.rng.permutation(len(draft.bays))[:BAY_TRIES]:
        bay = draft.bays[number]
        if not _leave_in(draft, bay, sight):
            continue
        beside = [other for other in draft.bays if math.dist(other[:2], bay[:2]) < NEXT_BAY]
        pair = most > 1 and beside and draft.chance(0.55) and _leave_in(draft, beside[0], 0.5 * sight)
        return 2 if pair else 1
    return 0


def _leave_in(draft: Draft, bay: Bay, sight: float) -> bool:
    """Leave a truck in this place if there is room before it and the camera sees it."""
    view, rng = draft.seen_from, draft.rng
    bay_x, bay_y, across, room = bay
    faces_away = math.cos(across) * (bay_x - view.x) + math.sin(across) * (bay_y - view.y) > 0
    yaw = across if faces_away else across + math.pi
    out = float(rng.uniform(-0.15, 0.3))
    x, y = step(bay_x, bay_y, yaw, -RACK_HALF_DEPTH - out)
    before = Box(*step(x, y, yaw, (out - 0.5) / 2), yaw, (out + 0.5) / 2 - 0.01, 0.34, 0, 0.5)
    points = _points(x, y, yaw)
    if not draft.is_free(before) or share_in_picture(view, points) < 1.0:
        return False
    if clear_share(np.array([view.x, view.y, view.z]), points[OUTSIDE], draft.boxes) < sight:
        return False
    draft.occupy(before)
    draft.bays.remove(bay)
    add_truck(draft, x, y, yaw, draft.chance(0.6), room - 0.15)
    return True


def _place_own(draft: Draft, name: str, reach: tuple[float, float] | None, sight: float) -> bool:
    """Put one of the user's own trucks into the view, by the room that its mesh takes."""
    view = draft.seen_from
    low, high, tall = draft.room_of(name)
    shares = np.stack(np.meshgrid((0.2, 0.8), (0.2, 0.8), (0.15, 0.5, 0.9), indexing="ij"), -1).reshape(-1, 3)
    points = shares * (*(high - low), tall) + (*low, 0.0)
    least = 1.0
    for attempt in range(TRIES):
        if attempt == TRIES // 2:  # ask for less
            sight, least = sight * 0.7, LEAST_SHARE
        x, y, yaw, cut = _draw_pose(draft, reach)
        seen = _points(x, y, yaw, points)
        if share_in_picture(view, seen) < (LEAST_SHARE if cut else least):
            continue
        if clear_share(np.array([view.x, view.y, view.z]), seen, draft.boxes) < sight:
            continue
        if draft.try_place(name, x, y, yaw, variant=draft.new_variant()):
            if draft.settings.randomization.content.structure and draft.chance(0.5):
                _surround(draft, x, y, yaw)
            return True
    return False


def _draw_pose(draft: Draft, reach: tuple[float, float] | None) -> tuple[float, float, float, bool]:
    """Fork heel (x, y) and heading of a truck in view, and whether the picture's border may cut it."""
    view, rng = draft.seen_from, draft.rng
    distance = draft.draw(draft.settings.randomization.camera.distance) if reach is None else rng.uniform(*reach)
    cut = draft.chance(0.06)
    side = float(rng.uniform(0.8, 1.05)) * rng.choice([-1, 1]) if cut else float(rng.uniform(-0.9, 0.9))
    heading = view.yaw + view.half_angle * side
    # parked trucks show their handle side; a load stands behind them
    toward = draft.chance(0.8)
    yaw = heading + float(rng.normal(0, 0.45)) if toward else float(rng.uniform(-math.pi, math.pi))
    return *step(view.x, view.y, heading, float(distance)), yaw, cut


def _points(x: float, y: float, yaw: float, points: NDArray[np.float64] = TRUCK_POINTS) -> NDArray[np.float64]:
    """World positions of a truck's points, :data:`TRUCK_POINTS` mostly, when its origin is put at (x, y)."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    return np.asarray(points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]) + (x, y, 0))


def _surround(draft: Draft, x: float, y: float, yaw: float) -> None:
    """Goods behind and beside a truck, as it stands where it was last used."""
    high = min(3.2, draft.hall.height - 1.0)
    for along, across in AROUND:
        if draft.chance(0.5):
            shift = draft.rng.normal(0, 0.12, 2)
            u, v = along + abs(float(shift[0])), across + math.copysign(abs(float(shift[1])), across)
            turned = yaw + (math.pi / 2 if draft.chance(0.4) else 0.0) + float(draft.rng.normal(0, 0.06))
            place_load(draft, Spot(*step(x, y, yaw, u, v), 0.0, turned, float(draft.rng.uniform(0.5, high))))


def _row(draft: Draft, x: float, y: float, yaw: float, most: int) -> int:
    """Trucks beside a truck, parked the same way: one to three, and no more than ``most``; returns how many."""
    across, close = 0.0, draft.chance(0.6)
    wanted = min(most, int(draft.rng.integers(1, 4)))
    for placed in range(wanted):
        # side by side with handles touching, or with room to walk between
        across += float(draft.rng.uniform(0.69, 0.78) if close else draft.rng.uniform(0.78, 1.1))
        ahead = float(draft.rng.normal(0, 0.2))
        px, py = step(x, y, yaw, ahead, across)
        box = truck_box(px, py, yaw, False)
        if not draft.is_free(box):
            return placed
        draft.occupy(box)
        add_truck(draft, px, py, yaw + float(draft.rng.normal(0, 0.08)), False)
    return wanted
