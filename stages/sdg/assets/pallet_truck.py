"""Hand pallet trucks and walk-behind electric ones.

Asset coordinates: the heel of the forks is at X = 0, the forks reach towards +X, the operator stands at -X. Dimensions
follow makers' data sheets for 2 to 2.5 t trucks: fork length 0.8 to 1.22 m (1.15 usual), width over forks 0.45 to
0.685 m (0.54 usual), fork 0.15 to 0.18 m wide, lowered height 0.051 to 0.09 m, tiller top at 1.15 to 1.3 m.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass

import numpy as np

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import (
    Builder,
    Mesh,
    beam,
    box,
    cylinder,
    hexahedron,
    merge,
    move,
    prism,
    tube,
    turn,
    turn_points,
    wheel,
)
from stages.sdg.assets.palette import grey, pick
from stages.sdg.assets.shapes import side_plate, tiller_grip
from stages.sdg.assets.stock import colour_or
from stages.sdg.assets.types import Asset, Material

PAINTS = (
    "#c8201f", "#b3131b", "#d8432a", "#e6b800", "#f2c811", "#d9d400", "#e8670c", "#1f4fa3", "#2b6fc4", "#15713a",
    "#5a6a30", "#3b3d40", "#1c1d1f", "#e7e3d6", "#bfc2c4", "#7f8a90", "#0b7f8a", "#7a1f2b",
)  # fmt: skip
PAINT_WEIGHTS = (9, 7, 5, 4, 5, 2, 5, 4, 4, 2, 1, 3, 3, 4, 3, 2, 1, 2)
TREADS = ("#1a1a1a", "#26221f", "#5c3a26", "#7d4b28", "#d8d4c8", "#9b9b96", "#c9772b", "#8c2f22")

OVER_FORKS = (0.45, 0.52, 0.54, 0.55, 0.57)
OVER_FORKS_WEIGHTS = (1, 2, 3, 1, 1)
STYLES = {"standard": 10, "low": 1, "short": 2, "wide": 1.5, "quick": 2, "scissor": 1, "scale": 1, "galvanised": 1}


@dataclass(frozen=True)
class Shape:
    """Drawn dimensions of one truck, metres and radians."""

    style: str
    fork_length: float
    fork_width: float
    over_forks: float
    fork_low: float
    fork_thick: float
    lift: float
    body_height: float
    body_top: float
    pump_x: float
    wheel_radius: float
    wheel_width: float
    tiller_length: float
    tiller_angle: float
    tiller_swing: float


@dataclass(frozen=True)
class Look:
    """Materials of one truck."""

    paint: Material
    dark: Material
    steel: Material
    tread: Material
    grip: Material
    label: Material


def _shape(rng: np.random.Generator, parameters: Parameters) -> Shape:
    weights = np.array(list(STYLES.values()), float)
    style = str(parameters.get("style") or rng.choice(list(STYLES), p=weights / weights.sum()))
    length = {"short": rng.uniform(0.8, 0.95), "scissor": rng.uniform(1.1, 1.19)}.get(style, rng.uniform(1.05, 1.22))
    wide, usual = rng.uniform(0.62, 0.70), rng.choice(OVER_FORKS, p=np.array(OVER_FORKS_WEIGHTS) / 8)
    over = wide if style == "wide" else usual
    lift = {"scissor": rng.uniform(0.1, 0.75)}.get(style, rng.uniform(0, 0.12))
    drawn = Shape(
        style=style,
        fork_length=float(length),
        fork_width=float(rng.uniform(0.145, 0.18)),
        over_forks=float(over + rng.normal(0, 0.006)),
        fork_low=float(rng.uniform(0.051, 0.06) if style == "low" else rng.uniform(0.075, 0.092)),
        fork_thick=float(rng.uniform(0.034, 0.062)),
        lift=float(lift),
        body_height=float(rng.uniform(0.34, 0.52)),
        body_top=float(rng.uniform(0.16, 0.34)),
        pump_x=float(-rng.uniform(0.14, 0.22)),
        wheel_radius=float(rng.choice([0.08, 0.09, 0.1, 0.1])),
        wheel_width=float(rng.uniform(0.045, 0.06)),
        tiller_length=float(rng.uniform(0.78, 1.0)),
        tiller_angle=float(rng.choice([rng.normal(0.03, 0.05), rng.uniform(0, 1.0)], p=[0.75, 0.25])),
        tiller_swing=float(rng.choice([0.0, rng.normal(0, 0.5), rng.uniform(-1.5, 1.5)], p=[0.45, 0.35, 0.2])),
    )
    return dataclasses.replace(
        drawn,
        lift=float(parameters.get("lift", drawn.lift)),
        tiller_angle=float(parameters.get("tiller_angle", drawn.tiller_angle)),
        tiller_swing=float(parameters.get("tiller_swing", drawn.tiller_swing)),
    )


def _look(rng: np.random.Generator, style: str, parameters: Parameters) -> Look:
    wear, dirt = float(parameters.get("wear", rng.beta(1.6, 2.5))), float(parameters.get("dirt", rng.beta(1.6, 2.2)))
    seed = int(rng.integers(1 << 30))
    colour = colour_or(rng, parameters, pick(rng, PAINTS, PAINT_WEIGHTS))
    paint = Material(
        "paint", colour, float(rng.uniform(0.25, 0.6)), 0.0, wear, dirt, grey(rng, 0.08, 0.25), 0.15, 0, seed
    )
    if style == "galvanised":
        paint = Material("metal", grey(rng, 0.3, 0.6), float(rng.uniform(0.3, 0.5)), 1.0, wear * 0.3, dirt, seed=seed)
    dark_is_paint = rng.uniform() < 0.35
    dark = Material("paint", grey(rng, 0.012, 0.05), 0.45, 0.0, wear * 0.7, dirt, grey(rng, 0.1, 0.2), 0.1, 0, seed + 1)
    return Look(
        paint=paint,
        dark=paint if dark_is_paint else dark,
        steel=Material(
            "metal", grey(rng, 0.2, 0.55), float(rng.uniform(0.25, 0.5)), 1.0, wear * 0.5, dirt, seed=seed + 2
        ),
        tread=Material("rubber", pick(rng, TREADS), 0.75, 0.0, 0.2, min(1.0, dirt + 0.2), seed=seed + 3),
        grip=Material("rubber", grey(rng, 0.01, 0.04), 0.6, 0.0, 0.1, dirt * 0.5, seed=seed + 4),
        label=Material("print", pick(rng, ("#f0c419", "#e9e7df", "#1b1b1b", "#c22a1f", "#2458a8")), 0.4, seed=seed + 5),
    )


def _fork(shape: Shape, look: Look, builder: Builder, side: float, rng: np.random.Generator) -> None:
    """One fork: a channel of bent sheet, tapering to its tip, with load rollers beneath."""
    low = shape.fork_low - shape.fork_thick + shape.lift
    top = low + shape.fork_thick
    middle = side * (shape.over_forks - shape.fork_width) / 2
    half, length = shape.fork_width / 2, shape.fork_length
    tip = half * 0.45
    outline = [(-0.02, -half), (length - 0.16, -half), (length - 0.03, -tip), (length, -tip * 0.5)]
    outline += [(length, tip * 0.5), (length - 0.03, tip), (length - 0.16, half), (-0.02, half)]
    builder.add("forks", move(prism(outline, top - 0.012, top), (0, middle, 0)), look.paint)
    for edge in (-1, 1):
        skirt = box(
            (-0.02, middle + edge * (half - 0.01) - 0.006, low),
            (length - 0.16, middle + edge * (half - 0.01) + 0.006, top - 0.01),
            0.004,
        )
        builder.add("forks", skirt, look.paint)
    builder.add("forks", _nose(length, top, low, tip, middle), look.paint)
    roller = float(rng.uniform(0.033, 0.04))
    spots = (length - 0.27, length - 0.18) if rng.uniform() < 0.6 else (length - 0.22,)
    for x in spots:
        builder.add(
            "rollers", wheel((x, middle, roller), roller, shape.fork_width * 0.45, segments=12), look.tread, True
        )
        if shape.lift > 0.02 and shape.style != "scissor":
            builder.add(
                "forks", beam((x - 0.12, middle, low), (x, middle, roller), shape.fork_width * 0.5, 0.02), look.dark
            )
    word = "left" if side > 0 else "right"
    builder.keypoint(f"fork_tip_{word}", (length, middle, top))
    builder.keypoint(f"fork_heel_{word}", (0, middle, top))
    builder.keypoint(f"roller_{word}", (sum(spots) / len(spots), middle, roller))
    if shape.style == "scissor":
        _scissor(shape, look, builder, middle, low)


def _nose(length: float, top: float, low: float, half: float, middle: float) -> Mesh:
    """The wedge under a fork's tip."""
    back = length - 0.17
    outline = [(back, top - 0.011), (length - 0.004, top - 0.011), (length - 0.02, top - 0.03), (back, low)]
    return move(side_plate(outline, -half, half), (0, middle, 0))


