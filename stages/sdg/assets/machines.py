"""Machines that drive and that stand: tow tractors, scrubbers, production machines.

Dimensions: tow tractors 1.3 to 1.9 m x 0.75 to 1.0 m, walk-behind scrubbers 1.2 to 1.5 m x 0.5 to 0.7 m, machine
cabinets 0.8 to 2.5 m wide and 1.6 to 2.3 m high. They drive or are served towards +X.
"""

from __future__ import annotations

import itertools

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.forklift import draw_look
from stages.sdg.assets.mesh import Builder, beam, box, cylinder, move, tube, turn, wheel
from stages.sdg.assets.palette import linear, pick
from stages.sdg.assets.shapes import bent_tube, recentre, rim, shifted, side_plate, soft_box, stack, torus, tyre
from stages.sdg.assets.types import Asset, Material

CABINETS = ("#c9ccc8", "#d8d8d2", "#8d9296", "#5b6065", "#3d6a5a", "#7fa08a", "#2d4870", "#e0ddd0", "#3a3d40")
BUTTONS = ("#b8231c", "#1f7a3e", "#1b1c1e", "#e5b800")
SCRUBBERS = ("#e5b800", "#5b6065", "#1f4fa3", "#c9ccc8", "#3f7d3a", "#d8521a", "#2b6fc4")


