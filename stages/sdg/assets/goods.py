"""Load carriers and loads: pallets, small load carriers, stillages, collars, cartons, wrapped loads, sacks, crates.

Sizes: EUR pallet 1.2 x 0.8 x 0.144 m (EN 13698-1), VDA 4500 small load carriers (0.6 x 0.4 and 0.4 x 0.3 m plan),
mesh box pallet 1.24 x 0.835 x 0.97 m (DIN 15155). The long side lies along X; a pallet truck drives in along X.
"""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, beam, box, grid_of_bars, merge, move, prism, sphere, turn
from stages.sdg.assets.palette import anything, grey, linear, pick, vary
from stages.sdg.assets.types import Asset, Material

WOODS = ("#b58e5f", "#a07a4c", "#8a6a45", "#c9a777", "#7a6650", "#6a5d4f", "#d8b988", "#544a40")
CARTONS = ("#b08a5e", "#a67c4f", "#c29b6c", "#8f6c46", "#bfa078", "#d9cdb8", "#9c7a55")
CARRIERS = (
    "#1d4e9e",
    "#2360b5",
    "#16386e",
    "#6d7276",
    "#8d9296",
    "#2b2d30",
    "#b02a1f",
    "#1f7a3e",
    "#d9b21c",
    "#c7cacc",
)
PAPERS = ("#efece2", "#f4f4f0", "#e3e0d2", "#8fd06a", "#f2e35b", "#f0a35b", "#dfe8f2")
STEELS = ("#8c9296", "#6e767b", "#3c5a86", "#2d4870", "#52585c", "#a5a9a8", "#7a3b2a", "#31503a")


def weathering(rng: np.random.Generator, parameters: Parameters) -> tuple[float, float]:
    """Wear and dirt of an asset: the scene's, or drawn."""
    wear = float(parameters.get("wear", rng.beta(1.5, 3)))
    return wear, float(parameters.get("dirt", rng.beta(1.5, 2.5)))


def colour_or(
    rng: np.random.Generator, parameters: Parameters, usual: tuple[float, float, float]
) -> tuple[float, float, float]:
    """The usual colour, or any at all where the scene asks for random colours."""
    return anything(rng) if parameters.get("random_colour") else usual


def woods(rng: np.random.Generator, parameters: Parameters, count: int = 3) -> list[Material]:
    """Wood of boards that lay in the same yard: near each other, not the same."""
    wear, dirt = weathering(rng, parameters)
    base = colour_or(rng, parameters, pick(rng, WOODS, (5, 5, 4, 4, 3, 3, 3, 1)))
    seed = int(rng.integers(1 << 30))
    return [Material("wood", vary(rng, base, 0.25), 0.75, 0, wear, dirt, seed=seed + k) for k in range(count)]


def paper(rng: np.random.Generator) -> Material:
    """A printed sheet."""
    return Material("print", pick(rng, PAPERS, (6, 6, 3, 2, 1.5, 1, 1)), 0.6, seed=int(rng.integers(1 << 30)))


def sheet_on(
    builder: Builder, rng: np.random.Generator, face: str, half: tuple[float, float], low: float, high: float
) -> None:
    """Stick a sheet of paper on one side (``+x``, ``-x``, ``+y``, ``-y``) of a load of half sizes ``half``."""
    wide, tall = sorted(rng.uniform(0.1, 0.3, 2))[:: rng.choice([-1, 1])]
    if high - low < tall + 0.02:
        tall = max(0.03, (high - low) * 0.7)
    along = 1 if face[1] == "x" else 0
    centre = float(rng.uniform(-0.7, 0.7) * max(0.0, half[along] - wide / 2))
    bottom = float(rng.uniform(low, max(low + 0.001, high - tall)))
    out = (half[0] if along else half[1]) + 0.003
    sign = 1 if face[0] == "+" else -1
    corner = (sign * out - 0.001, centre - wide / 2, bottom), (sign * out + 0.001, centre + wide / 2, bottom + tall)
    if not along:
        corner = tuple((y, x, z) for x, y, z in corner)  # type: ignore[assignment]
    builder.add("paper", box(*corner), paper(rng))


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
    plastic = Material("plastic", colour, 0.5, 0, wear, dirt, seed=int(rng.integers(1 << 30)))
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
    plastic = Material(
        "plastic", colour, float(rng.uniform(0.3, 0.6)), 0, wear * 0.6, dirt, seed=int(rng.integers(1 << 30))
    )
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
        stuff = Material(
            "fabric", grey(rng, 0.02, 0.3), 0.7, float(rng.choice([0, 0.8])), 0.2, dirt, seed=int(rng.integers(1 << 30))
        )
        builder.add(
            "content",
            box(
                (-half[0] + 0.02, -half[1] + 0.02, base),
                (half[0] - 0.02, half[1] - 0.02, height * rng.uniform(0.5, 0.9)),
            ),
            stuff,
        )
    if rng.uniform() < 0.6:
        sheet_on(builder, rng, str(rng.choice(["+x", "-x", "+y", "-y"])), half, 0.03, min(0.14, height - 0.04))
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
        seed=int(rng.integers(1 << 30)),
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
        _contents(
            builder,
            rng,
            parameters,
            (hx - 0.06, hy - 0.06),
            foot + 0.03,
            foot + 0.03 + (height - foot) * float(rng.uniform(0.3, 1.1)),
        )
    if rng.uniform() < 0.6:
        sheet_on(builder, rng, str(rng.choice(["+x", "-x", "+y", "-y"])), (hx, hy), 0.3, height - 0.05)
    return builder.build()


