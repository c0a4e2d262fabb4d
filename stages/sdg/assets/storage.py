"""Where goods stand: pallet racks, shelving, cantilever posts, cages."""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, beam, box, grid_of_bars
from stages.sdg.assets.palette import grey, linear, pick
from stages.sdg.assets.stock import CARRIERS, CARTONS, colour_or, pattern, weathering, woods
from stages.sdg.assets.types import Asset, Material

UPRIGHTS = ("#1d4e9e", "#24508f", "#2f3f55", "#6f777c", "#8a9094", "#3c5a3c", "#9aa0a0")
BEAMS = ("#d8591f", "#e0691c", "#c9481a", "#e3a41b", "#d9b21c", "#5a6064")


def _paint(rng: np.random.Generator, parameters: Parameters, codes: tuple[str, ...]) -> Material:
    wear, dirt = weathering(rng, parameters)
    colour = colour_or(rng, parameters, pick(rng, codes))
    return Material(
        "paint",
        colour,
        float(rng.uniform(0.35, 0.6)),
        0.1,
        wear,
        dirt,
        linear("#6b6259"),
        seed=pattern(rng),
    )


@register_asset("rack")
def rack(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A run of pallet rack along X, open towards -Y and +Y, its middle at the origin.

    Parameters: bays, bay (clear width, m), depth, height, levels (number of beam levels), first (height of the first),
    step (between levels), deck (bool: boards on the beams).
    """
    bays, bay = int(parameters.get("bays", 3)), float(parameters.get("bay", 2.7))
    depth, height = float(parameters.get("depth", 1.1)), float(parameters.get("height", 5.0))
    levels, first, step = (
        int(parameters.get("levels", 3)),
        float(parameters.get("first", 1.7)),
        float(parameters.get("step", 1.6)),
    )
    post, bar = _paint(rng, parameters, UPRIGHTS), _paint(rng, parameters, BEAMS)
    builder, pitch, half = Builder(), bay + 0.1, depth / 2
    thick = float(rng.uniform(0.07, 0.11))
    tall = float(rng.uniform(0.09, 0.15))
    slots = Material("paint", grey(rng, 0.004, 0.01), 0.9)
    holes = rng.uniform() < 0.7
    for number in range(bays + 1):
        x = (number - bays / 2) * pitch
        for y in (-half, half):
            builder.add("posts", box((x - thick / 2, y - 0.035, 0), (x + thick / 2, y + 0.035, height)), post)
            builder.add("feet", box((x - 0.08, y - 0.07, 0), (x + 0.08, y + 0.07, 0.01)), post)
            if holes:
                for z in np.arange(0.3, min(height, 3.0), 0.15):
                    for side in (-1, 1):
                        builder.add(
                            "slots",
                            box(
                                (x + side * thick * 0.22 - 0.008, y - 0.0365, z),
                                (x + side * thick * 0.22 + 0.008, y + 0.0365, z + 0.04),
                            ),
                            slots,
                        )
        rise = np.arange(0.2, height - 0.5, 1.0)
        for k, z in enumerate(rise):
            top = min(z + 0.9, height - 0.05)
            ends = ((x, -half, z), (x, half, top)) if k % 2 else ((x, half, z), (x, -half, top))
            builder.add("braces", beam(*ends, 0.03, 0.03), post)
    if rng.uniform() < 0.5:  # guards at the feet
        guard = Material("paint", pick(rng, ("#f0c419", "#e0a800", "#d8432a")), 0.5, 0, 0.4, 0.3, seed=pattern(rng))
        for number in (0, bays):
            x = (number - bays / 2) * pitch
            builder.add(
                "guards",
                box((x - 0.1, -half - 0.13, 0), (x + 0.1, -half - 0.05, float(rng.uniform(0.3, 0.6))), 0.01),
                guard,
            )
    deck = woods(rng, parameters, 1)[0] if parameters.get("deck", rng.uniform() < 0.4) else None
    for level in range(levels):
        z = first + level * step
        for y in (-half + 0.02, half - 0.02):
            builder.add("beams", box((-bays / 2 * pitch, y - 0.025, z - tall), (bays / 2 * pitch, y + 0.025, z)), bar)
        if deck is not None:
            builder.add(
                "deck",
                box((-bays / 2 * pitch, -half + 0.05, z - 0.04), (bays / 2 * pitch, half - 0.05, z - 0.003)),
                deck,
            )
        sheet = Material("print", (0.8, 0.8, 0.76), 0.6, seed=pattern(rng))
        for number in range(bays):
            if rng.uniform() < 0.7:
                x = (number - bays / 2) * pitch + float(rng.uniform(0.3, bay - 0.3))
                builder.add(
                    "signs", box((x, -half - 0.009, z - tall * 0.9), (x + 0.18, -half - 0.006, z - tall * 0.1)), sheet
                )
    return builder.build()


@register_asset("shelf")
def shelf(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """Shelving along X filled with boxes and bins, its middle at the origin. Parameters: length, height."""
    length, height = (
        float(parameters.get("length", rng.uniform(1.0, 2.5))),
        float(parameters.get("height", rng.uniform(1.6, 2.4))),
    )
    depth = float(rng.uniform(0.35, 0.6))
    frame = _paint(rng, parameters, (*UPRIGHTS, "#b9bdbe", "#c8452a"))
    builder, half = Builder(), depth / 2
    for x in np.linspace(-length / 2, length / 2, max(2, round(length) + 1)):
        for y in (-half, half):
            builder.add("posts", box((x - 0.02, y - 0.02, 0), (x + 0.02, y + 0.02, height)), frame)
    shades = [Material("plastic", pick(rng, CARRIERS), 0.5, seed=pattern(rng)) for _ in range(2)]
    shades += [
        Material("cardboard", pick(rng, CARTONS), 0.85, seed=pattern(rng)),
        Material("plastic", grey(rng, 0.05, 0.7), 0.5),
    ]
    for z in np.linspace(0.12, height - 0.1, int(rng.integers(4, 7))):
        builder.add("boards", box((-length / 2, -half, z - 0.03), (length / 2, half, z)), frame)
        x = -length / 2 + 0.05
        while x < length / 2 - 0.15:
            wide, tall = float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.08, 0.28))
            if rng.uniform() < 0.8 and x + wide < length / 2 - 0.03:
                builder.add(
                    "goods",
                    box((x, -half + float(rng.uniform(0, 0.08)), z), (x + wide - 0.01, half - 0.03, z + tall), 0.005),
                    shades[int(rng.integers(4))],
                )
            x += wide
    return builder.build()


@register_asset("cage_wall")
def cage_wall(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A fence of mesh panels along X from the origin. Parameters: length, height."""
    length, height = float(parameters.get("length", 4.0)), float(parameters.get("height", 2.2))
    steel = _paint(rng, parameters, ("#5b6063", "#8c9296", "#d9b21c", "#2d4870", "#1f2326"))
    builder, panels = Builder(), max(1, round(length / 1.5))
    for x in np.linspace(0, length, panels + 1):
        builder.add("posts", box((x - 0.03, -0.03, 0), (x + 0.03, 0.03, height)), steel)
    step = float(rng.choice([0.05, 0.1, 0.15]))
    counts = (int(length / step) + 1, int(height / max(step, 0.1)) + 1)
    builder.add("mesh", grid_of_bars((0, 0, 0.1), (length, 0, 0), (0, 0, height - 0.15), counts, 0.004), steel)
    return builder.build()
