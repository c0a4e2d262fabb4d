"""Where the camera is a moment later: a second pose that follows from the plan alone.

The scene stands still; what moves is the camera, on the vehicle or the person that carries it. Its turn is tied to the
picture: the motion blur is the smear of an exposure, which lasts :data:`EXPOSURE_SHARE` of the time between two
pictures, and until the next picture the same turn goes on. How far it is carried meanwhile is drawn, for each frame
anew, from a generator of its own, so that no other part of a plan changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stages.sdg.plan.types import Camera, FramePlan

INTERVAL = 1 / 15
"""Seconds between two pictures."""

EXPOSURE_SHARE = 0.25
"""Exposure as a share of the interval: 1/60 s."""

FORWARD = (-0.5, 1.5)
"""Least and greatest speed along the heading in m/s: slow reverse to walking pace."""

SIDEWAYS = 0.1
"""Standard deviation of the speed across the heading in m/s."""

STREAM = 0xF10
"""Tells the generator of the motion from the one of the plan."""


def next_camera(plan: FramePlan) -> Camera:
    """The camera at the next moment; the same plan always gives the same one.

    It turns so that what is seen in the middle of the picture moves by the vector of the motion blur, divided by
    :data:`EXPOSURE_SHARE`, and is carried level with the floor along and across its heading.
    """
    camera = plan.camera
    rng = np.random.default_rng([plan.seed, plan.frame, STREAM])
    along, across = rng.uniform(*FORWARD) * INTERVAL, rng.normal(0, SIDEWAYS) * INTERVAL
    pose = np.array(camera.camera_to_world, np.float64)
    heading = pose[:2, 2] / max(float(np.linalg.norm(pose[:2, 2])), 1e-9)
    pose[:2, 3] += heading * along + np.array([-heading[1], heading[0]]) * across
    length, direction = plan.sensor.motion_blur
    shift = length / EXPOSURE_SHARE / camera.focal
    pose[:3, :3] = pose[:3, :3] @ _turn(shift * np.cos(direction), shift * np.sin(direction))
    a, b, c, d = pose.tolist()
    return replace(camera, camera_to_world=(tuple(a), tuple(b), tuple(c), tuple(d)))


def _turn(right: float, down: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The least turn of a camera that moves the middle of its picture to the normalised point (right, down).

    Rodrigues' formula for the rotation that takes +Z to the direction of the opposite point.
    """
    axis = np.array([-right, -down, 1.0]) / np.sqrt(1 + right * right + down * down)
    x, y, z = axis
    cross = np.array([[0, 0, x], [0, 0, y], [-x, -y, 0.0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + z))
