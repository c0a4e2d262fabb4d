"""The built-in scenarios: where people put things in a warehouse, and where nobody would."""

from __future__ import annotations

import math

import numpy as np

from stages.sdg.plan.building import build_hall
from stages.sdg.plan.draft import Box, Draft, View, register_scenario
from stages.sdg.plan.footprints import footprint_of
from stages.sdg.plan.loads import block, loaded_rack, place_load, put_load
from stages.sdg.plan.sight import first_hit
from stages.sdg.plan.trucks import place_trucks

LOOKALIKES = {
    "hand_cart": 3.0, "sack_barrow": 3.0, "stacker": 2.0, "roll_cage": 2.0, "shelf_trolley": 1.5, "dolly": 1.5, "push_mower": 1.0, "scooter": 1.0, 
    "order_picker": 1.0, "cleaning_machine": 1.5, "bicycle": 0.7, "tool_trolley": 1.0, "tugger": 0.8, "guard_rail": 1.0,
    "ladder": 1.0, "chair": 0.5,
}  # fmt: skip
"""Things that detectors take for pallet trucks, and how often they stand about."""

CLUTTER = {
    "carton": 5.0, "drum": 2.0, "waste_bin": 1.5, "bollard": 1.0, "traffic_cone": 0.6, "small_load_carrier": 2.5,
    "trash_bags": 0.8, "cable_drum": 0.8, "work_table": 1.0, "person": 1.6, "wet_floor_sign": 0.4, "stillage": 2.0,
    "crate": 1.2,
}  # fmt: skip

BESIDE_WALLS = {
    "shelf": 4.0, "cabinet": 2.5, "workbench": 2.0, "machine_box": 2.0, "load": 6.0, "pipe_bundle": 1.0, "waste_bin": 1.0,
    "ladder": 0.7, "cage": 0.8, "long_goods": 0.8, "broom": 0.5,
}  # fmt: skip

BACK_TO_WALL = {"cabinet", "workbench", "work_table", "machine_box", "pipe_bundle", "waste_bin", "broom"}
"""Families whose front is their long side, so that they stand with their back to a wall."""

NEAREST = 0.85
"""Least free distance before the camera, metres."""


def pick(draft: Draft, weights: dict[str, float]) -> str:
    """One name by weight."""
    return str(draft.rng.choice(list(weights), p=np.array(list(weights.values())) / sum(weights.values())))


def set_view(
    draft: Draft, x: tuple[float, float], y: tuple[float, float], heading: float | None = None, spread: float = math.pi
) -> None:
    """Put the camera into a part of the hall, looking where the view is open.

    Args:
        draft: the scene, its large things in place.
        x, y: the part of the floor, metres.
        heading: direction to look along within ``spread``, or None for any.
        spread: largest turn from it, radians.
    """
    camera = draft.settings.randomization.camera
    height = min(draft.draw(camera.height), draft.hall.height - 0.6)
    pitch, half = math.radians(draft.draw(camera.pitch)), math.radians(draft.draw(camera.field_of_view) / 2)
    best: tuple[float, View] | None = None
    for _ in range(40):
        yaw = (heading or 0.0) + float(draft.rng.uniform(-spread, spread))
        view = View(float(draft.rng.uniform(*x)), float(draft.rng.uniform(*y)), height, yaw, pitch, half)
        if not draft.is_free(Box(view.x, view.y, yaw, 0.3, 0.3, 0.0, height + 0.3)):
            continue
        score = _openness(draft, view)
        if best is None or score > best[0]:
            best = score, view
        if score > 6.0:
            break
    if best is None:
        best = 0.0, View(float(np.mean(x)), float(np.mean(y)), height, heading or 0.0, pitch, half)
    draft.view = best[1]
    view = draft.view
    ahead = NEAREST / 2
    # nothing may stand at the lens or just before it
    middle = Box(
        view.x + ahead * math.cos(view.yaw),
        view.y + ahead * math.sin(view.yaw),
        view.yaw,
        ahead + 0.3,
        0.35,
        0,
        height + 0.4,
    )
    draft.occupy(middle)


def _openness(draft: Draft, view: View) -> float:
    """Free distance in the view's directions: the least of three below its edges, metres; walls count."""
    eye, hall = np.array([view.x, view.y, 1.0]), draft.hall
    least = math.inf
    for share in (-0.6, 0.0, 0.6):
        yaw = view.yaw + share * view.half_angle
        direction = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        to_wall = min(
            ((hall.length / 2 - math.copysign(1, direction[0]) * view.x) / max(1e-6, abs(direction[0]))),
            ((hall.width / 2 - math.copysign(1, direction[1]) * view.y) / max(1e-6, abs(direction[1]))),
        )
        least = min(least, first_hit(eye, direction, draft.boxes, to_wall), to_wall)
    return least


