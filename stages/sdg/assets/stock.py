"""What goods, load carriers and the building share: weathering, colours, boards, sheets of paper, contents."""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters
from stages.sdg.assets.mesh import Builder, box
from stages.sdg.assets.palette import anything, grey, pick, vary
from stages.sdg.assets.types import Material
from stages.sdg.plan.types import Colour

WOODS = ("#b58e5f", "#a07a4c", "#8a6a45", "#c9a777", "#7a6650", "#6a5d4f", "#d8b988", "#544a40")
CARTONS = ("#b08a5e", "#a67c4f", "#c29b6c", "#8f6c46", "#bfa078", "#d9cdb8", "#9c7a55")
CARRIERS = (
    "#1d4e9e", "#2360b5", "#16386e", "#6d7276", "#8d9296", "#2b2d30", "#b02a1f", "#1f7a3e", "#d9b21c", "#c7cacc",
)  # fmt: skip
PAPERS = ("#efece2", "#f4f4f0", "#e3e0d2", "#8fd06a", "#f2e35b", "#f0a35b", "#dfe8f2")
FACES = ("+x", "-x", "+y", "-y")


def pattern(rng: np.random.Generator) -> int:
    """Seed of a material's pattern."""
    return int(rng.integers(1 << 30))


def side_lengths(parameters: Parameters, length: float, width: float, height: float) -> tuple[float, float, float]:
    """Length, width and height that the scene asks for, or else these."""
    usual = {"length": length, "width": width, "height": height}
    length, width, height = (float(parameters.get(name, side)) for name, side in usual.items())
    return length, width, height


def weathering(rng: np.random.Generator, parameters: Parameters) -> tuple[float, float]:
    """Wear and dirt of an asset: the scene's, or drawn."""
    wear = float(parameters.get("wear", rng.beta(1.5, 3)))
    return wear, float(parameters.get("dirt", rng.beta(1.5, 2.5)))


def colour_or(rng: np.random.Generator, parameters: Parameters, usual: Colour) -> Colour:
    """The usual colour, or any at all where the scene asks for random colours."""
    # from a child generator, so that what is drawn afterwards, the shape included, stays the same
    return anything(rng.spawn(1)[0]) if parameters.get("random_colour") else usual


def woods(rng: np.random.Generator, parameters: Parameters, count: int = 3) -> list[Material]:
    """Wood of boards that lay in the same yard: near each other, not the same."""
    wear, dirt = weathering(rng, parameters)
    base = colour_or(rng, parameters, pick(rng, WOODS, (5, 5, 4, 4, 3, 3, 3, 1)))
    seed = pattern(rng)
    return [Material("wood", vary(rng, base, 0.25), 0.75, 0, wear, dirt, seed=seed + k) for k in range(count)]


def paper(rng: np.random.Generator) -> Material:
    """A printed sheet."""
    return Material("print", pick(rng, PAPERS, (6, 6, 3, 2, 1.5, 1, 1)), 0.6, seed=pattern(rng))


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


def contents(builder: Builder, rng: np.random.Generator, half: tuple[float, float], low: float, high: float) -> None:
    """What lies in a box of half sizes ``half``, from ``low`` to about ``high``: cartons, castings or a dark heap."""
    kind = rng.choice(["cartons", "parts", "heap"])
    seed = pattern(rng)
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
