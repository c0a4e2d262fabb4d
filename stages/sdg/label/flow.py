"""Optical flow: where what a pixel shows is a moment later, computed from depth and the two poses of the camera.

Nothing is estimated and nothing is rendered twice. Every pixel that shows something has a flow, also where that is
hidden or out of the picture a moment later (KITTI's ``flow_occ``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.sdg.plan.types import Camera
from stages.sdg.render.camera import project, to_normalised, undistort
from stages.sdg.render.passes import Passes

Floats = NDArray[np.float64]


def optical_flow(
    passes: Passes, camera: Camera, following: Camera, motions: Mapping[int, ArrayLike] | None = None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Motion of every pixel in the picture.

    Args:
        passes: of ``camera``.
        camera: that took the picture.
        following: the camera a moment later.
        motions: (4, 4) world-to-world transforms, rigid, of the instances that move meanwhile, by id; the others stand
            still.

    Returns:
        (H, W, 2) pixels to the right and downwards, and the (H, W) mask of those that have a flow: they show something,
        and it does not lie behind the camera a moment later.
    """
    height, width = passes.depth.shape
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    here = np.stack([columns, rows], -1)
    plain = undistort(to_normalised(camera, here), camera.distortion)
    seen = np.isfinite(passes.depth)
    depth = np.where(seen, passes.depth, 1.0).astype(np.float64)
    local = np.concatenate([plain * depth[..., None], depth[..., None]], -1)
    pose = np.asarray(camera.camera_to_world, np.float64)
    world = local @ pose[:3, :3].T + pose[:3, 3]
    for number, motion in (motions or {}).items():
        moved = passes.instance == number
        matrix = np.asarray(motion, np.float64)
        world[moved] = world[moved] @ matrix[:3, :3].T + matrix[:3, 3]
    there, later = project(following, world.reshape(-1, 3))
    valid = seen & (later.reshape(height, width) >= following.near)
    flow = np.where(valid[..., None], there.reshape(height, width, 2) - here, 0.0)
    return flow, valid
