"""Loads on the floor, on each other and in racks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from stages.sdg.plan.draft import Draft, Parameter
from stages.sdg.plan.geometry import step
from stages.sdg.plan.overhead import headroom
from stages.sdg.plan.space import Box

PALLET_HEIGHT = 0.144

LEAST_ROOM = 0.5
"""Height from which on a pallet carries goods, metres; below it stays empty."""

SPARE = 0.05
"""What goods may rise above the height that they are said to have, metres: lids, ties, flaps."""

KINDS = {
    "carton_load": 5.0, "wrapped_load": 2.5, "collar": 4.0, "stillage": 3.0, "small_load_carrier": 2.0, "sacks": 0.8,
    "crate": 1.5, "crates": 0.8, "pallets": 2.5, "empty": 0.8, "block": 2.5,
}  # fmt: skip
"""What stands on a load's footprint, and how often."""

HALF_LENGTH, HALF_WIDTH = 0.64, 0.46
"""Half the plan that is kept free for a load, metres."""


@dataclass(frozen=True)
class Spot:
    """Where a load stands: its middle and underside in world metres, its heading, and the height that it may reach."""

    x: float
    y: float
    z: float
    yaw: float
    room: float

    def raised(self, height: float, room: float) -> Spot:
        """The spot so much higher, with that much room."""
        return dataclasses.replace(self, z=self.z + height, room=room)

    def box(self, height: float) -> Box:
        """The space of a load of that height."""
        return Box(self.x, self.y, self.yaw, HALF_LENGTH, HALF_WIDTH, self.z, self.z + height)


def put_load(draft: Draft, spot: Spot, kind: str | None = None) -> float:
    """Put a load of one of :data:`KINDS` at a place, as high as its room allows; nothing else is checked.

    Returns:
        Height that it reaches above the spot.
    """
    rng = draft.rng
    spot = dataclasses.replace(spot, yaw=spot.yaw + float(rng.normal(0, 0.015)))
    chosen = kind or draft.pick(draft.pool(KINDS, "loads"))
    if chosen in draft.own:
        return _own_load(draft, spot, chosen)
    if spot.room < LEAST_ROOM or (chosen == "stillage" and spot.room < 0.99):
        return _on_pallet(draft, spot, "empty")
    if chosen == "stillage":
        return _pile(draft, "stillage", spot, 0.99, 5, {"height": 0.97})
    if chosen == "pallets":
        return _pile(draft, "pallet", spot, PALLET_HEIGHT, 17, {"kind": "eur"})
    if chosen == "crates" and spot.room > 1.2:
        tall = float(rng.uniform(0.6, 1.1))
        return _pile(draft, "crate", spot, tall + 0.002, 4, {"length": 1.2, "width": 0.8, "height": tall})
    if chosen in ("crate", "crates"):
        tall = min(spot.room, float(rng.uniform(0.5, 1.4)))
        sides = {"length": 1.2, "width": 0.8, "height": tall}
        draft.add("crate", (spot.x, spot.y, spot.z), (spot.yaw, 0, 0), sides)
        return tall
    if chosen == "block":
        return _loaded_pallets(draft, spot)
    return _on_pallet(draft, spot, chosen)


def _own_load(draft: Draft, spot: Spot, name: str) -> float:
    """One of the user's own objects: load carriers on the ground, all else on a pallet, empty where it does not fit."""
    low, high, tall = draft.room_of(name)
    (half_x, half_y), (x, y) = (high - low) / 2, (high + low) / 2
    turned = half_x < half_y
    half_x, half_y = max(half_x, half_y), min(half_x, half_y)
    carriers = draft.own[name].shapes[0].labels
    base = 0.0 if carriers in (("pallet",), ("stillage",)) else PALLET_HEIGHT
    if half_x > HALF_LENGTH or half_y > HALF_WIDTH or base + tall > spot.room:
        return _on_pallet(draft, spot, "empty")
    if base:
        draft.add("pallet", (spot.x, spot.y, spot.z), (spot.yaw, 0, 0), {"kind": "eur"})
    yaw = spot.yaw + math.pi / 2 if turned else spot.yaw
    place = step(spot.x, spot.y, yaw, -float(x), -float(y))
    draft.add(name, (*place, spot.z + base), (yaw, 0.0, 0.0))
    return base + tall