@register_asset("tugger")
def tugger(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A tow tractor, with a seat or a standing platform. Parameters: wear, dirt, colour."""
    look, builder = draw_look(rng, parameters), Builder()
    half, length = float(rng.uniform(0.38, 0.52)), float(rng.uniform(1.3, 1.9))
    radius, seated = float(rng.uniform(0.14, 0.22)), chance(rng, 0.6)
    front, back = length / 2, -length / 2
    nose, floor = float(rng.uniform(0.7, 1.05)), radius + 0.08
    slope = float(rng.uniform(0.05, 0.3))
    split = front - length * float(rng.uniform(0.3, 0.42))
    hood = [
        (split, 0.12),
        (front - 0.02, 0.12),
        (front, 0.3),
        (front - slope, nose),
        (split + 0.04, nose + 0.06),
        (split, nose),
    ]
    builder.add("body", side_plate(hood, -half * 0.95, half * 0.95), look.paint)
    builder.add("body", box((back, -half, 0.12), (split + 0.02, half, floor), 0.02), look.dark)
    if seated:
        depth = length * float(rng.uniform(0.26, 0.36))
        seat = float(rng.uniform(0.6, 0.78))
        builder.add(
            "body", soft_box((back, -half, floor - 0.02), (back + depth, half, seat), 0.06, 0.03), look.paint, True
        )
        builder.add("seat", box((back + 0.12, -0.22, seat), (back + depth + 0.05, 0.22, seat + 0.11), 0.03), look.seat)
        builder.add(
            "seat",
            turn(
                box((back + 0.05, -0.22, seat + 0.05), (back + 0.15, 0.22, seat + 0.5), 0.03),
                1,
                -0.12,
                (back + 0.1, 0, seat),
            ),
            look.seat,
        )
    else:
        builder.add(
            "body",
            soft_box((back, -half, floor - 0.02), (back + 0.18, half, float(rng.uniform(0.9, 1.2))), 0.05, 0.03),
            look.paint,
            True,
        )
        builder.add("seat", box((back + 0.18, -half * 0.6, 0.8), (back + 0.23, half * 0.6, 1.02), 0.02), look.seat)
    hub = np.array([split - 0.12, 0.0, nose + 0.12])
    builder.add("steering", cylinder((split + 0.05, 0, nose - 0.05), hub, 0.03, 8), look.dark)
    builder.add("steering", move(turn(torus((0, 0, 0), 0.16, 0.015, 2, 18, 6), 1, -0.5), hub), look.rubber, True)
    single = chance(rng, 0.5)
    spots = [(front - radius - 0.12, y) for y in ((0.0,) if single else (-half + 0.07, half - 0.07))]
    spots += [(back + radius + 0.1, y) for y in (-half + 0.06, half - 0.06)]
    for x, y in spots:
        builder.add("wheels", tyre((x, y, radius), radius, 0.12), look.rubber, True)
        builder.add("rims", rim((x, y, radius), radius, 0.12), look.rim)
    builder.add("coupling", box((back - 0.1, -0.08, 0.2), (back + 0.02, 0.08, 0.36), 0.01), look.steel)
    builder.add("coupling", cylinder((back - 0.06, 0, 0.16), (back - 0.06, 0, 0.46), 0.015, 8), look.steel)
    builder.add("bumper", soft_box((front - 0.08, -half, 0.1), (front + 0.05, half, 0.26), 0.04, 0.02), look.rubber)
    for side in (-1, 1):
        builder.add(
            "lamps",
            cylinder(
                (front - slope * 0.4, side * half * 0.6, nose * 0.7),
                (front - slope * 0.4 + 0.05, side * half * 0.6, nose * 0.7),
                0.055,
                12,
            ),
            look.steel,
        )
        builder.add(
            "label",
            box(
                (split + 0.08, side * half * 0.95 - 0.004, nose * 0.55),
                (split + 0.36, side * half * 0.95 + 0.004, nose * 0.7),
            ),
            look.label,
        )
    if chance(rng, 0.4):
        post = [
            (split, -half * 0.9, nose),
            (split - 0.05, -half * 0.9, 1.9),
            (split - 0.05, half * 0.9, 1.9),
            (split, half * 0.9, nose),
        ]
        builder.add("guard", bent_tube(post, 0.022, 0.1), look.dark, True)
        builder.add("guard", box((back + 0.1, -half * 0.95, 1.88), (split, half * 0.95, 1.93), 0.01), look.dark)
        for side in (-1, 1):
            builder.add(
                "guard",
                cylinder((back + 0.12, side * half * 0.9, floor), (back + 0.12, side * half * 0.9, 1.9), 0.022, 8),
                look.dark,
                True,
            )
    builder.keypoint("coupling", (back - 0.06, 0, 0.3))
    return recentre(builder.build())


@register_asset("cleaning_machine")
def cleaning_machine(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A scrubber dryer, walked behind or ridden. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    tank, dark, rubber, metal = finish.plastic(finish.colour(SCRUBBERS)), finish.dark(), finish.rubber(), finish.steel()
    second = finish.plastic(pick(rng, ("#3a3d40", "#c9ccc8", "#1b1c1e", "#8d9296")))
    ride = chance(rng, 0.3)
    hx = float(rng.uniform(0.55, 0.75) if ride else rng.uniform(0.42, 0.58))
    hy, top = float(rng.uniform(0.22, 0.32)) * (1.3 if ride else 1), float(rng.uniform(0.8, 1.02))
    low, waist, lean = 0.14, float(rng.uniform(0.4, 0.6)), float(rng.uniform(-0.08, 0.08))
    builder.add(
        "body",
        stack(
            [
                (low, 0, 0, hx * 0.9, hy * 0.9, 0.06),
                (low + 0.06, 0, 0, hx, hy, 0.08),
                (waist, lean, 0, hx * 0.97, hy, 0.08),
            ],
            4,
        ),
        second,
        True,
    )
    builder.add(
        "tank",
        stack(
            [
                (waist, lean, 0, hx * 0.95, hy * 0.97, 0.08),
                (waist + 0.03, lean, 0, hx, hy * 1.02, 0.1),
                (top * 0.9, lean * 2, 0, hx * 0.9, hy * 0.95, 0.12),
                (top, lean * 2, 0, hx * 0.75, hy * 0.75, 0.12),
            ],
            4,
        ),
        tank,
        True,
    )
    builder.add(
        "tank",
        soft_box((-hx * 0.5, -hy * 0.6, top - 0.01), (hx * 0.55, hy * 0.6, top + 0.035), 0.08, 0.02),
        second,
        True,
    )
    brush = hy * float(rng.uniform(0.85, 1.15))
    builder.add(
        "brush",
        stack(
            [
                (0.015, hx * 0.75, 0, brush * 0.75, brush, 0.18),
                (0.12, hx * 0.75, 0, brush * 0.78, brush * 1.05, 0.2),
                (0.2, hx * 0.7, 0, brush * 0.5, brush * 0.7, 0.15),
            ],
            4,
        ),
        dark,
        True,
    )
    wide = hy * float(rng.uniform(1.25, 1.6))
    angles = np.linspace(-1, 1, 9)
    arc = np.stack([-hx - 0.1 + 0.12 * angles**2, wide * angles, np.full(9, 0.05)], 1)
    builder.add("squeegee", tube(arc, 0.028, 6), rubber, True)
    builder.add("squeegee", tube(shifted(arc, 0, 0, 0.05), 0.02, 6), metal, True)
    hose = [
        (-hx - 0.08, 0.04, 0.1),
        (-hx - 0.14, 0.06, 0.3),
        (-hx - 0.08, 0.08, waist + 0.1),
        (-hx * 0.7, 0.08, top * 0.85),
    ]
    builder.add("hose", bent_tube(hose, 0.024, 0.12), rubber, True)
    for side in (-1, 1):
        builder.add("wheels", wheel((-hx * 0.25, side * hy * 0.85, 0.12), 0.12, 0.06), rubber, True)
        builder.add("wheels", wheel((-hx * 0.8, side * hy * 0.6, 0.045), 0.045, 0.03, segments=12), rubber, True)
    if ride:
        builder.add("seat", box((-hx * 0.55, -0.2, top + 0.02), (-hx * 0.1, 0.2, top + 0.12), 0.03), rubber)
        builder.add("seat", box((-hx * 0.65, -0.2, top + 0.05), (-hx * 0.5, 0.2, top + 0.48), 0.03), rubber)
        hub = (hx * 0.5, 0.0, top + 0.25)
        builder.add("handle", cylinder((hx * 0.65, 0, top - 0.1), hub, 0.03, 8), dark)
        builder.add("handle", move(turn(torus((0, 0, 0), 0.16, 0.014, 2, 18, 6), 1, -0.5), hub), rubber, True)
    else:
        z, reach = float(rng.uniform(0.9, 1.08)), float(rng.uniform(0.1, 0.3))
        path = [
            (-hx * 0.8, -hy * 0.8, top * 0.8),
            (-hx - reach, -hy * 0.85, z),
            (-hx - reach, hy * 0.85, z),
            (-hx * 0.8, hy * 0.8, top * 0.8),
        ]
        builder.add("handle", bent_tube(path, 0.017, 0.06), rubber, True)
        builder.add(
            "handle", soft_box((-hx * 0.95, -hy * 0.5, top * 0.75), (-hx * 0.6, hy * 0.5, top * 0.98), 0.03, 0.02), dark
        )
        builder.keypoint("handle", (-hx - reach, 0, z))
    for side in (-1, 1):
        builder.add(
            "label",
            box((-hx * 0.3, side * hy - 0.004, waist * 0.6), (hx * 0.3, side * hy + 0.004, waist * 0.85)),
            finish.label(),
        )
    return recentre(builder.build())


@register_asset("machine_box")
def machine_box(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A production machine or switch cabinet: doors, window, screen, hoses, a signal lamp. Parameters: wear, dirt."""
    finish, builder = Finish(rng, parameters), Builder()
    housing = finish.paint(finish.colour(CABINETS), 0.6)
    second = finish.paint(pick(rng, CABINETS), 0.6) if chance(rng, 0.6) else housing
    dark, metal, label = finish.dark(), finish.steel(), finish.label()
    hx, hy, height = float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.4, 1.25)), float(rng.uniform(1.4, 2.3))
    builder.add("foot", box((-hx + 0.04, -hy + 0.04, 0), (hx - 0.04, hy - 0.04, 0.1)), dark)
    builder.add("housing", box((-hx, -hy, 0.1), (hx, hy, height), 0.01), housing)
    if chance(rng, 0.4):  # a table or a trough in front
        deep, z = float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.7, 1.0))
        builder.add("housing", box((hx, -hy * 0.9, 0.1), (hx + deep, hy * 0.9, z), 0.02), second)
    fittings = {
        "dark": dark,
        "glass": finish.plastic(linear("#14181a")),
        "picture": finish.glow(pick(rng, ("#7fa8d8", "#c8d8e0", "#4a8a6a", "#2a3a5a")), float(rng.uniform(0.2, 1.5))),
        "button 0": finish.plastic(pick(rng, BUTTONS)),
        "button 1": finish.plastic(pick(rng, BUTTONS)),
    }
    edges = np.linspace(-hy + 0.03, hy - 0.03, int(rng.integers(2, 5)))
    top = height - float(rng.uniform(0.06, 0.3))
    for y0, y1 in itertools.pairwise(edges):
        builder.add("doors", box((hx, y0 + 0.008, 0.16), (hx + 0.018, y1 - 0.008, top), 0.003), second)
        handle = (hx + 0.018, y1 - 0.05, height * 0.45), (hx + 0.04, y1 - 0.03, height * 0.55)
        builder.add("handles", box(*handle), metal)
        _door_fitting(builder, rng, fittings, (hx, (y0 + y1) / 2, top), (y1 - y0) * 0.32)
    _roof(builder, rng, finish, (dark, metal, second), (hx, hy, height))
    for _ in range(int(rng.integers(0, 3))):
        y, z = float(rng.uniform(-0.8, 0.8)) * hy, float(rng.uniform(0.6, height - 0.3))
        builder.add("label", box((hx + 0.01, y - 0.08, z), (hx + 0.022, y + 0.08, z + 0.1)), label)
        side = (1 if chance(rng, 0.5) else -1) * hy
        builder.add("label", box((-hx * 0.3, side - 0.003, z), (hx * 0.2, side + 0.003, z + 0.15)), label)
    return recentre(builder.build())


