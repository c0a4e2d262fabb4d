"""The built-in scenarios: where people put things in a warehouse, and where nobody would."""

from __future__ import annotations

import math

import numpy as np

import stages.sdg.plan.published  # noqa: F401 - registers its scenario
from stages.sdg.plan.building import build_hall
from stages.sdg.plan.draft import Draft, Parameter, register_scenario
from stages.sdg.plan.furnish import (
    BESIDE_WALLS,
    CLUTTER,
    LOOKALIKES,
    VEHICLES,
    draw_trucks,
    fly,
    furnish,
    line_walls,
    marks,
    scatter,
)
from stages.sdg.plan.loads import Spot, block, loaded_rack, place_load
from stages.sdg.plan.trucks import place_trucks
from stages.sdg.plan.viewpoint import set_view

SHOP = {
    "workbench": 2.0, "machine_box": 3.0, "work_table": 2.0, "cabinet": 1.0, "tool_trolley": 2.0, "chair": 1.0,
    "drum": 1.0,
}  # fmt: skip
"""What stands on the floor of a workshop."""


def _hall(
    draft: Draft, length: tuple[float, float], width: tuple[float, float], height: tuple[float, float] = (3.2, 8.5)
) -> None:
    rng = draft.rng
    build_hall(draft, float(rng.uniform(*length)), float(rng.uniform(*width)), float(rng.uniform(*height)))


def _view_anywhere(draft: Draft, share: float = 0.42) -> None:
    """Set the view in the middle part of the floor, up to ``share`` of the hall's sides from its centre."""
    x, y = draft.hall.length * share, draft.hall.width * share
    set_view(draft, (-x, x), (-y, y))


def _rack_behind(draft: Draft) -> None:
    """A rack along the far long wall."""
    hall, rng = draft.hall, draft.rng
    loaded_rack(draft, 0, hall.width / 2 - 0.9, 0, max(1, int(hall.length / 3.2)), float(rng.uniform(0.5, 0.95)))


def _anywhere(draft: Draft) -> tuple[float, float]:
    """A point of the floor."""
    hall = draft.hall
    x, y = draft.rng.uniform((-hall.length / 2, -hall.width / 2), (hall.length / 2, hall.width / 2))
    return float(x), float(y)


def racks(draft: Draft, rows: int, aisle: float, fill: float) -> float:
    """Rows of racks along X on both sides of the aisle at Y = 0; returns half the aisle's width."""
    hall, rng = draft.hall, draft.rng
    half = aisle / 2
    for side in (-1, 1):
        y = side * (half + 0.7)
        for _ in range(rows):
            if abs(y) + 0.7 > hall.width / 2:
                break
            at, end = -hall.length / 2 + 0.5, hall.length / 2 - 0.5
            while at < end:
                bays = int(rng.integers(1, 4))
                length = bays * 2.8 + 0.4
                if draft.chance(0.88):
                    loaded_rack(draft, at + length / 2, y, 0.0 if side > 0 else math.pi, bays, fill)
                at += length + float(rng.choice([0.3, 0.3, rng.uniform(1.0, 3.0)]))
            y += side * (1.5 if draft.chance(0.6) else 1.4 + aisle)
    return half


@register_scenario("aisle")
def aisle(draft: Draft) -> None:
    """Between racks."""
    _hall(draft, (14, 32), (8, 20), (4.0, 8.5))
    half = racks(
        draft, int(draft.rng.integers(1, 3)), float(draft.rng.uniform(2.2, 4.8)), float(draft.rng.uniform(0.55, 0.95))
    )
    heading = 0.0 if draft.chance(0.5) else math.pi
    set_view(draft, (-draft.hall.length * 0.4, draft.hall.length * 0.4), (-half + 0.4, half - 0.4), heading, 0.75)
    furnish(draft)


@register_scenario("dock")
def dock(draft: Draft) -> None:
    """In front of the gates, goods ready to load."""
    _hall(draft, (12, 26), (9, 18), (4.0, 7.5))
    hall, rng = draft.hall, draft.rng
    for x in np.arange(-hall.length / 2 + 1.5, hall.length / 2 - 3, float(rng.uniform(3.8, 5.5))):
        gate: dict[str, Parameter] = {"length": 3.0, "height": min(3.4, hall.height - 0.6), "kind": "sectional"}
        draft.add("door", (float(x), hall.width / 2 - 0.05, 0), parameters=gate)
        if draft.chance(0.7):
            columns, rows, room = int(rng.integers(1, 3)), int(rng.integers(1, 5)), float(rng.uniform(1, 2.1))
            block(draft, Spot(float(x), hall.width / 2 - 5.5, 0.0, 0.0, room), columns, rows, 0.8)
    line_walls(draft, 0.8)
    set_view(draft, (-hall.length * 0.4, hall.length * 0.4), (-hall.width * 0.45, hall.width * 0.2), math.pi / 2, 1.0)
    furnish(draft)


@register_scenario("staging")
def staging(draft: Draft) -> None:
    """Open floor with fields of pallets, racks behind them."""
    _hall(draft, (12, 28), (9, 20))
    hall, rng = draft.hall, draft.rng
    if draft.chance(0.6):
        _rack_behind(draft)
    for _ in range(int(rng.integers(2, 5))):
        x, y = rng.uniform((-hall.length / 2 + 1, -hall.width / 2 + 1), (hall.length / 2 - 4, hall.width / 2 - 4))
        yaw, columns, rows = float(rng.choice([0, math.pi / 2])), int(rng.integers(1, 4)), int(rng.integers(1, 5))
        spot = Spot(float(x), float(y), 0.0, yaw, float(rng.uniform(0.8, 2.4)))
        block(draft, spot, columns, rows, float(rng.uniform(0.6, 1)))
    line_walls(draft, 0.75)
    _view_anywhere(draft)
    furnish(draft)