def _pile(
    draft: Draft, family: str, spot: Spot, height: float, most: int, parameters: Mapping[str, Parameter]
) -> float:
    """The same thing several times on itself, not quite straight; each is ``height`` metres high."""
    count = max(1, min(most, int(spot.room / height), int(draft.rng.integers(1, most + 1))))
    for k in range(count):
        shift = draft.rng.normal(0, 0.008, 2) * (k > 0)
        turn = (spot.yaw + float(draft.rng.normal(0, 0.01)), 0.0, 0.0)
        draft.add(family, (spot.x + shift[0], spot.y + shift[1], spot.z + k * height), turn, parameters)
    return count * height


def _loaded_pallets(draft: Draft, spot: Spot) -> float:
    """Loaded pallets on each other."""
    height = 0.0
    kind = str(draft.rng.choice(["collar", "collar", "carton_load"]))
    for _ in range(int(draft.rng.integers(2, 6))):
        left = spot.room - height
        if left < 0.5:
            break
        height += _on_pallet(draft, spot.raised(height, min(left, 0.9)), kind)
    return height


def _on_pallet(draft: Draft, spot: Spot, kind: str) -> float:
    rng = draft.rng
    draft.add("pallet", (spot.x, spot.y, spot.z), (spot.yaw, 0, 0), {"kind": "eur"})
    left = spot.room - PALLET_HEIGHT - 0.02
    place, turn = (spot.x, spot.y, spot.z + PALLET_HEIGHT), (spot.yaw + float(rng.normal(0, 0.02)), 0.0, 0.0)
    if kind == "empty" or left < 0.2:
        return PALLET_HEIGHT
    if kind == "collar":
        layers = max(1, min(5, int(left / 0.2), int(rng.integers(1, 5))))
        draft.add("collar", place, turn, {"layers": layers})
        return PALLET_HEIGHT + layers * 0.195
    if kind == "small_load_carrier":
        return PALLET_HEIGHT + _carriers(draft, spot.raised(PALLET_HEIGHT, left))
    if kind == "sacks":
        layers = max(1, min(6, int(left / 0.125)))
        draft.add("sacks", place, turn, {"layers": layers})
        return PALLET_HEIGHT + layers * 0.125
    tall = math.floor(10 * min(left, float(rng.uniform(0.35, 1.7)))) / 10
    draft.add(kind, place, turn, {"height": max(0.2, tall)})
    return PALLET_HEIGHT + tall


def _carriers(draft: Draft, spot: Spot) -> float:
    """Small load carriers in layers of four."""
    height = float(draft.rng.choice([0.147, 0.28]))
    layers = max(1, min(int(spot.room / height), int(draft.rng.integers(1, 5))))
    for layer in range(layers):
        for along in (-0.3, 0.3):
            for across in (-0.2, 0.2):
                if layer == layers - 1 and layer and draft.chance(0.25):
                    continue
                place = (*step(spot.x, spot.y, spot.yaw, along, across), spot.z + layer * height)
                draft.add("small_load_carrier", place, (spot.yaw, 0, 0), {"length": 0.6, "height": height})
    return layers * height


def place_load(draft: Draft, spot: Spot, kind: str | None = None) -> bool:
    """Put a load where there is room, below what hangs there; False where there is none."""
    spot = spot.raised(0.0, min(spot.room, headroom(draft, spot.box(spot.room)) - spot.z - SPARE))
    if not draft.is_free(spot.box(spot.room + SPARE)):
        return False
    draft.occupy(spot.box(put_load(draft, spot, kind)))
    return True