def _door_fitting(
    builder: Builder, rng: np.random.Generator, looks: dict[str, Material], at: tuple[float, float, float], wide: float
) -> None:
    """A window, a vent or an operating panel on a door: ``at`` is the middle of its upper edge."""
    x, y, top = at
    kind = rng.choice(["plain", "window", "vent", "screen"])
    if kind == "window":
        pane = (x + 0.016, y - wide, top - 0.75), (x + 0.022, y + wide, top - 0.15)
        builder.add("window", box(*pane), looks["glass"])
    elif kind == "vent":
        for z in np.linspace(0.26, 0.56, 6):
            builder.add("vents", box((x + 0.016, y - wide, z), (x + 0.026, y + wide, z + 0.022)), looks["dark"])
    elif kind == "screen":
        wide = min(wide, 0.22)
        frame = (x + 0.01, y - wide, 1.15), (x + 0.06, y + wide, 1.15 + wide * 1.4)
        builder.add("screen", box(*frame, 0.008), looks["dark"])
        picture = (x + 0.06, y - wide * 0.9, 1.17), (x + 0.062, y + wide * 0.9, 1.13 + wide * 1.4)
        builder.add("screen", box(*picture), looks["picture"])
        for number in range(int(rng.integers(2, 7))):
            knob = y - wide * 0.8 + number * 0.05
            button = cylinder((x + 0.018, knob, 1.1), (x + 0.04, knob, 1.1), 0.014, 8)
            builder.add("buttons", button, looks[f"button {number % 2}"], True)


