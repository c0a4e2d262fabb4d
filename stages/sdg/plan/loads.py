"""Loads on the floor, on each other and in racks."""

from __future__ import annotations

import math

import numpy as np

from stages.sdg.plan.draft import Box, Draft

PALLET_HEIGHT = 0.144

KINDS = {
    "carton_load": 5.0, "wrapped_load": 2.5, "collar": 4.0, "stillage": 2.5, "small_load_carrier": 2.0, "sacks": 0.8,
    "crate": 1.5, "pallets": 2.0, "empty": 0.8, "block": 1.5,
}  # fmt: skip
"""What stands on a load's footprint, and how often."""


def put_load(draft: Draft, x: float, y: float, z: float, yaw: float, room: float, kind: str | None = None) -> float:
    """Put a load of at most ``room`` metres height at a place; nothing is checked.

    Returns:
        Height that it reaches above ``z``.
    """
    rng = draft.rng
    yaw += float(rng.normal(0, 0.015))
    chosen = kind or str(rng.choice(list(KINDS), p=np.array(list(KINDS.values())) / sum(KINDS.values())))
    if chosen == "stillage":
        return _pile(draft, "stillage", x, y, z, yaw, room, 0.99, 3)
    if chosen == "pallets":
        return _pile(draft, "pallet", x, y, z, yaw, room, PALLET_HEIGHT, 13, kind="eur")
    if chosen == "crate":
        tall = min(room, float(rng.uniform(0.5, 1.4)))
        draft.add("crate", (x, y, z), (yaw, 0, 0), length=1.2, width=0.8, height=max(tall, 0.3))
        return tall
    if chosen == "block":  # loaded pallets on each other
        height = 0.0
        for _ in range(int(rng.integers(2, 4))):
            left = room - height
            if left < 0.5:
                break
            height += _on_pallet(
                draft, str(rng.choice(["collar", "carton_load"])), x, y, z + height, yaw, min(left, 0.9)
            )
        return height
    return _on_pallet(draft, chosen, x, y, z, yaw, room)


def _pile(
    draft: Draft,
    family: str,
    x: float,
    y: float,
    z: float,
    yaw: float,
    room: float,
    step: float,
    most: int,
    **parameters: str,
) -> float:
    """The same thing several times on itself, not quite straight."""
    count = max(1, min(most, int(room / step), int(draft.rng.integers(1, most + 1))))
    extra = {"height": 0.97} if family == "stillage" else parameters
    for k in range(count):
        shift = draft.rng.normal(0, 0.008, 2) * (k > 0)
        turn = (yaw + float(draft.rng.normal(0, 0.01)), 0.0, 0.0)
        draft.add(family, (x + shift[0], y + shift[1], z + k * step), turn, **extra)
    return count * step


def _on_pallet(draft: Draft, kind: str, x: float, y: float, z: float, yaw: float, room: float) -> float:
    rng, top = draft.rng, z + PALLET_HEIGHT
    draft.add("pallet", (x, y, z), (yaw, 0, 0), kind="eur")
    left = room - PALLET_HEIGHT - 0.02
    turn = (yaw + float(rng.normal(0, 0.02)), 0.0, 0.0)
    if kind == "empty" or left < 0.2:
        return PALLET_HEIGHT
    if kind == "collar":
        layers = max(1, min(5, int(left / 0.2), int(rng.integers(1, 5))))
        draft.add("collar", (x, y, top), turn, layers=layers)
        return PALLET_HEIGHT + layers * 0.195
    if kind == "small_load_carrier":
        return PALLET_HEIGHT + _carriers(draft, x, y, top, yaw, left)
    if kind == "sacks":
        layers = max(1, min(6, int(left / 0.125)))
        draft.add("sacks", (x, y, top), turn, layers=layers)
        return PALLET_HEIGHT + layers * 0.125
    tall = math.floor(10 * min(left, float(rng.uniform(0.35, 1.7)))) / 10
    draft.add(kind, (x, y, top), turn, height=max(0.2, tall))
    return PALLET_HEIGHT + tall


