"""Which way is up, and which way is forward.

Up is, in this order: what the user says; what the file says, settled onto the nearest side on which the object rests;
and without either the side on which it rests best. The last is told by how likely a thing that is dropped comes to rest
so (Goldberg et al. 1999, as trimesh computes it), and, where its class is known, by the proportions that it then has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.normalise import FORWARD
from stages.sdg.assets.imports.raw import RawScene
from stages.sdg.reconstruct.classes import USUAL
from stages.sdg.reconstruct.clean import areas
from stages.sdg.reconstruct.rotate import about_z, to_z
from stages.sdg.reconstruct.soup import Soup

Floats = NDArray[np.float64]

DIRECTIONS = 600
"""Directions whose farthest points make the hull that poses are looked for on."""

SETTLE = math.radians(20)
"""Angle from the file's up within which a resting pose is taken to be meant."""

LEVEL = math.radians(0.4)
"""Angle below which nothing is turned."""

RARE = 0.03
"""Probability below which a resting pose is not thought of."""

SAME = math.radians(8)
"""Angle below which two resting poses are one."""

SPARES = 0.97
"""Share of the area of the box along the axes that a turned one must stay below to be taken."""

AXES = {"x": (1.0, 0, 0), "y": (0, 1.0, 0), "z": (0, 0, 1.0)}


@dataclass(frozen=True)
class Pose:
    """A way to rest on the floor.

    Attributes:
        up: unit vector of the file's axes that points up.
        probability: of coming to rest so when dropped.
    """

    up: tuple[float, float, float]
    probability: float


@dataclass(frozen=True)
class Stand:
    """How an object was turned.

    Attributes:
        turn: (3, 3) rotation from the file's axes to Z up, front along +X.
        up: the rule that was used, in words.
        front: likewise.
        notes: what the user should know.
    """

    turn: Floats
    up: str
    front: str
    notes: tuple[str, ...] = ()


def stand(soup: Soup, raw: RawScene, up: str, front: str, class_name: str) -> Stand:
    """Find the rotation that sets an object upright.

    Args:
        soup: its triangles.
        raw: what the file says of its axes.
        up: ``auto``, ``rest``, or an axis: ``x``, ``-x``, ``y``, ``-y``, ``z``, ``-z``.
        front: ``auto``, or the axis that points forward once Z is up: ``x``, ``-x``, ``y``, ``-y``.
        class_name: of the object.
    """
    vector, rule, notes = _up(soup, raw, up, class_name)
    turn = to_z(vector)
    if front != "auto":
        return Stand(FORWARD[front] @ turn, rule, f"given: {front}", tuple(notes))
    angle = _along(soup.used() @ turn.T)
    rule_front = "the longer side of the smallest box around it is its length; which end is the front is not known"
    return Stand(about_z(-angle) @ turn, rule, rule_front, tuple(notes))


def _up(soup: Soup, raw: RawScene, up: str, class_name: str) -> tuple[Floats, str, list[str]]:
    if up not in ("auto", "rest"):
        return axis(up), f"given: {up}", []
    poses = resting_poses(soup)
    says = up == "auto" and not raw.up_from.startswith("assumed")
    if says:
        told = axis(raw.up)
        near = [pose for pose in poses if _angle(pose.up, told) <= SETTLE]
        if not near:
            note = (
                f"it would not stay standing with {raw.up.upper()} up ({raw.up_from}): look at its picture, and give "
                "--up rest or an axis where it lies wrong"
            )
            return told, f"{raw.up}: {raw.up_from}", [note] if poses else []
        best = min(near, key=lambda pose: _angle(pose.up, told) - 0.2 * pose.probability)
        off = _angle(best.up, told)
        if off < LEVEL:
            return told, f"{raw.up}: {raw.up_from}, and it rests so", []
        rule = f"{raw.up}: {raw.up_from}, tilted by {math.degrees(off):.1f} degrees onto the side that it rests on"
        return np.array(best.up), rule, []
    if not poses:
        return axis(raw.up), f"{raw.up}: {raw.up_from}, since no side of it is one to rest on", []
    chosen = min(poses, key=lambda pose: _unlike(soup, pose, class_name) - 0.15 * math.log(pose.probability))
    rule = f"the side that it rests on best ({100 * chosen.probability:.0f} % of drops"
    rule += f", and the proportions of a {class_name})" if class_name in USUAL else ")"
    others = sum(pose.probability > 0.5 * chosen.probability for pose in poses) - 1
    note = f"nothing says which way is up, and it could rest on {others} other sides as well: look at its picture"
    snapped = next((axis(name) for name in _names() if _angle(axis(name), chosen.up) < LEVEL), np.array(chosen.up))
    return snapped, rule, [note] if others > 0 else []


