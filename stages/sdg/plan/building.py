"""The hall around a scene: floor, walls with windows and doors, ceiling, columns, and its lights."""

from __future__ import annotations

import math

import numpy as np

from stages.sdg.plan.draft import Draft, Parameter
from stages.sdg.plan.overhead import Overhead, add_ceiling, draw_overhead, place_of_lamp
from stages.sdg.plan.space import Box, Hall
from stages.sdg.plan.types import Colour, Lamp, Vector

KELVIN = (2000.0, 2700.0, 3500.0, 4500.0, 5500.0, 6500.0, 8000.0, 12000.0)
BLACKBODY = np.array([
    (1.0, 0.27, 0.02), (1.0, 0.46, 0.15), (1.0, 0.64, 0.36), (1.0, 0.80, 0.62),
    (1.0, 0.93, 0.87), (1.0, 1.0, 1.0), (0.81, 0.88, 1.0), (0.62, 0.75, 1.0),
])  # fmt: skip
"""Linear sRGB of black bodies at :data:`KELVIN`, scaled to a largest channel of 1 and to white at 6500 K."""

SKYLIT = 0.3
"""Share of ceilings with skylights."""

DUSK = 0.15
"""Strength of daylight up to which none comes in by panes."""

LIT_SKYLIGHTS = 2
"""Most skylights that let light in; the others are drawn but cast nothing."""

LIT_LAMPS = 10
"""Most lamps that light the scene; the farthest of more are drawn but cast nothing."""


def blackbody(kelvin: float) -> Colour:
    """Linear colour of light of that temperature, by interpolation."""
    red, green, blue = (float(np.interp(kelvin, KELVIN, BLACKBODY[:, c])) for c in range(3))
    return red, green, blue


def build_hall(draft: Draft, length: float, width: float, height: float) -> None:
    """Put up the shell around the origin and light it."""
    overhead = draw_overhead(draft, height)
    draft.hall = Hall(length, width, height, overhead.beams)
    floor: dict[str, Parameter] = {"length": length + 2, "width": width + 2}
    draft.add("floor", (0, 0, 0), parameters=floor, variant=draft.new_variant())
    daylight = draft.draw(draft.settings.randomization.light.daylight)
    look = draft.new_variant(), draft.new_variant()
    walls = (
        (-length / 2, width / 2, 0.0, length),
        (length / 2, width / 2, -math.pi / 2, width),
        (length / 2, -width / 2, math.pi, length),
        (-length / 2, -width / 2, math.pi / 2, width),
    )
    for number, (x, y, yaw, run) in enumerate(walls):
        draft.add("wall", (x, y, 0), (yaw, 0, 0), {"length": run, "height": height}, variant=look[number % 2])
        _openings(draft, (x, y), yaw, run, daylight, height - overhead.pipes)
    _columns(draft)
    draft.hung_from = draft.taken
    if overhead.ceiling:
        add_ceiling(draft, overhead)
        if draft.chance(SKYLIT):
            _skylights(draft, daylight)
    _lamps(draft, daylight, overhead)


def along(origin: tuple[float, float], yaw: float, distance: float, out: float, z: float) -> Vector:
    """A point ``distance`` along a wall and ``out`` metres in front of it."""
    x = origin[0] + distance * math.cos(yaw) + out * math.sin(yaw)
    return x, origin[1] + distance * math.sin(yaw) - out * math.cos(yaw), z


def _openings(draft: Draft, origin: tuple[float, float], yaw: float, run: float, daylight: float, below: float) -> None:
    """Windows, doors and what hangs on a wall, from left to right without overlap and up to ``below`` metres."""
    rng, at = draft.rng, 0.8
    windows = draft.chance(0.45)
    while at < run - 1.5:
        kind = rng.choice(
            ["gap", "window", "door", "thing"], p=[0.35, 0.3, 0.1, 0.25] if windows else [0.5, 0.0, 0.15, 0.35]
        )
        wide = float(rng.uniform(1.2, 4.0))
        if at + wide > run - 0.5:
            break
        if kind == "window":
            _window(draft, origin, yaw, at, wide, daylight, below)
        elif kind == "door":
            tall = min(below - 0.2, float(rng.uniform(2.2, 4.0)))
            draft.add("door", along(origin, yaw, at, 0.0, 0), (yaw, 0, 0), {"length": wide, "height": tall})
        elif kind == "thing":
            _hang(draft, origin, yaw, at + wide / 2)
        at += wide + float(rng.uniform(0.3, 2.0))


def _hang(draft: Draft, origin: tuple[float, float], yaw: float, at: float) -> None:
    """Something on a wall; an extinguisher's own front is +X."""
    if draft.chance(0.25):
        place = along(origin, yaw, at, 0.0, 0.0)
        turn = (yaw - math.pi / 2, 0.0, 0.0)
        draft.add("fire_extinguisher", place, turn, {"hung": True}, variant=draft.new_variant())
    else:
        place = along(origin, yaw, at, 0.0, float(draft.rng.uniform(0.9, 2.0)))
        draft.add("wall_thing", place, (yaw, 0, 0), variant=draft.new_variant())


