"""Hand pallet trucks.

Asset coordinates: the heel of the forks is at X = 0, the forks reach towards +X, the operator stands at -X. Dimensions
are drawn in :mod:`stages.sdg.assets.truck_shape`.
"""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, beam, box, cylinder, turn, turn_points, wheel
from stages.sdg.assets.truck_body import add_body
from stages.sdg.assets.truck_forks import add_fork, add_lifter
from stages.sdg.assets.truck_look import Look, draw_look
from stages.sdg.assets.truck_shape import Shape, draw_shape
from stages.sdg.assets.truck_tiller import Piece, tiller
from stages.sdg.assets.types import Asset, Material


@register_asset("pallet_truck")
def pallet_truck(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A hand pallet truck.

    Parameters: style, lift (m), tiller_angle (0 upright), tiller_swing, tread, wear, dirt, colour, random_colour.

    Raises:
        SettingsError: when there is no such style or tread.
    """
    shape = draw_shape(rng, parameters)
    look = draw_look(rng, shape.style, parameters)
    builder = Builder()
    for side in (-1.0, 1.0):
        add_fork(shape, look, builder, side, rng)
    add_body(shape, look, builder, rng)
    if shape.style == "scissor":
        add_lifter(shape, look, builder)
    _steering(shape, look, builder, rng)
    return builder.build()


def _steering(shape: Shape, look: Look, builder: Builder, rng: np.random.Generator) -> None:
    """Pump, tiller and the two steered wheels, which turn together."""
    x, gap = shape.pump_x, float(rng.uniform(0.03, 0.05))
    turned = [*_wheels(shape, look, builder, gap), *_pump(shape, look, rng, gap), *_fittings(shape, look, rng)]
    if shape.style == "brake":
        turned += _wheel_brake(shape, look, gap)
    if shape.style == "quick":
        turned += _quick_lift(shape, look, rng)
    pieces, points = tiller(shape, look, rng, (x - 0.07, shape.head * float(rng.uniform(0.55, 0.72))))
    for name, point in points.items():
        builder.keypoint(name, point)
    for name, mesh, material, smooth in [*turned, *pieces]:
        builder.add(name, turn(mesh, 2, shape.tiller_swing, (x, 0, 0)), material, smooth)
    for name in ("handle", "handle_left", "handle_right", "tiller_hinge", "wheel_left", "wheel_right"):
        builder.keypoint(name, turn_points(builder.keypoints[name], 2, shape.tiller_swing, (x, 0, 0)))


def _wheels(shape: Shape, look: Look, builder: Builder, gap: float) -> list[Piece]:
    """Steered wheels and their hubs, ``gap`` metres from the middle."""
    x, radius = shape.pump_x, shape.wheel_radius
    hub = Material(look.dark.kind, look.dark.colour, 0.5, look.dark.metallic, look.dark.wear, look.dark.dirt)
    made: list[Piece] = []
    for side in (-1, 1):
        centre = (x, side * (gap + shape.wheel_width / 2), radius)
        made.append(("wheels", wheel(centre, radius, shape.wheel_width, segments=22), look.tread, True))
        outside = (x, side * (gap + shape.wheel_width + 0.003), radius)
        made.append(("wheels", cylinder((x, side * gap, radius), outside, radius * 0.55, 14), hub, True))
        builder.keypoint(f"wheel_{'left' if side > 0 else 'right'}", centre)
    return made


def _pump(shape: Shape, look: Look, rng: np.random.Generator, gap: float) -> list[Piece]:
    """The fork above the wheels, the pump's cylinder and ram, and its reservoir."""
    x, radius, top = shape.pump_x, shape.wheel_radius, shape.head
    foot = box((x - 0.05, -gap, radius * 0.6), (x + 0.05, gap, radius * 2 + 0.03), 0.01)
    barrel = cylinder((x, 0, radius * 2), (x, 0, top * 0.75), float(rng.uniform(0.04, 0.06)), 14)
    ram = cylinder((x + 0.02, 0, top * 0.6), (x + 0.02, 0, top), 0.021, 10)
    wide = float(rng.uniform(0.06, 0.1))
    reservoir = box((x - 0.09, -wide, top * 0.42), (x + 0.06, wide, top * 0.68), 0.02)
    return [
        ("pump", foot, look.dark, False),
        ("pump", barrel, look.dark, True),
        ("pump", ram, look.steel, True),
        ("pump", reservoir, look.dark, False),
    ]


def _fittings(shape: Shape, look: Look, rng: np.random.Generator) -> list[Piece]:
    """A pedal that lowers the forks, a return spring, where the truck has them."""
    x, top = shape.pump_x, shape.head
    made: list[Piece] = []
    if rng.uniform() < 0.6:
        side = rng.choice([-1, 1])
        pedal = beam((x, side * 0.06, top * 0.4), (x - 0.13, side * 0.1, top * 0.36), 0.03, 0.015)
        made.append(("pump", pedal, look.steel, False))
    if rng.uniform() < 0.3:
        spring = cylinder((x - 0.1, 0.05, top * 0.45), (x - 0.1, 0.05, top * 0.85), 0.018, 8)
        made.append(("pump", spring, look.steel, True))
    return made


def _quick_lift(shape: Shape, look: Look, rng: np.random.Generator) -> list[Piece]:
    """A second, wider pump piston beside the first in a larger block, its cap and selector in the maker's colour."""
    x, top = shape.pump_x, shape.head
    drawn = rng.spawn(1)[0]
    side, wide = float(drawn.choice([-1, 1])), float(drawn.uniform(0.105, 0.13))
    y, radius = side * (wide - 0.045), float(drawn.uniform(0.028, 0.036))
    block = box((x - 0.12, -wide, top * 0.38), (x + 0.05, wide, top * 0.6), 0.015)
    plate = box((x - 0.123, -0.05, top * 0.44), (x - 0.119, 0.05, top * 0.54))
    return [
        ("pump", block, look.dark, False),
        ("pump", cylinder((x - 0.06, y, top * 0.55), (x - 0.06, y, top * 0.84), radius, 12), look.dark, True),
        ("pump", cylinder((x - 0.06, y, top * 0.84), (x - 0.06, y, top * 0.9), radius * 1.12, 12), look.accent, True),
        ("pump", cylinder((x - 0.06, y, top * 0.9), (x - 0.06, y, top * 0.99), radius * 0.5, 8), look.steel, True),
        ("pump", plate, look.accent, False),
        ("pump", beam((x, -side * wide, top * 0.5), (x - 0.09, -side * (wide + 0.03), top * 0.56), 0.02, 0.012),
         look.accent, False),
    ]  # fmt: skip


def _wheel_brake(shape: Shape, look: Look, gap: float) -> list[Piece]:
    """Drums on the steered wheels, the shoe behind them, and a pedal that locks it."""
    x, radius = shape.pump_x, shape.wheel_radius
    outer = gap + shape.wheel_width
    made: list[Piece] = []
    for side in (-1, 1):
        drum = cylinder((x, side * outer, radius), (x, side * (outer + 0.016), radius), radius * 0.72, 16)
        made.append(("wheels", drum, look.steel, True))
        shoe = (x - radius - 0.012, side * (gap + shape.wheel_width / 2), radius * 1.25)
        made.append(("pump", box(np.subtract(shoe, (0.012, 0.018, 0.03)), np.add(shoe, (0.012, 0.018, 0.03))),
                     look.dark, False))  # fmt: skip
        arm = beam((x, side * gap * 0.8, radius * 2 + 0.015), (shoe[0], shoe[1], shoe[2] + 0.02), 0.02, 0.014)
        made.append(("pump", arm, look.dark, False))
    pedal = (x - radius - 0.07, 0.0, radius * 1.75)
    made.append(("pump", beam((x - 0.03, 0, radius * 2 + 0.01), pedal, 0.03, 0.014), look.dark, False))
    pad = box(np.subtract(pedal, (0.03, 0.045, 0.006)), np.add(pedal, (0.025, 0.045, 0.014)), 0.004)
    made.append(("pump", pad, look.accent, False))
    return made
