"""Small fixed and loose equipment of halls: bollards, guard rails, ladders, cones, signs, brooms, long goods.

Standard sizes: traffic cones 0.5 and 0.75 m (EN 13422), handrails at 1.1 m (EN ISO 14122-3), extinguishers of 6 and
9 kg (0.15 to 0.19 m x 0.45 to 0.6 m), warning signs 0.6 m high.
"""

from __future__ import annotations

import itertools

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.mesh import (
    Builder,
    Mesh,
    beam,
    box,
    cylinder,
    lathe,
    merge,
    move,
    panel,
    prism,
    sphere,
    tube,
    turn,
    wheel,
)
from stages.sdg.assets.palette import grey, pick
from stages.sdg.assets.shapes import bent_tube, recentre, soft_box
from stages.sdg.assets.types import Asset, Material

SAFETY = ("#f2c100", "#e5b800", "#f0a500")


def stripes(
    builder: Builder,
    name: str,
    low: float,
    high: float,
    radius: float,
    bands: int,
    first: Material,
    second: Material,
    square: bool,
) -> None:
    """A post of alternately coloured bands."""
    for number in range(bands):
        z0, z1 = low + (high - low) * number / bands, low + (high - low) * (number + 1) / bands
        band = (
            box((-radius, -radius, z0), (radius, radius, z1))
            if square
            else cylinder((0, 0, z0), (0, 0, z1), radius, 16)
        )
        builder.add(name, band, first if number % 2 == 0 else second, not square)


