"""What rises from the forks of a hand pallet truck to its pump, and the indicator of a weighing one."""

from __future__ import annotations

import math

import numpy as np

from stages.sdg.assets.mesh import Builder, Mesh, box, cylinder, hexahedron, move, turn
from stages.sdg.assets.truck_look import Look
from stages.sdg.assets.truck_shape import Shape
from stages.sdg.assets.types import Material


def add_body(shape: Shape, look: Look, builder: Builder, rng: np.random.Generator) -> None:
    """The bridge that joins the forks and rises to the pump: bent sheet in many makers' shapes."""
    base, top = shape.body_base, shape.head
    # a scissor truck's stands on its lower frame, behind the forks, which rise without it
    behind = 0.06 if shape.style == "scissor" else 0.0
    half, narrow = shape.over_forks / 2, shape.body_top / 2
    lean = float(rng.uniform(0.1, 0.26))  # how far the top lies behind the heel
    sheet = float(rng.uniform(0.035, 0.09))
    kind = rng.choice(["beams", "apron", "frame"], p=[0.55, 0.3, 0.15])
    if kind in ("beams", "frame"):
        for side in (-1, 1):
            inner = half - shape.fork_width * rng.uniform(0.9, 1.1)
            foot_out, foot_in = side * half, side * inner
            _leg(
                builder,
                look,
                (0.03 - behind, foot_out, foot_in, base),
                (-lean, side * narrow, side * max(narrow - 0.09, 0.005), top),
                sheet,
            )
        builder.add(
            "body",
            box((-lean - sheet, -narrow, top - rng.uniform(0.06, 0.12)), (-lean + 0.03, narrow, top + 0.012), 0.012),
            look.paint,
        )
        builder.add(
            "body",
            box((-0.06, -half * 0.8, base), (0.02 - behind, half * 0.8, base + shape.fork_thick + 0.03), 0.006),
            look.paint,
        )
    if kind in ("apron", "frame"):
        depth = 0.02 if kind == "frame" else sheet
        _apron(builder, look, (0.02 - behind, half * rng.uniform(0.8, 1.0), base), (lean, narrow, top), depth)
    if rng.uniform() < 0.7:
        slope = math.atan2(top - base, lean + 0.03)
        across = rng.choice([-1, 1]) * (half + narrow + max(narrow - 0.09, 0.0) + half - shape.fork_width) / 4
        sticker = turn(box((-0.09, -0.035, 0.002), (0.09, 0.035, 0.005)), 1, slope)
        placed = move(sticker, ((0.03 - lean) / 2 - behind / 2, across, (base + top) / 2))
        builder.add("label", placed, look.label)
    if shape.style == "scissor":
        frame = box((-0.1, -half * 0.97, base), (-0.025, half * 0.97, base + 0.07), 0.006)
        builder.add("body", frame, look.paint)
        builder.add("body", box((shape.pump_x, -0.03, base + 0.01), (-0.08, 0.03, base + 0.07)), look.dark)
    if shape.style == "scale":
        _indicator(builder, look, rng, (-lean - sheet / 2, top))


def _leg(builder: Builder, look: Look, foot: tuple[float, ...], head: tuple[float, ...], depth: float) -> None:
    """A sloping box girder from a fork's heel to the head plate."""
    x0, out0, in0, z0 = foot
    x1, out1, in1, z1 = head
    front = [(x0, out0, z0), (x0, in0, z0), (x1, in1, z1), (x1, out1, z1)]
    back = [(x - depth * (1.6 if z == z0 else 1.0), y, z) for x, y, z in front]
    builder.add("body", hexahedron(front, back), look.paint)


def _apron(
    builder: Builder, look: Look, foot: tuple[float, float, float], head: tuple[float, float, float], depth: float
) -> None:
    """A closed trapezoid of sheet metal, from (X, half width, Z) up to (how far back, half width, Z)."""
    (x, half, base), (lean, narrow, top) = foot, head
    for side in (-1, 1):
        _leg(builder, look, (x, side * half, 0.0, base), (-lean + 0.01, side * narrow, 0.0, top), depth)


def _indicator(builder: Builder, look: Look, rng: np.random.Generator, foot: tuple[float, float]) -> None:
    """A weighing truck's display and keys on a bracket; ``foot`` is the bracket's (X, Z), the operator is at -X."""
    x, z = foot
    drawn = rng.spawn(1)[0]
    stand, side = float(drawn.uniform(0.05, 0.12)), float(drawn.choice([-1, 0, 1])) * 0.05
    half, tall, tilt = (
        float(drawn.uniform(0.085, 0.12)),
        float(drawn.uniform(0.11, 0.14)),
        float(drawn.uniform(0.3, 0.6)),
    )
    housing = look.steel if drawn.uniform() < 0.3 else look.grip
    screen = Material("plastic", (0.16, 0.2, 0.13) if drawn.uniform() < 0.6 else (0.01, 0.012, 0.015), 0.12)
    keys = Material("plastic", (0.5, 0.5, 0.48), 0.5)
    face: list[tuple[Mesh, Material]] = [
        (box((-0.025, -half, 0), (0.03, half, tall), 0.008), housing),
        (box((-0.027, -half * 0.82, tall * 0.48), (-0.024, half * 0.82, tall * 0.86)), screen),
    ]
    for column in range(5):
        y = half * (-0.7 + 0.35 * column)
        key = box((-0.029, y - 0.009, tall * 0.12), (-0.024, y + 0.009, tall * 0.34))
        face.append((key, look.accent if column == 4 else keys))
    builder.add("body", cylinder((x, side, z - 0.02), (x, side, z + stand + 0.03), 0.012, 8), look.steel, True)
    for mesh, material in face:
        builder.add("body", move(turn(mesh, 1, tilt), (x, side, z + stand)), material)
