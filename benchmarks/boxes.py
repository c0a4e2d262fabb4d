"""The equal scene: boxes on a floor under one lamp, as plain numbers that any renderer can take."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

COUNT = 150
WIDTH, HEIGHT = 640, 480
SAMPLES, BOUNCES, GLOSSY_BOUNCES = 8, 3, 2
FOCAL = 560.0
"""In pixels."""

FLOOR = 14.0
"""Length and width of the floor in metres."""

LAMP_POSITION, LAMP_SIZE, LAMP_WATTS = (1.0, -1.0, 6.0), (3.0, 3.0), 900.0
SKY = (0.05, 0.05, 0.05)
CAMERA, PITCH = (-7.0, 0.0, 3.5), -0.42
"""Where the camera stands, and how far it looks down (radians); it looks along +X."""


@dataclass(frozen=True)
class Box:
    """One box: size and middle in metres, turn about Z in radians, linear colour."""

    size: tuple[float, float, float]
    middle: tuple[float, float, float]
    yaw: float
    colour: tuple[float, float, float]


def boxes(seed: int) -> list[Box]:
    """The boxes of one frame; some float, so that they hide one another as in a full picture."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(COUNT):
        length, width, height = rng.uniform(0.2, 0.8, 3)
        x, y = rng.uniform(-5.0, 6.0), rng.uniform(-5.0, 5.0)
        z = height / 2 + (rng.uniform(0, 2.0) if rng.uniform() < 0.3 else 0.0)
        red, green, blue = rng.uniform(0.1, 0.8, 3)
        found.append(Box((length, width, height), (x, y, z), rng.uniform(0, math.tau), (red, green, blue)))
    return found
