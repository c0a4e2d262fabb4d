"""Rotations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def matrices(quaternions: Floats) -> Floats:
    """Rotation matrices (N, 3, 3) of quaternions (N, 4), real part first, of any length; zero gives the identity."""
    length = np.linalg.norm(quaternions, axis=1, keepdims=True)
    w, x, y, z = np.where(length > 0, quaternions / np.maximum(length, 1e-300), [1.0, 0, 0, 0]).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def to_z(up: Floats) -> Floats:
    """Shortest rotation (3, 3) that brings a unit vector to +Z."""
    x, y, z = up
    if z < -1 + 1e-9:
        return np.diag([1.0, -1, -1])
    k = 1 / (1 + z)
    return np.array([[1 - k * x * x, -k * x * y, -x], [-k * x * y, 1 - k * y * y, -y], [x, y, z]])


def about_z(angle: float) -> Floats:
    """Rotation (3, 3) by an angle in radians, counter-clockwise seen from above."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
