"""Where the camera stands and looks."""

from __future__ import annotations

import math

import numpy as np

from stages.sdg.plan.draft import Box, Draft, View
from stages.sdg.plan.geometry import step
from stages.sdg.plan.sight import first_hit

NEAREST = 0.85
"""Least free distance before the camera, metres."""

OPEN_ENOUGH = 4.0
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
    best, score = View(float(np.mean(x)), float(np.mean(y)), height, middle, pitch, half), -math.inf
    for attempt in range(5 * TRIES):
        if attempt == TRIES:  # the part of the hall is full: anywhere, then
            x, y, spread = _whole(draft.hall.length), _whole(draft.hall.width), math.pi
        yaw = middle + float(draft.rng.uniform(-spread, spread))
        view = View(float(draft.rng.uniform(*x)), float(draft.rng.uniform(*y)), height, yaw, pitch, half)
        openness = _openness(draft, view) if draft.is_free(keep_out(view)) else -math.inf
        if openness > score:
            best, score = view, openness
        if score > OPEN_ENOUGH or (attempt >= TRIES - 1 and score > -math.inf):
            break
    draft.view = best
    draft.occupy(keep_out(best))


def _whole(run: float) -> tuple[float, float]:
    return -run / 2, run / 2


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
