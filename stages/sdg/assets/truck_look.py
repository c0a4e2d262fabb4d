"""Materials of pallet trucks: paint, zinc or stainless steel, and the treads of their wheels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from stages.sdg.assets.catalogue import Parameters
from stages.sdg.assets.palette import grey, pick
from stages.sdg.assets.stock import colour_or
from stages.sdg.assets.truck_shape import one_of
from stages.sdg.assets.types import Material

PAINTS = (
    "#c8201f", "#b3131b", "#d8432a", "#e6b800", "#f2c811", "#d9d400", "#e8670c", "#1f4fa3", "#2b6fc4", "#15713a",
    "#5a6a30", "#3b3d40", "#1c1d1f", "#e7e3d6", "#bfc2c4", "#7f8a90", "#0b7f8a", "#7a1f2b",
)  # fmt: skip
PAINT_WEIGHTS = (9, 7, 5, 4, 5, 2, 5, 4, 4, 2, 1, 3, 3, 4, 3, 2, 1, 2)

TREADS = {
    "rubber": ("#1a1a1a", "#26221f", "#3a3a3c"),
    "polyurethane": ("#5c3a26", "#7d4b28", "#c9772b", "#d9962f", "#8c2f22", "#a8281c", "#3d5f8f"),
    "nylon": ("#d8d4c8", "#e9e6dc", "#cfccbf", "#9b9b96"),
    "steel": ("#8f9295", "#6f7275", "#a6a8a9"),
}
"""Display colours of wheels by what they are made of."""

TREAD_WEIGHTS = (3.0, 5.0, 2.5, 0.8)


@dataclass(frozen=True)
class Look:
    """Materials of one truck."""

    paint: Material
    dark: Material
    steel: Material
    tread: Material
    grip: Material
    label: Material
    accent: Material
    """A warning or maker's second colour: pedals, levers, rings."""


def draw_look(rng: np.random.Generator, style: str, parameters: Parameters) -> Look:
    """Materials of a truck of this style; wear, dirt, tread, colour and random_colour may be fixed.

    Raises:
        SettingsError: when there is no such tread.
    """
    wear, dirt = float(parameters.get("wear", rng.beta(1.6, 2.5))), float(parameters.get("dirt", rng.beta(1.6, 2.2)))
    seed = int(rng.integers(1 << 30))
    colour = colour_or(rng, parameters, pick(rng, PAINTS, PAINT_WEIGHTS))
    paint = Material(
        "paint", colour, float(rng.uniform(0.25, 0.6)), 0.0, wear, dirt, grey(rng, 0.08, 0.25), 0.15, 0, seed
    )
    dark_is_paint = rng.uniform() < 0.35
    dark = Material("paint", grey(rng, 0.012, 0.05), 0.45, 0.0, wear * 0.7, dirt, grey(rng, 0.1, 0.2), 0.1, 0, seed + 1)
    steel = Material("metal", grey(rng, 0.2, 0.55), float(rng.uniform(0.25, 0.5)), 1.0, wear * 0.5, dirt, seed=seed + 2)
    accent = pick(rng, ("#c22a1f", "#1f7a3e", "#e8b90f", "#2458a8", "#e8670c"), (4, 2, 2, 1, 1))
    usual = Look(
        paint=paint,
        dark=paint if dark_is_paint else dark,
        steel=steel,
        tread=_tread(rng, style, parameters, dirt, seed + 3),
        grip=Material("rubber", grey(rng, 0.01, 0.04), 0.6, 0.0, 0.1, dirt * 0.5, seed=seed + 4),
        label=Material("print", pick(rng, ("#f0c419", "#e9e7df", "#1b1b1b", "#c22a1f", "#2458a8")), 0.4, seed=seed + 5),
        accent=Material("plastic", accent, 0.4, 0.0, wear * 0.5, dirt, seed=seed + 6),
    )
    return _bare(rng, usual, style)


def _tread(rng: np.random.Generator, style: str, parameters: Parameters, dirt: float, seed: int) -> Material:
    """Of the steered wheels and load rollers; trucks of stainless steel mostly have nylon."""
    rubber, polyurethane, nylon, steel = TREAD_WEIGHTS
    weights = np.array([rubber, polyurethane, 40.0 if style == "stainless" else nylon, steel])
    drawn = str(rng.choice(list(TREADS), p=weights / weights.sum()))
    kind, picked = one_of(TREADS, parameters, "tread", drawn), rng.spawn(1)[0]
    colour, dirty = pick(picked, TREADS[kind]), min(1.0, dirt + 0.2)
    if kind == "steel":
        return Material("metal", colour, float(picked.uniform(0.2, 0.4)), 1.0, 0.2, min(0.6, dirty), seed=seed)
    return Material("rubber", colour, {"rubber": 0.75, "nylon": 0.45}.get(kind, 0.55), 0.0, 0.2, dirty, seed=seed)


def _bare(rng: np.random.Generator, usual: Look, style: str) -> Look:
    """The look of trucks without paint: hot-dip galvanised, or of brushed stainless steel throughout."""
    zinc, bright = grey(rng, 0.3, 0.6), grey(rng, 0.55, 0.72)
    rough, wear, dirt, seed = float(rng.uniform(0.3, 0.5)), usual.paint.wear, usual.paint.dirt, usual.paint.seed
    if style == "galvanised":
        coat = Material("zinc", zinc, rough, 1.0, wear * 0.3, dirt, seed=seed)
        return dataclasses.replace(usual, paint=coat, dark=coat if usual.dark is usual.paint else usual.dark)
    if style == "stainless":
        # it neither chips nor rusts, and is hosed down
        sheet = Material("brushed", bright, 0.2 + rough / 4, 1.0, 0.0, dirt * 0.3, seed=seed)
        return dataclasses.replace(
            usual, paint=sheet, dark=sheet, steel=dataclasses.replace(sheet, roughness=0.15, seed=seed + 2)
        )
    return usual
