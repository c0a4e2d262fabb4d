"""Reach trucks, walk-behind stackers and order pickers.

Dimensions follow makers' data sheets: reach trucks 1.27 m wide with masts of 2.2 to 3.4 m when lowered, stackers 0.8 m
wide with masts of 1.6 to 2.1 m and forks of 1.15 m, order pickers 0.8 m wide with forks of 1.2 to 2.4 m. Forks
point towards +X.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import chance
from stages.sdg.assets.forklift import Look, draw_look, draw_mast, mast_materials
from stages.sdg.assets.mast import add_mast, fork
from stages.sdg.assets.mesh import (
    Builder,
    Mesh,
    beam,
    box,
    cylinder,
    grid_of_bars,
    move,
    tube,
    turn,
    turn_points,
    wheel,
)
from stages.sdg.assets.palette import linear
from stages.sdg.assets.shapes import bent_tube, recentre, side_plate, soft_box, tiller_grip, torus
from stages.sdg.assets.types import Asset, Material


@register_asset("reach_truck")
def reach_truck(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A reach truck with straddle legs and a sideways seat. Parameters: fork_height (m), wear, dirt, colour."""
    look, builder = draw_look(rng, parameters), Builder()
    half, height = float(rng.uniform(0.56, 0.64)), float(rng.uniform(2.2, 3.3))
    mast = draw_mast(rng, parameters, height, float(rng.uniform(0.68, 0.8)), float(rng.choice([0.9, 1.15, 1.2])))
    mast = dataclasses.replace(
        mast, fork_spread=min(mast.fork_spread, 0.55), width=half * 2 - 0.42, tilt=mast.tilt * 0.3
    )
    reach = float(rng.choice([0.0, rng.uniform(0.0, 0.5)]))
    add_mast(builder, mast, mast_materials(look, rng), rng, (reach, 0.0))
    front, leg = -0.32, float(rng.uniform(0.35, 0.75))
    back, top = front - float(rng.uniform(1.05, 1.35)), float(rng.uniform(2.05, 2.2))
    for side in (-1, 1):
        low, high = sorted((side * half, side * (half - 0.16)))
        shape = [
            (front - 0.1, 0.06),
            (leg + 0.12, 0.06),
            (leg + 0.16, 0.12),
            (leg + 0.1, 0.3),
            (front, 0.34),
            (front - 0.1, 0.34),
        ]
        builder.add("legs", side_plate(shape, low, high), look.paint)
        radius = 0.142
        builder.add("wheels", wheel((leg, (low + high) / 2, radius), radius, 0.1), look.rubber, True)
    builder.add(
        "body",
        soft_box((front - 0.28, -half + 0.014, 0.08), (front, half - 0.014, float(rng.uniform(0.75, 1.0))), 0.02, 0.01),
        look.dark,
    )
    hood = float(rng.uniform(0.95, 1.2))
    builder.add(
        "body",
        soft_box((back, -half, 0.08), (back + 0.62, half, hood), float(rng.uniform(0.05, 0.2)), 0.03),
        look.paint,
        True,
    )
    builder.add("body", box((back + 0.6, -half + 0.01, 0.08), (front - 0.26, half - 0.01, 0.3)), look.paint)
    builder.add("body", box((back + 0.6, 0.05, 0.3), (front - 0.26, half - 0.02, hood * 0.8), 0.02), look.second)
    seat_x, seat_z = back + 0.55, hood * 0.62
    builder.add("seat", box((seat_x - 0.05, -0.2, seat_z), (seat_x + 0.36, 0.24, seat_z + 0.12), 0.03), look.seat)
    builder.add("seat", box((seat_x - 0.1, -0.2, seat_z), (seat_x, 0.24, seat_z + 0.6), 0.03), look.seat)
    builder.add(
        "steering",
        move(turn(torus((0, 0, 0), 0.14, 0.014, 2, 16, 6), 1, 0.4), (front - 0.3, 0.2, hood)),
        look.rubber,
        True,
    )
    _canopy(builder, look, rng, (front - 0.1, back + 0.25), half - 0.06, hood - 0.1, top)
    radius = 0.17
    builder.add("wheels", wheel((back + 0.3, -half * 0.4, radius), radius, 0.1), look.rubber, True)
    for side, z in ((1, 0.5), (-1, hood - 0.2)):
        builder.add(
            "label", box((back + 0.15, side * half - 0.004, z), (back + 0.5, side * half + 0.004, z + 0.14)), look.label
        )
    builder.add("label", box((back - 0.004, -0.15, hood - 0.25), (back + 0.01, 0.15, hood - 0.12)), look.label)
    return recentre(builder.build())