def line_walls(draft: Draft, fill: float) -> None:
    """Put racks, shelves, cabinets, machines and goods along the walls."""
    hall = draft.hall
    for yaw, run, offset in ((0.0, hall.length, hall.width / 2), (math.pi, hall.length, hall.width / 2)):
        if draft.chance(0.4):
            out = offset - 0.85
            loaded_rack(
                draft,
                -out * math.sin(yaw),
                out * math.cos(yaw),
                yaw,
                max(1, int(run * float(draft.rng.uniform(0.3, 0.95)) / 3.2)),
                float(draft.rng.uniform(0.5, 1)),
            )
    for yaw, run, offset in ((0.0, hall.length, hall.width / 2), (math.pi / 2, hall.width, hall.length / 2),
                             (math.pi, hall.length, hall.width / 2), (-math.pi / 2, hall.width, hall.length / 2)):  # fmt: skip
        at = -run / 2 + 1.0
        while at < run / 2 - 1.2:
            step = float(draft.rng.uniform(1.2, 2.4))
            if draft.chance(fill):
                usual, kind = float(draft.rng.uniform(0.55, 0.8)), pick(draft, BESIDE_WALLS)
                out = offset - max(usual, _reach(kind) + 0.05)
                x, y = at * math.cos(yaw) - out * math.sin(yaw), at * math.sin(yaw) + out * math.cos(yaw)
                _wall_thing(draft, kind, x, y, yaw)
            at += step


def _reach(kind: str) -> float:
    """Distance from a family's origin to the wall it stands at, metres."""
    if kind in ("load", "cage"):
        return 0.0
    low, high, _ = footprint_of(kind)
    return float(np.abs([low, high]).max(0)[0 if kind in BACK_TO_WALL else 1])


def _wall_thing(draft: Draft, kind: str, x: float, y: float, yaw: float) -> None:
    turned = yaw + math.pi if draft.chance(0.5) else yaw
    if kind in BACK_TO_WALL:
        turned = yaw - math.pi / 2
    if kind == "load":
        place_load(
            draft, x, y, turned + (math.pi / 2 if draft.chance(0.4) else 0.0), float(draft.rng.uniform(0.6, 2.2))
        )
    elif kind == "cage":
        length = float(draft.rng.uniform(2, 4))
        box = Box(x, y, yaw, length / 2 + 0.05, 0.06, 0, 2.2)
        if draft.is_free(box):
            draft.occupy(box)
            draft.add(
                "cage_wall",
                (x - length / 2 * math.cos(yaw), y - length / 2 * math.sin(yaw), 0),
                (yaw, 0, 0),
                length=length,
            )
    elif kind == "shelf":
        draft.try_place("shelf", x, y, turned, variant=draft.new_variant())
    else:
        draft.try_place(kind, x, y, turned)


def scatter(draft: Draft, weights: dict[str, float], count: int, near: float = 1.5, far: float = 12.0) -> int:
    """Put things on free floor in the view; returns how many found a place."""
    view, placed = draft.view, 0
    assert view is not None, "the view is chosen before things are scattered"
    for _ in range(count):
        kind = pick(draft, weights)
        for _ in range(12):
            distance = near * (far / near) ** float(draft.rng.uniform())
            heading = view.yaw + float(draft.rng.uniform(-1.1, 1.1)) * view.half_angle
            x, y = view.x + distance * math.cos(heading), view.y + distance * math.sin(heading)
            if draft.try_place(kind, x, y, float(draft.rng.uniform(-math.pi, math.pi)), margin=0.05):
                placed += 1
                break
    return placed


def marks(draft: Draft) -> None:
    """Lines and litter on the floor."""
    hall, rng = draft.hall, draft.rng
    if draft.chance(0.6):
        for _ in range(int(rng.integers(1, 6))):
            along_x = draft.chance(0.5)
            run = hall.length if along_x else hall.width
            length = float(rng.uniform(2, run - 1))
            at, side = (
                float(rng.uniform(-run / 2, run / 2 - length)),
                float(rng.uniform(-0.5, 0.5)) * (hall.width if along_x else hall.length),
            )
            place = (at, side, 0.001) if along_x else (side, at, 0.001)
            style = str(rng.choice(["line", "line", "dashed", "hatched"]))
            draft.add("floor_mark", place, (0.0 if along_x else math.pi / 2, 0, 0), length=length, style=style)
    view = draft.view
    if view is None:
        return
    for _ in range(int(rng.integers(0, 7))):
        distance, heading = float(rng.uniform(1.5, 8)), view.yaw + float(rng.uniform(-1, 1)) * view.half_angle
        place = (view.x + distance * math.cos(heading), view.y + distance * math.sin(heading), 0.001)
        draft.add("litter", place, (float(rng.uniform(-3, 3)), 0, 0), variant=draft.new_variant())


