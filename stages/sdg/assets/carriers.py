"""Load carriers: pallets, small load carriers, stillages, pallet collars.

Sizes: EUR pallet 1.2 x 0.8 x 0.144 m (EN 13698-1), VDA 4500 small load carriers (0.6 x 0.4 and 0.4 x 0.3 m plan),
mesh box pallet 1.24 x 0.835 x 0.97 m (DIN 15155). The long side lies along X; a pallet truck drives in along X.
"""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, box, grid_of_bars
from stages.sdg.assets.palette import grey, linear, pick
from stages.sdg.assets.stock import CARRIERS, FACES, colour_or, contents, pattern, sheet_on, weathering, woods
from stages.sdg.assets.types import Asset, Material

STEELS = ("#8c9296", "#6e767b", "#3c5a86", "#2d4870", "#52585c", "#a5a9a8", "#7a3b2a", "#31503a")


@register_asset("pallet")
def pallet(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A flat pallet. Parameters: kind (eur, half, block, plastic), wear, dirt, random_colour."""
    kind = str(parameters.get("kind") or rng.choice(["eur", "half", "block", "plastic"], p=[0.76, 0.06, 0.1, 0.08]))
    length, width = {"half": (0.8, 0.6), "block": (1.2, 1.0)}.get(kind, (1.2, 0.8))
    builder = Builder()
    if kind == "plastic":
        _plastic_pallet(builder, rng, parameters, length, width)
        return builder.build()
    wood = woods(rng, parameters)
    board, block = 0.022, 0.078
    broken = float(rng.choice([0, rng.uniform(0, 0.3)], p=[0.75, 0.25]))
    widths = [0.145, 0.1, 0.145, 0.1, 0.145] if kind != "half" else [0.1] * 5
    for number, y in enumerate(np.linspace(-width / 2 + widths[0] / 2, width / 2 - widths[-1] / 2, 5)):
        if number in (1, 3) and rng.uniform() < broken:
            continue
        end = length / 2 * (1 if rng.uniform() > broken * 0.5 else rng.uniform(0.1, 0.8))
        half = widths[number] / 2
        builder.add(
            "deck",
            box((-length / 2, y - half, 2 * board + block), (end, y + half, 3 * board + block), 0.002),
            wood[number % 3],
        )
    for x in (-length / 2 + 0.0725, 0.0, length / 2 - 0.0725):
        builder.add(
            "deck", box((x - 0.0725, -width / 2, board + block), (x + 0.0725, width / 2, 2 * board + block)), wood[0]
        )
        for y, half in ((-width / 2 + 0.05, 0.05), (0.0, 0.0725), (width / 2 - 0.05, 0.05)):
            builder.add(
                "blocks", box((x - 0.0725, y - half, board), (x + 0.0725, y + half, board + block), 0.003), wood[1]
            )
    for y, half in ((-width / 2 + 0.05, 0.05), (0.0, 0.0725), (width / 2 - 0.05, 0.05)):
        builder.add("runners", box((-length / 2, y - half, 0), (length / 2, y + half, board), 0.002), wood[2])
    return builder.build()


def _plastic_pallet(
    builder: Builder, rng: np.random.Generator, parameters: Parameters, length: float, width: float
) -> None:
    wear, dirt = weathering(rng, parameters)
    colour = colour_or(rng, parameters, pick(rng, ("#2a2c2e", "#4a4e52", "#1d4e9e", "#8d9296", "#20683a")))
    plastic = Material("plastic", colour, 0.5, 0, wear, dirt, seed=pattern(rng))
    builder.add("deck", box((-length / 2, -width / 2, 0.12), (length / 2, width / 2, 0.15), 0.008), plastic)
    for x in (-length / 2 + 0.08, 0, length / 2 - 0.08):
        for y in (-width / 2 + 0.07, 0, width / 2 - 0.07):
            builder.add("blocks", box((x - 0.075, y - 0.065, 0.0), (x + 0.075, y + 0.065, 0.12), 0.01), plastic)
    for y in (-width / 2 + 0.07, 0, width / 2 - 0.07):
        builder.add("runners", box((-length / 2, y - 0.05, 0), (length / 2, y + 0.05, 0.02), 0.004), plastic)


@register_asset("small_load_carrier")
def small_load_carrier(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A VDA small load carrier: walls with a rim, ribs and grips; sometimes a lid or contents."""
    length, width = (0.6, 0.4) if rng.uniform() < 0.6 else ((0.4, 0.3) if rng.uniform() < 0.8 else (0.3, 0.2))
    if "length" in parameters:
        length, width = (
            float(parameters["length"]),
            float(parameters["length"]) * (2 / 3 if parameters["length"] > 0.5 else 0.75),
        )
    height = float(parameters.get("height", rng.choice([0.147, 0.174, 0.213, 0.28, 0.28])))
    wear, dirt = weathering(rng, parameters)
    colour = colour_or(rng, parameters, pick(rng, CARRIERS, (8, 6, 3, 4, 3, 3, 1.5, 1.5, 1, 1.5)))
    plastic = Material("plastic", colour, float(rng.uniform(0.3, 0.6)), 0, wear * 0.6, dirt, seed=pattern(rng))
    builder, half = Builder(), (length / 2, width / 2)
    thick, base = 0.012, 0.02
    builder.add("walls", box((-half[0] + 0.02, -half[1] + 0.02, 0), (half[0] - 0.02, half[1] - 0.02, base)), plastic)
    for side in (-1, 1):
        builder.add(
            "walls",
            box(
                (-half[0] + 0.01, side * (half[1] - 0.012) - thick / 2, base * 0.5),
                (half[0] - 0.01, side * (half[1] - 0.012) + thick / 2, height),
            ),
            plastic,
        )
        builder.add(
            "walls",
            box(
                (side * (half[0] - 0.012) - thick / 2, -half[1] + 0.01, base * 0.5),
                (side * (half[0] - 0.012) + thick / 2, half[1] - 0.01, height),
            ),
            plastic,
        )
        for low, high in ((height - 0.045, height), (0.012, 0.03)):
            builder.add(
                "rim",
                box((-half[0], side * half[1] - 0.005, low), (half[0], side * half[1] + 0.005, high), 0.002),
                plastic,
            )
            builder.add(
                "rim",
                box((side * half[0] - 0.005, -half[1], low), (side * half[0] + 0.005, half[1], high), 0.002),
                plastic,
            )
        for x in np.linspace(-half[0] * 0.85, half[0] * 0.85, 5 if length > 0.5 else 4):
            builder.add(
                "ribs",
                box((x - 0.004, side * half[1] - 0.006, 0.02), (x + 0.004, side * half[1] + 0.006, height - 0.02)),
                plastic,
            )
    inside = rng.uniform()
    if inside < 0.25:
        builder.add("lid", box((-half[0], -half[1], height), (half[0], half[1], height + 0.018), 0.005), plastic)
    elif inside < 0.6:
        stuff = Material("fabric", grey(rng, 0.02, 0.3), 0.7, float(rng.choice([0, 0.8])), 0.2, dirt, seed=pattern(rng))
        builder.add(
            "content",
            box(
                (-half[0] + 0.02, -half[1] + 0.02, base),
                (half[0] - 0.02, half[1] - 0.02, height * rng.uniform(0.5, 0.9)),
            ),
            stuff,
        )
    if rng.uniform() < 0.6:
        sheet_on(builder, rng, str(rng.choice(FACES)), half, 0.03, min(0.14, height - 0.04))
    return builder.build()


@register_asset("stillage")
def stillage(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A mesh box or sheet-steel box on feet, with or without contents. Parameters: height, wear, dirt."""
    length, width = 1.24, 0.835
    height = float(parameters.get("height", rng.choice([0.97, 0.97, 0.6, 0.8])))
    wear, dirt = weathering(rng, parameters)
    steel = Material(
        "paint",
        colour_or(rng, parameters, pick(rng, STEELS)),
        float(rng.uniform(0.4, 0.7)),
        0.3,
        wear,
        dirt,
        linear("#5a4030"),
        seed=pattern(rng),
    )
    builder, (hx, hy), foot = Builder(), (length / 2, width / 2), 0.12
    for x in (-hx + 0.03, hx - 0.03):
        for y in (-hy + 0.03, hy - 0.03):
            builder.add("frame", box((x - 0.03, y - 0.03, 0), (x + 0.03, y + 0.03, height - 0.004)), steel)
            builder.add("feet", box((x - 0.06, y - 0.06, 0), (x + 0.06, y + 0.06, 0.025)), steel)
    for z in (foot, height - 0.02):
        for side in (-1, 1):
            builder.add(
                "frame",
                box((-hx, side * (hy - 0.02) - 0.02, z - 0.025), (hx, side * (hy - 0.02) + 0.02, z + 0.02)),
                steel,
            )
            builder.add(
                "frame",
                box((side * (hx - 0.02) - 0.02, -hy, z - 0.025), (side * (hx - 0.02) + 0.02, hy, z + 0.02)),
                steel,
            )
    builder.add(
        "floor",
        box((-hx + 0.02, -hy + 0.02, foot - 0.01), (hx - 0.02, hy - 0.02, foot + 0.03)),
        woods(rng, parameters, 1)[0],
    )
    gate = rng.uniform() < 0.3
    if rng.uniform() < 0.8:
        step = float(rng.choice([0.05, 0.1]))
        wire = float(rng.uniform(0.004, 0.006))
        for side in (-1, 1):
            tall = (height - foot) * (0.5 if gate and side > 0 else 1.0)
            counts = (int(length / step) + 1, max(2, int(tall / step) + 1))
            builder.add(
                "mesh", grid_of_bars((-hx, side * hy * 0.97, foot), (length, 0, 0), (0, 0, tall), counts, wire), steel
            )
            counts = (int(width / step) + 1, int((height - foot) / step) + 1)
            builder.add(
                "mesh",
                grid_of_bars((side * hx * 0.98, -hy, foot), (0, width, 0), (0, 0, height - foot), counts, wire),
                steel,
            )
    else:
        for side in (-1, 1):
            builder.add(
                "sheet",
                box((-hx, side * hy * 0.96 - 0.004, foot), (hx, side * hy * 0.96 + 0.004, height - 0.03)),
                steel,
            )
            builder.add(
                "sheet",
                box((side * hx * 0.97 - 0.004, -hy, foot), (side * hx * 0.97 + 0.004, hy, height - 0.03)),
                steel,
            )
            for x in np.linspace(-hx * 0.7, hx * 0.7, 4):
                builder.add(
                    "sheet",
                    box(
                        (x - 0.02, side * hy * 0.98 - 0.012, foot), (x + 0.02, side * hy * 0.98 + 0.012, height - 0.03)
                    ),
                    steel,
                )
    if rng.uniform() < 0.6:
        contents(
            builder,
            rng,
            (hx - 0.06, hy - 0.06),
            foot + 0.03,
            foot + 0.03 + (height - foot) * float(rng.uniform(0.3, 1.1)),
        )
    if rng.uniform() < 0.6:
        sheet_on(builder, rng, str(rng.choice(FACES)), (hx, hy), 0.3, height - 0.05)
    return builder.build()


@register_asset("collar")
def collar(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Wooden pallet collars with hinges. Parameters: layers, filled."""
    layers = int(parameters.get("layers", rng.integers(1, 5)))
    wood = woods(rng, parameters, 2)
    builder, hx, hy, high = Builder(), 0.6, 0.4, 0.195
    hinge = Material("metal", grey(rng, 0.25, 0.5), 0.4, 1.0, 0.3, 0.3, seed=pattern(rng))
    for layer in range(layers):
        low = layer * high
        for side in (-1, 1):
            builder.add(
                "walls",
                box((-hx, side * (hy - 0.01) - 0.01, low), (hx, side * (hy - 0.01) + 0.01, low + high - 0.004), 0.002),
                wood[layer % 2],
            )
            builder.add(
                "walls",
                box((side * (hx - 0.01) - 0.01, -hy, low), (side * (hx - 0.01) + 0.01, hy, low + high - 0.004), 0.002),
                wood[layer % 2],
            )
            for x in (-hx, hx):
                builder.add(
                    "hinge",
                    box(
                        (x - 0.06 if x > 0 else x - 0.004, side * hy - 0.004, low + 0.03),
                        (x + 0.004 if x > 0 else x + 0.06, side * hy + 0.004, low + high - 0.03),
                    ),
                    hinge,
                )
                builder.add(
                    "hinge",
                    box(
                        (x - 0.004, side * hy - 0.07 if side > 0 else side * hy, low + 0.03),
                        (x + 0.004, side * hy if side > 0 else side * hy + 0.07, low + high - 0.03),
                    ),
                    hinge,
                )
    top = layers * high
    if parameters.get("filled", rng.uniform() < 0.7):
        contents(builder, rng, (hx - 0.03, hy - 0.03), 0.01, top * float(rng.uniform(0.5, 1.15)))
    for face in FACES:
        if rng.uniform() < 0.4:
            sheet_on(builder, rng, face, (hx, hy), 0.02, top)
    return builder.build()
