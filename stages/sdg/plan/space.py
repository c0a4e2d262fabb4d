"""Space of a scene: the hall, boxes that things take, and where the camera looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.geometry import Row, cuts, step


@dataclass(frozen=True)
class Box:
    """An upright box in the world.

    Attributes:
        x, y: its middle on the floor, metres.
        yaw: turn about Z, radians.
        half_x, half_y: half sizes along its own axes.
        low, high: lower and upper Z.
    """

    x: float
    y: float
    yaw: float
    half_x: float
    half_y: float
    low: float
    high: float

    def row(self) -> Row:
        """The numbers in the order of the attributes, for arrays of boxes."""
        return self.x, self.y, self.yaw, self.half_x, self.half_y, self.low, self.high


def overlaps(box: Box, others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the boxes (N, 7) ``box`` cuts into, by separating axes in the plane and intervals in Z."""
    row = box.row()
    return np.array([cuts(row, tuple(other)) for other in others.tolist()], bool)


@dataclass
class Hall:
    """The building's inside: length along X and width along Y around the origin, height and depth of beams, metres."""

    length: float
    width: float
    height: float
    beams: float = 0.0

    @property
    def clear(self) -> float:
        """Height of the undersides of the beams."""
        return self.height - self.beams


@dataclass
class View:
    """Where the camera stands and looks (metres, radians); ``half_angle`` is half the horizontal field of view."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    half_angle: float

    def floor(self, distance: float, side: float) -> tuple[float, float]:
        """The point on the floor at a distance; ``side`` runs from -1 at one edge of the view to 1 at the other."""
        return step(self.x, self.y, self.yaw + side * self.half_angle, distance)


@dataclass(frozen=True)
class Lens:
    """What of the camera does not depend on the scene: picture size in pixels, roll in radians, Brown-Conrady k1."""

    width: int = 640
    height: int = 480
    roll: float = 0.0
    k1: float = 0.0
