"""What is asked of one frame and of each of its trucks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stages.common.settings.distribution import Drawn
from stages.common.settings.targets import Counted
from stages.sdg.plan.geometry import Row
from stages.sdg.plan.seen import Seen
from stages.sdg.plan.sight import cut_by

Range = tuple[float, float]


class UnplaceableError(Exception):
    """A truck found no place as ordered in this scene, so another one must be drawn."""


@dataclass(frozen=True)
class Order:
    """What one truck must look like: lower and upper value of each measure that is asked for."""

    limits: Mapping[str, Range] = field(default_factory=dict)

    def holds(self, found: Seen, spare: float = 0.0, without: str = "") -> bool:
        """Whether a truck is as ordered.

        Args:
            found: the truck.
            spare: share of each range that it must stay away from its ends, since later things may change a little.
            without: a measure that is not looked at.
        """
        return all(self.within(name, float(getattr(found, name)), spare) for name in self.limits if name != without)

    def within(self, name: str, value: float, spare: float = 0.0) -> bool:
        """Whether a value is in the half-open range of a measure."""
        low, high = self.limits[name]
        margin = spare * min(high - low, 0.5 * (low + high))
        return (low <= 0 or low + margin <= value) and (value < high - margin or value <= low <= 0 < high)


UPRIGHT = 1.25
"""Usual height of a truck whose tiller is up, with what its length adds seen from above, metres."""

FARTHEST = 40.0
"""No truck stands farther away, metres."""


def heights(order: Order, picture: int) -> Range | None:
    """Least and largest height in pixels that an order asks for in a picture of that height; None when it does not."""
    limits = order.limits
    low, high = limits.get("height", (0.0, math.inf))
    if "relative_height" in limits:
        low, high = max(low, limits["relative_height"][0] * picture), min(high, limits["relative_height"][1] * picture)
    return (low, high) if "height" in limits or "relative_height" in limits else None


def distances(order: Order, focal: float, picture: int) -> Range | None:
    """Where about a truck must stand to be as ordered: least and largest distance of its fork heel, metres.

    Args:
        order: for the truck.
        focal: focal length in pixels.
        picture: height in pixels.

    Returns:
        None when the order leaves it free; the upper end is below the lower one when the order cannot be met.
    """
    tall = heights(order, picture)
    if tall is None and "distance" not in order.limits:
        return None
    low, high = order.limits.get("distance", (0.5, FARTHEST))
    low, high = low + 0.3, high + 0.6  # from the nearest point to the heel
    if tall is not None:
        low, high = max(low, focal * UPRIGHT / max(tall[1], 1.0)), min(high, focal * UPRIGHT / max(tall[0], 4.0))
    return max(0.5, low), min(FARTHEST, high)


def misfit_of(order: Order, focal: float, picture: int, height: float, pitch: float) -> float:
    """How badly a camera suits an order, 0 for well.

    A truck that is hidden needs room before it, one that is far needs a long hall, one that is near and whole needs a
    camera that looks at it.

    Args:
        order: for a truck.
        focal: focal length in pixels.
        picture: height in pixels.
        height: of the camera in metres.
        pitch: of the camera above the horizon, radians.
    """
    limits = distances(order, focal, picture)
    if limits is None:
        return 0.0
    low, high = limits
    room = 3.0 if order.limits.get("occlusion", (0.0, 1.0))[0] > 0.2 else 1.5
    total = max(0.0, low - high) + 4 * max(0.0, room - high) + max(0.0, 0.3 * (low - 6.0))
    if order.limits.get("truncation", (0.0, 1.0))[0] <= 0:
        away, half = max(room, math.sqrt(low * max(low, high))), math.atan(picture / 2 / focal)
        below, above = math.atan2(height, away - 0.2), math.atan2(height - UPRIGHT, away)
        total += 4 * max(0.0, below + pitch - half) + 4 * max(0.0, -above - pitch - half)
    return total


@dataclass(frozen=True)
class Ask:
    """What one frame must hold.

    Attributes:
        negative: no truck is to be seen.
        scenarios: weights of those that may arrange it.
        trucks: how many are to be put up.
        exact: so many are to count, no more and no fewer.
        orders: of the first trucks, in turn.
        counted: which trucks count.
        drawn: what was drawn to answer this.
        strict: give up on a scene in which an order finds no place.
    """

    negative: bool
    scenarios: Mapping[str, float]
    trucks: int
    exact: bool
    orders: tuple[Order, ...]
    counted: Counted
    drawn: Drawn
    strict: bool = True


@dataclass
class Guard:
    """Keeps enough of a truck in sight while the scene is filled.

    Attributes:
        eye: of the camera, (3,) world metres.
        points: of the truck in the picture, (P, 3).
        weight: share of the truck's picture that each stands for, any scale.
        hidden: which of them something hides.
        most: largest share that may be hidden.
    """

    eye: NDArray[np.float64]
    points: NDArray[np.float64]
    weight: NDArray[np.float64]
    hidden: NDArray[np.bool_]
    most: float = 1.0

    def __post_init__(self) -> None:
        line = self.points[:, :2] - self.eye[:2]
        self._x, self._y, _ = self.eye.tolist()
        self._total = float(self.weight.sum())
        self._far = float(np.hypot(line[:, 0], line[:, 1]).max())
        self._azimuth = math.atan2(*line.mean(0)[::-1])
        turned = np.arctan2(line[:, 1], line[:, 0]) - self._azimuth
        self._spread = float(np.abs((turned + np.pi) % (2 * np.pi) - np.pi).max())

    def _aside(self, box: Row) -> bool:
        """Whether a box lies beside or behind the truck, so that it hides nothing of it."""
        gap_x, gap_y, reach = box[0] - self._x, box[1] - self._y, math.hypot(box[3], box[4])
        distance = math.hypot(gap_x, gap_y)
        if distance <= reach:
            return False
        turned = abs((math.atan2(gap_y, gap_x) - self._azimuth + math.pi) % (2 * math.pi) - math.pi)
        return distance - reach > self._far or turned > self._spread + math.asin(reach / distance)

    def share(self, boxes: NDArray[np.float64] | None = None) -> float:
        """Share that is hidden, or would be with further boxes (N, 7)."""
        hidden = self.hidden if boxes is None else self.hidden | cut_by(self.eye, self.points, boxes)
        return float(self.weight[hidden].sum() / self._total)

    def allows(self, box: Row) -> bool:
        """Whether a box may stand where it does."""
        if self._aside(box):
            return True
        hidden = self.hidden | cut_by(self.eye, self.points, np.array([box]))
        return bool((hidden == self.hidden).all() or self.weight[hidden].sum() / self._total <= self.most)

    def add(self, boxes: NDArray[np.float64]) -> None:
        """Take further boxes into account."""
        near = [row for row in boxes.tolist() if not self._aside(tuple(row))]
        if near:
            self.hidden = self.hidden | cut_by(self.eye, self.points, np.array(near))
