"""KITTI object labels and calibration, as TAO and other tools read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.convert.formats.registry import register_format
from stages.convert.types import PARTS, ConvertedFrame
from stages.sdg.label.types import InstanceLabel
from stages.sdg.label.types3d import Box3D, Matrix3
from stages.sdg.plan.types import Camera

PARTLY, LARGELY = 0.05, 0.5
"""Occluded share from which KITTI's ``occluded`` is 1 (partly) and 2 (largely)."""

UPRIGHT = 0.9
"""Least cosine between a box's height and the world's Z at which it counts as upright."""

UNKNOWN_ALPHA = "-10"
UNKNOWN_3D = "-1 -1 -1 -1000 -1000 -1000 -10"
"""Height, width, length, location x, y, z, rotation: what KITTI writes where they are not known."""

LASER_TO_CAMERA = "0 -1 0 0 0 0 -1 0 1 0 0 0"
"""3x4 row-major, from a laser scanner at the camera's place (X forward, Y left, Z up): there is none, and readers
insist on one."""


@register_format("kitti")
class KittiWriter:
    """``<part>/label_2/<stem>.txt`` with 15 columns an object, and ``<part>/calib/<stem>.txt``.

    Type, truncated (0 to 1), occluded (0 fully visible, 1 partly, 2 largely, 3 unknown), alpha, left, top, right,
    bottom (0-based pixels), then the 3D box: of frames whose annotator ``boxes3d`` was asked for. The calibration is
    that of frames whose annotator ``camera`` was. Dropped objects are ``DontCare`` regions.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        del classes  # KITTI names classes in each line
        self._folder = folder
        for part in PARTS:
            (folder / part / "label_2").mkdir(parents=True)

    def add(self, frame: ConvertedFrame) -> None:
        """Write the files of one picture."""
        lines = [_line(item, frame.boxes3d.get(item.id)) for item in frame.kept]
        lines += [f"DontCare -1 -1 {UNKNOWN_ALPHA} {_box(item.instance)} {UNKNOWN_3D}\n" for item in frame.dropped]
        (self._folder / frame.part / "label_2" / f"{frame.stem}.txt").write_text("".join(lines))
        if frame.camera is not None:
            place = self._folder / frame.part / "calib"
            place.mkdir(exist_ok=True)
            (place / f"{frame.stem}.txt").write_text(calibration(frame.camera.camera))

    def close(self) -> None:
        """Nothing is left to do."""


def occlusion_level(occlusion: float) -> int:
    """KITTI's level of an occluded share 0 to 1; 3 for a share that is not known (NaN)."""
    if not 0 <= occlusion <= 1:
        return 3
    return int(occlusion >= PARTLY) + int(occlusion >= LARGELY)


def columns_3d(box: Box3D) -> tuple[float, ...]:
    """Alpha, height, width, length, x, y, z of the middle of the box's floor, and rotation_y.

    As the devkit defines them (Geiger et al., "Are we ready for autonomous driving?", CVPR 2012, readme.txt): metres
    and radians in camera coordinates; ``rotation_y`` turns +X to the object's heading about the camera's Y axis, and
    ``alpha`` is that angle less the direction in which the object is seen. KITTI's boxes stand upright in the camera's
    coordinates; of a camera that is tilted, the heading's angle about Y is what they can say. A thing that is tipped up
    gets the upright box around its own.
    """
    (length, width, height), turn = _upright(box)
    x, y, z = (centre - row[2] * height / 2 for centre, row in zip(box.centre_camera, turn, strict=True))
    rotation = math.atan2(-turn[2][0], turn[0][0])
    alpha = math.remainder(rotation - math.atan2(x, z), 2 * math.pi)
    return alpha, height, width, length, x, y, z, rotation


def _upright(box: Box3D) -> tuple[tuple[float, ...], Matrix3]:
    """Length, width, height and turn in camera coordinates of a box, or of the upright one around a tipped box."""
    if abs(box.rotation_world[2][2]) > UPRIGHT:
        return box.size, box.rotation_camera
    world, camera = np.array(box.rotation_world), np.array(box.rotation_camera)
    # the heading is that of the length, or of the height where the length stands on end
    heading = world[:, 0] if math.hypot(*world[:2, 0]) > 1e-6 else world[:, 2]
    ahead, up = np.array([heading[0], heading[1], 0.0]) / math.hypot(*heading[:2]), np.array([0.0, 0.0, 1.0])
    frame = np.stack([ahead, np.cross(up, ahead), up], 1)
    size = np.abs(frame.T @ world) @ np.array(box.size)
    turn = camera @ world.T @ frame
    return tuple(float(side) for side in size), tuple(tuple(float(v) for v in row) for row in turn)  # type: ignore[return-value]


def calibration(camera: Camera) -> str:
    """The camera as ``P2`` and all else that readers look for; KITTI's pictures are rectified, a lens has no place."""
    focal, x, y = camera.focal, camera.width / 2, camera.height / 2
    projection = f"{focal:.6f} 0 {x:.6f} 0 0 {focal:.6f} {y:.6f} 0 0 0 1 0"
    lines = [f"P{number}: {projection}" for number in range(4)]
    lines += ["R0_rect: 1 0 0 0 1 0 0 0 1", f"Tr_velo_to_cam: {LASER_TO_CAMERA}"]
    return "\n".join([*lines, "Tr_imu_to_velo: 1 0 0 0 0 1 0 0 0 0 1 0", ""])


def _line(item: InstanceLabel, box: Box3D | None) -> str:
    alpha, rest = UNKNOWN_ALPHA, UNKNOWN_3D
    if box is not None:
        alpha, *columns = (f"{value:.4f}" for value in columns_3d(box))
        rest = " ".join(columns)
    level = occlusion_level(item.occlusion)
    return f"{item.class_name} {item.truncation:.2f} {level} {alpha} {_box(item)} {rest}\n"


def _box(instance: InstanceLabel) -> str:
    return " ".join(f"{side:.2f}" for side in instance.xyxy)