def _scissor(shape: Shape, look: Look, builder: Builder, middle: float, low: float) -> None:
    span = math.sqrt(max(0.05, (shape.fork_length * 0.8) ** 2 - low**2))
    for start, end, shift in (((0.05, 0.06), (0.05 + span, low), -0.02), ((0.05, low), (0.05 + span, 0.06), 0.02)):
        bar = beam((start[0], middle + shift, start[1]), (end[0], middle + shift, end[1]), 0.012, 0.06)
        builder.add("forks", bar, look.dark)
    builder.add("forks", box((0, middle - 0.04, 0.03), (shape.fork_length, middle + 0.04, 0.07), 0.01), look.paint)


def _body(shape: Shape, look: Look, builder: Builder, rng: np.random.Generator) -> None:
    """The bridge that joins the forks and rises to the pump: bent sheet in many makers' shapes."""
    base, top = shape.fork_low + shape.lift - shape.fork_thick, shape.body_height + min(shape.lift, 0.15)
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
                (0.03, foot_out, foot_in, base),
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
            box((-0.06, -half * 0.8, base), (0.02, half * 0.8, base + shape.fork_thick + 0.03), 0.006),
            look.paint,
        )
    if kind in ("apron", "frame"):
        _apron(builder, look, half * rng.uniform(0.8, 1.0), narrow, base, top, lean, 0.02 if kind == "frame" else sheet)
    if rng.uniform() < 0.7:
        slope = math.atan2(top - base, lean + 0.03)
        across = rng.choice([-1, 1]) * (half + narrow + max(narrow - 0.09, 0.0) + half - shape.fork_width) / 4
        sticker = turn(box((-0.09, -0.035, 0.002), (0.09, 0.035, 0.005)), 1, slope)
        placed = move(sticker, ((0.03 - lean) / 2, across, (base + top) / 2))
        builder.add("label", placed, look.label)
    if shape.style == "scale":
        display = move(turn(box((-0.03, -0.1, 0), (0.03, 0.1, 0.14), 0.01), 1, -0.4), (-lean * 0.6, 0, top))
        builder.add("body", display, look.grip)


