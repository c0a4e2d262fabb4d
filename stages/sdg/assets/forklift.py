"""Counterbalance forklifts, three- and four-wheeled, electric and with an engine.

Dimensions follow makers' data sheets for 1.3 to 3.5 t trucks: 1.9 to 2.7 m to the fork face, 1.05 to 1.25 m wide,
overhead guard 2.0 to 2.2 m high, wheelbase 1.25 to 1.7 m, forks 1.0 to 1.2 m, mast 2.0 to 2.5 m when lowered. The forks
point towards +X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.mast import Mast, add_mast
from stages.sdg.assets.mesh import Builder, beam, box, cylinder, merge, sphere, tube, turn
from stages.sdg.assets.palette import grey, linear
from stages.sdg.assets.shapes import bent_tube, recentre, rim, shifted, side_plate, soft_box, stack, torus, tyre
from stages.sdg.assets.stern import add_recess, add_saddle
from stages.sdg.assets.types import Asset, Material

MAKES = (
    "#b8231c",
    "#c8331f",
    "#e5a50a",
    "#f2c100",
    "#e8600a",
    "#d8521a",
    "#3f7d3a",
    "#7ba05b",
    "#6f767a",
    "#c9ccc8",
    "#2c5fa0",
    "#8f1d1d",
)
MAKE_WEIGHTS = (9, 5, 6, 5, 5, 3, 2, 1, 2, 2, 2, 3)


@dataclass(frozen=True)
class Body:
    """Dimensions of a truck behind its mast; X counts from the heel of the forks."""

    width: float
    front_axle: float
    rear_axle: float
    rear: float
    step: float
    cowl: float
    hood_front: float
    hood_top: float
    weight_top: float
    guard_top: float
    front_wheel: float
    rear_wheel: float
    tyre_width: float
    three_wheels: bool


@dataclass(frozen=True)
class Look:
    """Materials of one truck."""

    paint: Material
    second: Material
    dark: Material
    steel: Material
    rubber: Material
    seat: Material
    rim: Material
    label: Material


def draw_mast(rng: np.random.Generator, parameters: Parameters, height: float, carriage: float, length: float) -> Mast:
    """A mast whose forks are mostly low, as parked trucks have them; ``fork_height`` overrides."""
    stages = int(rng.choice([1, 2]))
    most = (height - 0.4) * (stages + 1)
    raised = float(
        rng.choice([rng.uniform(0.05, 0.15), rng.uniform(0.15, 1.0), rng.uniform(1.0, 3.0)], p=[0.6, 0.25, 0.15])
    )
    return Mast(
        height=height,
        width=float(rng.uniform(0.58, 0.72)),
        depth=float(rng.uniform(0.11, 0.15)),
        foot=float(rng.uniform(0.07, 0.11)),
        fork_height=float(np.clip(parameters.get("fork_height", raised), 0.05, most)),
        fork_length=length,
        fork_width=float(rng.uniform(0.1, 0.14)),
        fork_thick=float(rng.uniform(0.035, 0.05)),
        fork_spread=carriage * float(rng.uniform(0.5, 0.82)),
        carriage_width=carriage,
        backrest=float(rng.uniform(0.9, 1.25)) if chance(rng, 0.65) else 0.0,
        stages=stages,
        tilt=float(rng.choice([0.0, rng.uniform(-0.02, 0.1)])),
    )


def _body(rng: np.random.Generator) -> Body:
    three = chance(rng, 0.45)
    wheelbase = float(rng.uniform(1.2, 1.45) if three else rng.uniform(1.4, 1.7))
    front = float(-rng.uniform(0.34, 0.45))
    rear_axle = front - wheelbase
    front_wheel = float(rng.uniform(0.26, 0.34))
    hood = float(rng.uniform(0.92, 1.12))
    return Body(
        width=float(rng.uniform(1.02, 1.12) if three else rng.uniform(1.06, 1.26)),
        front_axle=front,
        rear_axle=rear_axle,
        rear=rear_axle - float(rng.uniform(0.28, 0.45)),
        step=float(rng.uniform(0.42, 0.58)),
        cowl=float(rng.uniform(0.95, 1.2)),
        hood_front=front - float(rng.uniform(0.62, 0.75)),
        hood_top=hood,
        weight_top=hood + float(rng.uniform(-0.12, 0.12)),
        guard_top=float(rng.uniform(1.98, 2.2)),
        front_wheel=front_wheel,
        rear_wheel=front_wheel * float(rng.uniform(0.72, 0.92)),
        tyre_width=float(rng.uniform(0.16, 0.23)),
        three_wheels=three,
    )


def draw_look(rng: np.random.Generator, parameters: Parameters) -> Look:
    """Materials of an industrial truck in some make's colours."""
    finish = Finish(rng, parameters)
    paint = finish.paint(finish.colour(MAKES, MAKE_WEIGHTS))
    dark = finish.dark()
    second = dark if chance(rng, 0.6) else finish.paint(grey(rng, 0.1, 0.5))
    rims = finish.paint(grey(rng, 0.3, 0.7)) if chance(rng, 0.5) else paint
    seat = finish.fabric(grey(rng, 0.01, 0.03))
    return Look(paint, second, dark, finish.steel(), finish.rubber(), seat, rims, finish.label())


