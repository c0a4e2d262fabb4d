"""Transforms of plans, as USD has them: 4x4 for row vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPENCV_TO_USD = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenCV's camera looks along +Z with Y down, USD's along -Z with Y up."""


def rigid(position: Sequence[float], rotation: Sequence[float], scale: float = 1.0) -> NDArray[np.float64]:
    """4x4 local-to-world matrix for column vectors.

    Args:
        position: world metres.
        rotation: (yaw, pitch, roll) in radians: about Z, then about the turned X, then about the turned Y.
        scale: uniform.
    """
    (cz, cx, cy), (sz, sx, sy) = ([f(angle) for angle in rotation] for f in (math.cos, math.sin))
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1.0]])
    about_x = np.array([[1.0, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1.0, 0], [-sy, 0, cy]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_z @ about_x @ about_y * scale
    matrix[:3, 3] = position
    return matrix


def place(prim: Any, matrix: NDArray[np.float64]) -> None:
    """Give a prim one transform operation, for column vectors; written only where it changes something."""
    from pxr import Gf, UsdGeom

    wanted = Gf.Matrix4d(matrix.T.tolist())
    shape = UsdGeom.Xformable(prim)
    operations = shape.GetOrderedXformOps()
    if len(operations) == 1 and operations[0].GetOpType() == UsdGeom.XformOp.TypeTransform:
        if operations[0].Get() != wanted:
            operations[0].Set(wanted)
        return
    shape.MakeMatrixXform().Set(wanted)