def _window(
    draft: Draft, origin: tuple[float, float], yaw: float, at: float, wide: float, daylight: float, below: float
) -> None:
    rng, height = draft.rng, draft.hall.height
    low = float(rng.uniform(1.0, max(1.1, height - 2.0)))
    tall = min(float(rng.uniform(0.8, 2.2)), min(height - 0.3, below - 0.05) - low)
    if tall < 0.3:
        return
    strength = daylight * float(rng.uniform(0.5, 1.5))
    pane: dict[str, Parameter] = {"length": wide, "height": tall, "glow": 0.15 + 14 * strength}
    draft.add("window", along(origin, yaw, at, 0.0, low), (yaw, 0, 0), pane)
    if strength > DUSK and len(draft.lamps) < 4:
        # an area light shines along its local -Z: tip it over so that it shines into the hall
        position = along(origin, yaw, at + wide / 2, 0.12, low + tall / 2)
        draft.lamps.append(_daylight(position, (yaw, -math.pi / 2, 0.0), strength, (wide, tall)))


def _skylights(draft: Draft, daylight: float) -> None:
    """Rows of roof lights, all alike; those nearest the origin cast light while it is day."""
    rng, hall = draft.rng, draft.hall
    long, wide = float(rng.uniform(1.5, 5.0)), float(rng.uniform(0.9, 2.0))
    gap_x, gap_y = float(rng.uniform(1.5, 5.0)), float(rng.uniform(2.5, 6.0))
    strength, variant = daylight * float(rng.uniform(0.6, 1.6)), draft.new_variant()
    spots = [(x, y) for x in _evenly(hall.length, long, gap_x) for y in _evenly(hall.width, wide, gap_y)]
    spots.sort(key=lambda spot: math.hypot(*spot))
    pane: dict[str, Parameter] = {"length": long, "width": wide, "glow": 0.1 + 14 * strength}
    for number, (x, y) in enumerate(spots[:24]):
        draft.add("skylight", (x, y, hall.height), parameters=pane, variant=variant)
        if strength > DUSK and number < LIT_SKYLIGHTS:
            # below the beams, which would shade all of it
            draft.lamps.append(_daylight((x, y, hall.clear), (0.0, 0.0, 0.0), strength, (long, wide)))


def _daylight(place: Vector, rotation: Vector, strength: float, size: tuple[float, float]) -> Lamp:
    """The light that comes in by a pane of this size in metres."""
    return Lamp("area", place, rotation, 55.0 * strength * size[0] * size[1], (0.86, 0.93, 1.0), size)


def _evenly(run: float, size: float, gap: float) -> list[float]:
    """Middles of things of this size and about this gap between them, spread over a run about 0; metres."""
    count = int((run - 1.0) // (size + gap))
    return [run * ((k + 0.5) / count - 0.5) for k in range(count)]


def _columns(draft: Draft) -> None:
    if not draft.chance(0.6):
        return
    hall, rng, variant = draft.hall, draft.rng, draft.new_variant()
    step = float(rng.uniform(4.5, 8))
    offset = rng.uniform(0, step, 2)
    for x in np.arange(-hall.length / 2 + offset[0], hall.length / 2 - 0.4, step):
        for y in np.arange(-hall.width / 2 + offset[1], hall.width / 2 - 0.4, step):
            box = Box(float(x), float(y), 0, 0.27, 0.27, 0, hall.clear)
            if draft.is_free(box):
                draft.occupy(box)
                height: dict[str, Parameter] = {"height": hall.height}
                draft.add("column", (float(x), float(y), 0), parameters=height, variant=variant)


def _lamps(draft: Draft, daylight: float, overhead: Overhead) -> None:
    """Rows of strip lamps where nothing else hangs or stands; those nearest the origin cast light."""
    light, rng, hall = draft.settings.randomization.light, draft.rng, draft.hall
    z = hall.height - overhead.lamps
    if not light.enabled:
        size = (hall.length * 0.8, hall.width * 0.8)
        draft.lamps = [Lamp("area", (0, 0, hall.height - 0.2), (0, 0, 0), 900.0, (1, 1, 1), size)]
        draft.sky = (0.3, 0.3, 0.3)
        return
    exposure, off = draft.draw(light.exposure), draft.draw(light.lamps_off)
    kelvin = draft.draw(light.temperature)
    colour = blackbody(kelvin)
    power = 45.0 * 2**exposure
    length, turned = float(rng.choice([1.2, 1.5, 2.4])), draft.chance(0.5)
    spots = [
        (float(x), float(y))
        for x in np.arange(-hall.length / 2 + 1.5, hall.length / 2, float(rng.uniform(3, 5.5)))
        for y in np.arange(-hall.width / 2 + 1.2, hall.width / 2, float(rng.uniform(2.5, 5)))
    ]
    spots.sort(key=lambda spot: math.hypot(*spot))
    tint = dict(zip(("red", "green", "blue"), colour, strict=True))
    yaw = math.pi / 2 if turned else 0.0
    variant, lit = draft.new_variant(), 0
    for x, y in spots[:48]:
        on, place = not draft.chance(off), place_of_lamp(draft, x, y, z, yaw, length)
        if place is None:
            continue
        x, y = place
        strip: dict[str, Parameter] = {"length": length, "glow": 25.0 if on else 0.0, "drop": overhead.lamps, **tint}
        draft.add("lamp", (x, y, z), (yaw, 0, 0), strip, variant=variant)
        if on and lit < LIT_LAMPS:
            lit += 1
            share = float(rng.uniform(0.6, 1.4))
            draft.lamps.append(
                Lamp("area", (x, y, z - 0.05), (yaw, 0, 0), power * share * hall.height / 5, colour, (length, 0.3))
            )
    ambient = (0.006 + 0.03 * float(rng.uniform())) * 2**exposure + 0.05 * daylight
    draft.sky = (ambient * 0.95, ambient, ambient * 1.05)
    draft.tags.update(
        light_exposure=round(exposure, 3), kelvin=round(kelvin), daylight=round(daylight, 3), lamps_off=round(off, 3)
    )