def _canopy(
    builder: Builder,
    look: Look,
    rng: np.random.Generator,
    ends: tuple[float, float],
    half: float,
    foot: float,
    top: float,
) -> None:
    """Four legs and a roof of bars."""
    thick = float(rng.uniform(0.025, 0.04))
    for side in (-1, 1):
        legs = [
            (ends[0], side * half, foot),
            (ends[0], side * half, top),
            (ends[1], side * half, top),
            (ends[1], side * half, foot),
        ]
        builder.add("guard", bent_tube(legs, thick, 0.08), look.dark, True)
    for s in np.linspace(0, 1, int(rng.integers(6, 11))):
        x = ends[0] + (ends[1] - ends[0]) * s
        builder.add("guard", beam((x, -half, top), (x, half, top), 0.035, 0.02), look.dark)


def _tiller(builder: Builder, look: Look, rng: np.random.Generator, foot: tuple[float, float], angle: float) -> None:
    """A walk-behind tiller: shaft, head with two closed grips, red belly button."""
    x, z = foot
    length = float(rng.uniform(0.7, 0.95))
    top = z + length
    made: list[tuple[Mesh, Material]] = [(tube([(x, 0, z), (x, 0, top)], [0.034, 0.026], 10), look.dark)]
    made.append((soft_box((x - 0.05, -0.06, top - 0.1), (x + 0.05, 0.06, top + 0.05), 0.02, 0.02), look.rubber))
    made += [(bent_tube(tiller_grip(x, top, side), 0.016, 0.03), look.rubber) for side in (-1, 1)]
    button = cylinder((x, 0, top + 0.05), (x, 0, top + 0.075), 0.03, 10)
    made.append((button, Material("plastic", linear("#c22015"), 0.4)))
    for mesh, material in made:
        builder.add("tiller", turn(mesh, 1, -angle, (x, 0, z)), material, True)
    builder.keypoint("handle", turn_points((x, 0.0, top), 1, -angle, (x, 0, z)))