def _leg(builder: Builder, look: Look, foot: tuple[float, ...], head: tuple[float, ...], depth: float) -> None:
    """A sloping box girder from a fork's heel to the head plate."""
    x0, out0, in0, z0 = foot
    x1, out1, in1, z1 = head
    front = [(x0, out0, z0), (x0, in0, z0), (x1, in1, z1), (x1, out1, z1)]
    back = [(x - depth * (1.6 if z == z0 else 1.0), y, z) for x, y, z in front]
    builder.add("body", hexahedron(front, back), look.paint)


def _apron(
    builder: Builder, look: Look, half: float, narrow: float, base: float, top: float, lean: float, depth: float
) -> None:
    """A closed trapezoid of sheet metal."""
    for side in (-1, 1):
        _leg(builder, look, (0.02, side * half, 0.0, base), (-lean + 0.01, side * narrow, 0.0, top), depth)


def _steering(shape: Shape, look: Look, builder: Builder, rng: np.random.Generator) -> None:
    """Pump, reservoir, pedal and the two steered wheels, turned with the tiller."""
    x, radius, gap = shape.pump_x, shape.wheel_radius, float(rng.uniform(0.03, 0.05))
    top = shape.body_height + min(shape.lift, 0.15)
    turned: list[tuple[str, Mesh, Material, bool]] = []
    hub = Material(look.dark.kind, look.dark.colour, 0.5, look.dark.metallic, look.dark.wear, look.dark.dirt)
    for side in (-1, 1):
        centre = (x, side * (gap + shape.wheel_width / 2), radius)
        turned.append(("wheels", wheel(centre, radius, shape.wheel_width, segments=22), look.tread, True))
        outside = (x, side * (gap + shape.wheel_width + 0.003), radius)
        turned.append(("wheels", cylinder((x, side * gap, radius), outside, radius * 0.55, 14), hub, True))
        builder.keypoint(f"wheel_{'left' if side > 0 else 'right'}", centre)
    turned.append(
        ("pump", box((x - 0.05, -gap, radius * 0.6), (x + 0.05, gap, radius * 2 + 0.03), 0.01), look.dark, False)
    )
    turned.append(
        ("pump", cylinder((x, 0, radius * 2), (x, 0, top * 0.75), float(rng.uniform(0.04, 0.06)), 14), look.dark, True)
    )
    turned.append(("pump", cylinder((x + 0.02, 0, top * 0.6), (x + 0.02, 0, top), 0.021, 10), look.steel, True))
    wide = float(rng.uniform(0.06, 0.1))
    turned.append(("pump", box((x - 0.09, -wide, top * 0.42), (x + 0.06, wide, top * 0.68), 0.02), look.dark, False))
    if rng.uniform() < 0.6:
        side = rng.choice([-1, 1])
        turned.append(
            (
                "pump",
                beam((x, side * 0.06, top * 0.4), (x - 0.13, side * 0.1, top * 0.36), 0.03, 0.015),
                look.steel,
                False,
            )
        )
    if rng.uniform() < 0.3:  # a return spring
        turned.append(
            ("pump", cylinder((x - 0.1, 0.05, top * 0.45), (x - 0.1, 0.05, top * 0.85), 0.018, 8), look.steel, True)
        )
    turned += _tiller(shape, look, builder, rng, (x - 0.07, top * float(rng.uniform(0.55, 0.72))))
    for name, mesh, material, smooth in turned:
        builder.add(name, turn(mesh, 2, shape.tiller_swing, (x, 0, 0)), material, smooth)
    for name in ("handle", "handle_left", "handle_right", "tiller_hinge", "wheel_left", "wheel_right"):
        builder.keypoint(name, turn_points(builder.keypoints[name], 2, shape.tiller_swing, (x, 0, 0)))


