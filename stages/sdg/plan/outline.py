"""Coarse shapes of placements, so that a plan can tell what hides what without building meshes.

A shape is a few upright boxes. They are rough on purpose: labels come from the rendered passes, and a test holds the
estimate against them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.footprints import BOUNDS, Room, footing
from stages.sdg.plan.geometry import rotation_matrix
from stages.sdg.plan.types import Placement

Solid = tuple[float, float, float, float, float, float]
"""Lower and upper (X, Y, Z) of a box in asset coordinates, metres: x0, x1, y0, y1, z0, z1."""

SPARSE = {"ladder", "guard_rail", "chair", "bicycle", "push_mower", "scooter", "hand_cart", "broom", "sack_barrow",
          "traffic_cone", "bollard", "dolly", "roll_cage", "cage_wall"}  # fmt: skip
"""Families that one can mostly see through or past: they hide nothing here."""

FILLED = 0.8
"""Side of what a family hides over the side of the space that all its shapes keep free."""

_LOADS = {"carton_load": (1.18, 0.78, 0.8), "wrapped_load": (1.2, 0.8, 1.0), "crate": (1.2, 0.8, 0.9)}
_LAYERS = {"collar": (1.2, 0.8, 0.195), "sacks": (1.15, 0.75, 0.125)}
_BOXES = {"pallet": (1.2, 0.8, 0.144), "stillage": (1.22, 0.83, 0.97), "small_load_carrier": (0.6, 0.4, 0.28),
          "carton": (0.5, 0.38, 0.36)}  # fmt: skip
_RACK = {"bays": 3, "bay": 2.7, "height": 5, "levels": 3, "first": 1.7, "step": 1.6}
"""Parameters of a rack, and what they are when nothing is said."""

USUAL = {"drum": (0.5, 0.5, 0.83), "cable_drum": (0.7, 0.55, 0.74), "trash_bags": (0.7, 0.74, 0.42),
          "waste_bin": (0.58, 0.58, 0.95), "machine_box": (1.45, 1.55, 2.1), "cabinet": (0.52, 0.86, 1.8)}  # fmt: skip
"""Families whose shapes differ much: the mean of 40 of them, round ones a tenth less, in metres. The space that all
their shapes keep free is up to twice as large, and what they hide was taken for that much more."""

_VEHICLES: dict[str, tuple[Solid, ...]] = {
    "forklift": (
        (-1.1, 0.55, -0.55, 0.55, 0.1, 1.1), (-0.7, 0.35, -0.5, 0.5, 1.1, 2.1), (0.55, 0.8, -0.4, 0.4, 0.05, 2.1),
    ),
    "reach_truck": (
        (-1.0, 0.3, -0.6, 0.6, 0.1, 1.3), (-0.9, 0.1, -0.5, 0.5, 1.3, 2.1), (0.3, 0.6, -0.4, 0.4, 0.05, 2.4),
    ),
}  # fmt: skip


def solids(placement: Placement, rooms: Mapping[str, Room]) -> tuple[Solid, ...]:
    """The boxes that stand for a placement, in its own coordinates; none for what hides nothing.

    Args:
        placement: of any family.
        rooms: of families that are the user's own.
    """
    family, told = placement.family, placement.parameters
    if family in rooms:
        start, end, top = rooms[family]
        return ((float(start[0]), float(end[0]), float(start[1]), float(end[1]), 0.0, top),)
    if family in ("pallet_truck", "electric_pallet_truck"):
        return _truck(placement)
    if family in _VEHICLES:
        return _VEHICLES[family]
    if family == "rack":
        return _rack(placement)
    if family in _LOADS:
        length, width, height = _LOADS[family]
        return (_upright(length, width, float(told.get("height", height))),)
    if family in _LAYERS:
        length, width, layer = _LAYERS[family]
        return (_upright(length, width, layer * float(told.get("layers", 3))),)
    if family in _BOXES:
        length, width, height = _BOXES[family]
        return (
            _upright(
                float(told.get("length", length)), float(told.get("width", width)), float(told.get("height", height))
            ),
        )
    if family in USUAL:
        return (_upright(*USUAL[family]),)
    if family == "person":
        return (_upright(0.3, 0.46, 1.7),)
    if family == "column":
        return (_upright(0.3, 0.3, float(told.get("height", 6.0))),)
    if family in SPARSE or family not in BOUNDS:
        return ()
    x, y, half_x, half_y, tall = footing(family)
    half_x, half_y = half_x * FILLED, half_y * FILLED
    return ((x - half_x, x + half_x, y - half_y, y + half_y, 0.0, tall * FILLED),)


def _tilted(boxes: Sequence[Solid], placement: Placement) -> Sequence[Solid]:
    """Boxes around those of a tilted placement, upright in a frame that turns about Z alone; the same of others."""
    if not any(placement.rotation[1:]):
        return boxes
    tilt = rotation_matrix((0.0, *placement.rotation[1:]))
    made = []
    for box in boxes:
        low, high = np.array(box[::2]), np.array(box[1::2])
        middle, half = tilt @ (low + high) / 2, np.abs(tilt) @ (high - low) / 2
        ends = np.stack([middle - half, middle + half], 1)
        made.append(tuple(float(end) for end in ends.ravel()))
    return made  # type: ignore[return-value]


def _upright(length: float, width: float, height: float) -> Solid:
    return -length / 2, length / 2, -width / 2, width / 2, 0.0, height


def _truck(placement: Placement) -> tuple[Solid, ...]:
    """Forks, body, tiller and handle of a pallet truck of usual size."""
    told = placement.parameters
    lift, angle = float(told.get("lift", 0.04)), float(told.get("tiller_angle", 0.1))
    top, half = (0.75, 0.33) if placement.family == "electric_pallet_truck" else (0.46, 0.25)
    back = -0.35 if placement.family == "electric_pallet_truck" else -0.2
    forks = [(0.0, 1.12, side - 0.08, side + 0.08, 0.03 + lift, 0.09 + lift) for side in (-0.19, 0.19)]
    body = (back, 0.02, -half, half, 0.05, top + min(lift, 0.15))
    tip_x, tip_z = -0.22 - 0.85 * math.sin(angle), 0.36 + lift * 0.5 + 0.85 * math.cos(angle)
    middle_x, middle_z = (tip_x - 0.22) / 2, (tip_z + 0.36) / 2
    reach = abs(tip_x + 0.22) / 2
    tiller = (middle_x - reach - 0.02, middle_x + reach + 0.02, -0.03, 0.03, min(middle_z, tip_z) - 0.1, tip_z - 0.02)
    handle = (tip_x - 0.04, tip_x + 0.04, -0.16, 0.16, tip_z - 0.14, tip_z)
    return (*forks, body, tiller, handle)


def _rack(placement: Placement) -> tuple[Solid, ...]:
    """Posts and beams of a rack of 1.1 m depth; its goods are placements of their own."""
    told = placement.parameters
    return _rack_of(*(float(told.get(key, usual)) for key, usual in _RACK.items()))


@functools.lru_cache(maxsize=256)
def _rack_of(bays: float, bay: float, height: float, levels: float, first: float, rise: float) -> tuple[Solid, ...]:
    """The same; a frame asks for the boxes of each of its racks several times."""
    pitch = bay + 0.1
    posts = [
        ((k - bays / 2) * pitch - 0.05, (k - bays / 2) * pitch + 0.05, y - 0.035, y + 0.035, 0.0, height)
        for k in range(int(bays) + 1)
        for y in (-0.55, 0.55)
    ]
    half = bays * pitch / 2
    beams = [
        (-half, half, y - 0.025, y + 0.025, first + k * rise - 0.12, first + k * rise)
        for k in range(int(levels))
        for y in (-0.55, 0.55)
        if first + k * rise < height
    ]
    return (*posts, *beams)


def whole_of(placement: Placement) -> int:
    """Number of the first of the things that one of the user's own objects consists of; they follow each other."""
    return placement.id - int(placement.parameters.get("group", 0))


