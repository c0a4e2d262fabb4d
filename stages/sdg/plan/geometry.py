"""Rigid transforms of placements and cameras."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import Placement, Vector

Matrix = NDArray[np.float64]


def rotation_matrix(rotation: Vector) -> Matrix:
    """3x3 rotation of (yaw, pitch, roll): about Z, then about the turned X, then about the turned Y, in radians."""
    (cz, cx, cy), (sz, sx, sy) = (tuple(map(f, rotation)) for f in (math.cos, math.sin))
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1.0]])
    about_x = np.array([[1.0, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1.0, 0], [-sy, 0, cy]])
    return np.asarray(about_z @ about_x @ about_y)


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


def look_along(position: Vector, yaw: float, pitch: float, roll: float) -> tuple[tuple[float, ...], ...]:
    """Camera-to-world matrix (OpenCV axes) of a camera that looks along ``yaw``.

    Args:
        position: of the camera, world metres.
        yaw: direction of view about Z; 0 looks along +X.
        pitch: above the horizon, radians.
        roll: clockwise turn of the camera about its axis, radians.
    """
    forward = np.array([math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)])
    right = np.array([math.sin(yaw), -math.cos(yaw), 0.0])
    down = np.cross(forward, right)
    turned_right = math.cos(roll) * right + math.sin(roll) * down
    turned_down = math.cos(roll) * down - math.sin(roll) * right
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = turned_right, turned_down, forward
    matrix[:3, 3] = position
    return tuple(tuple(float(value) for value in row) for row in matrix)
