"""What the camera can see of a place, by sight lines against the boxes that things occupy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def clear_share(eye: NDArray[np.float64], points: NDArray[np.float64], boxes: NDArray[np.float64]) -> float:
    """Share of points (P, 3) whose line from ``eye`` (3,) no box (N, 7) cuts; boxes as in ``Draft.boxes``."""
    if not len(boxes):
        return 1.0
    return float(1 - _cut(eye, points, boxes).any(1).mean())


def cut_by(eye: NDArray[np.float64], points: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (P, 3) a box (N, 7) hides from ``eye`` (3,)."""
    return _cut(eye, points, boxes).any(1) if len(boxes) else np.zeros(len(points), bool)


def first_hits(
    eye: NDArray[np.float64], directions: NDArray[np.float64], boxes: NDArray[np.float64], far: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance along each of the directions (D, 3), unit, to the first box, at most ``far`` (D,) metres: (D,)."""
    if not len(boxes):
        return far
    enter, leave = _slabs(eye, eye + directions * far[:, None], boxes)
    hit = (enter < leave) & (enter > 0)
    return np.asarray(far * np.where(hit, enter, 1.0).min(1))


def _cut(eye: NDArray[np.float64], points: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    enter, leave = _slabs(eye, points, boxes)
    # a box around the eye is the camera's own space
    return (enter < leave) & (enter > 0.0) & (enter < 0.98)


def _slabs(
    eye: NDArray[np.float64], points: NDArray[np.float64], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the segments eye-point enter and leave each box, as a share of their length: (P, N) each.

    The slab method of Kay and Kajiya (SIGGRAPH 1986) in each box's own axes.
    """
    x, y, yaw, half_x, half_y, low, high = boxes.T
    cos, sin = np.cos(yaw), np.sin(yaw)

    def local(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        dx, dy = points[:, 0:1] - x, points[:, 1:2] - y
        return dx * cos + dy * sin, dy * cos - dx * sin

    start_x, start_y = local(eye[None])
    end_x, end_y = local(points)
    enter_x, leave_x = _slab(-half_x - start_x, half_x - start_x, end_x - start_x)
    enter_y, leave_y = _slab(-half_y - start_y, half_y - start_y, end_y - start_y)
    enter_z, leave_z = _slab(low - eye[2], high - eye[2], points[:, 2:3] - eye[2])
    return np.maximum(np.maximum(enter_x, enter_y), enter_z), np.minimum(np.minimum(leave_x, leave_y), leave_z)


def _slab(
    low: NDArray[np.float64], high: NDArray[np.float64], run: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where segments that run so far along one axis enter and leave a slab, given from their start."""
    run = np.where(np.abs(run) < 1e-9, 1e-9, run)
    first, second = low / run, high / run
    return np.minimum(first, second), np.maximum(first, second)
