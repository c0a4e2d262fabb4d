"""Where the camera stands and looks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.draft import Draft
from stages.sdg.plan.geometry import look_along, step
from stages.sdg.plan.order import UnplaceableError, distances, misfit_of
from stages.sdg.plan.sight import first_hits
from stages.sdg.plan.space import Box, View
from stages.sdg.plan.types import Camera

NEAREST = 0.85
"""Least free distance before the camera, metres."""

OPEN_ENOUGH = 4.0
"""Free distance in a view at which the search for a better one ends, metres."""

TRIES = 40

ASPECT = 0.62
"""Height over width of the picture that a truck must fit into: between 9:16 and 3:4, as sizes are drawn later."""

SHELL = {
    "ceiling", "column", "door", "fire_extinguisher", "floor", "floor_crack", "floor_mark", "floor_wet", "lamp",
    "litter", "skylight", "wall", "wall_thing", "window",
}  # fmt: skip
"""Families that make the hall; a picture that shows nothing else teaches nothing."""

AIMS, SUITED = 64, 0.03
"""Most draws of height, pitch and field of view for a frame with orders, and the misfit at which one suits them."""


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
    draft.mark = len(draft.placements), draft.taken
    draft.look_again = lambda: _set_view(draft, x, y, heading, spread)
    draft.look_again()


def _set_view(
    draft: Draft, x: tuple[float, float], y: tuple[float, float], heading: float | None, spread: float
) -> None:
    middle = heading or 0.0
    height, pitch, half = _aim(draft)
    enough = max(OPEN_ENOUGH, _needed(draft, half))
    best, score = View(float(np.mean(x)), float(np.mean(y)), height, middle, pitch, half), -math.inf
    for attempt in range(5 * TRIES):
        if attempt == TRIES:  # the part of the hall is full: anywhere, then
            x, y, spread = _whole(draft.hall.length), _whole(draft.hall.width), math.pi
        yaw = middle + float(draft.rng.uniform(-spread, spread))
        view = View(float(draft.rng.uniform(*x)), float(draft.rng.uniform(*y)), height, yaw, pitch, half)
        openness = _openness(draft, view) if draft.is_free(keep_out(view)) else -math.inf
        if openness > score:
            best, score = view, openness
        if score > enough or (attempt >= TRIES - 1 and score > -math.inf):
            break
    draft.view = best
    draft.occupy(keep_out(best))


def _aim(draft: Draft) -> tuple[float, float, float]:
    """Camera height in metres, pitch and half the field of view in radians.

    Of some draws, a frame whose trucks must look in a certain way takes the one that suits them.
    """

    def draw() -> tuple[float, float, float]:
        camera = draft.settings.randomization.camera
        height = min(draft.draw(camera.height), draft.hall.clear - 0.6)
        return height, math.radians(draft.draw(camera.pitch)), math.radians(draft.draw(camera.field_of_view) / 2)

    first = draw()
    if draft.ask is None or not draft.ask.orders:
        return first
    orders, lens = draft.ask.orders, draft.lens

    def misfit(aim: tuple[float, float, float]) -> float:
        height, pitch, half = aim
        focal = lens.width / 2 / math.tan(half)
        return sum(misfit_of(order, focal, lens.height, height, pitch) for order in orders)

    best, least = first, misfit(first)
    for _ in range(AIMS):
        if least < SUITED:
            break
        other = draw()
        missed = misfit(other)
        if missed < least:
            best, least = other, missed
    return best


def _needed(draft: Draft, half: float) -> float:
    """Distance at which the farthest truck must stand, metres.

    Raises:
        UnplaceableError: when the hall is shorter and the orders are strict.
    """
    if draft.ask is None:
        return 0.0
    focal = draft.lens.width / 2 / math.tan(half)
    limits = [distances(order, focal, draft.lens.height) for order in draft.ask.orders]
    needed = max((least for least, _ in filter(None, limits)), default=0.0)
    if draft.ask.strict and needed > 0.9 * math.hypot(draft.hall.length, draft.hall.width):
        raise UnplaceableError
    return 1.2 * needed


def camera_of(draft: Draft) -> Camera:
    """The camera of a draft whose view is set."""
    view, lens = draft.seen_from, draft.lens
    focal = lens.width / 2 / math.tan(view.half_angle)
    # barrel distortion widens the field of view; a longer lens keeps it near what was drawn
    if lens.k1 < 0:
        focal /= 1 + 0.8 * lens.k1 * min(1.0, math.tan(view.half_angle)) ** 2
    pose = look_along((view.x, view.y, view.z), view.yaw, view.pitch, lens.roll)
    matrix = tuple(tuple(round(value, 7) for value in row) for row in pose)
    distortion = (round(lens.k1, 4), 0.0)
    return Camera(lens.width, lens.height, round(focal, 3), matrix, distortion)  # type: ignore[arg-type]


def _whole(run: float) -> tuple[float, float]:
    return -run / 2, run / 2


def keep_out(view: View) -> Box:
    """The space at the lens and just before it that nothing may stand in."""
    ahead = NEAREST / 2
    return Box(*step(view.x, view.y, view.yaw, ahead), view.yaw, ahead + 0.3, 0.35, 0, view.z + 0.4)


def _openness(draft: Draft, view: View) -> float:
    """Free distance in the view's directions: the least of three below its edges, metres; walls count."""
    hall, directions, walls = draft.hall, [], []
    for share in (-0.6, 0.0, 0.6):
        yaw = view.yaw + share * view.half_angle
        cos, sin = math.cos(yaw), math.sin(yaw)
        directions.append((cos, sin, 0.0))
        walls.append(
            min(
                (hall.length / 2 - math.copysign(1, cos) * view.x) / max(1e-6, abs(cos)),
                (hall.width / 2 - math.copysign(1, sin) * view.y) / max(1e-6, abs(sin)),
            )
        )
    eye = np.array([view.x, view.y, 1.0])
    return float(first_hits(eye, np.array(directions), draft.boxes, np.array(walls)).min())


def things_in_view(draft: Draft, reach: float = 14.0) -> int:
    """Things whose middle the picture shows, up to ``reach`` metres away; walls, floor and what hides them aside."""
    view = draft.seen_from
    places = np.array([item.position for item in draft.placements if item.family not in SHELL]).reshape(-1, 3)
    pose = np.array(look_along((view.x, view.y, view.z), view.yaw, view.pitch, 0.0))
    right, down, forward = ((places - pose[:3, 3]) @ pose[:3, :3]).T
    edge, lens = math.tan(view.half_angle), draft.lens
    seen = (forward > 0.3) & (forward < reach) & (np.abs(right) < edge * forward)
    return int((seen & (np.abs(down) < edge * forward * lens.height / lens.width)).sum())


def share_in_picture(view: View, points: NDArray[np.float64]) -> float:
    """Share of world points that lie inside the picture, before roll and lens distortion."""
    pose = np.array(look_along((view.x, view.y, view.z), view.yaw, view.pitch, 0.0))
    right, down, forward = ((points - pose[:3, 3]) @ pose[:3, :3]).T
    edge = math.tan(view.half_angle)
    inside = (forward > 0.2) & (np.abs(right) < 0.95 * edge * forward) & (np.abs(down) < ASPECT * edge * forward)
    return float(inside.mean())