def _roof(
    builder: Builder,
    rng: np.random.Generator,
    finish: Finish,
    materials: tuple[Material, Material, Material],
    half: tuple[float, float, float],
) -> None:
    """Hoses, a signal lamp and a hood on a housing of half sizes ``half`` (its height in full)."""
    (dark, metal, paint), (hx, hy, height) = materials, half
    rubber = finish.rubber()
    for _ in range(int(rng.integers(0, 5))):
        x, y = float(rng.uniform(-0.5, 0.5)) * hx, float(rng.uniform(-0.9, 0.9)) * hy
        up, aside = height + float(rng.uniform(0.1, 0.6)), y + float(rng.uniform(-0.2, 0.2))
        path = [(x, y, height - 0.02), (x, y, up), (-hx - 0.1, aside, up * 0.9), (-hx - 0.1, y, 0.2)]
        hose = bent_tube(path, float(rng.uniform(0.012, 0.04)), 0.15)
        builder.add("hoses", hose, rubber if chance(rng, 0.6) else metal, True)
    if chance(rng, 0.4):
        x, y = hx * 0.6, hy * 0.8
        builder.add("signal", cylinder((x, y, height), (x, y, height + 0.15), 0.012, 8), metal)
        for number, code in enumerate(("#1f9a4e", "#f0a010", "#c22015")):
            low = height + 0.15 + 0.06 * number
            builder.add(
                "signal", cylinder((x, y, low), (x, y, low + 0.055), 0.03, 12), finish.plastic(linear(code)), True
            )
    if chance(rng, 0.4):
        for x in (-hx * 0.8, hx * 0.8):
            for y in (-hy * 0.8, hy * 0.8):
                builder.add("housing", beam((x, y, height), (x, y, height + 0.25), 0.04, 0.04), dark)
        hood = (-hx * 0.85, -hy * 0.85, height + 0.25), (hx * 0.85, hy * 0.85, height + 0.3)
        builder.add("housing", box(*hood), paint)
