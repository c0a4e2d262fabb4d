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


def first_hit(
    eye: NDArray[np.float64], direction: NDArray[np.float64], boxes: NDArray[np.float64], far: float
) -> float:
    """Distance along ``direction`` (unit) to the first box, at most ``far`` metres."""
    if not len(boxes):
        return far
    enter, leave = _slabs(eye, (eye + direction * far)[None], boxes)
    hit = (enter < leave) & (enter > 0)
    return far * float(np.where(hit, enter, 1.0).min())


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
    cos, sin = np.cos(boxes[:, 2]), np.sin(boxes[:, 2])

    def local(p: NDArray[np.float64]) -> NDArray[np.float64]:
        dx, dy = p[:, None, 0] - boxes[:, 0], p[:, None, 1] - boxes[:, 1]
        z = np.broadcast_to(p[:, None, 2], dx.shape)
        return np.stack([dx * cos + dy * sin, dy * cos - dx * sin, z], -1)

    start, end = local(eye[None]), local(points)
    low = np.stack([-boxes[:, 3], -boxes[:, 4], boxes[:, 5]], -1)
    high = np.stack([boxes[:, 3], boxes[:, 4], boxes[:, 6]], -1)
    step = end - start
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)
    first, second = (low - start) / step, (high - start) / step
    return np.minimum(first, second).max(-1), np.maximum(first, second).min(-1)
