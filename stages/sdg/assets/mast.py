"""Lifting masts: nested upright channels, carriage, forks, chains and hydraulic cylinders.

The heel of the forks is at X = 0 and the forks reach towards +X; the mast stands behind it, at negative X. Forks follow
ISO 2328 class 2: 0.1 to 0.15 m wide, 35 to 50 mm thick, hung from two bars 0.4 m apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stages.sdg.assets.mesh import Builder, Mesh, beam, box, cylinder, merge, move, turn, turn_points
from stages.sdg.assets.shapes import bent_tube, side_plate
from stages.sdg.assets.types import Material

Piece = tuple[str, Mesh, str]
"""Name of the part, its mesh, name of its material."""


@dataclass(frozen=True)
class Mast:
    """Dimensions of a mast in metres.

    Attributes:
        height: of the outer uprights when lowered.
        width: over the outer uprights.
        depth: of the outer channel along X.
        foot: height of its lower end above the floor.
        fork_height: of the top of the forks.
        fork_length, fork_width, fork_thick, fork_spread: one fork, and the distance between the middles of both.
        carriage_width: of the bars that the forks hang from.
        backrest: height of the load guard above the forks, 0 for none.
        stages: moving uprights, 0 to 2.
        tilt: backwards, radians.
    """

    height: float
    width: float
    depth: float
    foot: float
    fork_height: float
    fork_length: float
    fork_width: float
    fork_thick: float
    fork_spread: float
    carriage_width: float
    backrest: float
    stages: int
    tilt: float


def _channel(x: float, y: float, low: float, high: float, depth: float, side: float, thick: float) -> Mesh:
    """One upright: a channel open towards the middle of the mast."""
    flange = depth * 0.42
    web = box((x - depth, y - thick / 2, low), (x, y + thick / 2, high))
    lips = [box((at - thick, y, low), (at, y - side * flange, high)) for at in (x - depth + thick, x)]
    return merge(web, *lips)


def fork(length: float, width: float, thick: float, shank: float) -> Mesh:
    """One fork: its heel at the origin, its top at Z = 0, the blade tapering towards +X and a shank going up."""
    blade = [(0.0, -thick), (length * 0.55, -thick), (length, -0.012), (length, 0.0), (0.0, 0.0)]
    heel = [(-thick, -thick * 0.5), (-thick * 0.5, -thick), (0.0, -thick), (0.0, shank), (-thick, shank)]
    return merge(side_plate(blade, -width / 2, width / 2), side_plate(heel, -width / 2, width / 2))


def _uprights(mast: Mast) -> Iterator[Piece]:
    front, raised = -0.1, max(0.0, mast.fork_height - 0.12)
    lifts = [raised * number / (mast.stages + 1) for number in range(mast.stages + 1)]
    for number, lift in enumerate(lifts):
        half = mast.width / 2 - number * 0.055
        depth = mast.depth * (1 - 0.1 * number)
        x = front - 0.012 * number
        low, high = mast.foot + lift + 0.03 * number, mast.height + lift + 0.015 * number
        for side in (-1.0, 1.0):
            yield "mast", _channel(x, side * half, low, high, depth, side, 0.02), "dark"
        for z in (low + 0.1, high - 0.08) if number == 0 else (high - 0.06,):
            yield "mast", box((x - depth * 0.9, -half, z - 0.05), (x - depth * 0.55, half, z + 0.05)), "dark"
    if mast.stages and mast.height > 2.6:
        z, back, half = mast.foot + (mast.height - mast.foot) * 0.55, front - mast.depth, mast.width / 2
        yield "mast", box((back, -half, z), (back + 0.02, half, z + 0.08)), "dark"


def _drive(mast: Mast) -> Iterator[Piece]:
    """Cylinders, rods, chains and hoses between the uprights."""
    front, raised = -0.1, max(0.0, mast.fork_height - 0.12)
    lift = raised / (mast.stages + 1) * bool(mast.stages)
    x, half = front - mast.depth * 0.8, mast.width / 2 - 0.1
    pulley = mast.height - 0.1 + lift
    for side in (-1, 1):
        low, top = mast.foot + 0.03, mast.height * 0.93
        yield "mast", cylinder((x, side * half, low), (x, side * half, top), 0.03, 8), "dark"
        yield "mast", cylinder((x, side * half, top), (x, side * half, mast.height + lift - 0.05), 0.018, 8), "steel"
        chain, y = front - 0.03, side * half * 0.45
        start, end = (chain, y, mast.fork_height + 0.3), (chain, y, pulley)
        yield "chains", beam(start, end, 0.03, 0.012, (1, 0, 0)), "chain"
        yield "chains", cylinder((chain, y - 0.02, pulley), (chain, y + 0.02, pulley), 0.045, 10), "steel"
    y, hose = half * 0.7, front - 0.05
    path = [
        (hose, y, mast.fork_height + 0.35),
        (hose, y, pulley + 0.05),
        (x, y, pulley + 0.05),
        (x, y, mast.foot + 0.4),
    ]
    yield "hoses", bent_tube(path, 0.011, 0.06, 6), "rubber"


def _carriage(mast: Mast, rng: np.random.Generator) -> Iterator[Piece]:
    z, half, thick = mast.fork_height, mast.carriage_width / 2, mast.fork_thick
    for level in (z + 0.06, z + 0.44):
        yield "carriage", box((-0.085, -half, level - 0.05), (-thick, half, level + 0.05), 0.008), "carriage"
    for y in (-half + 0.03, -half * 0.35, half * 0.35, half - 0.03):
        yield "carriage", box((-0.075, y - 0.02, z + 0.06), (-0.055, y + 0.02, z + 0.44)), "carriage"
    single = fork(mast.fork_length, mast.fork_width, thick, 0.52)
    for side in (-1, 1):
        inner, outer = side * (mast.width / 2 - 0.155), side * (mast.width / 2 - 0.127)
        yield "carriage", box((-0.16, inner, z + 0.02), (-0.07, outer, z + 0.5)), "carriage"
        yield "forks", move(single, (0, side * mast.fork_spread / 2, z)), "forks"
    if not mast.backrest:
        return
    low, top, post = z + 0.44, z + mast.backrest, float(rng.uniform(0.012, 0.02))
    frame = [(-0.05, -half, low), (-0.05, -half, top), (-0.05, half, top), (-0.05, half, low)]
    for start, end in itertools.pairwise(frame):
        yield "backrest", beam(start, end, post * 1.6, post * 1.6, (1, 0, 0)), "dark"
    for y in np.linspace(-half, half, int(rng.integers(6, 11)))[1:-1]:
        yield "backrest", beam((-0.05, y, low), (-0.05, y, top), post, post, (1, 0, 0)), "dark"


def add_mast(
    builder: Builder,
    mast: Mast,
    materials: dict[str, Material],
    rng: np.random.Generator,
    at: tuple[float, float] = (0, 0),
) -> None:
    """Build a mast with its forks.

    Args:
        builder: takes the parts ``mast``, ``chains``, ``hoses``, ``carriage``, ``forks``, ``backrest`` and the
            keypoints of the fork tips.
        mast: dimensions.
        materials: for ``dark`` (uprights), ``carriage``, ``forks``, ``steel`` (rods), ``chain`` and ``rubber``.
        rng: of the small things.
        at: X of the forks' heel and Z of the floor that the mast stands on.
    """
    pivot, offset = (-0.1, 0, mast.foot), (at[0], 0.0, at[1])
    for name, mesh, material in [*_uprights(mast), *_drive(mast), *_carriage(mast, rng)]:
        builder.add(name, move(turn(mesh, 1, -mast.tilt, pivot), offset), materials[material], material == "rubber")
    for side, word in ((-1, "right"), (1, "left")):
        tip = (mast.fork_length, side * mast.fork_spread / 2, mast.fork_height)
        builder.keypoint(f"fork_tip_{word}", turn_points(tip, 1, -mast.tilt, pivot) + offset)
