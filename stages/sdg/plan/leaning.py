"""Hand pallet trucks tipped up against a wall, as they are put out of the way.

A tipped truck rests on its steered wheels and on the handle of its tiller, its forks up against the wall. Where it
touches the floor only its mesh can say, so unlike all else that is planned, it is built.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.types import Asset
from stages.sdg.plan.draft import Draft
from stages.sdg.plan.geometry import rotation_matrix, step
from stages.sdg.plan.sight import clear_share
from stages.sdg.plan.space import Box
from stages.sdg.plan.types import Placement
from stages.sdg.plan.viewpoint import share_in_picture

TRIES = 60

STEEPEST, FLATTEST = math.radians(85), math.radians(50)
"""Angles of the forks above the floor within which a tipped truck stands."""

GAP = 0.01
"""Distance of a tipped truck from the wall, metres."""

ON_WALLS = ("door", "window", "wall_thing", "fire_extinguisher")
"""Families on walls that nothing leans at."""

Points = NDArray[np.float64]


def tip_up(asset: Asset) -> float | None:
    """Angle of the forks above the floor at which tiller and wheels both touch it, radians; None where none does."""
    tiller = np.concatenate([part.vertices for part in asset.parts if part.name == "tiller"]).astype(float)
    others = np.concatenate([part.vertices for part in asset.parts if part.name != "tiller"]).astype(float)

    def above(angle: float) -> float:
        """How much higher the tiller's lowest point is than that of all else, metres."""
        up = np.array([math.sin(angle), 0.0, math.cos(angle)])
        return float((tiller @ up).min() - (others @ up).min())

    low, high = FLATTEST, STEEPEST
    if above(low) < 0 or above(high) > 0:
        return None
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > 0 else (low, middle)
    return (low + high) / 2


def lean_one(draft: Draft, reach: tuple[float, float] | None, sight: float) -> bool:
    """Tip a hand pallet truck up against a free piece of wall in view; False where there is none.

    Args:
        draft: the scene, its view set.
        reach: nearest and farthest distance in metres, or None for any in the hall.
        sight: least share of its points in sight.
    """
    told = {"lift": 0.0, "tiller_swing": 0.0, "tiller_angle": float(draft.rng.uniform(0.3, 0.6))}
    truck = draft.add("pallet_truck", (0, 0, 0), parameters=told, variant=draft.new_variant())
    draft.placements.pop()
    asset = build_asset(truck.family, truck.variant, truck.parameters)
    angle = tip_up(asset)
    if angle is None:
        return False
    tipped = (0.0, 0.0, -round(angle, 5))
    points = np.concatenate([part.vertices for part in asset.parts]) @ rotation_matrix(tipped).T
    for _ in range(TRIES):
        spot = _spot(draft, reach)
        if spot is not None and _lean_at(draft, truck, points, tipped, *spot, sight):
            return True
    return False


def _spot(draft: Draft, reach: tuple[float, float] | None) -> tuple[float, float, float] | None:
    """A point (x, y) of a wall in view and the direction towards the wall, or None where it is out of reach."""
    view, hall = draft.seen_from, draft.hall
    heading = view.yaw + view.half_angle * float(draft.rng.uniform(-0.9, 0.9))
    cos, sin = math.cos(heading), math.sin(heading)
    to_x = (math.copysign(hall.length / 2, cos) - view.x) / cos if abs(cos) > 1e-9 else math.inf
    to_y = (math.copysign(hall.width / 2, sin) - view.y) / sin if abs(sin) > 1e-9 else math.inf
    distance = min(to_x, to_y)
    if reach is not None and not reach[0] <= distance <= reach[1]:
        return None
    toward = (0.0 if cos > 0 else math.pi) if to_x < to_y else math.copysign(math.pi / 2, sin)
    return *step(view.x, view.y, heading, distance), toward


def _lean_at(
    draft: Draft, truck: Placement, points: Points, tipped: tuple[float, float, float],
    wall_x: float, wall_y: float, toward: float, sight: float,
) -> bool:  # fmt: skip
    """Lean a truck there if nothing is in its way and the camera sees it; ``points`` (N, 3) are its tipped mesh."""
    low, high = points.min(0), points.max(0)
    x, y = step(wall_x, wall_y, toward, -float(high[0]) - GAP)
    middle, half = (low + high) / 2, (high - low) / 2
    box = Box(*step(x, y, toward, float(middle[0]), float(middle[1])), toward, float(half[0]) + GAP / 2,
              float(half[1]) + 0.03, 0.0, float(high[2] - low[2]))  # fmt: skip
    if not draft.is_free(box) or _is_taken(draft, wall_x, wall_y, float(half[1])):
        return False
    cos, sin = math.cos(toward), math.sin(toward)
    turned = points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]]) + (x, y, -low[2])
    outline = turned[:: max(1, len(turned) // 60)]
    if not _is_seen(draft, outline, sight):
        return False
    draft.occupy(box)
    place = (round(x, 4), round(y, 4), round(-float(low[2]), 4))
    draft.placements.append(replace(truck, position=place, rotation=(round(toward, 5), 0.0, tipped[2])))
    return True


def _is_taken(draft: Draft, x: float, y: float, half: float) -> bool:
    """Whether a door, a window or a thing on the wall is within ``half`` metres of a point of it."""
    for item in draft.placements:
        if item.family in ON_WALLS:
            run = float(item.parameters.get("length", 0.0)) / 2
            near = step(*item.position[:2], item.rotation[0], run)
            if math.dist(near, (x, y)) < run + half + 0.4:
                return True
    return False


def _is_seen(draft: Draft, points: Points, sight: float) -> bool:
    view = draft.seen_from
    eye = np.array([view.x, view.y, view.z])
    return share_in_picture(view, points) > 0.9 and clear_share(eye, points, draft.boxes) >= sight