@register_asset("stacker")
def stacker(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A walk-behind stacker: a narrow mast on two legs, a tiller. Parameters: fork_height, tiller_angle, wear, dirt."""
    look, builder = draw_look(rng, parameters), Builder()
    height = float(rng.uniform(1.55, 2.1))
    mast = draw_mast(rng, parameters, height, float(rng.uniform(0.5, 0.6)), float(rng.uniform(1.0, 1.2)))
    stages = int(rng.choice([0, 1, 1]))
    highest = height - 0.5 if stages == 0 else (height - 0.3) * 2
    mast = dataclasses.replace(
        mast,
        width=float(rng.uniform(0.5, 0.62)),
        depth=0.09,
        fork_height=min(max(mast.fork_height, 0.09), highest),
        fork_width=0.17,
        fork_spread=float(rng.uniform(0.36, 0.4)),
        backrest=0.0,
        stages=stages,
        tilt=0.0,
        foot=0.08,
    )
    add_mast(builder, mast, mast_materials(look, rng), rng)
    straddle = float(rng.uniform(0.5, 0.62)) if chance(rng, 0.2) else mast.fork_spread / 2
    length = mast.fork_length * float(rng.uniform(0.8, 0.98))
    for side in (-1, 1):
        y = side * straddle
        builder.add(
            "legs",
            box((-0.2, y - 0.06, 0.02), (length, y + 0.06, 0.07), 0.01),
            look.paint if chance(rng, 0.5) else look.dark,
        )
        builder.add("wheels", wheel((length - 0.1, y, 0.042), 0.042, 0.08, segments=12), look.rubber, True)
    half, top, depth = float(rng.uniform(0.37, 0.43)), float(rng.uniform(0.6, 0.95)), float(rng.uniform(0.35, 0.6))
    builder.add(
        "body",
        box((-0.26, -max(half - 0.02, straddle + 0.055), 0.05), (-0.19, max(half - 0.02, straddle + 0.055), 0.3)),
        look.dark,
    )
    builder.add(
        "body",
        soft_box((-0.2 - depth, -half, 0.07), (-0.2, half, top), float(rng.uniform(0.03, 0.12)), 0.03),
        look.paint,
        True,
    )
    builder.add("body", soft_box((-0.26 - depth, -half * 0.98, 0.04), (-0.3, half * 0.98, 0.24), 0.08, 0.02), look.dark)
    builder.add("wheels", wheel((-0.2 - depth * 0.6, -half * 0.3, 0.11), 0.11, 0.07), look.rubber, True)
    builder.add("label", box((-0.204 - depth, -0.13, top * 0.55), (-0.19 - depth, 0.13, top * 0.72)), look.label)
    if chance(rng, 0.7):
        screen = grid_of_bars(
            (-0.205, -mast.width / 2 + 0.04, 0.9), (0, mast.width - 0.08, 0), (0, 0, height - 1.0), (8, 12), 0.004
        )
        builder.add("guard", screen, look.steel if chance(rng, 0.4) else look.dark)
    _tiller(
        builder,
        look,
        rng,
        (-0.2 - depth * 0.9, float(rng.uniform(0.3, 0.6))),
        float(parameters.get("tiller_angle", rng.uniform(0.0, 0.5))),
    )
    return recentre(builder.build())


@register_asset("order_picker")
def order_picker(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """An order picker: low forks and a standing platform, or a cab on a mast. Parameters: kind (low, high)."""
    look, builder = draw_look(rng, parameters), Builder()
    kind = str(parameters.get("kind") or rng.choice(["low", "high"], p=[0.6, 0.4]))
    return recentre(_low_picker(builder, look, rng) if kind == "low" else _high_picker(builder, look, rng, parameters))


def _low_picker(builder: Builder, look: Look, rng: np.random.Generator) -> Asset:
    half, length = float(rng.uniform(0.36, 0.42)), float(rng.choice([1.2, 1.6, 2.4]))
    for side in (-1, 1):
        y = side * 0.18
        builder.add("forks", box((-0.05, y - 0.085, 0.035), (length, y + 0.085, 0.085), 0.012), look.dark)
        builder.add("wheels", wheel((length - 0.2, y, 0.04), 0.04, 0.09, segments=12), look.rubber, True)
        builder.keypoint(f"fork_tip_{'left' if side > 0 else 'right'}", (length, y, 0.085))
    guard = float(rng.uniform(1.0, 1.5))
    frame = [
        (-0.06, -half * 0.85, 0.1),
        (-0.06, -half * 0.85, guard),
        (-0.06, half * 0.85, guard),
        (-0.06, half * 0.85, 0.1),
    ]
    builder.add("backrest", bent_tube(frame, 0.022, 0.1), look.dark, True)
    builder.add(
        "backrest", soft_box((-0.16, -half, 0.08), (-0.03, half, float(rng.uniform(0.6, 0.95))), 0.03, 0.02), look.paint
    )
    builder.add("seat", box((-0.2, -half * 0.7, 0.75), (-0.15, half * 0.7, 0.98), 0.02), look.seat)
    deck = -0.16 - float(rng.uniform(0.4, 0.5))
    builder.add("platform", box((deck, -half, 0.07), (-0.1, half, 0.13)), look.dark)
    builder.add("platform", box((deck + 0.02, -half + 0.03, 0.13), (-0.18, half - 0.03, 0.14)), look.rubber)
    end, top = deck - float(rng.uniform(0.5, 0.75)), float(rng.uniform(0.7, 0.95))
    body = [(deck, 0.06), (deck, top), (deck - 0.2, top + 0.02), (end + 0.04, top * 0.75), (end, 0.3), (end, 0.06)]
    builder.add("body", side_plate(body, -half, half), look.paint)
    builder.add(
        "body", soft_box((end - 0.03, -half * 1.02, 0.04), (end + 0.2, half * 1.02, 0.2), 0.08, 0.02), look.dark
    )
    for y in (-half * 0.75, half * 0.75):
        builder.add("wheels", wheel((end + 0.3, y, 0.09), 0.09, 0.06, segments=14), look.rubber, True)
    column = (deck - 0.1, 0.0, top + float(rng.uniform(0.2, 0.35)))
    builder.add("steering", cylinder((deck - 0.15, 0, top - 0.1), column, 0.04, 10), look.dark, True)
    builder.add(
        "steering",
        soft_box((column[0] - 0.08, -0.12, column[2] - 0.03), (column[0] + 0.06, 0.12, column[2] + 0.06), 0.04, 0.02),
        look.second,
    )
    for side in (-1, 1):
        grip = [
            (column[0], side * 0.1, column[2]),
            (column[0] + 0.02, side * 0.24, column[2] + 0.04),
            (column[0] + 0.1, side * 0.24, column[2] + 0.06),
        ]
        builder.add("steering", bent_tube(grip, 0.017, 0.04), look.rubber, True)
    if chance(rng, 0.5):
        post = [
            (end + 0.15, -half * 0.8, top * 0.8),
            (end + 0.12, -half * 0.8, top + 0.6),
            (end + 0.12, half * 0.8, top + 0.6),
            (end + 0.15, half * 0.8, top * 0.8),
        ]
        builder.add("guard", bent_tube(post, 0.02, 0.08), look.dark, True)
    builder.add(
        "label", box((deck - 0.4, -half - 0.004, top * 0.4), (deck - 0.1, half + 0.004, top * 0.55)), look.label
    )
    return builder.build()


def _high_picker(builder: Builder, look: Look, rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A cab that rises with the forks in front of it."""
    half, height = float(rng.uniform(0.4, 0.5)), float(rng.uniform(2.2, 2.9))
    lifted = float(np.clip(parameters.get("fork_height", rng.choice([0.1, rng.uniform(0.1, 1.6)])), 0.08, height - 0.5))
    deep, length = float(rng.uniform(0.75, 0.95)), float(rng.choice([0.8, 1.2]))
    for side in (-1, 1):
        builder.add("forks", move(fork(length, 0.12, 0.04, 0.4), (0, side * 0.2, lifted)), look.dark)
        builder.keypoint(f"fork_tip_{'left' if side > 0 else 'right'}", (length, side * 0.2, lifted))
    back = -deep
    floor = lifted + 0.12
    builder.add("cab", box((back, -half, floor - 0.08), (-0.025, half, floor), 0.01), look.dark)
    builder.add(
        "cab",
        soft_box((-0.14, -half, floor), (-0.025, half, floor + float(rng.uniform(0.85, 1.05))), 0.02, 0.02),
        look.paint,
    )
    builder.add("seat", box((back, -half * 0.6, floor + 0.7), (back + 0.06, half * 0.6, floor + 1.05), 0.02), look.seat)
    _canopy(builder, look, rng, (-0.05, back + 0.05), half - 0.05, floor, floor + float(rng.uniform(2.05, 2.2)))
    for side in (-1, 1):
        builder.add(
            "guard",
            cylinder(
                (-0.1, side * (half - 0.03), floor + 1.0), (back + 0.05, side * (half - 0.03), floor + 1.0), 0.016, 8
            ),
            look.paint,
            True,
        )
    x = back - 0.12
    tall = max(height, floor + 1.0)
    for side in (-1, 1):
        builder.add(
            "mast", box((x - 0.12, side * half * 0.75 - 0.03, 0.1), (x, side * half * 0.75 + 0.03, height)), look.dark
        )
        builder.add(
            "mast",
            box((x - 0.09, side * half * 0.6 - 0.025, 0.15), (x + 0.01, side * half * 0.6 + 0.025, tall)),
            look.dark,
        )
    for z in (0.3, height * 0.6, height - 0.06):
        builder.add("mast", box((x - 0.12, -half * 0.75, z - 0.05), (x - 0.07, half * 0.75, z + 0.05)), look.dark)
    end = x - float(rng.uniform(0.55, 0.8))
    builder.add(
        "body",
        soft_box((end, -half, 0.06), (x - 0.1, half, float(rng.uniform(0.85, 1.2))), 0.08, 0.04),
        look.paint,
        True,
    )
    builder.add("body", box((x - 0.15, -half, 0.03), (0.05, half, 0.08)), look.dark)
    builder.add("wheels", wheel((end + 0.3, 0, 0.15), 0.15, 0.1), look.rubber, True)
    for side in (-1, 1):
        builder.add("wheels", wheel((-0.1, side * half * 0.85, 0.07), 0.07, 0.08, segments=14), look.rubber, True)
    builder.add("label", box((end - 0.004, -0.15, 0.5), (end + 0.02, 0.15, 0.65)), look.label)
    return builder.build()
