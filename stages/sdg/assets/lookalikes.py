"""Things with a wheel or two and an upright handle, which from afar look like the tiller of a pallet truck.

Bicycles, scooters, dollies with a drawbar, machines that are pushed. The direction of travel is +X.
"""

from __future__ import annotations

import itertools

import numpy as np

from stages.sdg.assets.carts import FRAME_WEIGHTS, FRAMES, add_castors, add_goods
from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.mesh import Builder, beam, box, cylinder, merge, move, tube, turn, wheel
from stages.sdg.assets.palette import grey, linear
from stages.sdg.assets.shapes import bent_tube, recentre, rim, shifted, soft_box, torus, tyre
from stages.sdg.assets.types import Asset


@register_asset("dolly")
def dolly(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A low dolly or skate with a drawbar that ends in a T or a loop. Parameters: tiller_angle (0 upright), wear."""
    finish, builder = Finish(rng, parameters), Builder()
    frame, metal, tread = finish.paint(finish.colour(FRAMES, FRAME_WEIGHTS)), finish.steel(), finish.tread()
    hx, hy, radius = float(rng.uniform(0.25, 0.6)), float(rng.uniform(0.18, 0.4)), float(rng.uniform(0.03, 0.07))
    deck = 2 * radius + 0.03
    add_castors(builder, rng, (hx - radius, hy - radius), deck, radius, metal, tread)
    for y in np.linspace(-hy, hy, int(rng.integers(2, 5))):
        builder.add("deck", box((-hx, y - 0.03, deck - 0.01), (hx, y + 0.03, deck + 0.03), 0.005), frame)
    for x in (-hx + 0.04, hx - 0.04):
        builder.add("deck", box((x - 0.03, -hy, deck - 0.012), (x + 0.03, hy, deck + 0.022)), frame)
    foot = (-hx - 0.02, 0.0, deck)
    angle = float(parameters.get("tiller_angle", rng.choice([rng.uniform(0.0, 0.3), rng.uniform(0.3, 1.2)])))
    length, half = float(rng.uniform(0.7, 1.05)), float(rng.uniform(0.09, 0.2))
    made = [cylinder(foot, (foot[0], 0, deck + length), 0.015, 8)]
    if chance(rng, 0.5):
        made.append(cylinder((foot[0], -half, deck + length), (foot[0], half, deck + length), 0.016, 8))
    else:
        made.append(
            move(turn(torus((0, 0, 0), half * 0.8, 0.013, 0, 16, 7), 2, 0), (foot[0], 0, deck + length + half * 0.75))
        )
    for mesh in made:
        builder.add("handle", turn(mesh, 1, -angle, foot), metal if chance(rng, 0.2) else frame, True)
    if chance(rng, 0.35):
        add_goods(builder, rng, finish, (hx, hy), deck + 0.03, deck + float(rng.uniform(0.1, 0.6)))
    return recentre(builder.build())


@register_asset("push_mower")
def push_mower(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A wheeled machine under a bent double handle: a mower, a sweeper or a plate compactor. Parameters: wear, dirt."""
    finish, builder = Finish(rng, parameters), Builder()
    paint, dark, rubber = finish.paint(finish.colour(FRAMES, FRAME_WEIGHTS)), finish.dark(), finish.rubber()
    hx, hy, radius = float(rng.uniform(0.25, 0.4)), float(rng.uniform(0.2, 0.35)), float(rng.uniform(0.08, 0.15))
    high = radius + float(rng.uniform(0.1, 0.2))
    builder.add(
        "deck", soft_box((-hx, -hy, radius * 0.5), (hx, hy, high), float(rng.uniform(0.03, 0.15)), 0.04), paint, True
    )
    builder.add(
        "motor",
        soft_box((-0.13, -0.12, high), (0.17, 0.12, high + float(rng.uniform(0.12, 0.28))), 0.05, 0.04),
        dark,
        True,
    )
    for x in (-hx * 0.85, hx * 0.85):
        for side in (-1, 1):
            builder.add("wheels", wheel((x, side * (hy + 0.03), radius), radius, 0.05, segments=14), rubber, True)
    width, reach, top = hy * float(rng.uniform(0.6, 1.0)), float(rng.uniform(0.3, 0.75)), float(rng.uniform(0.9, 1.1))
    path = [
        (-hx * 0.8, -width, high),
        (-hx - reach * 0.6, -width, top * 0.7),
        (-hx - reach, -width, top),
        (-hx - reach, width, top),
        (-hx - reach * 0.6, width, top * 0.7),
        (-hx * 0.8, width, high),
    ]
    builder.add("handle", bent_tube(path, 0.013, 0.08), dark, True)
    if chance(rng, 0.6):
        builder.add(
            "bag",
            soft_box((-hx - reach * 0.55, -hy * 0.8, high * 0.8), (-hx + 0.03, hy * 0.8, high + 0.22), 0.06, 0.05),
            finish.fabric(grey(rng, 0.01, 0.2)),
            True,
        )
    return recentre(builder.build())


@register_asset("scooter")
def scooter(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A kick or electric scooter as used on site: deck, stem, handlebar. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    frame, metal, rubber = finish.paint(finish.colour(FRAMES, FRAME_WEIGHTS)), finish.steel(), finish.rubber()
    radius, half, height = float(rng.uniform(0.09, 0.16)), float(rng.uniform(0.35, 0.5)), float(rng.uniform(0.95, 1.15))
    deck = radius * 0.7 + 0.02
    front = half + radius * 0.6
    builder.add("deck", soft_box((-half + 0.08, -0.075, deck), (half - 0.12, 0.075, deck + 0.04), 0.03, 0.01), frame)
    builder.add("deck", box((-half + 0.14, -0.06, deck + 0.04), (half - 0.18, 0.06, deck + 0.044)), rubber)
    builder.add(
        "frame",
        bent_tube(
            [(half - 0.14, 0, deck + 0.02), (front - 0.08, 0, deck + 0.08), (front - 0.08, 0, radius * 2.2)],
            0.022,
            0.05,
        ),
        frame,
        True,
    )
    lean = float(rng.uniform(0.1, 0.2))
    builder.add(
        "stem",
        tube([(front - 0.06, 0, radius * 2.1), (front - 0.06 - lean, 0, height)], [0.024, 0.017], 9),
        metal if chance(rng, 0.4) else frame,
        True,
    )
    bar = float(rng.uniform(0.18, 0.28))
    turned = float(rng.normal(0, 0.3))
    cross = merge(
        cylinder((0, -bar, 0), (0, bar, 0), 0.012, 8),
        cylinder((0, -bar, 0), (0, -bar + 0.1, 0), 0.018, 8),
        cylinder((0, bar - 0.1, 0), (0, bar, 0), 0.018, 8),
    )
    builder.add("handle", move(turn(cross, 2, turned), (front - 0.06 - lean, 0, height)), rubber, True)
    for x, heading in ((-half, 0.0), (front, turned)):
        builder.add(
            "wheels",
            move(
                turn(merge(tyre((0, 0, 0), radius, 0.045, segments=18), rim((0, 0, 0), radius, 0.045)), 2, heading),
                (x, 0, radius),
            ),
            rubber,
            True,
        )
        for side in (-1, 1):
            builder.add(
                "frame",
                beam(
                    (x, side * 0.035, radius),
                    (x + (0.06 if x < 0 else -0.05), side * 0.035, radius * 1.9),
                    0.006,
                    0.03,
                    (1, 0, 0),
                ),
                frame,
            )
    if chance(rng, 0.3):
        stem = front - 0.04 - lean * 0.7
        builder.add(
            "basket",
            soft_box((stem, -0.14, height * 0.68), (stem + 0.2, 0.14, height * 0.86), 0.03),
            finish.plastic(linear("#202224")),
        )
    return recentre(builder.build())


@register_asset("bicycle")
def bicycle(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A bicycle on its stand, some with a basket or a load rack. Parameters: wear, dirt, colour."""
    finish, builder = Finish(rng, parameters), Builder()
    frame, metal, rubber = finish.paint(finish.colour((*FRAMES, "#d8d8d2", "#1b1c1e"))), finish.steel(), finish.rubber()
    radius = float(rng.choice([0.25, 0.3, 0.34]))
    base, bracket = float(rng.uniform(0.98, 1.1)), radius - 0.05
    rear, front = np.array([-base / 2, 0, radius]), np.array([base / 2, 0, radius])
    crank = np.array([-base / 2 + 0.43, 0, bracket])
    saddle_height, head = float(rng.uniform(0.85, 1.02)), float(rng.uniform(0.8, 0.92))
    seat = crank + np.array([-0.2, 0, saddle_height - 0.12 - bracket])
    stem = front + np.array([-0.2, 0, head - radius])
    neck = stem - np.array([-0.04, 0, 0.14])
    step = chance(rng, 0.45)
    thick = float(rng.uniform(0.014, 0.02))
    bars = [(crank, seat), (crank, neck)]
    bars.append(
        (crank * 0.55 + seat * 0.45, shifted(neck, 0.02, 0, 0.03))
        if step
        else (seat - (0, 0, 0.08), stem - (0, 0, 0.04))
    )
    for a, b in bars:
        builder.add("frame", cylinder(a, b, thick, 9), frame, True)
    for side in (-1, 1):
        aside = np.array([0, side * 0.05, 0])
        for a, b in ((crank, rear), (seat - (0.02, 0, 0.1), rear)):
            builder.add("frame", cylinder(a + aside * 0.3, b + aside, 0.009, 7), frame, True)
        builder.add(
            "frame",
            tube([neck - (0, 0, 0.02) + aside, (neck + front) / 2 + aside + (0.02, 0, 0), front + aside], 0.011, 7),
            frame,
            True,
        )
        pedal = crank + np.array([side * 0.12, side * 0.07, side * 0.11])
        builder.add("pedals", beam(crank + aside, pedal, 0.012, 0.025), metal)
        builder.add(
            "pedals",
            box(shifted(pedal, -0.045, side * 0.01 - 0.001, -0.012), shifted(pedal, 0.045, side * 0.1, 0.012)),
            rubber,
        )
    turned = float(rng.normal(0, 0.2))
    bar, rise, sweep = float(rng.uniform(0.26, 0.33)), float(rng.uniform(0.05, 0.2)), float(rng.uniform(0.02, 0.2))
    path = [(-sweep, -bar, rise), (0.03, -0.12, rise), (0, 0, 0.0), (0.03, 0.12, rise), (-sweep, bar, rise)]
    builder.add("handlebar", move(turn(bent_tube(path, 0.012, 0.06), 2, turned), shifted(stem, 0, 0, 0.1)), metal, True)
    builder.add("frame", cylinder(neck, shifted(stem, 0, 0, 0.1), 0.018, 9), frame, True)
    for side in (-1, 1):
        grip = cylinder((-sweep, side * bar, rise), (0.01 - sweep * 0.6, side * (bar - 0.12), rise), 0.017, 8)
        builder.add("handlebar", move(turn(grip, 2, turned), shifted(stem, 0, 0, 0.1)), rubber, True)
    builder.add("frame", cylinder(seat, shifted(seat, -0.03, 0, 0.12), 0.013, 8), metal, True)
    builder.add(
        "saddle",
        soft_box(shifted(seat, -0.17, -0.085, 0.1), shifted(seat, 0.11, 0.085, 0.16), 0.07, 0.03),
        rubber,
        True,
    )
    for hub in (rear, front):
        builder.add("tyres", torus(hub, radius - 0.017, 0.018, 1, 26, 6), rubber, True)
        angles = np.linspace(0, np.pi, 8, endpoint=False)
        for angle in angles:
            rod = np.array([np.cos(angle), 0, np.sin(angle)]) * (radius - 0.025)
            builder.add("spokes", beam(hub - rod, hub + rod, 0.003, 0.003, (0, 1, 0)), metal)
        builder.add("spokes", cylinder(hub - (0, 0.05, 0), shifted(hub, 0, 0.05, 0), 0.02, 8), metal, True)
        if chance(rng, 0.6):
            span = np.linspace(0.3, 2.6, 8)
            guard = hub + np.stack([np.cos(span), np.zeros(8), np.sin(span)], 1) * (radius + 0.025)
            for a, b in itertools.pairwise(guard):
                builder.add(
                    "mudguards", beam(a, b, 0.05, 0.004, (0, 0, 1) if abs((b - a)[0]) > 0.01 else (1, 0, 0)), frame
                )
    if chance(rng, 0.5):
        builder.add(
            "rack", box(shifted(rear, -0.22, -0.07, radius + 0.06), shifted(rear, 0.2, 0.07, radius + 0.075)), metal
        )
    if chance(rng, 0.35):
        low = shifted(stem, 0.06, -0.16, -0.1)
        builder.add("basket", soft_box(low, shifted(low, 0.28, 0.32, 0.22), 0.04), finish.paint(grey(rng, 0.01, 0.1)))
    builder.add("stand", cylinder(shifted(crank, -0.05, 0.03, 0), (crank[0] - 0.14, 0.16, 0.0), 0.008, 6), metal)
    return recentre(builder.build())
