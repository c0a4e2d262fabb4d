"""People in work clothes, from tubes and lofts: occluders and passers-by.

Proportions follow Drillis and Contini (1966): segment lengths as fractions of the body height. The person faces +X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.finish import Finish, chance
from stages.sdg.assets.mesh import Builder, Mesh, sphere, tube
from stages.sdg.assets.palette import pick
from stages.sdg.assets.shapes import loft, recentre, shifted, soft_box
from stages.sdg.assets.types import Asset, Material

SKINS = ("#f0cdb4", "#e0b294", "#c68f6d", "#a06a48", "#6f4630", "#4a2d20")
HAIRS = ("#1a1512", "#2e2118", "#5b4027", "#8a6a3f", "#777370", "#b5b0a8")
SHIRTS = ("#23364f", "#1c1d20", "#6b7075", "#2f5f9e", "#7a1f24", "#d8d8d2", "#3d4a36", "#a8623a")
TROUSERS = ("#23364f", "#1c1d20", "#4c5054", "#2d4870", "#5a5140", "#6b7075", "#39432f")
VESTS = ("#f26a10", "#e8f018", "#d4ee22", "#ff7f1a")
HELMETS = ("#f2f2ee", "#f2c811", "#1f4fa3", "#d8432a", "#f28a10")

Point = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Angles in radians from hanging straight down, forward positive; ``left`` and ``right`` in that order.

    Attributes:
        hips, knees: of the thighs, and how far the shins fold back from them.
        arms, elbows: of the upper arms, and how far the forearms fold forward from them.
        out: how far the arms are spread sideways.
        bend: of the trunk forwards.
        look: turn of the head.
    """

    hips: tuple[float, float]
    knees: tuple[float, float]
    arms: tuple[float, float]
    elbows: tuple[float, float]
    out: float
    bend: float
    look: float


def _pose(rng: np.random.Generator, kind: str) -> Pose:
    def near(value: float, spread: float = 0.1) -> float:
        return float(rng.normal(value, spread))

    sides = (1, -1) if chance(rng, 0.5) else (-1, 1)
    out, look = float(rng.uniform(0.05, 0.25)), near(0, 0.4)
    if kind == "walk":
        stride = float(rng.uniform(0.15, 0.42))
        hips = (stride * sides[0], stride * sides[1])
        knees = tuple(max(0.05, 0.2 - h * 0.6) for h in hips)
        arms = (-stride * sides[0] * 0.8, -stride * sides[1] * 0.8)
        return Pose(hips, (knees[0], knees[1]), arms, (near(0.4), near(0.4)), out, near(0.06, 0.04), look)
    if kind == "push":
        stride, reach = float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.7, 1.2))
        hips = (0.15 + stride * sides[0], 0.15 + stride * sides[1])
        return Pose(
            hips,
            (0.2, 0.3),
            (reach, reach),
            (near(0.3), near(0.3)),
            0.05,
            float(rng.uniform(0.15, 0.45)),
            near(0, 0.15),
        )
    if kind == "bend":
        bend, knee = float(rng.uniform(0.6, 1.3)), float(rng.uniform(0.1, 1.2))
        arms = (bend * 0.4 + near(0.2), bend * 0.4 + near(0.2))
        return Pose((knee * 0.6, knee * 0.6), (knee, knee), arms, (near(0.3), near(0.3)), out, bend, near(0, 0.2))
    if kind == "hold":
        return Pose(
            (near(0), near(0)),
            (0.05, 0.05),
            (near(0.3), near(0.3)),
            (near(1.2, 0.2), near(1.2, 0.2)),
            0.1,
            near(0.05, 0.04),
            look,
        )
    if kind == "point":
        arms = (near(1.4, 0.3), near(0.0))
        return Pose(
            (near(0), near(0)),
            (0.05, 0.05),
            arms if sides[0] > 0 else arms[::-1],
            (near(0.2), near(0.4)),
            0.12,
            near(0, 0.05),
            look,
        )
    return Pose(
        (near(0.03, 0.08), near(-0.03, 0.08)),
        (0.05, 0.08),
        (near(0), near(0)),
        (near(0.25), near(0.25)),
        out,
        near(0.03, 0.05),
        look,
    )


def _down(angle: float, length: float, aside: float = 0.0) -> Point:
    """A limb that hangs down, swung forwards by ``angle`` and sideways by ``aside``."""
    return length * np.array([np.sin(angle) * np.cos(aside), np.sin(aside), -np.cos(angle) * np.cos(aside)])


def _limb(points: list[Point], radii: list[float]) -> Mesh:
    """A tube through joints with a soft bulge between them."""
    path, sizes = [points[0]], [radii[0]]
    for k in range(1, len(points)):
        path += [(points[k - 1] * 2 + points[k]) / 3, points[k]]
        sizes += [max(radii[k - 1], radii[k]) * 1.02, radii[k]]
    return tube(np.stack(path), sizes, 10)