def _contents(
    builder: Builder,
    rng: np.random.Generator,
    parameters: Parameters,
    half: tuple[float, float],
    low: float,
    high: float,
) -> None:
    """What lies in a box: cartons, castings or a dark heap."""
    kind = rng.choice(["cartons", "parts", "heap"])
    seed = int(rng.integers(1 << 30))
    if kind == "heap":
        stuff = Material("fabric", grey(rng, 0.01, 0.3), 0.8, 0, 0, 0.4, seed=seed)
        builder.add("content", box((-half[0], -half[1], low), (half[0], half[1], high), 0.03), stuff)
        return
    card = (
        Material("cardboard", pick(rng, CARTONS), 0.8, seed=seed)
        if kind == "cartons"
        else Material("metal", grey(rng, 0.1, 0.5), 0.4, 1.0, 0.2, 0.4, seed=seed)
    )
    for _ in range(int(rng.integers(5, 12))):
        size = rng.uniform(0.1, 0.3, 3) * (1.3 if kind == "cartons" else 0.8)
        centre = rng.uniform(-1, 1, 2) * (np.array(half) - size[:2] / 2)
        bottom = rng.uniform(low, max(low + 0.01, high - size[2]))
        builder.add(
            "content",
            box((*(centre - size[:2] / 2), bottom), (*(centre + size[:2] / 2), bottom + size[2]), 0.004),
            card,
        )


@register_asset("collar")
def collar(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Wooden pallet collars with hinges. Parameters: layers, filled."""
    layers = int(parameters.get("layers", rng.integers(1, 5)))
    wood = woods(rng, parameters, 2)
    builder, hx, hy, high = Builder(), 0.6, 0.4, 0.195
    hinge = Material("metal", grey(rng, 0.25, 0.5), 0.4, 1.0, 0.3, 0.3, seed=int(rng.integers(1 << 30)))
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
        _contents(builder, rng, parameters, (hx - 0.03, hy - 0.03), 0.01, top * float(rng.uniform(0.5, 1.15)))
    for face in ("+x", "-x", "+y", "-y"):
        if rng.uniform() < 0.4:
            sheet_on(builder, rng, face, (hx, hy), 0.02, top)
    return builder.build()


@register_asset("carton")
def carton(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """One cardboard box with tape, flaps and labels. Parameters: length, width, height."""
    length, width, height = (
        float(parameters.get(k, v))
        for k, v in zip(("length", "width", "height"), rng.uniform((0.25, 0.2, 0.15), (0.8, 0.6, 0.6)), strict=True)
    )
    seed = int(rng.integers(1 << 30))
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
    for face in ("+x", "-x", "+y", "-y"):
        if rng.uniform() < 0.45:
            sheet_on(builder, rng, face, half, 0.02, height - 0.02)
    return builder.build()


@register_asset("carton_load")
def carton_load(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Cartons stacked to fill a pallet. Parameters: length, width, height of the whole load."""
    length, width, height = (
        float(parameters.get(k, v))
        for k, v in zip(("length", "width", "height"), (1.18, 0.78, rng.uniform(0.3, 1.6)), strict=True)
    )
    builder, seed = Builder(), int(rng.integers(1 << 30))
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
    film = Material("film", colour, float(rng.uniform(0.08, 0.3)), 0, 0, 0.15, seed=int(rng.integers(1 << 30)))
    builder, rings = Builder(), 7
    half = np.array([0.59, 0.39])
    previous = half * rng.uniform(0.95, 1.0, 2)
    for k in range(rings):
        following = half * rng.uniform(0.97, 1.0, 2)
        low, high = height * k / rings, height * (k + 1) / rings
        outline = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (previous + following) / 2
        cut = 0.05
        soft = np.concatenate(
            [
                [
                    p + (np.sign(-p[0]) * cut * (n == 0), np.sign(-p[1]) * cut * (n == 1))
                    for n in ((0, 1) if i % 2 else (1, 0))
                ]
                for i, p in enumerate(outline)
            ]
        )
        builder.add("film", prism(soft, low, high), film)
        previous = following
    if rng.uniform() < 0.6:
        sheet_on(builder, rng, str(rng.choice(["+x", "-x", "+y", "-y"])), (0.6, 0.4), 0.2, height)
    return builder.build()


@register_asset("sacks")
def sacks(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Layers of filled sacks on a pallet's plan. Parameters: layers."""
    builder, seed = Builder(), int(rng.integers(1 << 30))
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
    length, width, height = (
        float(parameters.get(k, v))
        for k, v in zip(
            ("length", "width", "height"),
            (rng.uniform(0.8, 1.6), rng.uniform(0.6, 1.1), rng.uniform(0.5, 1.4)),
            strict=True,
        )
    )
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
    for face in ("+x", "-x", "+y", "-y"):
        if rng.uniform() < 0.4:
            sheet_on(builder, rng, face, (hx, hy), 0.2, height)
    return builder.build()


@register_asset("long_goods")
def long_goods(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A bundle of boards, profiles or tubes lying along X."""
    builder, length = Builder(), float(rng.uniform(1.5, 4.0))
    steel = Material("metal", grey(rng, 0.15, 0.5), 0.4, 1.0, 0.3, 0.3, seed=int(rng.integers(1 << 30)))
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