def furnish(draft: Draft, near: float | None = None, far: float | None = None) -> None:
    """Trucks first, while there is room, then vehicles, look-alikes and clutter."""
    content, rng = draft.settings.randomization.content, draft.rng
    trucks = 0 if draft.chance(content.negatives) else round(draft.draw(content.trucks))
    placed = place_trucks(draft, trucks, near, far)
    if draft.chance(0.22):
        scatter(draft, {"forklift": 2.5, "reach_truck": 1.0}, 1, 3.0, 14.0)
    scatter(draft, LOOKALIKES, round(draft.draw(content.distractors)), 1.8, 12.0)
    clutter = draft.draw(content.clutter)
    scatter(draft, CLUTTER, rng.poisson(3 * clutter))
    for _ in range(rng.poisson(4 * clutter)):
        view = draft.view
        assert view is not None, "the view is chosen before goods are put in it"
        distance, heading = float(rng.uniform(3, 14)), view.yaw + float(rng.uniform(-1, 1)) * view.half_angle
        place_load(
            draft,
            view.x + distance * math.cos(heading),
            view.y + distance * math.sin(heading),
            float(rng.uniform(-math.pi, math.pi)),
            float(rng.uniform(0.5, 1.8)),
        )
    marks(draft)
    if draft.chance(content.flying):
        fly(draft)
    draft.tags.update(trucks=placed, clutter=round(clutter, 3))


def fly(draft: Draft) -> None:
    """Primitives in the air between camera and scene."""
    view, rng = draft.view, draft.rng
    assert view is not None, "the view is chosen before things fly"
    for _ in range(int(rng.integers(1, 8))):
        distance, heading = float(rng.uniform(1.5, 7)), view.yaw + float(rng.uniform(-1, 1)) * view.half_angle
        turn = (float(rng.uniform(-3, 3)), float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-1.5, 1.5)))
        place = (
            view.x + distance * math.cos(heading),
            view.y + distance * math.sin(heading),
            float(rng.uniform(0.2, 2.6)),
        )
        draft.add(
            "floating_shape", place, turn, variant=draft.new_variant(), scale=round(float(rng.uniform(0.3, 1.0)), 3)
        )


def _hall(
    draft: Draft, length: tuple[float, float], width: tuple[float, float], height: tuple[float, float] = (3.2, 8.5)
) -> None:
    rng = draft.rng
    build_hall(draft, float(rng.uniform(*length)), float(rng.uniform(*width)), float(rng.uniform(*height)))


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
        draft.add(
            "door",
            (float(x), hall.width / 2 - 0.05, 0),
            length=3.0,
            height=min(3.4, hall.height - 0.6),
            kind="sectional",
        )
        if draft.chance(0.7):
            block(
                draft,
                float(x),
                hall.width / 2 - 5.5,
                0.0,
                int(rng.integers(1, 3)),
                int(rng.integers(1, 5)),
                float(rng.uniform(1, 2.1)),
                0.8,
            )
    line_walls(draft, 0.8)
    set_view(draft, (-hall.length * 0.4, hall.length * 0.4), (-hall.width * 0.45, hall.width * 0.2), math.pi / 2, 1.0)
    furnish(draft)


@register_scenario("staging")
def staging(draft: Draft) -> None:
    """Open floor with fields of pallets, racks behind them."""
    _hall(draft, (12, 28), (9, 20))
    hall, rng = draft.hall, draft.rng
    if draft.chance(0.6):
        loaded_rack(draft, 0, hall.width / 2 - 0.9, 0, max(1, int(hall.length / 3.2)), float(rng.uniform(0.5, 0.95)))
    for _ in range(int(rng.integers(2, 5))):
        block(draft, *(float(v) for v in rng.uniform((-hall.length / 2 + 1, -hall.width / 2 + 1), (hall.length / 2 - 4, hall.width / 2 - 4))),
              float(rng.choice([0, math.pi / 2])), int(rng.integers(1, 4)), int(rng.integers(1, 5)), float(rng.uniform(0.8, 2.4)), float(rng.uniform(0.6, 1)))  # fmt: skip
    line_walls(draft, 0.75)
    set_view(draft, (-hall.length * 0.42, hall.length * 0.42), (-hall.width * 0.42, hall.width * 0.42))
    furnish(draft)


@register_scenario("parking")
def parking(draft: Draft) -> None:
    """Equipment where it is left: along a wall, beside columns, in rows."""
    _hall(draft, (9, 22), (8, 16))
    hall, rng = draft.hall, draft.rng
    line_walls(draft, 0.8)
    set_view(draft, (-hall.length * 0.42, hall.length * 0.42), (-hall.width * 0.42, hall.width * 0.42))
    scatter(draft, {**LOOKALIKES, "forklift": 2.5, "reach_truck": 1.0}, int(rng.integers(1, 4)), 2.5, 10)
    furnish(draft)