@register_asset("bollard")
def bollard(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A guard post, plain or banded, or a hoop over a corner. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    yellow, black = finish.paint(finish.colour(SAFETY)), finish.paint(grey(rng, 0.008, 0.02))
    height, radius = float(rng.uniform(0.4, 1.2)), float(rng.uniform(0.038, 0.11))
    kind = rng.choice(["post", "square", "hoop"], p=[0.6, 0.2, 0.2])
    if kind == "hoop":
        half = float(rng.uniform(0.2, 0.6))
        path = [(0, -half, 0), (0, -half, height), (0, half, height), (0, half, 0)]
        builder.add("post", bent_tube(path, radius * 0.6, 0.15, 10), yellow, True)
        for side in (-1, 1):
            for z in np.arange(0.12, height - 0.2, 0.24):
                builder.add(
                    "post", cylinder((0, side * half, z), (0, side * half, z + 0.1), radius * 0.62, 12), black, True
                )
            builder.add("foot", box((-0.08, side * half - 0.08, 0), (0.08, side * half + 0.08, 0.01)), yellow)
        return recentre(builder.build())
    bands = int(rng.choice([1, rng.integers(4, 9)]))
    stripes(builder, "post", 0.01, height, radius, bands, yellow, black, kind == "square")
    if kind == "post":
        builder.add(
            "post", sphere((0, 0, height), (radius, radius, radius * float(rng.uniform(0.1, 0.9))), 14), yellow, True
        )
    foot = radius + float(rng.uniform(0.03, 0.08))
    builder.add("foot", box((-foot, -foot, 0), (foot, foot, 0.012)), yellow if chance(rng, 0.6) else finish.steel())
    return recentre(builder.build())


@register_asset("guard_rail")
def guard_rail(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A railing or crash barrier along Y. Parameters: length (m), wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    paint = finish.paint(finish.colour((*SAFETY, "#8c9296", "#b8231c"))) if chance(rng, 0.85) else finish.steel()
    length, low = float(parameters.get("length", rng.uniform(1.0, 3.5))), chance(rng, 0.5)
    height = float(rng.uniform(0.3, 0.6) if low else rng.uniform(0.95, 1.2))
    posts = max(2, round(length / float(rng.uniform(1.0, 1.6))) + 1)
    size = float(rng.uniform(0.03, 0.07))
    square = chance(rng, 0.6)
    for y in np.linspace(-length / 2, length / 2, posts):
        post = (
            box((-size, y - size, 0.01), (size, y + size, height))
            if square
            else cylinder((0, y, 0.01), (0, y, height), size * 0.6, 12)
        )
        builder.add("posts", post, paint if not low or chance(rng, 0.9) else finish.dark(), not square)
        builder.add("posts", box((-size * 1.8, y - size * 1.8, 0), (size * 1.8, y + size * 1.8, 0.012)), paint)
    rails = int(rng.integers(1, 3)) if low else int(rng.integers(2, 4))
    for z in np.linspace(height * (0.75 if rails == 1 else 0.4), height - size * 0.5, rails):
        if low:
            outline = [
                (0.0, -0.11),
                (0.035, -0.07),
                (0.035, -0.03),
                (0.0, 0.0),
                (0.035, 0.03),
                (0.035, 0.07),
                (0.0, 0.11),
                (-0.006, 0.11),
                (0.026, 0.06),
                (0.026, 0.035),
                (-0.01, 0.0),
                (0.026, -0.035),
                (0.026, -0.06),
                (-0.006, -0.11),
            ]
            rail = prism(
                [(z + dz * min(1, height / 0.35) * 0.8, size + dx) for dx, dz in outline],
                -length / 2 - 0.05,
                length / 2 + 0.05,
                1,
            )
        else:
            rail = cylinder((0, -length / 2 - 0.02, z), (0, length / 2 + 0.02, z), size * 0.5, 10)
        builder.add("rails", rail, paint, not low)
    if not low and chance(rng, 0.4):
        builder.add("rails", box((-0.004, -length / 2, 0.02), (0.004, length / 2, 0.14)), paint)
    return recentre(builder.build())


def _ladder_side(width: float, height: float, depth: float, steps: int, flare: float) -> list[Mesh]:
    rails = [beam((0, s * (width + flare), 0), (0, s * width, height), 0.025, depth, (1, 0, 0)) for s in (-1, 1)]
    treads = []
    for z in np.linspace(0, height, steps + 2)[1:-1]:
        half = width + flare * (1 - z / height)
        treads.append(box((-depth * 0.8, -half, z - 0.012), (depth * 0.8, half, z + 0.012)))
    return [*rails, *treads]


@register_asset("ladder")
def ladder(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A step ladder, or one that leans towards +X. Parameters: kind (step, leaning), height (m), wear, dirt."""
    finish, builder = Finish(rng, parameters), Builder()
    kind = str(parameters.get("kind") or rng.choice(["step", "leaning", "steps"], p=[0.45, 0.3, 0.25]))
    metal = finish.steel() if chance(rng, 0.75) else finish.paint(finish.colour((*SAFETY, "#b8231c", "#1f4fa3")))
    width = float(rng.uniform(0.18, 0.26))
    if kind == "leaning":
        height, lean = float(parameters.get("height", rng.uniform(2.0, 4.0))), float(rng.uniform(0.15, 0.35))
        for mesh in _ladder_side(width, height, 0.06, int(height / 0.28), 0.05):
            builder.add("ladder", turn(mesh, 1, lean), metal)
    elif kind == "step":
        height, spread = float(parameters.get("height", rng.uniform(0.8, 2.4))), float(rng.uniform(0.22, 0.32))
        for mesh in _ladder_side(width * 0.9, height, 0.08, max(2, int(height / 0.25)), 0.08):
            builder.add("ladder", move(turn(mesh, 1, spread, (0, 0, height)), (0, 0, 0)), metal)
        for mesh in _ladder_side(width * 0.85, height, 0.03, 1, 0.08):
            builder.add("ladder", turn(mesh, 1, -spread, (0, 0, height)), metal)
        builder.add(
            "ladder",
            box((-0.12, -width, height - 0.02), (0.12, width, height + 0.03), 0.01),
            finish.plastic(pick(rng, FEET)),
        )
        if chance(rng, 0.5):
            top = height + float(rng.uniform(0.4, 0.7))
            builder.add(
                "ladder",
                bent_tube(
                    [(0.05, -width, height), (0.05, -width, top), (0.05, width, top), (0.05, width, height)],
                    0.014,
                    0.08,
                ),
                metal,
                True,
            )
    else:
        _rolling_steps(builder, rng, finish, metal, width + 0.08)
    return recentre(builder.build())


FEET = ("#1b1c1e", "#b8231c", "#1f4fa3", "#e5a50a")


def _rolling_steps(builder: Builder, rng: np.random.Generator, finish: Finish, metal: Material, width: float) -> None:
    """Warehouse steps on wheels with a platform and handrails."""
    steps, rise = int(rng.integers(3, 8)), 0.24
    run, height = float(rng.uniform(0.18, 0.24)), steps * rise
    back = steps * run + 0.35
    for number in range(1, steps + 1):
        depth = 0.35 if number == steps else 0.16
        builder.add(
            "treads",
            box((number * run, -width, number * rise - 0.015), (number * run + depth, width, number * rise + 0.015)),
            metal,
        )
    for side in (-1, 1):
        builder.add("ladder", beam((run, side * width, 0.05), (steps * run, side * width, height), 0.025, 0.06), metal)
        builder.add("ladder", beam((back, side * width, 0.05), (back, side * width, height), 0.03, 0.03), metal)
        builder.add("ladder", beam((run, side * width, 0.08), (back, side * width, 0.08), 0.03, 0.03), metal)
        rail = [
            (run * 1.5, side * width, rise * 1.5),
            (run * 1.2, side * width, rise + 0.8),
            (steps * run, side * width, height + 0.95),
            (back, side * width, height + 0.95),
            (back, side * width, height),
        ]
        builder.add("rails", bent_tube(rail, 0.016, 0.1), metal, True)
        builder.add("wheels", wheel((back + 0.05, side * width, 0.08), 0.08, 0.04, segments=14), finish.rubber(), True)
        builder.add("ladder", cylinder((run + 0.03, side * width, 0), (run + 0.03, side * width, 0.1), 0.02, 8), metal)


@register_asset("traffic_cone")
def traffic_cone(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A cone on a square foot with reflective bands. Parameters: wear, dirt."""
    finish, builder = Finish(rng, parameters), Builder()
    height = float(rng.choice([0.3, 0.5, 0.5, 0.75])) * float(rng.uniform(0.95, 1.05))
    base, top = height * 0.26, height * 0.06
    orange = finish.plastic(finish.colour(("#f2540f", "#e83a12", "#f28a10"), (6, 3, 1)))
    white = Material("plastic", (0.75, 0.75, 0.73), 0.3, dirt=finish.dirt, seed=int(rng.integers(1 << 30)))
    builder.add(
        "foot",
        soft_box((-base * 1.35, -base * 1.35, 0), (base * 1.35, base * 1.35, 0.03), 0.04, 0.01),
        finish.rubber() if chance(rng, 0.4) else orange,
    )
    bands = [0.0, 0.3, 0.48, 0.62, 0.78, 1.0] if height > 0.4 else [0.0, 0.45, 0.7, 1.0]
    for number, (a, b) in enumerate(itertools.pairwise(bands)):
        radius = (base + (top - base) * a, base + (top - base) * b)
        builder.add(
            "cone",
            tube([(0, 0, 0.02 + (height - 0.02) * a), (0, 0, 0.02 + (height - 0.02) * b)], radius, 18),
            white if number % 2 else orange,
            True,
        )
    return recentre(builder.build())


@register_asset("fire_extinguisher")
def fire_extinguisher(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A fire extinguisher on the floor, or hung (origin on the floor below it) with a sign. Parameters: hung (bool)."""
    finish, builder = Finish(rng, parameters), Builder()
    red, dark, metal = (
        finish.paint(finish.colour(("#b8130f", "#c8201f", "#a5120f")), 0.4),
        finish.rubber(),
        finish.steel(),
    )
    radius, tall = float(rng.uniform(0.07, 0.095)), float(rng.uniform(0.36, 0.5))
    hung = bool(parameters.get("hung", chance(rng, 0.6)))
    low = float(rng.uniform(0.5, 0.9)) if hung else 0.0
    x = radius + 0.03
    made: list[tuple[str, Mesh, Material, bool]] = []
    neck, top = radius * 0.28, tall * 1.1
    profile = [(0.0, 0.0), (radius * 0.97, 0.0), (radius, 0.02), (radius, tall * 0.85), (radius * 0.6, tall)]
    body = lathe([*profile, (neck, tall * 1.03), (neck, top), (0.0, top)], 2, 20)
    made.append(("body", body, red, True))
    made.append(("valve", box((-0.02, -0.02, tall * 1.08), (0.1, 0.02, tall * 1.12)), metal, False))
    made.append(
        (
            "valve",
            turn(box((-0.01, -0.015, tall * 1.14), (0.11, 0.015, tall * 1.17)), 1, -0.2, (0, 0, tall * 1.12)),
            dark,
            False,
        )
    )
    hose = [
        (0.0, -0.02, tall * 1.09),
        (0.0, -radius - 0.05, tall * 1.05),
        (0.0, -radius - 0.04, tall * 0.4),
        (0.0, -radius - 0.02, tall * 0.15),
    ]
    made.append(("hose", bent_tube(hose, 0.012, 0.05), dark, True))
    arc = radius * 1.006 * np.stack([np.cos(np.linspace(-0.9, 0.9, 7)), np.sin(np.linspace(-0.9, 0.9, 7))], 1)
    label = finish.label()
    for p, q in itertools.pairwise(arc):
        made.append(
            ("label", panel([(*p, tall * 0.35), (*q, tall * 0.35), (*q, tall * 0.75), (*p, tall * 0.75)]), label, True)
        )
    for name, mesh, material, smooth in made:
        builder.add(name, move(mesh, (x, 0, low)), material, smooth)
    if hung:
        builder.add("bracket", box((0, -0.03, low + tall * 0.2), (0.03, 0.03, low + tall * 0.9)), metal)
        z = low + tall + float(rng.uniform(0.35, 0.7))
        half = float(rng.choice([0.075, 0.1]))
        builder.add("sign", box((0, -half, z), (0.004, half, z + 2 * half)), red)
        builder.add(
            "sign",
            box((0.004, -half * 0.55, z + half * 0.4), (0.006, half * 0.1, z + half * 1.6)),
            finish.plastic((0.8, 0.8, 0.8)),
        )
    return builder.build() if hung else recentre(builder.build())


@register_asset("wet_floor_sign")
def wet_floor_sign(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A folding warning sign. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    yellow = finish.plastic(finish.colour(("#f2c811", "#f0d020", "#f28a10")))
    height, low, high = float(rng.uniform(0.55, 0.68)), float(rng.uniform(0.13, 0.16)), float(rng.uniform(0.07, 0.11))
    spread = float(rng.uniform(0.18, 0.3))
    ink = Material("paint", grey(rng, 0.008, 0.02), 0.5, dirt=finish.dirt)
    for side in (-1, 1):
        outline = [
            (-low, 0.0),
            (-low * 0.6, 0.0),
            (-low * 0.5, 0.06),
            (low * 0.5, 0.06),
            (low * 0.6, 0.0),
            (low, 0.0),
            (high, height),
            (-high, height),
        ]
        board = prism(outline, -0.008, 0.008, 0)
        print_ = prism(
            [(-high * 0.9, height * 0.45), (high * 0.9, height * 0.45), (0.0, height * 0.75)], 0.008, 0.0095, 0
        )
        rows = ((0.82, 0.8), (0.32, 1.0), (0.22, 0.9))
        lines = merge(*(box((0.008, -high * w, height * z), (0.0095, high * w, height * (z + 0.05))) for z, w in rows))
        for mesh, material in ((board, yellow), (merge(print_, lines), ink)):
            tilted = turn(mesh, 1, -spread, (0, 0, height))
            builder.add("sign", tilted if side > 0 else turn(tilted, 2, np.pi), material)
    return recentre(builder.build())


@register_asset("broom")
def broom(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A broom, shovel or mop, leaning towards -X or upright. Parameters: lean (radians), dirt."""
    finish, builder = Finish(rng, parameters), Builder()
    kind = rng.choice(["broom", "shovel", "mop"], p=[0.55, 0.25, 0.2])
    stick = (
        finish.wood(pick(rng, ("#c9a777", "#b58e5f", "#8a6a45")))
        if chance(rng, 0.6)
        else finish.plastic(finish.colour(("#b8231c", "#1f4fa3", "#8c9296", "#e5a50a")))
    )
    length, lean = float(rng.uniform(1.2, 1.6)), float(parameters.get("lean", rng.uniform(0.05, 0.3)))
    made: list[tuple[str, Mesh, Material, bool]] = [
        ("stick", cylinder((0, 0, 0.08), (0, 0, length), float(rng.uniform(0.011, 0.015)), 9), stick, True)
    ]
    if kind == "shovel":
        blade = [(-0.11, 0.3), (-0.12, 0.08), (0.0, 0.0), (0.12, 0.08), (0.11, 0.3), (0.02, 0.34), (-0.02, 0.34)]
        made.append(("head", prism(blade, -0.004, 0.004, 0), finish.steel(), False))
        made.append(("grip", cylinder((0, -0.07, length), (0, 0.07, length), 0.014, 8), stick, True))
    else:
        half = float(rng.uniform(0.13, 0.32))
        bristle = finish.fabric(pick(rng, ("#b8231c", "#1b1c1e", "#8a6a45", "#1f4fa3", "#d8d8d2")))
        made.append(
            (
                "head",
                box((-0.03, -half, 0.07), (0.03, half, 0.11), 0.008),
                finish.wood(pick(rng, ("#c9a777", "#8a6a45"))),
                False,
            )
        )
        made.append(("head", box((-0.035, -half * 1.02, 0.0), (0.035, half * 1.02, 0.07), 0.004), bristle, False))
    for name, mesh, material, smooth in made:
        builder.add(name, turn(mesh, 1, -lean, (0, 0, 0)), material, smooth)
    return recentre(builder.build())


@register_asset("pipe_bundle")
def pipe_bundle(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Long goods: bars, pipes or boards, leaning towards -X or lying along Y. Parameters: lying (bool), length (m)."""
    finish, builder = Finish(rng, parameters), Builder()
    lying = bool(parameters.get("lying", chance(rng, 0.4)))
    length = float(parameters.get("length", rng.uniform(1.5, 3.2)))
    stuff = [
        finish.steel(),
        finish.wood(pick(rng, ("#c9a777", "#8a6a45"))),
        finish.plastic(pick(rng, ("#8c9296", "#d8521a", "#1b1c1e", "#d8d8d2"))),
    ]
    size = float(rng.uniform(0.015, 0.06))
    kind = rng.choice(["pipe", "bar", "board"], p=[0.45, 0.3, 0.25])
    thick = size * 2 * (float(rng.uniform(1.5, 3)) if kind == "board" else 1.0)
    main = stuff[int(rng.integers(3))]
    for number in range(int(rng.integers(3, 18))):
        material = main if chance(rng, 0.85) else stuff[int(rng.integers(3))]
        long = length * float(rng.uniform(0.7, 1.0))
        row, column = divmod(number, 6)
        if lying:
            start = np.array([column * thick * 1.05, float(rng.normal(0, 0.05)) - long / 2, size + row * 2.05 * size])
            end = start + np.array([float(rng.normal(0, 0.01)), long, 0])
        else:
            lean = float(rng.uniform(0.12, 0.22))
            start = np.array([0.12 + row * 2.2 * size, number * thick * 0.8 + float(rng.normal(0, 0.03)), size * 0.4])
            end = start + np.array([-np.sin(lean) * long, float(rng.normal(0, 0.08)), np.cos(lean) * long])
        bar = (
            cylinder(start, end, size, 9)
            if kind == "pipe"
            else beam(start, end, thick, size * 1.6, (0, 0, 1) if lying else (1, 0, 0))
        )
        builder.add("bars", bar, material, kind == "pipe")
    return recentre(builder.build())