def _trunk(levels: list[tuple[float, float, float]], hips: Point, bend: float, grow: float = 0.0) -> Mesh:
    """A loft of ellipses (height above the hips, half depth, half width), leant forward by ``bend`` about the hips."""
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rings = []
    top = levels[-1][0]
    for z, depth, width in levels:
        lean = bend * min(1.0, max(0.0, z / top) * 1.6)
        middle = hips + np.array([np.sin(lean) * z, 0, np.cos(lean) * z])
        forward, up = np.array([np.cos(lean), 0, -np.sin(lean)]), np.array([0, 1.0, 0])
        ring = (
            middle + (depth + grow) * np.cos(angles)[:, None] * forward + (width + grow) * np.sin(angles)[:, None] * up
        )
        rings.append(ring)
    return loft(np.stack(rings))


@register_asset("person")
def person(rng: np.random.Generator, parameters: Parameters) -> Asset:
    """A worker. Parameters: pose (stand, walk, push, bend, hold, point), height (m), dirt, colour (of the shirt)."""
    finish, builder = Finish(rng, parameters), Builder()
    kind = str(
        parameters.get("pose")
        or rng.choice(["stand", "walk", "push", "bend", "hold", "point"], p=[0.35, 0.3, 0.1, 0.08, 0.12, 0.05])
    )
    height = float(parameters.get("height", np.clip(rng.normal(1.74, 0.09), 1.5, 2.0)))
    girth = float(rng.uniform(0.88, 1.25)) * height / 1.75
    pose = _pose(rng, kind)
    clothes = {
        "shirt": finish.fabric(finish.colour(SHIRTS)),
        "trousers": finish.fabric(pick(rng, TROUSERS)),
        "skin": Material("plastic", pick(rng, SKINS), 0.55, seed=int(rng.integers(1 << 30))),
        "shoes": finish.rubber(),
    }
    if chance(rng, 0.3):  # an overall: one colour from neck to ankle
        clothes["trousers"] = clothes["shirt"]
    _legs(builder, pose, height, girth, clothes)
    neck = _torso(builder, rng, finish, pose, height, girth, clothes)
    _arms(builder, rng, pose, height, girth, clothes, neck)
    _head(builder, rng, finish, pose, height, clothes, neck)
    return recentre(builder.build())


def _legs(builder: Builder, pose: Pose, height: float, girth: float, clothes: dict[str, Material]) -> None:
    thigh, shin = 0.245 * height, 0.246 * height
    for side, hip, knee in ((1, pose.hips[0], pose.knees[0]), (-1, pose.hips[1], pose.knees[1])):
        start = np.array([0, side * 0.055 * height, 0.0])
        bent = start + _down(hip, thigh)
        ankle = bent + _down(hip - knee, shin)
        builder.add(
            "legs",
            _limb([start, bent, ankle], [0.088 * girth, 0.068 * girth, 0.055 * girth]),
            clothes["trousers"],
            True,
        )
        pitch = min(0.5, max(-0.3, (knee - hip) * 0.5))
        sole = soft_box((-0.08, -0.045, -0.075), (0.19, 0.045, 0.0), 0.04, 0.02)
        turned = sole[0] @ np.array(
            [[np.cos(pitch), 0, np.sin(pitch) * -1], [0, 1, 0], [np.sin(pitch), 0, np.cos(pitch)]]
        )
        builder.add("shoes", (turned * (height / 1.75) + ankle + (0, 0, 0.02), sole[1]), clothes["shoes"], True)


def _torso(
    builder: Builder,
    rng: np.random.Generator,
    finish: Finish,
    pose: Pose,
    height: float,
    girth: float,
    clothes: dict[str, Material],
) -> Point:
    """Trunk and vest; returns the foot of the neck."""
    hips, chest = np.zeros(3), 0.30 * height
    levels = [
        (-0.05 * height, 0.07, 0.12),
        (0.0, 0.115, 0.17),
        (0.06 * height, 0.115, 0.165),
        (0.13 * height, 0.11, 0.15),
    ]
    levels += [
        (0.22 * height, 0.125, 0.175),
        (0.265 * height, 0.115, 0.185),
        (chest, 0.075, 0.13),
        (chest + 0.025 * height, 0.055, 0.06),
    ]
    levels = [(z, d * girth, w * girth) for z, d, w in levels]
    builder.add("trunk", _trunk(levels[2:], hips, pose.bend, 0.009), clothes["shirt"], True)
    builder.add("legs", _trunk(levels[:4], hips, pose.bend), clothes["trousers"], True)
    if chance(rng, 0.45):
        vest = Material("fabric", finish.colour(VESTS), 0.8, dirt=finish.dirt * 0.5, seed=int(rng.integers(1 << 30)))
        grow = float(rng.uniform(0.012, 0.03))
        builder.add("vest", _trunk(levels[1:7], hips, pose.bend, grow), vest, True)
        shine = Material("plastic", (0.6, 0.62, 0.62), 0.25, 0.3, dirt=finish.dirt * 0.4)
        for low in (0.06, 0.145):
            band = [
                (low * height, *_width_at(levels, low * height)),
                ((low + 0.028) * height, *_width_at(levels, (low + 0.028) * height)),
            ]
            builder.add("vest", _band(band, levels, hips, pose.bend, grow + 0.005), shine, True)
    lean = pose.bend
    return np.asarray(hips + np.array([np.sin(lean) * chest, 0, np.cos(lean) * chest]), float)


