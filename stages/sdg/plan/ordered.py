"""Trucks that look as targets and presets ask: near or far, tall or small, cut by the border, hidden by goods."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.common.settings.targets import MAIN
from stages.sdg.plan.draft import Draft, Parameter
from stages.sdg.plan.footprints import Room
from stages.sdg.plan.geometry import step
from stages.sdg.plan.loads import HALF_LENGTH, HALF_WIDTH, Spot, put_load
from stages.sdg.plan.order import Guard, Order, Range, UnplaceableError, distances, heights
from stages.sdg.plan.outline import world_boxes
from stages.sdg.plan.seen import Seen, Sights
from stages.sdg.plan.space import Box
from stages.sdg.plan.trucks import load_up, truck_box
from stages.sdg.plan.types import Placement
from stages.sdg.plan.viewpoint import camera_of

POSES = 36
"""Places that are tried for one truck."""

MARGIN = 0.08
"""Share of a range that a truck keeps from its ends when it is placed; the scene is not full yet."""

DOUBT = 0.1
"""How far the estimate of what is hidden errs. A truck that is to be hidden keeps so far from both ends of its range:
else many of those trucks are less hidden in the picture, or too much to count, and the set has fewer than its plans."""

HIDERS = {
    "load": 9.0, "drum": 1.5, "crate": 1.5, "waste_bin": 0.8, "cable_drum": 1.0, "stillage": 0.8, "person": 1.0,
    "machine_box": 0.5, "trash_bags": 0.5,
}  # fmt: skip
"""What is put before a truck that is to be hidden in part, and how often."""

HIDING_TRIES = 16


@dataclass(frozen=True)
class Pose:
    """A truck that may be put up: as a placement without number, the space that it takes, and its boxes (N, 7)."""

    placement: Placement
    box: Box
    boxes: NDArray[np.float64]


def sights_of(draft: Draft) -> Sights:
    """What the camera of a draft sees of the scene so far."""
    return Sights(camera_of(draft), draft.placements, _rooms(draft))


def place_to_order(draft: Draft, order: Order, reach: Range | None, sights: Sights) -> bool:
    """Put up one truck as ordered.

    Args:
        draft: the scene, its view set.
        order: what the truck must look like.
        reach: nearest and farthest distance where the order leaves it free, metres; the settings' without it.
        sights: of the draft, which learns of what came since.

    Returns:
        Whether it found a place.

    Raises:
        UnplaceableError: when it did not, and what is asked of the frame is strict.
    """
    ask = draft.ask
    assert ask is not None, "an order comes with what is asked of the frame"
    least = 1 - ask.counted.min_visible
    limits = {"occlusion": (0.0, least), "truncation": (0.0, ask.counted.max_truncation), **order.limits}
    low, high = limits["occlusion"]
    limits["occlusion"] = (low, min(high, least))
    full = Order(limits)
    sights.add(draft.placements)
    stretch = 1.0
    for _ in range(POSES):
        pose = _draw(draft, full, reach, sights.camera.focal, stretch)
        if not draft.is_free(pose.box) or (extent := sights.extent(pose.boxes)) is None:
            continue
        stretch *= _correction(full, extent[1], sights.camera.height)
        if _fits(draft, full, extent, sights.camera.height) and _put(draft, full, sights, pose):
            return True
    if ask.strict:
        raise UnplaceableError
    return False


def _fits(draft: Draft, order: Order, extent: tuple[float, float, float], picture: int) -> bool:
    """Whether width, height and distance of a truck are as ordered, so that it is worth a closer look."""
    width, height, distance = extent
    assert draft.ask is not None, "an order comes with what is asked of the frame"
    values = {"height": height, "relative_height": height / picture, "distance": distance}
    return min(width, height) >= draft.ask.counted.min_box * 1.2 and all(
        order.within(name, value, MARGIN) for name, value in values.items() if name in order.limits
    )


def _correction(order: Order, height: float, picture: int) -> float:
    """What to multiply distances by, after a truck was so high in the picture."""
    tall = heights(order, picture)
    if tall is None or tall[0] <= height <= tall[1]:
        return 1.0
    return float(np.clip(height / np.clip(height, *tall), 0.8, 1.25))


def _draw(draft: Draft, order: Order, reach: Range | None, focal: float, stretch: float) -> Pose:
    view, rng = draft.seen_from, draft.rng
    distance = _distance(draft, order, reach, focal) * stretch
    cut = order.limits["truncation"][0] > 0
    side = float(rng.uniform(0.75, 1.15)) * float(rng.choice([-1, 1])) if cut else float(rng.uniform(-0.88, 0.88))
    heading = view.yaw + view.half_angle * side
    # goods on the forks hide a truck that is seen from their side
    toward = draft.chance(0.35 if order.limits["occlusion"][0] > 0 else 0.8)
    yaw = heading + float(rng.normal(0, 0.45)) if toward else float(rng.uniform(-math.pi, math.pi))
    x, y = step(view.x, view.y, heading, distance)
    family = "electric_pallet_truck" if draft.chance(0.14) else "pallet_truck"
    tiller = float(rng.normal(0.04, 0.06)) if draft.chance(0.8) else float(rng.uniform(0.0, 1.15))
    parameters: dict[str, Parameter] = {"tiller_angle": round(tiller, 4)}
    if loaded := draft.chance(0.5):
        parameters["lift"] = round(float(rng.choice([0.0, rng.uniform(0.02, 0.1)])), 4)
    box, variant = truck_box(x, y, yaw, loaded), draft.new_variant()
    own = draft.own_of("trucks")
    if own is not None and MAIN in draft.own[own].shape(variant, draft.split).labels:
        family, parameters, box = own, {}, draft.box_of(own, x, y, yaw, 0.05)
    turned = (yaw + float(rng.normal(0, 0.03)), 0.0, 0.0)
    placement = Placement(0, family, variant, (x, y, 0.0), turned, MAIN, parameters=parameters)
    return Pose(placement, box, world_boxes([placement], _rooms(draft))[0])


def _rooms(draft: Draft) -> dict[str, Room]:
    return {name: item.room for name, item in draft.own.items()}


def _distance(draft: Draft, order: Order, reach: Range | None, focal: float) -> float:
    """How far the fork heel stands from the camera, so that the order may hold."""
    limits = distances(order, focal, draft.lens.height)
    if limits is None:
        if reach is None:
            return draft.draw(draft.settings.randomization.camera.distance)
        return float(draft.rng.uniform(*reach))
    longest = math.hypot(draft.hall.length, draft.hall.width)
    low, high = min(limits[0], longest), min(limits[1], longest)
    return float(low * (max(high, low) / low) ** float(draft.rng.uniform()))


def _put(draft: Draft, order: Order, sights: Sights, pose: Pose) -> bool:
    """Put a truck up if it looks as ordered there, hidden by what stands before it and by further goods."""
    found = sights.see_boxes(0, MAIN, pose.boxes)
    assert draft.ask is not None, "an order comes with what is asked of the frame"
    if found is None or not order.holds(found, MARGIN, without="occlusion"):
        return False
    low, high = order.limits["occlusion"]
    spare = MARGIN * min(high - low, 0.5 * (low + high))
    if low > 0:
        spare = max(spare, min(DOUBT, (high - low) / 4))
    if found.occlusion >= high - spare:
        return False
    guard = Guard(sights.eye, *sights.guarded(pose.boxes))
    before = len(draft.placements), draft.taken
    draft.occupy(pose.box)
    placement = _add(draft, pose, guard, high - spare)
    if low > 0 and guard.share() < low + spare:
        _hide(draft, guard, placement, low + spare, high - spare)
    if low > 0 and guard.share() < low + spare:
        draft.take_back(*before)
        return False
    guard.most = high - (0.8 if low > 0 else 0.4) * spare
    draft.guards.append(guard)
    draft.ordered[placement.id] = order
    return True


def _add(draft: Draft, pose: Pose, guard: Guard, most: float) -> Placement:
    """The truck, and a load on its forks where that hides no more than it may."""
    truck, first = pose.placement, len(draft.placements)
    if "lift" in truck.parameters:
        (x, y, _), yaw, lift = truck.position, pose.box.yaw, float(truck.parameters["lift"])
        load_up(draft, x, y, yaw, lift)
        boxes = world_boxes(draft.placements[first:], _rooms(draft))[0]
        if guard.share(boxes) <= most and all(other.share(boxes) <= other.most for other in draft.guards):
            guard.add(boxes)
            for other in draft.guards:
                other.add(boxes)
        else:
            del draft.placements[first:]
    return draft.add(truck.family, truck.position, truck.rotation, truck.parameters, variant=truck.variant)


def _hide(draft: Draft, guard: Guard, truck: Placement, least: float, most: float) -> None:
    """Put goods between the camera and a truck until enough of it is hidden."""
    view, rng = draft.seen_from, draft.rng
    middle = guard.points[~guard.hidden].mean(0)
    far = math.hypot(middle[0] - view.x, middle[1] - view.y)
    heading = math.atan2(middle[1] - view.y, middle[0] - view.x)
    for _ in range(HIDING_TRIES):
        kind = draft.pick(HIDERS)
        # near the truck most of the time, where goods stand in its way
        ahead = far - float(rng.uniform(0.5, 0.6 * far)) if far > 2.0 else far * float(rng.uniform(0.5, 0.85))
        x, y = step(view.x, view.y, heading, ahead, float(rng.normal(0, 0.35)))
        yaw = float(rng.uniform(-math.pi, math.pi)) if draft.chance(0.5) else truck.rotation[0]
        _try_hider(draft, guard, kind, Spot(x, y, 0.0, yaw, float(rng.uniform(0.4, 1.7))), most)
        if guard.share() >= least:
            return


def _try_hider(draft: Draft, guard: Guard, kind: str, spot: Spot, most: float) -> None:
    box = (
        Box(spot.x, spot.y, spot.yaw, HALF_LENGTH, HALF_WIDTH, 0.0, spot.room)
        if kind == "load"
        else draft.box_of(kind, spot.x, spot.y, spot.yaw, 0.03)
    )
    rough = np.array([box.row()])
    if guard.share(rough) < guard.share() + 0.03 or not draft.is_free(box):
        return
    before = len(draft.placements)
    if kind == "load":
        height = put_load(draft, spot)
        box = dataclasses.replace(box, high=height)
    else:
        draft.add(kind, (spot.x, spot.y, 0.0), (spot.yaw, 0.0, 0.0))
    boxes = world_boxes(draft.placements[before:], _rooms(draft))[0]
    if guard.share(boxes) > most:
        del draft.placements[before:]
        return
    draft.occupy(box)
    guard.add(boxes)


def misfit(draft: Draft, found: list[Seen]) -> int:
    """How many of the things that are asked of a frame it does not hold.

    Args:
        draft: the finished scene.
        found: its trucks in the picture.
    """
    ask = draft.ask
    assert ask is not None, "nothing is asked of this frame"
    if ask.negative:
        return len(found)
    counted = {item.id: item for item in found if item.counts(ask.counted)}
    missed = abs(len(counted) - ask.trucks) if ask.exact else int(not counted)
    missed += max(0, len(ask.orders) - len(draft.ordered))
    return missed + sum(
        number not in counted or not order.holds(counted[number]) for number, order in draft.ordered.items()
    )
