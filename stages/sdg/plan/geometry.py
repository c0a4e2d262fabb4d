"""Rigid transforms of placements and cameras."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import Placement, Vector

Matrix = NDArray[np.float64]

Row = tuple[float, float, float, float, float, float, float]
"""The numbers of an upright box, see :func:`cuts`."""

TOUCH = 1e-6
"""Boxes that go no deeper into each other do not cut, metres."""


def rotation_matrix(rotation: Vector) -> Matrix:
    """3x3 rotation of (yaw, pitch, roll): about Z, then about the turned X, then about the turned Y, in radians."""
    (cz, cx, cy), (sz, sx, sy) = (tuple(map(f, rotation)) for f in (math.cos, math.sin))
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1.0]])
    about_x = np.array([[1.0, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1.0, 0], [-sy, 0, cy]])
    return np.asarray(about_z @ about_x @ about_y)


def rotation_matrices(rotations: NDArray[np.float64]) -> Matrix:
    """:func:`rotation_matrix` of each of (N, 3), (N, 3, 3)."""
    (cz, cx, cy), (sz, sx, sy) = np.cos(rotations).T, np.sin(rotations).T
    rows = (
        (cz * cy - sz * sx * sy, -sz * cx, cz * sy + sz * sx * cy),
        (sz * cy + cz * sx * sy, cz * cx, sz * sy - cz * sx * cy),
        (-cx * sy, sx, cx * cy),
    )
    return np.array(rows).transpose(2, 0, 1)


def rigid(position: Vector, rotation: Vector, scale: float = 1.0) -> Matrix:
    """4x4 local-to-world matrix of a position (metres), a rotation (see :func:`rotation_matrix`) and a scale."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_matrix(rotation) * scale
    matrix[:3, 3] = position
    return matrix


def placement_matrix(placement: Placement) -> Matrix:
    """4x4 asset-to-world matrix of a placement."""
    return rigid(placement.position, placement.rotation, placement.scale)


def step(x: float, y: float, yaw: float, along: float, across: float = 0.0) -> tuple[float, float]:
    """The point ``along`` metres ahead of (x, y) when facing ``yaw`` radians, and ``across`` metres to the left."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    return x + along * cos - across * sin, y + along * sin + across * cos


def cuts(one: Row, other: Row) -> bool:
    """Whether two boxes cut into each other, by separating axes in the plane and intervals in Z.

    Plain numbers: most questions are about one or two boxes, for which arrays take ten times as long.

    Args:
        one: x, y, yaw, half sizes along its own axes, lower and upper Z; metres and radians.
        other: the same.
    """
    x, y, yaw, half_x, half_y, low, high = one
    other_x, other_y, other_yaw, other_half_x, other_half_y, other_low, other_high = other
    if other_low >= high - TOUCH or other_high <= low + TOUCH:
        return False
    gap_x, gap_y, turn = other_x - x, other_y - y, other_yaw - yaw
    cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
    for angle, (ahead, aside), (to_ahead, to_aside) in (
        (yaw, (half_x, half_y), (other_half_x, other_half_y)),
        (other_yaw, (other_half_x, other_half_y), (half_x, half_y)),
    ):
        cos_angle, sin_angle = math.cos(angle), math.sin(angle)
        if abs(gap_x * cos_angle + gap_y * sin_angle) >= ahead + to_ahead * cos + to_aside * sin - TOUCH:
            return False
        if abs(-gap_x * sin_angle + gap_y * cos_angle) >= aside + to_ahead * sin + to_aside * cos - TOUCH:
            return False
    return True


def look_along(position: Vector, yaw: float, pitch: float, roll: float) -> tuple[tuple[float, ...], ...]:
    """Camera-to-world matrix (OpenCV axes) of a camera that looks along ``yaw``.

    Args:
        position: of the camera, world metres.
        yaw: direction of view about Z; 0 looks along +X.
        pitch: above the horizon, radians.
        roll: clockwise turn of the camera about its axis, radians.
    """
    (cos_yaw, cos_pitch, cos_roll), (sin_yaw, sin_pitch, sin_roll) = (
        (turn(yaw), turn(pitch), turn(roll)) for turn in (math.cos, math.sin)
    )
    forward = (cos_yaw * cos_pitch, sin_yaw * cos_pitch, sin_pitch)
    right = (sin_yaw, -cos_yaw, 0.0)
    down = (
        forward[1] * right[2] - forward[2] * right[1],
        forward[2] * right[0] - forward[0] * right[2],
        forward[0] * right[1] - forward[1] * right[0],
    )
    axes = [
        (cos_roll * r + sin_roll * d, cos_roll * d - sin_roll * r, f)
        for r, d, f in zip(right, down, forward, strict=True)
    ]
    return *((*axis, float(at)) for axis, at in zip(axes, position, strict=True)), (0.0, 0.0, 0.0, 1.0)