def _carriers(draft: Draft, x: float, y: float, z: float, yaw: float, room: float) -> float:
    """Small load carriers in layers of four."""
    height = float(draft.rng.choice([0.147, 0.28]))
    layers = max(1, min(int(room / height), int(draft.rng.integers(1, 5))))
    cos, sin = math.cos(yaw), math.sin(yaw)
    for layer in range(layers):
        for i in (-0.3, 0.3):
            for j in (-0.2, 0.2):
                if layer == layers - 1 and layer and draft.chance(0.25):
                    continue
                place = (x + i * cos - j * sin, y + i * sin + j * cos, z + layer * height)
                draft.add("small_load_carrier", place, (yaw, 0, 0), length=0.6, height=height)
    return layers * height


def place_load(
    draft: Draft, x: float, y: float, yaw: float, room: float, kind: str | None = None, fill: float = 1.0
) -> bool:
    """Put a load on the floor where there is room; False where there is none."""
    if not draft.chance(fill):
        return False
    box = Box(x, y, yaw, 0.64, 0.46, 0, room)
    if not draft.is_free(box):
        return False
    height = put_load(draft, x, y, 0.0, yaw, room, kind)
    draft.occupy(Box(x, y, yaw, 0.64, 0.46, 0, height))
    return True


def block(draft: Draft, x: float, y: float, yaw: float, columns: int, rows: int, room: float, fill: float) -> None:
    """A field of loads in rows, its first corner at (x, y)."""
    kind = None if draft.chance(0.6) else str(draft.rng.choice(list(KINDS)))
    gap_x, gap_y = 1.2 + float(draft.rng.uniform(0.06, 0.3)), 0.8 + float(draft.rng.uniform(0.1, 0.35))
    cos, sin = math.cos(yaw), math.sin(yaw)
    for i in range(columns):
        for j in range(rows):
            u, v = (i + 0.5) * gap_x, (j + 0.5) * gap_y
            place_load(draft, x + u * cos - v * sin, y + u * sin + v * cos, yaw, room, kind, fill)


def loaded_rack(draft: Draft, x: float, y: float, yaw: float, bays: int, fill: float) -> bool:
    """A rack with its goods, its middle at (x, y); False where there is no room."""
    rng, bay = draft.rng, float(draft.rng.choice([1.8, 2.7, 2.7, 3.6]))
    pitch, height = bay + 0.1, min(draft.hall.height - 0.7, float(rng.uniform(2.5, 8.0)))
    length = bays * pitch + 0.2
    box = Box(x, y, yaw, length / 2, 0.68, 0, height)
    if height < 2.2 or not draft.is_free(box):
        return False
    draft.occupy(box)
    first, step = float(rng.uniform(1.2, 2.0)), float(rng.uniform(1.2, 1.9))
    levels = max(1, int((height - first) / step) + 1)
    draft.add(
        "rack",
        (x, y, 0),
        (yaw, 0, 0),
        variant=draft.new_variant(),
        bays=float(bays),
        bay=bay,
        height=height,
        levels=float(levels),
        first=first,
        step=step,
    )
    ground = draft.chance(0.8)
    per_bay = round(bay / 0.9)
    cos, sin = math.cos(yaw), math.sin(yaw)
    for level in range(-1 if ground else 0, levels):
        z = 0.0 if level < 0 else first + level * step
        if z > 5.5:
            break
        room = (first if level < 0 else step) - 0.2
        for number in range(bays * per_bay):
            if not draft.chance(fill):
                continue
            u = (number // per_bay - bays / 2) * pitch + 0.05 + (number % per_bay + 0.5) * bay / per_bay
            v = float(rng.normal(0, 0.03))
            put_load(draft, x + u * cos - v * sin, y + u * sin + v * cos, z, yaw + math.pi / 2, room)
    return True