@register_scenario("workshop")
def workshop(draft: Draft) -> None:
    """Benches, machines, cabinets and spare parts."""
    _hall(draft, (8, 18), (7, 14), (3.0, 6.0))
    hall = draft.hall
    line_walls(draft, 0.9)
    set_view(draft, (-hall.length * 0.42, hall.length * 0.42), (-hall.width * 0.42, hall.width * 0.42))
    shop = {
        "workbench": 2.0,
        "machine_box": 3.0,
        "work_table": 2.0,
        "cabinet": 1.0,
        "tool_trolley": 2.0,
        "chair": 1.0,
        "drum": 1.0,
    }
    scatter(draft, shop, int(draft.rng.integers(3, 8)), 2.5, 10)
    furnish(draft)


@register_scenario("uniform")
def uniform(draft: Draft) -> None:
    """Everything anywhere, so that no habit of the layout can be learnt."""
    _hall(draft, (8, 24), (8, 20), (3.0, 9.0))
    hall, rng = draft.hall, draft.rng
    set_view(draft, (-hall.length * 0.42, hall.length * 0.42), (-hall.width * 0.42, hall.width * 0.42))
    content = draft.settings.randomization.content
    trucks = 0 if draft.chance(content.negatives) else round(draft.draw(content.trucks))
    placed = place_trucks(draft, trucks, sight=0.3)
    everything = {**LOOKALIKES, **CLUTTER, **BESIDE_WALLS, "forklift": 2.0, "reach_truck": 1.0}
    for name in ("load", "cage"):
        everything.pop(name, None)
    scatter(draft, everything, int(rng.integers(4, 22)), 1.6, 14)
    for _ in range(int(rng.integers(0, 9))):
        x, y = (float(v) for v in rng.uniform((-hall.length / 2, -hall.width / 2), (hall.length / 2, hall.width / 2)))
        place_load(draft, x, y, float(rng.uniform(-3.1, 3.1)), float(rng.uniform(0.3, 2.4)))
    if draft.chance(0.4):
        fly(draft)
    marks(draft)
    draft.tags.update(trucks=placed)


@register_scenario("closeup")
def closeup(draft: Draft) -> None:
    """A truck fills much of the picture."""
    _hall(draft, (10, 20), (8, 16))
    hall = draft.hall
    line_walls(draft, 0.75)
    set_view(draft, (-hall.length * 0.4, hall.length * 0.4), (-hall.width * 0.4, hall.width * 0.4))
    furnish(draft, 1.1, 2.8)


@register_scenario("far")
def far(draft: Draft) -> None:
    """Small and distant, down a long hall."""
    _hall(draft, (24, 44), (8, 20), (4.0, 9.0))
    half = racks(draft, 1, float(draft.rng.uniform(3.0, 7.0)), float(draft.rng.uniform(0.4, 0.9)))
    heading, end = (0.0, -1) if draft.chance(0.5) else (math.pi, 1)
    x = sorted((end * draft.hall.length * 0.45, end * draft.hall.length * 0.2))
    set_view(draft, (x[0], x[1]), (-half + 0.4, half - 0.4), heading, 0.35)
    furnish(draft, 6.0, 20.0)


@register_scenario("negative")
def negative(draft: Draft) -> None:
    """No pallet truck, but what is taken for one."""
    _hall(draft, (9, 24), (8, 18))
    hall, rng = draft.hall, draft.rng
    if draft.chance(0.5):
        loaded_rack(draft, 0, hall.width / 2 - 0.9, 0, max(1, int(hall.length / 3.2)), float(rng.uniform(0.5, 0.95)))
    line_walls(draft, 0.8)
    set_view(draft, (-hall.length * 0.42, hall.length * 0.42), (-hall.width * 0.42, hall.width * 0.42))
    scatter(draft, LOOKALIKES, int(rng.integers(2, 7)), 1.8, 9)
    scatter(draft, CLUTTER, int(rng.integers(2, 9)))
    for _ in range(int(rng.integers(1, 5))):
        x, y = (float(v) for v in rng.uniform((-hall.length / 2, -hall.width / 2), (hall.length / 2, hall.width / 2)))
        if draft.is_free(Box(x, y, 0, 0.64, 0.46, 0, 1.5)):
            put_load(draft, x, y, 0, 0.0, 1.5)
            draft.occupy(Box(x, y, 0, 0.64, 0.46, 0, 1.5))
    marks(draft)
    draft.tags.update(trucks=0)
