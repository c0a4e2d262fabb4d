"""The building: floor, walls, ceiling, columns, lamps, windows, doors, marks and what hangs on walls.

Walls run along X from the origin, their inner face at Y = 0, looking towards -Y.
"""

from __future__ import annotations

import itertools

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, beam, box, cylinder, panel, turn
from stages.sdg.assets.palette import anything, grey, linear, pick, vary
from stages.sdg.assets.stock import colour_or, pattern, weathering
from stages.sdg.assets.types import Asset, Material


@register_asset("floor")
def floor(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A floor, its middle at the origin. Parameters: length (along X), width, wear, dirt, random_colour."""
    length, width = float(parameters.get("length", 30)), float(parameters.get("width", 30))
    wear, dirt = weathering(rng, parameters)
    usual = pick(
        rng,
        ("#77787a", "#6a6b6b", "#85847f", "#55585b", "#979791", "#4c4e50", "#5f6a62", "#7d6f60", "#a5a9a6"),
        (6, 6, 5, 4, 3, 3, 2, 1.5, 1.5),
    )
    gloss = float(
        rng.choice([rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.6), rng.uniform(0.6, 0.95)], p=[0.15, 0.4, 0.45])
    )
    surface = Material("concrete", colour_or(rng, parameters, usual), gloss, 0, wear, dirt, seed=pattern(rng))
    builder, (x, y) = Builder(), (length / 2, width / 2)
    builder.add("floor", panel([(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)]), surface)
    joint = Material("rubber", grey(rng, 0.01, 0.05), 0.9)
    step = float(rng.uniform(4, 8))
    if rng.uniform() < 0.6:
        for at in np.arange(-x + float(rng.uniform(0, step)), x, step):
            builder.add("joints", box((at - 0.008, -y, -0.01), (at + 0.008, y, 0.0015)), joint)
        for at in np.arange(-y + float(rng.uniform(0, step)), y, step):
            builder.add("joints", box((-x, at - 0.008, -0.01), (x, at + 0.008, 0.0015)), joint)
    return builder.build()


@register_asset("floor_mark")
def floor_mark(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A painted or taped line along X from the origin. Parameters: length, style (line, dashed, hatched)."""
    length, style = float(parameters.get("length", 5)), str(parameters.get("style", "line"))
    wear, dirt = weathering(rng, parameters)
    colour = pick(rng, ("#e8b90f", "#f0cf2a", "#e9e7df", "#c22a1f", "#2458a8", "#1f7a3e"), (6, 4, 4, 1, 1, 0.7))
    paint = Material(
        "paint", colour, 0.5, 0, min(1.0, wear + 0.25), min(1.0, dirt + 0.2), linear("#6d6d6b"), seed=pattern(rng)
    )
    builder, half = Builder(), float(rng.uniform(0.025, 0.06))
    if style == "line":
        builder.add("mark", box((0, -half, 0), (length, half, 0.002)), paint)
    elif style == "dashed":
        for x in np.arange(0, length, 1.0):
            builder.add("mark", box((x, -half, 0), (x + 0.5, half, 0.002)), paint)
    else:
        black = Material("paint", (0.02, 0.02, 0.02), 0.5, 0, wear, dirt, seed=pattern(rng))
        for k, x in enumerate(np.arange(0, length, 0.12)):
            builder.add("mark", box((x, -half, 0), (x + 0.12, half, 0.002)), black if k % 2 else paint)
    return builder.build()


@register_asset("wall")
def wall(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A wall. Parameters: length, height, look (plaster, brick, sheet), wear, dirt, random_colour."""
    length, height = float(parameters.get("length", 10)), float(parameters.get("height", 6))
    look = str(parameters.get("look") or rng.choice(["plaster", "brick", "sheet"], p=[0.55, 0.2, 0.25]))
    _, dirt = weathering(rng, parameters)
    usual = pick(
        rng,
        ("#d6d5cf", "#c6c4bb", "#e4e1d5", "#a9aba9", "#8f9392", "#bfb49c", "#9fb0b8", "#6f7375", "#8a5a44"),
        (6, 5, 4, 4, 3, 2, 1.5, 2, 1),
    )
    surface = Material(
        "plaster" if look == "sheet" else look,
        colour_or(rng, parameters, usual),
        0.85,
        0,
        0,
        dirt,
        scale=0.12,
        seed=pattern(rng),
    )
    builder = Builder()
    builder.add("wall", box((0, 0, 0), (length, 0.25, height)), surface)
    if look == "sheet":
        for x in np.arange(0, length, float(rng.uniform(0.25, 0.5))):
            builder.add("wall", box((x, -0.03, 0), (x + 0.1, 0.0, height)), surface)
    if rng.uniform() < 0.35:
        band = Material(
            "paint",
            pick(rng, ("#8d9296", "#3c6a4c", "#2d4870", "#b3a14a", "#7a4a3a")),
            0.5,
            0,
            0.3,
            dirt,
            usual,
            seed=pattern(rng),
        )
        builder.add("band", box((0, -0.004, 0), (length, 0, float(rng.uniform(0.8, 1.6)))), band)
    if rng.uniform() < 0.5:
        pipe = Material("metal", grey(rng, 0.1, 0.6), 0.5, 0.6, 0.2, 0.3, seed=pattern(rng))
        for z in rng.uniform(2.2, height, int(rng.integers(1, 4))):
            builder.add(
                "pipes", cylinder((0, -0.09, z), (length, -0.09, z), float(rng.uniform(0.02, 0.08)), 10), pipe, True
            )
    return builder.build()


@register_asset("column")
def column(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A column of concrete or steel, often with a warning band. Parameters: height."""
    height, size = float(parameters.get("height", 6)), float(rng.uniform(0.2, 0.5))
    wear, dirt = weathering(rng, parameters)
    builder = Builder()
    if rng.uniform() < 0.5:
        concrete = Material(
            "plaster",
            colour_or(rng, parameters, pick(rng, ("#b8b6af", "#cfcdc6", "#8f918f", "#dedcd2"))),
            0.85,
            0,
            0,
            dirt,
            seed=pattern(rng),
        )
        builder.add("column", box((-size / 2, -size / 2, 0), (size / 2, size / 2, height), 0.02), concrete)
    else:
        steel = Material(
            "paint",
            colour_or(rng, parameters, pick(rng, ("#8d9296", "#5f6a70", "#3c5a86", "#7c8a6a", "#a03a28"))),
            0.5,
            0.1,
            wear,
            dirt,
            seed=pattern(rng),
        )
        size *= 0.7
        for side in (-1, 1):
            builder.add(
                "column",
                box((-size / 2, side * size / 2 - 0.012, 0), (size / 2, side * size / 2 + 0.012, height)),
                steel,
            )
        builder.add("column", box((-0.01, -size / 2, 0), (0.01, size / 2, height)), steel)
    if rng.uniform() < 0.5:
        yellow = Material("paint", linear("#e8b90f"), 0.5, 0, wear, dirt, seed=pattern(rng))
        black = Material("paint", (0.015, 0.015, 0.015), 0.5, 0, wear, dirt, seed=pattern(rng))
        edge = size / 2 + 0.004
        for k in range(int(rng.integers(5, 12))):
            builder.add(
                "band", box((-edge, -edge, k * 0.15), (edge, edge, k * 0.15 + 0.15)), yellow if k % 2 else black
            )
    return builder.build()


@register_asset("ceiling")
def ceiling(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A ceiling with beams, a duct and a cable tray below them, its lower face at Z = 0.

    Parameters: length, width, beams (their depth), duct (radius, 0: none), duct_at (its Y), tray (half its width, 0:
    none), tray_at (its Y); metres.
    """
    length, width = float(parameters.get("length", 30)), float(parameters.get("width", 30))
    colour = colour_or(rng, parameters, pick(rng, ("#d9d8d2", "#b7b8b5", "#8c8f90", "#e6e4dc", "#55595b")))
    surface = Material("plaster", colour, 0.9, 0, 0, 0.3, seed=pattern(rng))
    steel = Material("paint", vary(rng, colour, 0.6), 0.6, 0, 0.2, 0.3, seed=pattern(rng))
    builder, (x, y) = Builder(), (length / 2, width / 2)
    builder.add("ceiling", panel([(-x, -y, 0), (-x, y, 0), (x, y, 0), (x, -y, 0)]), surface)
    depth = float(parameters.get("beams", rng.uniform(0.2, 0.6)))
    for at in np.arange(-x + 1, x, float(rng.uniform(2.5, 6))):
        builder.add("beams", box((at - 0.1, -y, -depth), (at + 0.1, y, 0)), steel)
    radius = float(parameters.get("duct", rng.uniform(0.15, 0.35) * (rng.uniform() < 0.5)))
    if radius > 0:
        duct = Material("metal", grey(rng, 0.3, 0.6), 0.35, 0.9, 0.1, 0.2, seed=pattern(rng))
        at = float(parameters.get("duct_at", rng.uniform(-y * 0.8, y * 0.8)))
        builder.add("duct", cylinder((-x, at, -depth - radius), (x, at, -depth - radius), radius, 14), duct, True)
    half = float(parameters.get("tray", 0.15 * (rng.uniform() < 0.6)))
    if half > 0:
        tray = Material("metal", grey(rng, 0.15, 0.5), 0.5, 0.8)
        at = float(parameters.get("tray_at", rng.uniform(-y * 0.8, y * 0.8)))
        builder.add("tray", box((-x, at - half, -depth - 0.1), (x, at + half, -depth)), tray)
    return builder.build()


@register_asset("lamp")
def lamp(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A hanging strip lamp along X, its glowing face at Z = 0.

    Parameters: length, glow (0: off), red, green, blue, drop (from the roof down to the face, m).
    """
    length, glow = float(parameters.get("length", 1.5)), float(parameters.get("glow", 20))
    colour = tuple(float(parameters.get(c, 1.0)) for c in ("red", "green", "blue"))
    builder = Builder()
    shade = Material("paint", grey(rng, 0.4, 0.8), 0.5)
    builder.add("shade", box((-length / 2, -0.07, 0.002), (length / 2, 0.07, 0.09)), shade)
    tube = (
        Material("glow", (colour[0], colour[1], colour[2]), glow=glow)
        if glow > 0
        else Material("plastic", (0.6, 0.6, 0.58), 0.4)
    )
    builder.add("tube", box((-length / 2 + 0.02, -0.05, -0.02), (length / 2 - 0.02, 0.05, 0.0)), tube)
    drop = max(0.1, float(parameters.get("drop", 0.6)))
    for x in (-length * 0.4, length * 0.4):
        builder.add("wires", box((x - 0.004, -0.004, 0.09), (x + 0.004, 0.004, drop)), shade)
    return builder.build()


@register_asset("window")
def window(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A bright window in a wall: along X from the origin, face at Y = 0. Parameters: length, height, glow."""
    length, height, glow = (float(parameters.get(k, v)) for k, v in (("length", 3), ("height", 1.5), ("glow", 5)))
    builder = Builder()
    sky = Material("glow", pick(rng, ("#dfeaff", "#ffffff", "#fff3dc", "#cfe0f5")), glow=glow)
    builder.add("glass", box((0, -0.01, 0), (length, 0.0, height)), sky)
    frame = Material("paint", pick(rng, ("#e8e8e4", "#6f7375", "#2e3336", "#7a6a50")), 0.5, seed=pattern(rng))
    for x in np.linspace(0, length, max(2, round(length / rng.uniform(0.6, 1.5)) + 1)):
        builder.add("frame", box((x - 0.03, -0.05, 0), (x + 0.03, 0, height)), frame)
    for z in np.linspace(0, height, max(2, round(height / rng.uniform(0.6, 1.5)) + 1)):
        builder.add("frame", box((0, -0.05, z - 0.03), (length, 0, z + 0.03)), frame)
    return builder.build()


@register_asset("skylight")
def skylight(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A roof light, its middle at the origin, its kerb below the ceiling at Z = 0. Parameters: length, width, glow."""
    length, width, glow = (float(parameters.get(k, v)) for k, v in (("length", 4), ("width", 1.5), ("glow", 5)))
    builder, (x, y) = Builder(), (length / 2, width / 2)
    sky = Material("glow", pick(rng, ("#dfeaff", "#ffffff", "#f4f1e4", "#cfe0f5", "#dcebe6")), glow=glow)
    builder.add("glass", box((-x, -y, -0.02), (x, y, -0.01)), sky)
    kerb = Material("paint", pick(rng, ("#e8e8e4", "#d9d8d2", "#8c8f90", "#55595b")), 0.6, seed=pattern(rng))
    deep = float(rng.uniform(0.04, 0.2))
    for side in (-1, 1):
        builder.add("frame", box((-x - 0.04, side * y - 0.04, -deep), (x + 0.04, side * y + 0.04, 0)), kerb)
        builder.add("frame", box((side * x - 0.04, -y, -deep), (side * x + 0.04, y, 0)), kerb)
    for at in np.linspace(-x, x, max(2, round(length / rng.uniform(0.7, 1.4)) + 1))[1:-1]:
        builder.add("frame", box((at - 0.02, -y, -0.05), (at + 0.02, y, 0)), kerb)
    if width > 1.6:
        builder.add("frame", box((-x, -0.02, -0.05), (x, 0.02, 0)), kerb)
    return builder.build()


@register_asset("door")
def door(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A sectional, strip-curtain or plain door on a wall, along X. Parameters: length, height, kind."""
    length, height = float(parameters.get("length", 3)), float(parameters.get("height", 3.2))
    kind = str(parameters.get("kind") or rng.choice(["sectional", "curtain", "plain"]))
    colour = pick(rng, ("#c9cccb", "#8d9296", "#d9d6c8", "#2d4870", "#a03a28", "#55803f", "#b58e5f", "#6a2f2a"))
    leaf = Material("paint", colour, 0.5, 0, 0.3, weathering(rng, parameters)[1], seed=pattern(rng))
    frame = Material(
        "paint", pick(rng, ("#e0b400", "#55595b", "#2a2c2e", "#c9cccb")), 0.5, 0, 0.3, 0.3, seed=pattern(rng)
    )
    builder = Builder()
    if kind == "sectional":
        for k, z in enumerate(np.linspace(0, height, 7)[:-1]):
            builder.add("leaf", box((0, -0.03 - 0.006 * (k % 2), z), (length, 0, z + height / 6 - 0.015)), leaf)
    elif kind == "curtain":
        strip = Material("plastic", pick(rng, ("#c9b34a", "#d0d6d8", "#b3542a")), 0.2, 0, 0, 0.3, seed=pattern(rng))
        for x in np.arange(0, length, 0.2):
            builder.add("leaf", box((x, -0.03 - 0.01 * rng.uniform(), 0.02), (x + 0.19, -0.02, height)), strip)
    else:
        builder.add("leaf", box((0, -0.04, 0), (length, 0, height)), leaf)
        builder.add("frame", box((length * 0.85, -0.08, 1.0), (length * 0.93, -0.04, 1.05)), frame)
    for x in (-0.05, length + 0.05):
        builder.add("frame", box((x - 0.08, -0.07, 0), (x + 0.08, 0, height + 0.1)), frame)
    builder.add("frame", box((-0.1, -0.07, height), (length + 0.1, 0, height + 0.15)), frame)
    return builder.build()


@register_asset("wall_thing")
def wall_thing(rng: np.random.Generator, _parameters: Parameters) -> Asset:
    """A sign, notice board, switch cabinet, hose reel or radiator on a wall; its middle at X = 0, bottom at Z = 0."""
    builder, kind = Builder(), rng.choice(["sign", "board", "cabinet", "hose", "radiator"])
    wide, tall = float(rng.uniform(0.15, 0.6)), float(rng.uniform(0.2, 0.7))
    if kind == "sign":
        colour = pick(rng, ("#1f4fa3", "#e8b90f", "#c22a1f", "#1f7a3e", "#efece2"))
        builder.add(
            "sign", box((-wide / 2, -0.01, 0), (wide / 2, 0, tall)), Material("print", colour, 0.5, seed=pattern(rng))
        )
    elif kind == "board":
        builder.add(
            "board", box((-1, -0.03, 0), (1, 0, 1.1)), Material("wood", linear("#8a6a45"), 0.7, seed=pattern(rng))
        )
        for _ in range(8):
            x, z = rng.uniform(-0.9, 0.7), rng.uniform(0.05, 0.8)
            builder.add(
                "paper",
                box((x, -0.034, z), (x + 0.2, -0.03, z + 0.26)),
                Material("print", (0.75, 0.75, 0.7), 0.6, seed=pattern(rng)),
            )
    elif kind == "cabinet":
        steel = Material("paint", grey(rng, 0.15, 0.6), 0.5, 0, 0.2, 0.2, seed=pattern(rng))
        builder.add("box", box((-wide / 2, -0.22, 0), (wide / 2, 0, tall + 0.2), 0.01), steel)
    elif kind == "hose":
        red = Material("paint", linear("#b3131b"), 0.4, 0, 0.2, 0.2, seed=pattern(rng))
        builder.add("reel", turn(cylinder((0, 0, -0.08), (0, 0, 0.08), 0.25, 20), 0, np.pi / 2, (0, 0, 0)), red, True)
    else:
        white = Material("paint", linear("#d9d6c8"), 0.5, 0, 0.2, 0.3, seed=pattern(rng))
        for x in np.arange(-0.6, 0.6, 0.08):
            builder.add("fins", box((x, -0.12, 0), (x + 0.06, -0.03, 0.6)), white)
    return builder.build()


@register_asset("litter")
def litter(rng: np.random.Generator, _parameters: Parameters) -> Asset:
    """Something flat on the floor: paper, foil, a strap, a splinter of wood."""
    builder = Builder()
    kind = rng.choice(["paper", "strap", "board", "puddle"])
    if kind == "paper":
        builder.add(
            "paper",
            box((-0.1, -0.15, 0), (0.1, 0.15, 0.002)),
            Material("print", (0.8, 0.8, 0.76), 0.6, seed=pattern(rng)),
        )
    elif kind == "strap":
        path = np.cumsum(rng.normal(0, 0.12, (6, 2)), 0)
        strap = Material("plastic", anything(rng), 0.4)
        for a, b in itertools.pairwise(path):
            builder.add("strap", beam((*a, 0.004), (*b, 0.004), 0.012, 0.004), strap)
    elif kind == "board":
        builder.add(
            "board",
            box((-0.4, -0.05, 0), (0.4, 0.05, 0.022)),
            Material("wood", linear("#a07a4c"), 0.8, seed=pattern(rng)),
        )
    else:
        angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        radius = rng.uniform(0.15, 0.4, 20) * rng.uniform(0.7, 2)
        rim = np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(20, 0.002)], 1)
        fan = np.array([(20, k, (k + 1) % 20) for k in range(20)])
        wet = Material("plastic", grey(rng, 0.01, 0.05), 0.08)
        builder.add("puddle", (np.concatenate([rim, [[0, 0, 0.002]]]), fan), wet)
    return builder.build()