@register_asset("forklift")
def forklift(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A counterbalance forklift. Parameters: fork_height (m), wear, dirt, colour, random_colour."""
    body, look, builder = _body(rng), draw_look(rng, parameters), Builder()
    mast = draw_mast(
        rng,
        parameters,
        body.guard_top + float(rng.uniform(-0.05, 0.25)),
        body.width * float(rng.uniform(0.84, 0.96)),
        float(rng.choice([1.0, 1.15, 1.2])),
    )
    add_mast(builder, mast, mast_materials(look, rng), rng)
    _chassis(builder, body, look, rng)
    _counterweight(builder, body, look, rng)
    if chance(rng, 0.45):
        _saddle(builder, body, look, rng)
    _wheels(builder, body, look, rng)
    _cockpit(builder, body, look, rng)
    _guard(builder, body, look, rng)
    _extras(builder, body, look, rng)
    return recentre(builder.build())


def mast_materials(look: Look, rng: np.random.Generator) -> dict[str, Material]:
    """Materials by the names that :func:`add_mast` asks for."""
    forks = look.dark if chance(rng, 0.6) else look.steel
    carriage = look.dark if chance(rng, 0.75) else look.paint
    return {
        "dark": look.dark,
        "carriage": carriage,
        "forks": forks,
        "steel": look.steel,
        "chain": look.rubber,
        "rubber": look.rubber,
    }


def _chassis(builder: Builder, b: Body, look: Look, rng: np.random.Generator) -> None:
    """Frame between the wheels, fenders, cowl and footwell."""
    inner, half = b.width / 2 - b.tyre_width - 0.03, b.width / 2
    frame = [(-0.24, 0.14), (-0.24, b.cowl * 0.75), (b.front_axle - 0.05, b.cowl), (b.front_axle - 0.16, b.cowl)]
    frame += [
        (b.front_axle - 0.28, b.step),
        (b.hood_front, b.step),
        (b.hood_front - 0.2, 0.2),
        (b.front_axle - 0.3, 0.12),
    ]
    builder.add("chassis", side_plate(frame, -inner, inner), look.second)
    top = b.front_wheel * 2 + 0.05
    fender = [(-0.2, b.front_wheel), (-0.2, top * 0.9), (b.front_axle + 0.08, top), (b.front_axle - 0.12, top)]
    fender += [
        (b.front_axle - b.front_wheel - 0.05, b.step),
        (b.front_axle - b.front_wheel - 0.05, b.step - 0.07),
        (b.front_axle - 0.1, top - 0.05),
    ]
    fender += [(b.front_axle + 0.07, top - 0.05), (-0.24, top * 0.84)]
    back = b.front_axle - b.front_wheel - 0.04
    step = [(back, 0.2), (back, b.step), (b.hood_front, b.step), (b.hood_front, 0.2)]
    for side in (-1, 1):
        low, high = sorted((side * (inner - 0.01), side * half))
        builder.add("fenders", side_plate(fender, low, high), look.paint)
        builder.add("chassis", side_plate(step, low, high), look.paint if chance(rng, 0.6) else look.second)
        tread = box((b.hood_front, low + 0.03, b.step * 0.5), (back + 0.02, high + 0.004, b.step * 0.5 + 0.15))
        builder.add("step", tread, look.rubber)
    battery = [
        (b.hood_front + 0.012, 0.22),
        (b.hood_front + 0.012, b.hood_top - 0.06),
        (b.hood_front - 0.06, b.hood_top),
        (b.rear_axle - 0.02, b.hood_top),
        (b.rear_axle - 0.02, 0.22),
    ]
    width = half * float(rng.uniform(0.88, 0.99))
    builder.add("hood", side_plate(battery, -width, width), look.paint if chance(rng, 0.7) else look.second)
    for side in (-1, 1):
        z = b.hood_top - float(rng.uniform(0.2, 0.3))
        builder.add(
            "hood",
            box((b.rear_axle + 0.02, side * width - 0.004, z), (b.hood_front - 0.05, side * width + 0.004, z + 0.02)),
            look.dark,
        )
        plate = box(
            (b.rear_axle + 0.15, side * width - 0.004, z - 0.22),
            (b.rear_axle + 0.15 + float(rng.uniform(0.2, 0.45)), side * width + 0.004, z - 0.09),
        )
        builder.add("label", plate, look.label)


def _counterweight(builder: Builder, b: Body, look: Look, rng: np.random.Generator) -> None:
    """A cast body with a rounded stern that leans in above and below."""
    half, front = b.width / 2, b.rear_axle + float(rng.uniform(0.1, 0.2))
    bottom = b.rear_wheel * float(rng.uniform(1.1, 1.6) if b.three_wheels else rng.uniform(0.7, 1.1))
    bulge = float(rng.uniform(0.35, 0.6))
    waist = bottom + (b.weight_top - bottom) * bulge
    levels = []
    for z, cut, slim in (
        (bottom, 0.08, 0.9),
        (bottom + 0.1, 0.02, 1.0),
        (waist, 0.0, 1.0),
        (b.weight_top - 0.12, float(rng.uniform(0.03, 0.12)), 0.98),
        (b.weight_top, float(rng.uniform(0.1, 0.22)), 0.93),
    ):
        back = b.rear + cut
        levels.append((z, (front + back) / 2, 0.0, (front - back) / 2, half * slim, float(0.16 + cut * 0.3)))
    builder.add("counterweight", stack(levels, 4), look.paint, True)
    if b.three_wheels:
        add_recess(builder, b.rear, half, bottom, look.dark, rng)
        below = stack(
            [
                (0.16, (front + b.rear) / 2 + 0.1, 0, 0.12, half * 0.3, 0.05),
                (bottom, (front + b.rear) / 2, 0, (front - b.rear) / 2.4, half * 0.5, 0.1),
            ]
        )
        builder.add("chassis", below, look.dark)
        for side in (-1, 1):
            cheek = box(
                (b.rear_axle - 0.05, side * half * 0.55, 0.18), (b.hood_front, side * half * 0.97, bottom + 0.05), 0.02
            )
            builder.add("chassis", cheek, look.paint)
    else:
        builder.add(
            "chassis",
            box((b.rear_axle - 0.25, -half + b.tyre_width, 0.16), (b.hood_front, half - b.tyre_width, bottom + 0.1)),
            look.dark,
        )
    for z in np.linspace(bottom + 0.15, waist, int(rng.integers(0, 5))):
        builder.add(
            "counterweight", box((b.rear - 0.006, -half * 0.45, z), (b.rear + 0.05, half * 0.45, z + 0.035)), look.dark
        )
    builder.add(
        "coupling", cylinder((b.rear + 0.03, 0, bottom + 0.12), (b.rear + 0.03, 0, bottom + 0.3), 0.018, 8), look.steel
    )
    plate = box((b.rear - 0.004, -0.16, waist + 0.02), (b.rear + 0.06, 0.16, waist + float(rng.uniform(0.08, 0.16))))
    builder.add("label", plate, look.label)


def _saddle(builder: Builder, b: Body, look: Look, rng: np.random.Generator) -> None:
    """A dark hood above the counterweight, and an arch below it where one pair of wheels steers."""
    front = b.rear_axle + 0.12
    pale = Material("paint", (0.75, 0.75, 0.72), 0.5, seed=int(rng.integers(1 << 30)))
    materials = {"hood": look.dark, "letters": pale if chance(rng, 0.7) else look.paint}
    add_saddle(builder, b.rear, front, b.weight_top, b.width / 2, materials, rng)


def _wheels(builder: Builder, b: Body, look: Look, rng: np.random.Generator) -> None:
    lugs = int(rng.choice([0, 16, 18]))
    half = b.width / 2 - b.tyre_width / 2
    spots = [(b.front_axle, side * half, b.front_wheel, b.tyre_width) for side in (-1, 1)]
    rear = b.rear_wheel
    if b.three_wheels:
        stern = b.rear + rear * float(rng.uniform(0.85, 1.3))
        spots += [(min(b.rear_axle, stern), side * 0.11, rear, 0.15) for side in (-1, 1)]
    else:
        spots += [(b.rear_axle, side * (half - 0.01), rear, b.tyre_width * 0.85) for side in (-1, 1)]
    for number, (x, y, radius, width) in enumerate(spots):
        builder.add(
            "wheels",
            tyre((x, y, radius), radius, width, lugs if number < 2 or b.three_wheels else 0),
            look.rubber,
            not lugs,
        )
        builder.add("rims", rim((x, y, radius), radius, width), look.rim)
        builder.keypoint(f"wheel_{number}", (x, y, radius))


def _cockpit(builder: Builder, b: Body, look: Look, rng: np.random.Generator) -> None:
    """Seat, steering wheel, levers."""
    x, z = b.hood_front - 0.22, b.hood_top
    builder.add("seat", box((x - 0.22, -0.24, z), (x + 0.25, 0.24, z + 0.14), 0.04), look.seat)
    back = turn(
        box((x - 0.3, -0.23, z + 0.08), (x - 0.18, 0.23, z + float(rng.uniform(0.5, 0.68))), 0.04),
        1,
        -0.18,
        (x - 0.2, 0, z + 0.1),
    )
    builder.add("seat", back, look.seat)
    for side in (-1, 1) if chance(rng, 0.4) else (-1,):
        builder.add(
            "seat", box((x - 0.2, side * 0.3 - 0.04, z + 0.2), (x + 0.14, side * 0.3 + 0.04, z + 0.27), 0.02), look.seat
        )
    hub = np.array([b.front_axle - 0.34, 0.0, b.cowl + 0.12])
    builder.add("steering", cylinder((b.front_axle - 0.14, 0, b.cowl - 0.05), hub, 0.035, 8), look.dark)
    wheel_ = merge(torus(hub, 0.16, 0.014, 2, 18, 6), beam(hub - (0, 0.16, 0), shifted(hub, 0, 0.16, 0), 0.03, 0.015))
    builder.add("steering", turn(wheel_, 1, -float(rng.uniform(0.35, 0.8)), hub), look.rubber, True)
    for number in range(int(rng.integers(2, 5))):
        at = (b.front_axle - 0.12, -0.25 - 0.05 * number, b.cowl - 0.02)
        builder.add("levers", tube([at, (at[0] - 0.06, at[1], at[2] + 0.18)], [0.007, 0.016], 6), look.rubber, True)


def _guard(builder: Builder, b: Body, look: Look, rng: np.random.Generator) -> None:
    """Overhead guard: four legs and a grid."""
    half, top = b.width / 2 * float(rng.uniform(0.82, 0.94)), b.guard_top
    front, rear = b.front_axle - float(rng.uniform(0.12, 0.3)), b.rear_axle + float(rng.uniform(-0.05, 0.3))
    thick = float(rng.uniform(0.028, 0.045))
    paint = look.dark if chance(rng, 0.75) else look.paint
    for side in (-1, 1):
        legs = [
            (b.front_axle + 0.1, side * half, b.front_wheel * 2),
            (front, side * half, top),
            (rear, side * half, top - 0.02),
            (b.rear_axle - 0.04, side * half * 0.96, b.hood_top - 0.02),
        ]
        builder.add("guard", bent_tube(legs, thick, 0.12), paint, True)
    along = chance(rng, 0.5)
    bars = int(rng.integers(6, 11)) if along else int(rng.integers(7, 13))
    for s in np.linspace(0, 1, bars):
        if along:
            y = (2 * s - 1) * half
            bar = beam((front, y, top), (rear, y, top - 0.02), 0.02, 0.045)
        else:
            x = front + (rear - front) * s
            bar = beam((x, -half, top - 0.02 * s), (x, half, top - 0.02 * s), 0.045, 0.02)
        builder.add("guard", bar, paint)
    for x in (front, rear):
        builder.add("guard", box((x - 0.03, -half, top - 0.05), (x + 0.03, half, top), 0.01), paint)


def _extras(builder: Builder, b: Body, look: Look, rng: np.random.Generator) -> None:
    """Lamps, beacon, mirrors, gas bottle, exhaust: whatever the truck has."""
    half, top = b.width / 2 * 0.82, b.guard_top
    lamp = Material("plastic", (0.75, 0.75, 0.7), 0.15, 0.2, seed=int(rng.integers(1 << 30)))
    amber = Material("plastic", linear("#f07a10"), 0.2, seed=int(rng.integers(1 << 30)))
    for side in (-1, 1):
        if chance(rng, 0.7):
            at = np.array([-0.22, side * half, top - float(rng.uniform(0.15, 0.5))])
            builder.add("lamps", cylinder(at - (0.06, 0, 0), shifted(at, 0.03, 0, 0), 0.065, 12), look.dark)
            builder.add("lamps", cylinder(shifted(at, 0.03, 0, 0), shifted(at, 0.034, 0, 0), 0.055, 12), lamp)
        rear = (b.rear + 0.1, side * half * 0.85, b.weight_top - 0.04)
        if chance(rng, 0.5):
            builder.add(
                "lamps",
                box((rear[0] - 0.05, rear[1] - 0.05, rear[2]), (rear[0] + 0.02, rear[1] + 0.05, rear[2] + 0.09), 0.01),
                Material("plastic", linear("#a5120f"), 0.25),
            )
    x = b.rear_axle + 0.1
    if chance(rng, 0.6):
        builder.add(
            "beacon", soft_box((x - 0.05, -0.05, top - 0.02), (x + 0.05, 0.05, top + 0.1), 0.05, 0.02), amber, True
        )
    if chance(rng, 0.35):
        builder.add(
            "bottle",
            cylinder(
                (b.rear + 0.28, -0.32, b.weight_top + 0.17), (b.rear + 0.28, 0.26, b.weight_top + 0.17), 0.155, 14
            ),
            look.steel if chance(rng, 0.5) else Material("paint", linear("#8c2a1c"), 0.4, wear=0.3, dirt=0.4),
            True,
        )
        builder.add(
            "bottle", sphere((b.rear + 0.28, 0.26, b.weight_top + 0.17), (0.15, 0.09, 0.15), 10), look.steel, True
        )
        for y in (-0.2, 0.15):
            builder.add(
                "bottle",
                box((b.rear + 0.12, y - 0.02, b.weight_top - 0.02), (b.rear + 0.44, y + 0.02, b.weight_top + 0.06)),
                look.dark,
            )
    if chance(rng, 0.3):
        screen = [
            (-0.3, -half, b.cowl),
            (-0.3, half, b.cowl),
            (b.front_axle + 0.02, half, top - 0.1),
            (b.front_axle + 0.02, -half, top - 0.1),
        ]
        builder.add("mirror", merge(*(beam(screen[i], screen[(i + 1) % 4], 0.02, 0.02) for i in range(4))), look.dark)
    if chance(rng, 0.3):
        y = float(rng.uniform(-0.2, 0.2))
        builder.add(
            "label",
            box((b.rear_axle - 0.04, y - 0.1, top - 0.26), (b.rear_axle - 0.035, y + 0.1, top - 0.06)),
            look.label,
        )