def _tiller(
    shape: Shape, look: Look, builder: Builder, rng: np.random.Generator, pivot: tuple[float, float]
) -> list[tuple[str, Mesh, Material, bool]]:
    """Drawbar and handle, built upright at the pivot and then leant back."""
    x, z = pivot
    length, radius = shape.tiller_length, float(rng.uniform(0.016, 0.026))
    made: list[tuple[str, Mesh, Material, bool]] = []
    shaft = look.dark if rng.uniform() < 0.7 else look.paint
    bend = float(rng.choice([0.0, rng.uniform(-0.06, 0.1)]))
    path = [(x, 0, z), (x + bend, 0, z + length * 0.35), (x + bend, 0, z + length * 0.7)]
    kind = rng.choice(["round", "flat", "twin"], p=[0.6, 0.25, 0.15])
    if kind == "flat":
        shafts = merge(*(beam(a, b, radius * 3.2, radius * 1.3, (1, 0, 0)) for a, b in itertools.pairwise(path)))
        made.append(("tiller", shafts, shaft, False))
    elif kind == "twin":
        bars = [tube([(px, side * 0.035, pz) for px, _, pz in path], radius * 0.6, 8) for side in (-1, 1)]
        made += [("tiller", bar, shaft, True) for bar in bars]
    else:
        made.append(("tiller", tube(path, [radius * 1.35, radius * 1.1, radius], 12), shaft, True))
    made.append(("tiller", box((x - 0.035, -0.055, z - 0.05), (x + 0.035, 0.055, z + 0.07), 0.012), look.dark, False))
    grip, holds = _handle(look, rng, (x + bend, z + length * 0.7), length * 0.3, radius)
    made += grip
    if rng.uniform() < 0.25:
        plate = box(
            (x + bend - radius * 1.8, -0.018, z + length * 0.3), (x + bend - radius * 1.5, 0.018, z + length * 0.6)
        )
        made.append(("tiller", plate, look.label, False))
    builder.keypoint("tiller_hinge", (x, 0, z))
    for name, point in holds.items():
        builder.keypoint(name, turn_points(point, 1, -shape.tiller_angle, (x, 0, z)))
    return [
        (name, turn(mesh, 1, -shape.tiller_angle, (x, 0, z)), material, smooth) for name, mesh, material, smooth in made
    ]


