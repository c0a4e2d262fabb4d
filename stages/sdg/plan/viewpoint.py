"""Where the camera stands and looks."""

from __future__ import annotations

import math

import numpy as np

from stages.sdg.plan.draft import Box, Draft, View
from stages.sdg.plan.geometry import step
from stages.sdg.plan.sight import first_hit

NEAREST = 0.85
"""Least free distance before the camera, metres."""

OPEN_ENOUGH = 6.0
"""Free distance in a view at which the search for a better one ends, metres."""

TRIES = 40


def set_view(
    draft: Draft, x: tuple[float, float], y: tuple[float, float], heading: float | None = None, spread: float = math.pi
) -> None:
    """Put the camera into a part of the hall, looking where the view is open, and keep its surroundings free.

    Args:
        draft: the scene, its large things in place.
        x: lower and upper end of the part of the floor, metres.
        y: the same, across.
        heading: direction to look along within ``spread``, or None for any.
        spread: largest turn from it, radians.
    """
    camera, middle = draft.settings.randomization.camera, heading or 0.0
    height = min(draft.draw(camera.height), draft.hall.height - 0.6)
    pitch, half = math.radians(draft.draw(camera.pitch)), math.radians(draft.draw(camera.field_of_view) / 2)
    best = 0.0, View(float(np.mean(x)), float(np.mean(y)), height, middle, pitch, half)
    found = False
    for _ in range(TRIES):
        yaw = middle + float(draft.rng.uniform(-spread, spread))
        view = View(float(draft.rng.uniform(*x)), float(draft.rng.uniform(*y)), height, yaw, pitch, half)
        if not draft.is_free(Box(view.x, view.y, yaw, 0.3, 0.3, 0.0, height + 0.3)):
            continue
        score = _openness(draft, view)
        if not found or score > best[0]:
            found, best = True, (score, view)
        if score > OPEN_ENOUGH:
            break
    draft.view = best[1]
    draft.occupy(keep_out(draft.view))


def keep_out(view: View) -> Box:
    """The space at the lens and just before it that nothing may stand in."""
    ahead = NEAREST / 2
    return Box(*step(view.x, view.y, view.yaw, ahead), view.yaw, ahead + 0.3, 0.35, 0, view.z + 0.4)


def _openness(draft: Draft, view: View) -> float:
    """Free distance in the view's directions: the least of three below its edges, metres; walls count."""
    eye, hall = np.array([view.x, view.y, 1.0]), draft.hall
    least = math.inf
    for share in (-0.6, 0.0, 0.6):
        yaw = view.yaw + share * view.half_angle
        direction = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        to_wall = min(
            (hall.length / 2 - math.copysign(1, direction[0]) * view.x) / max(1e-6, abs(direction[0])),
            (hall.width / 2 - math.copysign(1, direction[1]) * view.y) / max(1e-6, abs(direction[1])),
        )
        least = min(least, first_hit(eye, direction, draft.boxes, to_wall), to_wall)
    return least