def block(draft: Draft, spot: Spot, columns: int, rows: int, fill: float) -> None:
    """A field of loads in rows, its first corner at the spot, a share ``fill`` of it taken."""
    kind = None if draft.chance(0.6) else str(draft.rng.choice(list(KINDS)))
    gap_x, gap_y = 1.2 + float(draft.rng.uniform(0.06, 0.3)), 0.8 + float(draft.rng.uniform(0.1, 0.35))
    for i in range(columns):
        for j in range(rows):
            if draft.chance(fill):
                x, y = step(spot.x, spot.y, spot.yaw, (i + 0.5) * gap_x, (j + 0.5) * gap_y)
                place_load(draft, dataclasses.replace(spot, x=x, y=y), kind)


@dataclass(frozen=True)
class _Frame:
    """A rack's sizes: clear width of a bay, heights of the frame and the first beams, and between beams, metres."""

    bays: int
    bay: float
    height: float
    first: float
    rise: float

    @property
    def levels(self) -> int:
        """Number of beam levels above the floor."""
        return max(1, int((self.height - self.first) / self.rise) + 1)

    def floors(self) -> list[tuple[float, float]]:
        """Height of each level that goods stand on, the floor first, and their room in it."""
        stacked = [(self.first + level * self.rise, self.rise) for level in range(self.levels)]
        return [(z, room - 0.2) for z, room in [(0.0, self.first), *stacked] if z <= 5.5]

    def parameters(self) -> dict[str, Parameter]:
        """As the asset takes them."""
        return {"bays": float(self.bays), "bay": self.bay, "height": self.height, "levels": float(self.levels),
                "first": self.first, "step": self.rise}  # fmt: skip


def loaded_rack(draft: Draft, x: float, y: float, yaw: float, bays: int, fill: float) -> bool:
    """A rack with its goods, its middle at (x, y), a share ``fill`` of its places taken; False without room.

    The goods on its uppermost beams may rise above its frame, but not into what hangs from the roof.
    """
    rng, bay = draft.rng, float(draft.rng.choice([1.8, 2.7, 2.7, 3.6]))
    plan = Box(x, y, yaw, (bays * (bay + 0.1) + 0.2) / 2, 0.68, 0, 0)
    top = headroom(draft, plan) - SPARE
    height = min(top, float(rng.uniform(2.5, 8.0)))
    frame = _Frame(bays, bay, height, float(rng.uniform(1.2, 2.0)), float(rng.uniform(1.2, 1.9)))
    floors = [(z, min(room, top - z)) for z, room in frame.floors() if top - z > PALLET_HEIGHT + SPARE]
    box = dataclasses.replace(plan, high=max(height, *(z + room for z, room in floors)))
    if height < 2.2 or not draft.is_free(box):
        return False
    draft.occupy(box)
    draft.add("rack", (x, y, 0), (yaw, 0, 0), frame.parameters(), variant=draft.new_variant())
    stocked = draft.chance(0.8)
    for z, room in floors:
        _stock(draft, Spot(x, y, z, yaw, room), frame, fill if z > 0 or stocked else 0.0)
    return True


def _stock(draft: Draft, middle: Spot, frame: _Frame, fill: float) -> None:
    """Goods on one level of a rack, on a share ``fill`` of its places; free ones on the floor are kept in mind."""
    per_bay, pitch = round(frame.bay / 0.9), frame.bay + 0.1
    for number in range(frame.bays * per_bay):
        along = (number // per_bay - frame.bays / 2) * pitch + 0.05 + (number % per_bay + 0.5) * frame.bay / per_bay
        place = step(middle.x, middle.y, middle.yaw, along, float(draft.rng.normal(0, 0.03)))
        spot = Spot(*place, middle.z, middle.yaw + math.pi / 2, middle.room)
        if fill > 0 and draft.chance(fill):
            put_load(draft, spot)
        elif middle.z <= 0:
            draft.bays.append((spot.x, spot.y, spot.yaw, middle.room))