def _handle(
    look: Look, rng: np.random.Generator, foot: tuple[float, float], height: float, radius: float
) -> tuple[list[tuple[str, Mesh, Material, bool]], dict[str, tuple[float, float, float]]]:
    """The grip, a closed loop of one of several outlines or a T; the middle of its top and its ends, by name."""
    x, z = foot
    half = float(rng.uniform(0.065, 0.12))
    bar = radius * float(rng.uniform(0.75, 1.05))
    kind = rng.choice(["loop", "triangle", "square", "tee"], p=[0.5, 0.25, 0.17, 0.08])
    grip = look.grip if rng.uniform() < 0.75 else look.dark
    tip = float(rng.uniform(-0.05, 0.03))
    if kind == "tee":
        top = (x, 0.0, z + height)
        stem = tube([(x, 0, z), top], radius, 10)
        crossbar = tube([(x, -half * 1.4, z + height), (x, half * 1.4, z + height)], bar * 1.1, 10)
        ends = {"handle_left": (x, half * 1.4, z + height), "handle_right": (x, -half * 1.4, z + height)}
        return [("tiller", stem, grip, True), ("tiller", crossbar, grip, True)], {"handle": top, **ends}
    angles = np.linspace(-np.pi / 2, 1.5 * np.pi, 28, endpoint=False)
    power = {"loop": 1.0, "triangle": 0.75, "square": 0.45}[kind]
    across, up = np.cos(angles), np.sin(angles)
    across, up = np.sign(across) * np.abs(across) ** power, np.sign(up) * np.abs(up) ** power
    grow = (up + 1) / 2
    taper = {"loop": 0.45 + 0.55 * grow, "triangle": 0.15 + 0.85 * grow, "square": 0.5 + 0.5 * grow}[kind]
    path = np.stack([x + tip * grow, half * across * taper, z + height * (up + 1) / 2], 1)
    made = [("tiller", tube(path, bar, 9, closed=True), grip, True)]
    lever = tube([(x, 0, z), (x + 0.012, 0, z + height * 0.55), (x + 0.02, half * 0.4, z + height * 0.6)], bar * 0.5, 6)
    made.append(("tiller", lever, look.steel if rng.uniform() < 0.4 else look.grip, True))
    left, right = path[path[:, 1].argmax()], path[path[:, 1].argmin()]
    return made, {"handle": (x + tip, 0.0, z + height), "handle_left": tuple(left), "handle_right": tuple(right)}