@register_scenario("storage")
def storage(draft: Draft) -> None:
    """Block storage: loads of one kind stacked high in rows, with lanes between them."""
    _hall(draft, (12, 28), (9, 18), (3.6, 7.5))
    hall, rng = draft.hall, draft.rng
    lane, room = float(rng.uniform(2.2, 4.5)), min(hall.height - 1.0, float(rng.uniform(2.0, 4.8)))
    if draft.chance(0.5):
        _rack_behind(draft)
    for side in (-1, 1):
        at = -hall.length / 2 + float(rng.uniform(0.2, 1.5))
        while at < hall.length / 2 - 2.0:
            rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 4))
            start = lane / 2 if side > 0 else -lane / 2 - rows * 1.15
            spot = Spot(at, start, 0.0, 0.0, room * float(rng.uniform(0.5, 1.0)))
            if draft.chance(0.85):
                block(draft, spot, columns, rows, float(rng.uniform(0.75, 1.0)))
            at += columns * 1.5 + float(rng.choice([0.3, 0.6, 2.0]))
    heading = 0.0 if draft.chance(0.5) else math.pi
    set_view(draft, (-hall.length * 0.42, hall.length * 0.42), (-lane / 2 + 0.4, lane / 2 - 0.4), heading, 1.0)
    furnish(draft)


@register_scenario("parking")
def parking(draft: Draft) -> None:
    """Equipment where it is left: along a wall, beside columns, in rows."""
    _hall(draft, (9, 22), (8, 16))
    rng = draft.rng
    line_walls(draft, 0.8)
    _view_anywhere(draft)
    scatter(draft, draft.pool({**LOOKALIKES, **VEHICLES}, "lookalikes", "vehicles"), int(rng.integers(1, 4)), 2.5, 10)
    furnish(draft)


@register_scenario("workshop")
def workshop(draft: Draft) -> None:
    """Benches, machines, cabinets and spare parts."""
    _hall(draft, (8, 18), (7, 14), (3.0, 6.0))
    line_walls(draft, 0.9)
    _view_anywhere(draft)
    scatter(draft, SHOP, int(draft.rng.integers(3, 8)), 2.5, 10)
    furnish(draft)


@register_scenario("uniform")
def uniform(draft: Draft) -> None:
    """Everything anywhere, so that no habit of the layout can be learnt."""
    _hall(draft, (8, 24), (8, 20), (3.0, 9.0))
    rng = draft.rng
    _view_anywhere(draft)
    placed = place_trucks(draft, draw_trucks(draft), sight=0.3)
    everything = {**LOOKALIKES, **CLUTTER, **BESIDE_WALLS, "forklift": 2.0, "reach_truck": 1.0}
    for name in ("load", "cage"):
        everything.pop(name, None)
    pools = "lookalikes", "clutter", "walls", "vehicles"
    scatter(draft, draft.pool(everything, *pools), int(rng.integers(4, 22)), 1.6, 14)
    for _ in range(int(rng.integers(0, 9))):
        x, y = _anywhere(draft)
        place_load(draft, Spot(x, y, 0.0, float(rng.uniform(-3.1, 3.1)), float(rng.uniform(0.3, 2.4))))
    if draft.chance(0.4):
        fly(draft)
    marks(draft)
    draft.tags.update(trucks=placed)


@register_scenario("closeup")
def closeup(draft: Draft) -> None:
    """A truck fills much of the picture."""
    _hall(draft, (10, 20), (8, 16))
    line_walls(draft, 0.75)
    _view_anywhere(draft, 0.4)
    furnish(draft, (1.1, 2.8))


@register_scenario("far")
def far(draft: Draft) -> None:
    """Small and distant, down a long hall."""
    _hall(draft, (24, 44), (8, 20), (4.0, 9.0))
    half = racks(draft, 1, float(draft.rng.uniform(3.0, 7.0)), float(draft.rng.uniform(0.4, 0.9)))
    heading, end = (0.0, -1) if draft.chance(0.5) else (math.pi, 1)
    x = sorted((end * draft.hall.length * 0.45, end * draft.hall.length * 0.2))
    set_view(draft, (x[0], x[1]), (-half + 0.4, half - 0.4), heading, 0.35)
    furnish(draft, (6.0, 20.0))


@register_scenario("negative", trucks=False)
def negative(draft: Draft) -> None:
    """No pallet truck, but what is taken for one."""
    _hall(draft, (9, 24), (8, 18))
    rng = draft.rng
    if draft.chance(0.5):
        _rack_behind(draft)
    line_walls(draft, 0.8)
    _view_anywhere(draft)
    scatter(draft, draft.pool(LOOKALIKES, "lookalikes"), int(rng.integers(2, 7)), 1.8, 9)
    scatter(draft, draft.pool(CLUTTER, "clutter"), int(rng.integers(2, 9)))
    for _ in range(int(rng.integers(1, 5))):
        place_load(draft, Spot(*_anywhere(draft), 0.0, 0.0, 1.5))
    marks(draft)
    draft.tags.update(trucks=0)
