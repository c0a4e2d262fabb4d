"""Furniture of workshops and offices in a hall: tables, workbenches, cabinets, chairs.

Dimensions: work tables 0.72 to 0.95 m high, workbenches 0.84 m (DIN 68877 range 0.8 to 0.95 m), lockers 0.3 to 0.4 m a
column x 1.8 m (DIN 4547), office chairs with seats at 0.42 to 0.55 m (EN 1335-1). Their front is at +X.
"""

from __future__ import annotations

import itertools

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.mesh import Builder, beam, box, cylinder, merge, move, turn, wheel
from stages.sdg.assets.palette import pick
from stages.sdg.assets.shapes import bent_tube, recentre, soft_box, torus
from stages.sdg.assets.types import Asset, Material

TOPS = ("#e6e4dc", "#c9ccc8", "#b58e5f", "#c9a777", "#8a6a45", "#5b6065", "#3a4a3f")
LEGS = ("#3a3d40", "#8c9296", "#2d4870", "#1f4fa3", "#6d7276", "#5a5140", "#3d6a5a")
SHEETS = ("#8d9296", "#c9ccc8", "#5b6065", "#d8d4c4", "#2d4870", "#3d6a5a", "#1f4fa3", "#b8231c")


def _clutter(
    builder: Builder, rng: np.random.Generator, finish: Finish, half: tuple[float, float], z: float, count: int
) -> None:
    """Boxes, tins, tools and papers that lie on a surface."""
    codes = ("#1f4fa3", "#b8231c", "#e5a50a", "#d8d8d2", "#1b1c1e", "#b08a5e", "#3f7d3a", "#8c9296")
    paper, things = finish.label(), [finish.plastic(pick(rng, codes)) for _ in range(2)]
    things.append(
        Material("cardboard", pick(rng, codes), 0.75, dirt=finish.dirt * 0.5, seed=int(rng.integers(1 << 30)))
    )
    for number in range(count):
        x, y = float(rng.uniform(-0.85, 0.85) * half[0]), float(rng.uniform(-0.9, 0.9) * half[1])
        thing, kind = things[int(rng.integers(3))], rng.choice(["box", "tin", "paper", "tool"])
        room = min(half[0] - abs(x), half[1] - abs(y)) * 0.7
        if kind == "paper":
            sheet = turn(
                box((-0.105, -0.15, 0.001), (0.105, 0.15, 0.003 + 0.0007 * number)), 2, float(rng.uniform(0, 3))
            )
            builder.add("clutter", move(sheet, (x * 0.7, y * 0.9, z)), paper)
        elif kind == "tin":
            tall, radius = float(rng.uniform(0.08, 0.28)), min(room, float(rng.uniform(0.03, 0.09)))
            builder.add("clutter", cylinder((x, y, z), (x, y, z + tall), max(0.02, radius), 12), thing, True)
        elif kind == "tool":
            bar = beam((-0.1, 0, z + 0.015), (0.1, 0, z + 0.015), 0.025, 0.02)
            builder.add("clutter", move(turn(bar, 2, float(rng.uniform(0, 3))), (x * 0.7, y * 0.8, 0)), thing)
        else:
            size = rng.uniform(0.05, 0.2, 3)
            size[:2] = np.minimum(size[:2], max(0.03, room))
            builder.add(
                "clutter", box((x - size[0], y - size[1], z), (x + size[0], y + size[1], z + size[2] * 1.5)), thing
            )


