"""What fills a hall: things along the walls, things in view, goods, marks on the floor, things in the air."""

from __future__ import annotations

import math
from collections.abc import Mapping

from stages.sdg.plan.draft import Draft
from stages.sdg.plan.geometry import step
from stages.sdg.plan.loads import Spot, loaded_rack, place_load
from stages.sdg.plan.space import Box
from stages.sdg.plan.trucks import place_trucks

LOOKALIKES = {
    "hand_cart": 3.0, "sack_barrow": 3.0, "stacker": 2.0, "roll_cage": 2.0, "shelf_trolley": 1.5, "dolly": 1.5,
    "push_mower": 1.0, "scooter": 1.0, "order_picker": 1.0, "cleaning_machine": 1.5, "bicycle": 0.7,
    "tool_trolley": 1.0, "tugger": 0.8, "guard_rail": 1.0, "ladder": 1.0, "chair": 0.5,
}  # fmt: skip
"""Things that detectors take for pallet trucks, and how often they stand about."""

CLOSE = 4.0
"""Farthest distance of the trucks of a close-up, metres."""

VEHICLES = {"forklift": 2.5, "reach_truck": 1.5}
"""Vehicles that drive about, and how often."""

CLUTTER = {
    "carton": 5.0, "drum": 2.0, "waste_bin": 1.5, "bollard": 1.0, "traffic_cone": 0.6, "small_load_carrier": 2.5,
    "trash_bags": 0.8, "cable_drum": 0.8, "work_table": 1.0, "person": 1.6, "wet_floor_sign": 0.4, "stillage": 2.0,
    "crate": 1.2,
}  # fmt: skip
"""Things that stand about anywhere."""

BESIDE_WALLS = {
    "shelf": 4.0, "cabinet": 2.5, "workbench": 2.0, "machine_box": 2.0, "load": 8.0, "pipe_bundle": 1.0,
    "waste_bin": 1.0, "ladder": 0.7, "cage": 0.8, "long_goods": 0.8, "broom": 0.5,
}  # fmt: skip
"""Things along walls; ``load`` and ``cage`` are no families."""

BACK_TO_WALL = {"cabinet", "workbench", "work_table", "machine_box", "pipe_bundle", "waste_bin", "broom"}
"""Families whose front is their long side, so that they stand with their back to a wall."""


def line_walls(draft: Draft, fill: float) -> None:
    """Put racks, shelves, cabinets, machines and goods along the walls, at a share ``fill`` of the places."""
    hall, rng = draft.hall, draft.rng
    for yaw in (0.0, math.pi):
        if draft.chance(0.4):
            out = hall.width / 2 - 0.85
            bays = max(1, int(hall.length * float(rng.uniform(0.3, 0.95)) / 3.2))
            loaded_rack(draft, -out * math.sin(yaw), out * math.cos(yaw), yaw, bays, float(rng.uniform(0.5, 1)))
    for yaw, run, offset in (
        (0.0, hall.length, hall.width / 2),
        (math.pi / 2, hall.width, hall.length / 2),
        (math.pi, hall.length, hall.width / 2),
        (-math.pi / 2, hall.width, hall.length / 2),
    ):
        at = -run / 2 + 1.0
        while at < run / 2 - 1.2:
            gap = float(rng.uniform(1.2, 2.4))
            if draft.chance(fill):
                usual, kind = float(rng.uniform(0.55, 0.8)), draft.pick(draft.pool(BESIDE_WALLS, "walls"))
                out = offset - max(usual, _depth(draft, kind) + 0.05)
                _wall_thing(draft, kind, *step(0.0, 0.0, yaw, at, out), yaw)
            at += gap


def _depth(draft: Draft, kind: str) -> float:
    """Distance from a family's origin to the wall that it stands at, metres."""
    if kind in ("load", "cage"):
        return 0.0
    low, high, _ = draft.room_of(kind)
    axis = 0 if kind in BACK_TO_WALL else 1
    return max(abs(float(low[axis])), abs(float(high[axis])))


def _wall_thing(draft: Draft, kind: str, x: float, y: float, yaw: float) -> None:
    turned = yaw + math.pi if draft.chance(0.5) else yaw
    if kind in BACK_TO_WALL:
        turned = yaw - math.pi / 2
    if kind == "load":
        across = math.pi / 2 if draft.chance(0.4) else 0.0
        high = max(1.0, min(3.4, draft.hall.height - 0.8))
        place_load(draft, Spot(x, y, 0.0, turned + across, float(draft.rng.uniform(0.6, high))))
    elif kind == "cage":
        length = float(draft.rng.uniform(2, 4))
        box = Box(x, y, yaw, length / 2 + 0.05, 0.06, 0, 2.2)
        if draft.is_free(box):
            draft.occupy(box)
            draft.add("cage_wall", (*step(x, y, yaw, -length / 2), 0), (yaw, 0, 0), {"length": length})
    elif kind == "shelf":
        draft.try_place("shelf", x, y, turned, variant=draft.new_variant())
    else:
        draft.try_place(kind, x, y, turned)


def scatter(
    draft: Draft, weights: Mapping[str, float], count: int, near: float = 1.5, far: float = 12.0, tries: int = 12
) -> int:
    """Put things on free floor in the view; returns how many found a place."""
    view, placed = draft.seen_from, 0
    for _ in range(count):
        kind = draft.pick(weights)
        for _ in range(tries):
            distance = near * (far / near) ** float(draft.rng.uniform())
            x, y = view.floor(distance, float(draft.rng.uniform(-1.1, 1.1)))
            if draft.try_place(kind, x, y, float(draft.rng.uniform(-math.pi, math.pi)), margin=0.05):
                placed += 1
                break
    return placed


