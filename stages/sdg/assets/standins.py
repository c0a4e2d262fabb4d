"""What stands in for an environment that only Isaac Sim can load, in the other renderers."""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, panel
from stages.sdg.assets.stock import pattern
from stages.sdg.assets.types import Asset, Material


@register_asset("plain_hall")
def plain_hall(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A floor between four walls without a ceiling.

    Parameters: length (along X), width, height, x and y of its middle, the linear colours floor_red, floor_green,
    floor_blue, wall_red, wall_green, wall_blue, and roughness.
    """
    length, width = float(parameters.get("length", 20)), float(parameters.get("width", 30))
    height = float(parameters.get("height", 8))
    middle_x, middle_y = float(parameters.get("x", 0)), float(parameters.get("y", 0))
    left, right, back, front = middle_x - length / 2, middle_x + length / 2, middle_y + width / 2, middle_y - width / 2
    gloss = float(parameters.get("roughness", 0.6))

    def surface(of: str, kind: str) -> Material:
        red, green, blue = (float(parameters.get(f"{of}_{name}", 0.4)) for name in ("red", "green", "blue"))
        return Material(kind, (red, green, blue), gloss, seed=pattern(rng))

    builder, walls = Builder(), surface("wall", "plaster")
    corners = [(left, front), (right, front), (right, back), (left, back)]
    builder.add("floor", panel([(x, y, 0) for x, y in corners]), surface("floor", "concrete"))
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        builder.add("walls", panel([(*b, 0), (*a, 0), (*a, height), (*b, height)]), walls)
    return builder.build()