@register_asset("pallet_truck")
def pallet_truck(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A hand pallet truck. Parameters: style, lift (m), tiller_angle (0 upright), tiller_swing, wear, dirt."""
    shape = _shape(rng, parameters)
    look = _look(rng, shape.style, parameters)
    builder = Builder()
    for side in (-1.0, 1.0):
        _fork(shape, look, builder, side, rng)
    _body(shape, look, builder, rng)
    _steering(shape, look, builder, rng)
    return builder.build()


@register_asset("electric_pallet_truck")
def electric_pallet_truck(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A walk-behind electric pallet truck: forks, a battery box with covers, a tiller with a head."""
    shape = _shape(rng, parameters)
    look = _look(rng, "standard", parameters)
    builder = Builder()
    for side in (-1.0, 1.0):
        _fork(shape, look, builder, side, rng)
    half, height = float(rng.uniform(0.3, 0.4)), float(rng.uniform(0.45, 0.85))
    depth = float(rng.uniform(0.28, 0.6))
    second = look.dark if rng.uniform() < 0.6 else look.paint
    builder.add(
        "body", box((-depth * 0.5, -half, 0.09), (0.02, half, height), float(rng.uniform(0.01, 0.04))), look.paint
    )
    drop = float(rng.uniform(0.55, 0.95))
    builder.add(
        "body",
        box((-depth, -half * 0.96, 0.07), (-depth * 0.48, half * 0.96, height * drop), float(rng.uniform(0.02, 0.06))),
        second,
    )
    builder.add("body", box((-depth - 0.02, -half * 1.02, 0.04), (-0.1, half * 1.02, 0.13), 0.02), look.dark)
    builder.add("wheels", wheel((-depth * 0.6, 0, 0.115), 0.115, 0.08), look.tread, True)
    for side in (-1, 1):
        builder.add("wheels", wheel((-depth * 0.7, side * half * 0.8, 0.06), 0.06, 0.04, segments=12), look.tread, True)
    builder.add(
        "label", box((-depth - 0.002, -0.12, height * drop * 0.6), (-depth, 0.12, height * drop * 0.75)), look.label
    )
    x, z, length = -depth * 0.85, float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.75, 0.95))
    made = [("tiller", tube([(x, 0, z), (x, 0, z + length * 0.85)], [0.035, 0.026], 10), look.dark, True)]
    top = z + length * 0.9
    made.append(("tiller", box((x - 0.05, -0.06, top - 0.1), (x + 0.05, 0.06, top + 0.04), 0.02), look.grip, False))
    made += [("tiller", tube(tiller_grip(x, top, side), 0.016, 8), look.grip, True) for side in (-1, 1)]
    made.append(("tiller", box((x - 0.06, -0.03, top - 0.02), (x + 0.01, 0.03, top + 0.07), 0.01), look.paint, False))
    lean, swing = float(parameters.get("tiller_angle", rng.uniform(0.0, 0.35))), shape.tiller_swing * 0.3
    for name, mesh, material, smooth in made:
        builder.add(name, turn(turn(mesh, 1, -lean, (x, 0, z)), 2, swing, (x, 0, 0)), material, smooth)
    points = {"handle": (x, 0.0, top + 0.04), "tiller_hinge": (x, 0.0, z)}
    for word, side in (("left", 1), ("right", -1)):
        grips = np.asarray(tiller_grip(x, top, side))
        points[f"handle_{word}"] = tuple(grips[np.abs(grips[:, 1]).argmax()])
    for name, point in points.items():
        builder.keypoint(name, turn_points(turn_points(point, 1, -lean, (x, 0, z)), 2, swing, (x, 0, 0)))
    return builder.build()