def marks(draft: Draft) -> None:
    """Lines on the floor; litter, cracks and wet patches before the camera."""
    if draft.chance(0.6):
        for _ in range(int(draft.rng.integers(1, 6))):
            _line(draft)
    view, rng = draft.seen_from, draft.rng
    for _ in range(int(rng.integers(0, 7))):
        x, y = view.floor(float(rng.uniform(1.5, 8)), float(rng.uniform(-1, 1)))
        draft.add("litter", (x, y, 0.001), (float(rng.uniform(-3, 3)), 0, 0), variant=draft.new_variant())
    if draft.settings.randomization.surface.enabled:
        _wear_of_floor(draft)


def _wear_of_floor(draft: Draft) -> None:
    """Cracks, and water that tyres, leaks or cleaners left."""
    view, rng = draft.seen_from, draft.rng
    for share, family, shortest, longest in ((0.35, "floor_crack", 0.5, 4.0), (0.2, "floor_wet", 1.5, 6.0)):
        for _ in range(int(rng.integers(1, 5)) if draft.chance(share) else 0):
            x, y = view.floor(float(rng.uniform(1.2, 9)), float(rng.uniform(-1, 1)))
            # not beyond the walls, with branches and both tracks: what is flat takes no room of its own
            room = min(draft.hall.length / 2 - abs(x), draft.hall.width / 2 - abs(y))
            length = min(shortest * (longest / shortest) ** float(rng.uniform()), (room - 0.7) / 0.9)
            if length < shortest:
                continue
            yaw = float(rng.uniform(-math.pi, math.pi))
            place = (*step(x, y, yaw, -length / 2), 0.001)
            draft.add(family, place, (yaw, 0, 0), {"length": round(length, 3)}, variant=draft.new_variant())


def _line(draft: Draft) -> None:
    hall, rng = draft.hall, draft.rng
    along_x = draft.chance(0.5)
    run, across = (hall.length, hall.width) if along_x else (hall.width, hall.length)
    length = float(rng.uniform(2, run - 1))
    at, side = float(rng.uniform(-run / 2, run / 2 - length)), float(rng.uniform(-0.5, 0.5)) * across
    place = (at, side, 0.001) if along_x else (side, at, 0.001)
    style = str(rng.choice(["line", "line", "dashed", "hatched"]))
    draft.add("floor_mark", place, (0.0 if along_x else math.pi / 2, 0, 0), {"length": length, "style": style})


def draw_trucks(draft: Draft) -> int:
    """How many pallet trucks the settings ask for in this frame, 0 in a negative one; the draft keeps the number."""
    content = draft.settings.randomization.content
    if draft.ask is not None:
        draft.wanted = draft.ask.trucks
    else:
        draft.wanted = 0 if draft.chance(content.negatives) else round(draft.draw(content.trucks))
    return draft.wanted


def furnish(draft: Draft, reach: tuple[float, float] | None = None) -> None:
    """Trucks first, while there is room, then vehicles, look-alikes and clutter.

    Args:
        draft: the scene, its view set.
        reach: nearest and farthest distance of trucks in metres; the settings' without it.
    """
    content, rng = draft.settings.randomization.content, draft.rng
    vehicles = draft.chance(0.5)
    close = reach is not None and reach[1] < CLOSE
    if vehicles and not close:  # before the trucks: later on, no place is large enough
        scatter(draft, draft.pool(VEHICLES, "vehicles"), int(rng.integers(1, 3)), 2.4, 12.0, tries=40)
    placed = place_trucks(draft, draw_trucks(draft), reach)
    if vehicles and close:  # a close-up needs its view for its truck
        scatter(draft, draft.pool(VEHICLES, "vehicles"), 1, 3.0, 12.0)
    scatter(draft, draft.pool(LOOKALIKES, "lookalikes"), round(draft.draw(content.distractors)), 1.8, 12.0)
    clutter = draft.draw(content.clutter)
    scatter(draft, draft.pool(CLUTTER, "clutter"), rng.poisson(3 * clutter))
    for _ in range(rng.poisson(6 * clutter)):
        x, y = draft.seen_from.floor(float(rng.uniform(3, 14)), float(rng.uniform(-1, 1)))
        turn = float(rng.uniform(-math.pi, math.pi)) if draft.chance(0.4) else float(rng.integers(4)) * math.pi / 2
        place_load(draft, Spot(x, y, 0.0, turn, float(rng.uniform(0.5, 2.4))))
    marks(draft)
    if draft.chance(content.flying):
        fly(draft)
    draft.tags.update(trucks=placed, clutter=round(clutter, 3))


def fly(draft: Draft) -> None:
    """Primitives in the air between camera and scene."""
    view, rng = draft.seen_from, draft.rng
    for _ in range(int(rng.integers(1, 8))):
        x, y = view.floor(float(rng.uniform(1.5, 7)), float(rng.uniform(-1, 1)))
        turn = (float(rng.uniform(-3, 3)), float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-1.5, 1.5)))
        place, variant = (x, y, float(rng.uniform(0.2, 2.6))), draft.new_variant()
        draft.add("floating_shape", place, turn, variant=variant, scale=round(float(rng.uniform(0.3, 1.0)), 3))