def world_boxes(
    placements: Iterable[Placement], rooms: Mapping[str, Room]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All boxes that hide something, (N, 7) as ``Draft.boxes``, and the id of the placement that each belongs to.

    All things that an own object consists of share the boxes of the first.
    """
    rows: list[tuple[float, ...]] = []
    owners: list[int] = []
    for placement in placements:
        if placement.family in rooms and whole_of(placement) != placement.id:
            continue
        (x, y, z), yaw, scale = placement.position, placement.rotation[0], placement.scale
        cos, sin, number = math.cos(yaw), math.sin(yaw), placement.id
        for x0, x1, y0, y1, z0, z1 in _tilted(solids(placement, rooms), placement):
            along, across = (x0 + x1) / 2 * scale, (y0 + y1) / 2 * scale
            at = x + along * cos - across * sin, y + along * sin + across * cos
            rows.append((*at, yaw, (x1 - x0) / 2 * scale, (y1 - y0) / 2 * scale, z + z0 * scale, z + z1 * scale))
            owners.append(number)
    return np.array(rows, float).reshape(-1, 7), np.array(owners, np.int64)


def corners(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """World corners (8 N, 3) of boxes (N, 7)."""
    signs = np.array([(u, v, w) for u in (-1, 1) for v in (-1, 1) for w in (0, 1)], float)
    return _places(boxes, signs[None])


def _places(boxes: NDArray[np.float64], local: NDArray[np.float64]) -> NDArray[np.float64]:
    """World points of box coordinates (1 or N, K, 3): -1 to 1 along the sides, 0 to 1 upward."""
    cos, sin = np.cos(boxes[:, 2:3]), np.sin(boxes[:, 2:3])
    x, y = local[..., 0] * boxes[:, 3:4], local[..., 1] * boxes[:, 4:5]
    z = boxes[:, 5:6] + local[..., 2] * (boxes[:, 6:7] - boxes[:, 5:6])
    world = np.stack([boxes[:, 0:1] + x * cos - y * sin, boxes[:, 1:2] + x * sin + y * cos, z], -1)
    return np.asarray(world.reshape(-1, 3))


def _lattice(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (5 side², 3) of a box's faces but the lower one, in box coordinates, and the outward normal of each."""
    steps = (np.arange(side) + 0.5) / side
    u, v = (grid.ravel() for grid in np.meshgrid(2 * steps - 1, steps))
    one, zero = np.ones_like(u), np.zeros_like(u)
    faces: Sequence[tuple[tuple[NDArray[Any], ...], tuple[int, int, int]]] = (
        ((one, u, v), (1, 0, 0)), ((-one, u, v), (-1, 0, 0)), ((u, one, v), (0, 1, 0)), ((u, -one, v), (0, -1, 0)),
        ((u, 2 * v - 1, one), (0, 0, 1)),
    )  # fmt: skip
    points = np.concatenate([np.stack(face, 1) for face, _ in faces])
    normals = np.concatenate([np.tile(normal, (len(zero), 1)) for _, normal in faces])
    return points, normals.astype(float)


_POINTS, _NORMALS = _lattice(4)


def surface(boxes: NDArray[np.float64], eye: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (P, 3) on the faces of boxes (N, 7) that ``eye`` (3,) sees, and the solid angle that each stands for."""
    points = _places(boxes, _POINTS[None])
    cos, sin = np.cos(boxes[:, 2:3]), np.sin(boxes[:, 2:3])
    nx, ny, nz = _NORMALS.T
    normals = np.stack([nx * cos - ny * sin, nx * sin + ny * cos, np.broadcast_to(nz, (len(boxes), len(nz)))], -1)
    half_x, half_y, tall = boxes[:, 3:4], boxes[:, 4:5], boxes[:, 6:7] - boxes[:, 5:6]
    area = np.abs(nx) * 2 * half_y * tall + np.abs(ny) * 2 * half_x * tall + np.abs(nz) * 4 * half_x * half_y
    line = eye - points
    distance = np.linalg.norm(line, axis=1)
    facing = (line * normals.reshape(-1, 3)).sum(1) / distance
    weight = area.ravel() / 16 * facing / distance**2
    return points[facing > 0], weight[facing > 0]
