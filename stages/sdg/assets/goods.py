"""Goods: cartons, loads of cartons, wrapped loads, sacks, crates, long goods; loads are of a EUR pallet's plan."""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, beam, box, merge, move, prism, sphere, turn
from stages.sdg.assets.palette import grey, pick, vary
from stages.sdg.assets.stock import CARTONS, FACES, colour_or, paper, pattern, sheet_on, side_lengths, weathering, woods
from stages.sdg.assets.types import Asset, Material


@register_asset("carton")
def carton(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """One cardboard box with tape, flaps and labels. Parameters: length, width, height."""
    length, width, height = side_lengths(parameters, *rng.uniform((0.25, 0.2, 0.15), (0.8, 0.6, 0.6)))
    seed = pattern(rng)
    card = Material(
        "cardboard",
        colour_or(rng, parameters, pick(rng, CARTONS)),
        0.85,
        0,
        0,
        weathering(rng, parameters)[1] * 0.6,
        seed=seed,
    )
    builder, half = Builder(), (length / 2, width / 2)
    builder.add("box", box((-half[0], -half[1], 0), (*half, height), 0.004), card)
    tape = Material("plastic", pick(rng, ("#b7925f", "#d9cba8", "#7a5a35", "#e6e6e0")), 0.25, seed=seed + 1)
    builder.add("tape", box((-half[0] - 0.001, -0.025, height * 0.8), (half[0] + 0.001, 0.025, height + 0.001)), tape)
    if rng.uniform() < 0.15:  # an open flap
        flap = turn(box((-half[0], 0, 0), (half[0], width * 0.45, 0.004)), 0, float(rng.uniform(0.4, 2.2)))
        builder.add("box", move(flap, (0, half[1], height)), card)
    for face in FACES:
        if rng.uniform() < 0.45:
            sheet_on(builder, rng, face, half, 0.02, height - 0.02)
    return builder.build()


@register_asset("carton_load")
def carton_load(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Cartons stacked to fill a pallet. Parameters: length, width, height of the whole load."""
    length, width, height = side_lengths(parameters, 1.18, 0.78, rng.uniform(0.3, 1.6))
    builder, seed = Builder(), pattern(rng)
    base = colour_or(rng, parameters, pick(rng, CARTONS))
    cards = [
        Material("cardboard", vary(rng, base, 0.15), 0.85, 0, 0, weathering(rng, parameters)[1] * 0.5, seed=seed + k)
        for k in range(3)
    ]
    counts = [int(rng.integers(1, 4)), int(rng.integers(1, 3)), max(1, round(height / rng.uniform(0.18, 0.6)))]
    size = np.array([length, width, height]) / counts
    mess = float(rng.choice([0.0, 0.004, 0.02]))
    sheet = paper(rng)
    labelled = rng.uniform() < 0.6
    for k in range(counts[2]):
        for i in range(counts[0]):
            for j in range(counts[1]):
                if 0 < k == counts[2] - 1 and rng.uniform() < 0.15 and counts[0] * counts[1] > 1:
                    continue
                low = (
                    np.array([-length / 2, -width / 2, 0])
                    + size * (i, j, k)
                    + np.array([*rng.uniform(-mess, mess, 2), 0])
                )
                high = low + size - (0.004, 0.004, 0.002)
                builder.add("cartons", box(low, high, 0.004), cards[int(rng.integers(3))])
                if labelled and j in (0, counts[1] - 1):
                    y = low[1] - 0.002 if j == 0 else high[1] + 0.001
                    wide, tall = min(0.16, size[0] * 0.4), min(0.1, size[2] * 0.45)
                    x, z = low[0] + size[0] * 0.55, low[2] + size[2] * 0.35
                    builder.add("labels", box((x, y, z), (x + wide, y + 0.001, z + tall)), sheet)
    if rng.uniform() < 0.3:
        strap = Material("plastic", grey(rng, 0.01, 0.3), 0.4)
        for x in (-length * 0.25, length * 0.25):
            builder.add(
                "strap", box((x - 0.008, -width / 2 - 0.005, 0), (x + 0.008, width / 2 + 0.005, height + 0.003)), strap
            )
    return builder.build()


@register_asset("wrapped_load")
def wrapped_load(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A pallet load in stretch film. Parameters: height."""
    height = float(parameters.get("height", rng.uniform(0.5, 1.9)))
    colour = colour_or(
        rng, parameters, pick(rng, ("#0f0f10", "#c9cccb", "#aab0ad", "#d8d2c0", "#20242c"), (4, 4, 3, 2, 1))
    )
    film = Material("film", colour, float(rng.uniform(0.08, 0.3)), 0, 0, 0.15, seed=pattern(rng))
    builder, rings = Builder(), 7
    half = np.array([0.59, 0.39])
    previous = half * rng.uniform(0.95, 1.0, 2)
    for k in range(rings):
        following = half * rng.uniform(0.97, 1.0, 2)
        low, high = height * k / rings, height * (k + 1) / rings
        outline = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (previous + following) / 2
        soft = [
            corner + inward
            for number, corner in enumerate(outline)
            for inward in (np.diag(-np.sign(corner) * 0.05)[:: -1 if number % 2 == 0 else 1])
        ]
        builder.add("film", prism(soft, low, high), film)
        previous = following
    if rng.uniform() < 0.6:
        sheet_on(builder, rng, str(rng.choice(FACES)), (0.6, 0.4), 0.2, height)
    return builder.build()


@register_asset("sacks")
def sacks(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Layers of filled sacks on a pallet's plan. Parameters: layers."""
    builder, seed = Builder(), pattern(rng)
    colour = colour_or(rng, parameters, pick(rng, ("#e4ddcd", "#c9b48f", "#f0efea", "#7b8a94", "#a58f6d")))
    cloth = Material("fabric", colour, 0.8, 0, 0, weathering(rng, parameters)[1], seed=seed)
    for layer in range(int(parameters.get("layers", rng.integers(2, 7)))):
        for i in range(3):
            for j in range(2):
                centre = (
                    (i - 1) * 0.4 + rng.normal(0, 0.015),
                    (j - 0.5) * 0.4 + rng.normal(0, 0.015),
                    0.07 + layer * 0.125,
                )
                bag = sphere(centre, (0.23, 0.22, 0.085), 10)
                builder.add("sacks", bag, cloth, True)
    return builder.build()


@register_asset("crate")
def crate(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A wooden crate on skids. Parameters: length, width, height."""
    length, width, height = side_lengths(parameters, *rng.uniform((0.8, 0.6, 0.5), (1.6, 1.1, 1.4)))
    wood, builder, (hx, hy) = woods(rng, parameters), Builder(), (length / 2, width / 2)
    for y in (-hy * 0.8, 0, hy * 0.8):
        builder.add("skids", box((-hx, y - 0.05, 0), (hx, y + 0.05, 0.1)), wood[1])
    builder.add("walls", box((-hx + 0.02, -hy + 0.02, 0.1), (hx - 0.02, hy - 0.02, height), 0.003), wood[0])
    for side in (-1, 1):
        for x in (-hx + 0.05, 0.0, hx - 0.05):
            builder.add(
                "battens",
                box((x - 0.045, side * (hy - 0.01) - 0.012, 0.1), (x + 0.045, side * (hy - 0.01) + 0.012, height)),
                wood[1],
            )
        for z in (0.15, height - 0.05):
            builder.add(
                "battens",
                box((-hx, side * (hy - 0.01) - 0.014, z - 0.045), (hx, side * (hy - 0.01) + 0.014, z + 0.045)),
                wood[2],
            )
            builder.add(
                "battens",
                box((side * (hx - 0.01) - 0.012, -hy, z - 0.045), (side * (hx - 0.01) + 0.012, hy, z + 0.045)),
                wood[2],
            )
    for face in FACES:
        if rng.uniform() < 0.4:
            sheet_on(builder, rng, face, (hx, hy), 0.2, height)
    return builder.build()


@register_asset("long_goods")
def long_goods(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A bundle of boards, profiles or tubes lying along X."""
    builder, length = Builder(), float(rng.uniform(1.5, 4.0))
    steel = Material("metal", grey(rng, 0.15, 0.5), 0.4, 1.0, 0.3, 0.3, seed=pattern(rng))
    material = steel if rng.uniform() < 0.5 else woods(rng, parameters, 1)[0]
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(3, 9))
    size = float(rng.uniform(0.03, 0.1))
    bars = [
        beam(
            (-length / 2 + rng.normal(0, 0.03), (j - columns / 2) * size, 0.1 + (i + 0.5) * size),
            (length / 2, (j - columns / 2) * size, 0.1 + (i + 0.5) * size),
            size * 0.95,
            size * 0.95,
        )
        for i in range(rows)
        for j in range(columns)
    ]
    builder.add("bars", merge(*bars), material)
    for x in (-length * 0.35, length * 0.35):
        builder.add(
            "skids",
            box((x - 0.05, -columns * size / 2 - 0.05, 0), (x + 0.05, columns * size / 2 + 0.05, 0.1)),
            woods(rng, parameters, 1)[0],
        )
    return builder.build()
