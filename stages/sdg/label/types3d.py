"""What is known of labelled objects in space, as it is written beside a picture.

World and camera coordinates, and pixels, are those of :mod:`stages.sdg.plan.types`. Matrices are row-major and act on
column vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

from stages.sdg.plan.types import Camera, Vector

Pixel = tuple[float, float]
Matrix3 = tuple[Vector, Vector, Vector]
Matrix4 = tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class CameraLabel:
    """The camera of a frame.

    Attributes:
        camera: intrinsics, lens and pose.
        next_camera_to_world: 4x4, its pose at the next moment, which the flow leads to.
    """

    camera: Camera
    next_camera_to_world: Matrix4


@dataclass(frozen=True)
class Box3D:
    """The box around an object, along the axes of its asset.

    Attributes:
        id: value in the instance mask.
        class_name: its class.
        size: along the asset's X (length), Y (width) and Z (height), metres.
        centre_camera, centre_world: of the box, metres.
        rotation_camera, rotation_world: 3x3, box axes to camera or world axes.
        corners: of the box in the picture, lens distortion included, not clipped to it; None for one at or behind the
            camera's plane. X changes fastest, then Y, then Z, each from its lower to its upper side.
        depths: of the corners along the optical axis, metres.
    """

    id: int
    class_name: str
    size: Vector
    centre_camera: Vector
    centre_world: Vector
    rotation_camera: Matrix3
    rotation_world: Matrix3
    corners: tuple[Pixel | None, ...]
    depths: tuple[float, ...]


@dataclass(frozen=True)
class Pose:
    """Where an object is and how it is turned: six degrees of freedom.

    The origin of an asset lies on its floor, its front is along +X, up is +Z.

    Attributes:
        id: value in the instance mask.
        class_name: its class.
        asset_to_camera, asset_to_world: 4x4 rigid transforms, metres.
        quaternion: (w, x, y, z) of the rotation in ``asset_to_camera``, w not negative.
        scale: uniform, of asset coordinates before the transform.
    """

    id: int
    class_name: str
    asset_to_camera: Matrix4
    asset_to_world: Matrix4
    quaternion: tuple[float, float, float, float]
    scale: float


@dataclass(frozen=True)
class Keypoint:
    """One named point of an object.

    Attributes:
        name: one of :data:`stages.sdg.label.keypoints.KEYPOINTS`.
        x, y: pixels, lens distortion included; 0 where ``visibility`` is 0.
        visibility: as COCO has it: 0 not in the picture or not on this object, 1 hidden, 2 visible.
        camera: in camera coordinates, metres; None when the object has no such point.
    """

    name: str
    x: float
    y: float
    visibility: int
    camera: Vector | None


@dataclass(frozen=True)
class Keypoints:
    """All points of an object, in the order of its class.

    Attributes:
        id: value in the instance mask.
        class_name: its class.
        points: one for each name of the class.
    """

    id: int
    class_name: str
    points: tuple[Keypoint, ...]