def _names() -> tuple[str, ...]:
    return ("z", "y", "x", "-z", "-y", "-x")


def axis(name: str) -> Floats:
    """Unit vector of ``x``, ``-x``, ..."""
    return np.array(AXES[name[-1]]) * (-1.0 if name.startswith("-") else 1.0)


def _angle(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> float:
    return float(np.arccos(np.clip(np.dot(a, b), -1, 1)))


def resting_poses(soup: Soup) -> list[Pose]:
    """Sides that an object rests on, the likeliest first; none for a flat one or where no hull is to be had."""
    import trimesh

    points = soup.used()
    size = float(np.ptp(points, axis=0).max())
    points = points - points.mean(0)
    # on few hull faces the computation is quick, and the vertices of large sides are among the farthest points
    number = np.arange(DIRECTIONS) + 0.5
    height, around = 1 - 2 * number / DIRECTIONS, number * math.pi * (3 - math.sqrt(5))
    ring = np.sqrt(1 - height**2)
    sphere = np.stack([ring * np.cos(around), ring * np.sin(around), height], 1)
    sphere = np.concatenate([sphere, np.eye(3), -np.eye(3)])
    chosen = np.unique(np.concatenate([np.argmax(points @ part.T, axis=0) for part in np.array_split(sphere, 8)]))
    corners = soup.vertices[soup.triangles]
    weights = areas(corners)
    middle = (corners.mean(1) * weights[:, None]).sum(0) / weights.sum() - soup.used().mean(0)
    try:
        hull = trimesh.convex.convex_hull(points[chosen] / size)
        if hull.volume < 1e-6:
            return []
        turns, probabilities = trimesh.poses.compute_stable_poses(hull, center_mass=middle / size, sigma=0, n_samples=1)
    except Exception:  # qhull and networkx raise what they like on degenerate hulls; then nothing is known
        return []
    return _merged([Pose(tuple(t[2, :3].tolist()), float(p)) for t, p in zip(turns, probabilities, strict=True)])


def _merged(poses: Sequence[Pose]) -> list[Pose]:
    kept: list[Pose] = []
    for pose in sorted(poses, key=lambda pose: -pose.probability):
        for number, other in enumerate(kept):
            if _angle(pose.up, other.up) < SAME:
                kept[number] = Pose(other.up, other.probability + pose.probability)
                break
        else:
            kept.append(pose)
    return [pose for pose in sorted(kept, key=lambda pose: -pose.probability) if pose.probability >= RARE]


def _unlike(soup: Soup, pose: Pose, class_name: str) -> float:
    """How far the proportions in a pose are from those that are usual, as the mean logarithm; 0 without a class."""
    if class_name not in USUAL:
        return 0.0
    points = soup.used() @ to_z(np.array(pose.up)).T
    points = points @ about_z(-_along(points)).T
    sides = np.log(np.maximum(np.ptp(points, axis=0), 1e-9)) - np.log(USUAL[class_name])
    return float(np.abs(sides - np.median(sides)).sum())


def _along(points: Floats) -> float:
    """Angle about Z of the longer side of the smallest rectangle around points, seen from above."""
    import cv2

    flat = points[:, :2]
    middle, size = flat.mean(0), max(float(np.ptp(flat, axis=0).max()), 1e-12)
    hull = cv2.convexHull(((flat - middle) / size).astype(np.float32))
    sides = np.ptp(flat, axis=0)
    (_, (width, height), degrees) = cv2.minAreaRect(hull)
    if width * height * size**2 > SPARES * sides[0] * sides[1]:
        return 0.0 if sides[0] >= sides[1] else math.pi / 2
    angle = math.radians(degrees) + (0 if width >= height else math.pi / 2)
    return (angle + math.pi / 2) % math.pi - math.pi / 2
