"""Forks of pallet trucks, and the scissor arms that raise those of high-lift trucks."""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.mesh import Builder, Mesh, beam, box, cylinder, move, prism, wheel
from stages.sdg.assets.shapes import side_plate
from stages.sdg.assets.truck_look import Look
from stages.sdg.assets.truck_shape import SCALE_GAP, SHEET, Shape, arm_span

ARM_BACK = 0.03
"""X of the pivots at the heel of the forks, metres."""

PIN = 0.045
"""Height of the lower pivots, and by how much less the upper ones hang below a fork's top, metres."""


def add_fork(shape: Shape, look: Look, builder: Builder, side: float, rng: np.random.Generator) -> None:
    """One fork: a channel of bent sheet, tapering to its tip, with load rollers beneath.

    Args:
        shape: of the truck.
        look: of the truck.
        builder: to add to.
        side: 1 for the left fork, -1 for the right one.
        rng: of the asset.
    """
    low = shape.fork_low - shape.fork_thick + shape.lift
    top = low + shape.fork_thick
    middle = side * (shape.over_forks - shape.fork_width) / 2
    half, length = shape.fork_width / 2, shape.fork_length
    sheet = top
    if shape.style == "scale":
        _load_plate(builder, look, (length, half, middle), top)
        sheet = top - SCALE_GAP
    _plate(builder, look, (length, half, middle), sheet)
    for edge in (-1, 1):
        skirt = box(
            (-0.02, middle + edge * (half - 0.01) - 0.006, low),
            (length - 0.16, middle + edge * (half - 0.01) + 0.006, sheet - 0.01),
            0.004,
        )
        builder.add("forks", skirt, look.paint)
    builder.add("forks", _nose(length, sheet, low, half * 0.45, middle), look.paint)
    radius = min(float(rng.uniform(0.033, 0.04)), shape.roller_room)
    spots = (length - 0.27, length - 0.18) if rng.uniform() < 0.6 else (length - 0.22,)
    for x in spots:
        roller = wheel((x, middle, radius), radius, shape.fork_width * 0.45, segments=12)
        builder.add("rollers", roller, look.tread, True)
        if shape.lift > 0.02 and shape.style != "scissor":
            arm = beam((x - 0.12, middle, low), (x, middle, radius), shape.fork_width * 0.5, 0.02)
            builder.add("forks", arm, look.dark)
    word = "left" if side > 0 else "right"
    builder.keypoint(f"fork_tip_{word}", (length, middle, top))
    builder.keypoint(f"fork_heel_{word}", (0, middle, top))
    builder.keypoint(f"roller_{word}", (sum(spots) / len(spots), middle, radius))
    if shape.style == "scissor":
        _runner(shape, look, builder, middle, spots)
        _arms(shape, look, builder, middle)


def _plate(builder: Builder, look: Look, fork: tuple[float, float, float], top: float) -> None:
    """The upper plate of a fork; ``fork`` is its length, half its width and its middle's Y."""
    length, half, middle = fork
    tip = half * 0.45
    outline = [(-0.02, -half), (length - 0.16, -half), (length - 0.03, -tip), (length, -tip * 0.5)]
    outline += [(length, tip * 0.5), (length - 0.03, tip), (length - 0.16, half), (-0.02, half)]
    builder.add("forks", move(prism(outline, top - SHEET, top), (0, middle, 0)), look.paint)


def _load_plate(builder: Builder, look: Look, fork: tuple[float, float, float], top: float) -> None:
    """The plate of a weighing truck that the load lies on, above load cells in a dark gap."""
    length, half, middle = fork
    _plate(builder, look, fork, top)
    cells = box((0.0, middle - half + 0.012, top - SCALE_GAP), (length - 0.17, middle + half - 0.012, top - SHEET))
    builder.add("forks", cells, look.grip)


def _nose(length: float, top: float, low: float, half: float, middle: float) -> Mesh:
    """The wedge under a fork's tip."""
    back = length - 0.17
    outline = [(back, top - 0.011), (length - 0.004, top - 0.011), (length - 0.02, top - 0.03), (back, low)]
    return move(side_plate(outline, -half, half), (0, middle, 0))


def _runner(shape: Shape, look: Look, builder: Builder, middle: float, spots: tuple[float, ...]) -> None:
    """A rail on the floor inside a fork: from the chassis to forks of its own that hold the load rollers."""
    end = min(spots) - 0.045
    builder.add("body", box((-0.07, middle - 0.032, 0.022), (end, middle + 0.032, 0.05), 0.004), look.paint)
    for edge in (-1, 1):
        y = middle + edge * (shape.fork_width * 0.225 + 0.008)
        builder.add("body", box((end - 0.06, y - 0.005, 0.022), (max(spots) + 0.03, y + 0.005, 0.05)), look.dark)
    wide = shape.fork_width * 0.225 + 0.013
    builder.add("body", box((end - 0.06, middle - wide, 0.022), (end - 0.01, middle + wide, 0.05)), look.dark)


def _arms(shape: Shape, look: Look, builder: Builder, middle: float) -> None:
    """Two arms that cross between a runner and a fork, with the pins that they turn on."""
    low, high = PIN, shape.fork_low + shape.lift - PIN + 0.005
    front = ARM_BACK + arm_span(shape, high - low)
    for start, end, shift in ((low, high, -0.022), (high, low, 0.022)):
        bar = beam((ARM_BACK, middle + shift, start), (front, middle + shift, end), 0.014, 0.042)
        builder.add("body", bar, look.dark)
    centre = (ARM_BACK + front) / 2
    for x, z in ((ARM_BACK, low), (ARM_BACK, high), (front, low), (front, high), (centre, (low + high) / 2)):
        builder.add("body", cylinder((x, middle - 0.036, z), (x, middle + 0.036, z), 0.014, 8), look.steel, True)


def add_lifter(shape: Shape, look: Look, builder: Builder) -> None:
    """What joins both sides of a scissor truck: cross tubes, the plate at the forks' heel, a ram and stabilisers."""
    inner = (shape.over_forks - shape.fork_width) / 2
    half, top = shape.over_forks / 2, shape.fork_low + shape.lift
    low, high = PIN, top - PIN + 0.005
    span = arm_span(shape, high - low)

    def on_arm(share: float) -> tuple[float, float]:
        """(X, Z) at this share of the way up an arm from its lower heel end."""
        return ARM_BACK + share * span, low + share * (high - low)

    for share in (0.3, 0.5):
        x, z = on_arm(share)
        builder.add("body", cylinder((x, -inner, z), (x, inner, z), 0.016, 10), look.dark, True)
    builder.add("forks", box((-0.02, -half * 0.95, top - 0.04), (0.03, half * 0.95, top - 0.004), 0.005), look.paint)
    (x, z), foot = on_arm(0.3), (-0.05, 0.06)
    knee = foot[0] + 0.6 * (x - foot[0]), foot[1] + 0.6 * (z - foot[1])
    builder.add("body", cylinder((foot[0], 0, foot[1]), (knee[0], 0, knee[1]), 0.032, 12), look.dark, True)
    builder.add("body", cylinder((knee[0], 0, knee[1]), (x, 0, z), 0.017, 10), look.steel, True)
    if shape.lift > 0.35:  # feet that come down as the forks rise
        for side in (-1, 1):
            y = side * (half - 0.02)
            builder.add("body", cylinder((-0.05, y, 0.008), (-0.05, y, 0.11), 0.012, 8), look.steel, True)
            builder.add("body", cylinder((-0.05, y, 0.0), (-0.05, y, 0.01), 0.03, 10), look.dark, True)