def _width_at(levels: list[tuple[float, float, float]], z: float) -> tuple[float, float]:
    heights, depths, widths = np.array(levels).T
    return float(np.interp(z, heights, depths)), float(np.interp(z, heights, widths))


def _band(
    band: list[tuple[float, float, float]],
    levels: list[tuple[float, float, float]],
    hips: Point,
    bend: float,
    grow: float,
) -> Mesh:
    """A strip of the trunk's own surface, a little outside it, bent as the whole trunk is."""
    share = max(z for z, _, _ in band) / levels[-1][0]
    return _trunk(band, hips, bend * min(1.0, share * 1.6), grow)


def _arms(
    builder: Builder,
    rng: np.random.Generator,
    pose: Pose,
    height: float,
    girth: float,
    clothes: dict[str, Material],
    neck: Point,
) -> None:
    upper, fore = 0.176 * height, 0.146 * height
    bare = chance(rng, 0.35)
    for side, arm, elbow in ((1, pose.arms[0], pose.elbows[0]), (-1, pose.arms[1], pose.elbows[1])):
        drop = 0.035 * height
        start = neck + np.array(
            [-np.sin(pose.bend) * drop, side * 0.105 * height * girth**0.5, -np.cos(pose.bend) * drop]
        )
        bent = start + _down(arm, upper, side * pose.out)
        builder.add("arms", sphere(start, 0.058 * girth, 8), clothes["shirt"], True)
        wrist = bent + _down(arm + elbow, fore, side * pose.out * 0.5)
        if bare:
            middle = (start + bent * 2) / 3
            builder.add("arms", _limb([start, middle], [0.055 * girth, 0.052 * girth]), clothes["shirt"], True)
            builder.add(
                "skin", _limb([middle, bent, wrist], [0.042 * girth, 0.04 * girth, 0.028]), clothes["skin"], True
            )
        else:
            builder.add(
                "arms", _limb([start, bent, wrist], [0.056 * girth, 0.047 * girth, 0.036]), clothes["shirt"], True
            )
        hand = wrist + _down(arm + elbow, 0.03 * height, 0)
        builder.add("skin", sphere(hand, (0.032, 0.026, 0.05), 8), clothes["skin"], True)


def _head(
    builder: Builder,
    rng: np.random.Generator,
    finish: Finish,
    pose: Pose,
    height: float,
    clothes: dict[str, Material],
    neck: Point,
) -> None:
    scale, lean = height / 1.75, pose.bend * 0.7
    up = np.array([np.sin(lean), 0, np.cos(lean)])
    middle = neck + up * 0.165 * scale + (0.015, 0, 0)
    builder.add("skin", tube(np.stack([neck - up * 0.03, middle]), 0.052 * scale, 9), clothes["skin"], True)
    builder.add("skin", sphere(middle, np.array([0.098, 0.078, 0.122]) * scale, 14), clothes["skin"], True)
    face = np.array([np.cos(pose.look), np.sin(pose.look), 0])
    builder.add("skin", sphere(middle + face * 0.098 * scale, 0.018 * scale, 6), clothes["skin"], True)
    cover = rng.choice(["hair", "helmet", "cap", "bald"], p=[0.55, 0.22, 0.15, 0.08])
    if cover == "bald":
        return
    material = {
        "hair": Material("fabric", pick(rng, HAIRS), 0.7),
        "helmet": finish.plastic(pick(rng, HELMETS)),
        "cap": finish.fabric(pick(rng, SHIRTS)),
    }[str(cover)]
    size = {"hair": 1.06, "helmet": 1.3, "cap": 1.1}[str(cover)] * scale
    crown = shifted(middle, 0, 0, 0.045 * scale) - face * 0.02
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    rings = []
    for t in np.linspace(-0.15, 1.45, 6):
        ring = np.stack(
            [0.1 * np.cos(angles) * np.cos(t), 0.084 * np.sin(angles) * np.cos(t), np.full(14, 0.105 * np.sin(t))], 1
        )
        rings.append(ring * size + crown)
    builder.add("head", loft(np.stack(rings)), material, True)
    if cover != "hair":
        brim = (
            soft_box((-0.1, -0.085, -0.005), (0.1, 0.085, 0.006), 0.08)
            if cover == "helmet"
            else soft_box((0.0, -0.07, -0.005), (0.09, 0.07, 0.006), 0.06)
        )
        c, s = face[0], face[1]
        placed = (
            brim[0] * scale * 1.3 @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
            + crown
            + face * (0.03 if cover == "helmet" else 0.07)
        )
        builder.add("head", (placed, brim[1]), material)