@register_asset("work_table")
def work_table(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A plain table, often with things on it. Parameters: empty (bool), wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    hx, hy, height = float(rng.uniform(0.3, 0.5)), float(rng.uniform(0.4, 1.0)), float(rng.uniform(0.7, 0.95))
    top = finish.wood(finish.colour(TOPS)) if chance(rng, 0.4) else finish.plastic(finish.colour(TOPS))
    legs, thick = finish.paint(pick(rng, LEGS)), float(rng.uniform(0.018, 0.045))
    builder.add("top", box((-hx, -hy, height - thick), (hx, hy, height), 0.004), top)
    size, inset = float(rng.uniform(0.015, 0.035)), float(rng.uniform(0.02, 0.1))
    splay, round_ = float(rng.choice([0.0, rng.uniform(0, 0.12)])), chance(rng, 0.4)
    for sx in (-1, 1):
        for sy in (-1, 1):
            head = (sx * (hx - inset), sy * (hy - inset), height - thick)
            foot = (head[0] + sx * splay, head[1] + sy * splay, 0.0)
            leg = cylinder(foot, head, size * 0.8, 9) if round_ else beam(foot, head, size * 2, size * 2, (1, 0, 0))
            builder.add("legs", leg, legs, round_)
    deep = float(rng.uniform(0.03, 0.1))
    for s in (-1, 1):
        rail = height - thick
        builder.add(
            "legs",
            box((-hx + inset, s * (hy - inset) - 0.01, rail - deep), (hx - inset, s * (hy - inset) + 0.01, rail)),
            legs,
        )
        builder.add(
            "legs",
            box((s * (hx - inset) - 0.01, -hy + inset, rail - deep), (s * (hx - inset) + 0.01, hy - inset, rail)),
            legs,
        )
    if chance(rng, 0.3):
        z = float(rng.uniform(0.12, 0.3))
        builder.add("shelf", box((-hx + inset, -hy + inset, z), (hx - inset, hy - inset, z + 0.02)), top)
        _clutter(builder, rng, finish, (hx * 0.8, hy * 0.8), z + 0.02, int(rng.integers(0, 4)))
    if not parameters.get("empty", chance(rng, 0.4)):
        _clutter(builder, rng, finish, (hx, hy), height, int(rng.integers(1, 9)))
    return recentre(builder.build())


@register_asset("workbench")
def workbench(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A bench with drawers, a vice, a perforated back with tools, a lamp. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    hx, hy, height = float(rng.uniform(0.3, 0.4)), float(rng.uniform(0.6, 1.1)), float(rng.uniform(0.8, 0.95))
    top, frame, metal = finish.wood(pick(rng, TOPS[2:5])), finish.paint(finish.colour(LEGS)), finish.steel()
    fronts = finish.paint(pick(rng, (*SHEETS, "#d8521a"))) if chance(rng, 0.6) else frame
    builder.add("top", box((-hx, -hy, height - 0.05), (hx, hy, height), 0.005), top)
    for y in (-hy + 0.03, hy - 0.03):
        builder.add("frame", box((-hx + 0.05, y - 0.025, 0), (hx - 0.05, y + 0.025, height - 0.05)), frame)
    builder.add("frame", box((-hx + 0.06, -hy, 0.15), (-hx + 0.09, hy, 0.3)), frame)
    for side in (-1, 1) if chance(rng, 0.4) else (int(rng.choice([-1, 1])),):
        y0, y1 = sorted((side * (hy - 0.06), side * (hy - float(rng.uniform(0.42, 0.56)))))
        low = float(rng.choice([0.1, height - 0.4]))
        builder.add("drawers", box((-hx + 0.1, y0, low), (hx - 0.03, y1, height - 0.05)), frame)
        edges = np.linspace(low + 0.01, height - 0.06, int(rng.integers(2, 6)))
        for z0, z1 in itertools.pairwise(edges):
            builder.add(
                "drawers", box((hx - 0.03, y0 + 0.01, z0 + 0.004), (hx - 0.012, y1 - 0.01, z1 - 0.004), 0.003), fronts
            )
            builder.add("handles", box((hx - 0.012, y0 + 0.12, z1 - 0.05), (hx + 0.006, y1 - 0.12, z1 - 0.035)), metal)
    if chance(rng, 0.6):
        _vice(
            builder,
            (hx - 0.1, float(rng.uniform(-0.7, 0.7)) * hy, height),
            finish.paint(pick(rng, ("#1f4fa3", "#2d4870", "#3d6a5a", "#8c9296"))),
            metal,
        )
    if chance(rng, 0.55):
        _tool_wall(builder, rng, finish, (-hx, hy), height, frame)
    _clutter(builder, rng, finish, (hx * 0.8, hy * 0.9), height, int(rng.integers(0, 7)))
    return recentre(builder.build())


def _vice(builder: Builder, at: tuple[float, float, float], paint: Material, metal: Material) -> None:
    x, y, z = at
    builder.add("vice", soft_box((x - 0.09, y - 0.06, z), (x + 0.05, y + 0.06, z + 0.06), 0.02, 0.01), paint)
    for front in (x - 0.05, x + 0.1):
        builder.add("vice", box((front - 0.03, y - 0.06, z + 0.05), (front + 0.02, y + 0.06, z + 0.15), 0.008), paint)
    builder.add("vice", cylinder((x - 0.02, y, z + 0.09), (x + 0.2, y, z + 0.09), 0.016, 8), metal, True)
    builder.add("vice", cylinder((x + 0.19, y - 0.1, z + 0.09), (x + 0.19, y + 0.1, z + 0.09), 0.007, 6), metal, True)


def _tool_wall(
    builder: Builder,
    rng: np.random.Generator,
    finish: Finish,
    corner: tuple[float, float],
    height: float,
    frame: Material,
) -> None:
    """A back panel with tools that hang from it, sometimes a lamp above."""
    x, hy = corner
    top = height + float(rng.uniform(0.5, 1.0))
    builder.add("wall", box((x, -hy, height), (x + 0.02, hy, top)), finish.paint(pick(rng, SHEETS)))
    handles = [finish.plastic(pick(rng, ("#b8231c", "#e5a50a", "#1f4fa3", "#1b1c1e"))) for _ in range(2)]
    steel = finish.steel()
    for y in np.arange(-hy + 0.1, hy - 0.08, float(rng.uniform(0.08, 0.2))):
        long, z = float(rng.uniform(0.12, 0.35)), top - float(rng.uniform(0.06, 0.3))
        builder.add("tools", box((x + 0.02, y - 0.01, z - long), (x + 0.03, y + 0.01, z - long * 0.4)), steel)
        builder.add(
            "tools",
            box((x + 0.02, y - 0.016, z - long * 0.4), (x + 0.045, y + 0.016, z)),
            handles[int(rng.integers(2))],
        )
    if chance(rng, 0.5):
        for y in (-hy + 0.03, hy - 0.03):
            builder.add(
                "frame",
                bent_tube([(x + 0.01, y, top), (x + 0.01, y, top + 0.35), (x + 0.45, y, top + 0.4)], 0.016, 0.06),
                frame,
                True,
            )
        builder.add("lamp", box((x + 0.38, -hy * 0.7, top + 0.33), (x + 0.5, hy * 0.7, top + 0.38)), frame)
        shine = finish.glow((1.0, 0.95, 0.85), float(rng.choice([0.0, rng.uniform(3, 15)])))
        builder.add("lamp", box((x + 0.39, -hy * 0.68, top + 0.325), (x + 0.49, hy * 0.68, top + 0.33)), shine)


@register_asset("cabinet")
def cabinet(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A tool cupboard, lockers or a filing cabinet. Parameters: kind (cupboard, lockers, drawers), colour."""
    finish, builder = Finish(rng, parameters), Builder()
    kind = str(parameters.get("kind") or rng.choice(["cupboard", "lockers", "drawers"], p=[0.45, 0.35, 0.2]))
    body = finish.paint(finish.colour(SHEETS, (5, 5, 3, 3, 2, 2, 2, 1)), 0.7)
    fronts = finish.paint(pick(rng, SHEETS), 0.7) if chance(rng, 0.45) else body
    dark, metal, hx = finish.dark(), finish.steel(), float(rng.uniform(0.2, 0.28))
    columns, rows = {"cupboard": (2, 1), "lockers": (int(rng.integers(1, 5)), int(rng.integers(1, 4)))}.get(
        kind, (1, int(rng.integers(3, 7)))
    )
    width = {"cupboard": 0.5, "lockers": float(rng.uniform(0.3, 0.4))}.get(kind, float(rng.uniform(0.42, 0.8)))
    height = float(rng.uniform(1.7, 2.0) if kind != "drawers" else rng.uniform(0.7, 1.4))
    foot, hy = float(rng.choice([0.03, 0.12])), width * columns / 2
    builder.add("body", box((-hx, -hy, foot), (hx, hy, height), 0.004), body)
    for x in (-hx + 0.03, hx - 0.03):
        for y in (-hy + 0.03, hy - 0.03):
            builder.add("feet", box((x - 0.02, y - 0.02, 0), (x + 0.02, y + 0.02, foot + 0.005)), dark)
    ys, zs = np.linspace(-hy, hy, columns + 1), np.linspace(foot, height, rows + 1)
    for y0, y1 in itertools.pairwise(ys):
        for z0, z1 in itertools.pairwise(zs):
            builder.add("doors", box((hx, y0 + 0.006, z0 + 0.006), (hx + 0.014, y1 - 0.006, z1 - 0.006), 0.003), fronts)
            if kind == "drawers":
                builder.add(
                    "handles", box((hx + 0.014, y0 + 0.12, z1 - 0.07), (hx + 0.03, y1 - 0.12, z1 - 0.05)), metal
                )
                continue
            middle = z0 + (z1 - z0) * 0.5
            builder.add(
                "handles", box((hx + 0.014, y1 - 0.06, middle - 0.05), (hx + 0.03, y1 - 0.04, middle + 0.05)), metal
            )
            for z in (z1 - 0.08, z1 - 0.1, z1 - 0.12) if kind == "lockers" else ():
                builder.add("vents", box((hx + 0.012, y0 + 0.1, z), (hx + 0.016, y1 - 0.1, z + 0.008)), dark)
            if chance(rng, 0.25):
                builder.add(
                    "label", box((hx + 0.013, y0 + 0.06, z1 - 0.32), (hx + 0.016, y0 + 0.2, z1 - 0.2)), finish.label()
                )
    if chance(rng, 0.35):
        _clutter(builder, rng, finish, (hx, hy), height, int(rng.integers(1, 5)))
    return recentre(builder.build())


@register_asset("chair")
def chair(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """An office chair, a stacking chair or a stool. Parameters: kind (office, stacking, stool), wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    kind = str(parameters.get("kind") or rng.choice(["office", "stacking", "stool"], p=[0.5, 0.35, 0.15]))
    cloth = finish.fabric(finish.colour(("#1b1c1e", "#23364f", "#4c5054", "#7a1f24", "#1f4fa3", "#3d4a36")))
    dark, metal = finish.dark(), finish.steel()
    half, seat = float(rng.uniform(0.19, 0.25)), float(rng.uniform(0.43, 0.55))
    if kind == "stacking":
        shell = finish.wood(pick(rng, TOPS[2:5])) if chance(rng, 0.5) else cloth
        builder.add("seat", soft_box((-half, -half, seat - 0.02), (half, half, seat + 0.02), 0.05, 0.008), shell)
        back = soft_box((-half - 0.02, -half, seat + 0.18), (-half + 0.01, half, seat + 0.42), 0.01, 0.008)
        builder.add("back", turn(back, 1, -0.15, (-half, 0, seat)), shell)
        for side in (-1, 1):
            y = side * (half - 0.01)
            legs = [
                (half, y, 0),
                (half - 0.03, y, seat - 0.02),
                (-half + 0.02, y, seat - 0.02),
                (-half - 0.07, y, seat + 0.4),
            ]
            builder.add("legs", bent_tube(legs, 0.011, 0.04), metal, True)
            builder.add("legs", cylinder((-half - 0.05, y, 0), (-half + 0.02, y, seat - 0.02), 0.011, 8), metal, True)
        return recentre(builder.build())
    high = seat if kind == "office" else seat + float(rng.uniform(0, 0.25))
    if kind == "stool":
        builder.add("seat", soft_box((-0.18, -0.18, high), (0.18, 0.18, high + 0.06), 0.178, 0.02, 6), cloth, True)
        builder.add("legs", torus((0, 0, 0.2), 0.2, 0.01, 2, 18, 6), metal, True)
    else:
        builder.add("seat", soft_box((-half, -half, high), (half, half, high + 0.09), 0.1, 0.03), cloth, True)
        back = soft_box(
            (-half - 0.06, -half * 0.9, high + 0.15),
            (-half + 0.01, half * 0.9, high + float(rng.uniform(0.5, 0.75))),
            0.03,
            0.03,
        )
        builder.add("back", turn(back, 1, -0.12, (-half, 0, high)), cloth, True)
        builder.add(
            "back", beam((-half - 0.02, 0, high - 0.02), (-half - 0.06, 0, high + 0.3), 0.06, 0.015, (1, 0, 0)), dark
        )
        for side in (-1, 1) if chance(rng, 0.6) else ():
            rest = [
                (-0.1, side * half, high),
                (-0.1, side * (half + 0.06), high + 0.22),
                (0.12, side * (half + 0.06), high + 0.22),
            ]
            builder.add("arms", bent_tube(rest, 0.016, 0.04), dark, True)
    builder.add("legs", cylinder((0, 0, 0.1), (0, 0, high + 0.01), 0.026, 10), metal, True)
    start = float(rng.uniform(0, 1.2))
    for angle in start + np.arange(5) * 2 * np.pi / 5:
        c, s = float(np.cos(angle)), float(np.sin(angle))
        builder.add("legs", beam((0, 0, 0.12), (0.29 * c, 0.29 * s, 0.075), 0.045, 0.03), dark)
        roll = merge(*(wheel((0, side * 0.016, 0), 0.027, 0.018, segments=8) for side in (-1, 1)))
        builder.add("castors", move(turn(roll, 2, float(rng.uniform(0, 3))), (0.28 * c, 0.28 * s, 0.027)), dark, True)
    return recentre(builder.build())
