"""The layout of Omniverse Replicator's ``BasicWriter``, so that what reads its folders reads these.

Names, types and conventions follow omni.replicator.core 1.12 (Isaac Sim 5.1): structured arrays with inclusive pixel
indices, matrices that row vectors are multiplied with, a camera that looks along -Z with +Y up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.common.errors import InputError
from stages.common.files import write_json
from stages.convert.formats.registry import register_format
from stages.convert.types import PARTS, ConvertedFrame, Part
from stages.sdg.label.types import InstanceLabel, Xyxy
from stages.sdg.label.types3d import Box3D
from stages.sdg.plan.types import Camera

BOX_2D = np.dtype([
    ("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4"),
    ("occlusionRatio", "<f4"),
])  # fmt: skip
BOX_3D = np.dtype([
    ("semanticId", "<u4"), ("x_min", "<f4"), ("y_min", "<f4"), ("z_min", "<f4"), ("x_max", "<f4"), ("y_max", "<f4"),
    ("z_max", "<f4"), ("transform", "<f4", (4, 4)), ("occlusionRatio", "<f4"),
])  # fmt: skip

APERTURE = 20.955
"""Width of the camera's aperture in tenths of a world unit: USD's default."""

FAR = 1e6
"""Replicator's default far plane in metres."""

BACKGROUND, UNLABELLED = (0, 0, 0, 0), (0, 0, 0, 255)
"""Colours of pixels that show nothing, and of those that show what has no label."""

Rgba = tuple[int, int, int, int]


@register_format("basic_writer")
class BasicWriter:
    """``<part>/rgb_0000.png`` and the files beside it; every visible labelled object is in them, dropped or not.

    Frames are numbered from 0 in each part, as Replicator numbers them; ``frames.json`` says which is which. 3D boxes,
    depth, normals and the camera are written of frames whose annotators ``boxes3d``, ``depth``, ``normals`` and
    ``camera`` were asked for.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._folder = folder
        self._classes = list(classes)
        self._frames: dict[Part, list[int]] = {part: [] for part in PARTS}
        for part in PARTS:
            (folder / part).mkdir(parents=True)

    def add(self, frame: ConvertedFrame) -> None:
        """Write the files of one frame.

        Raises:
            InputError: when its picture cannot be read.
        """
        number = len(self._frames[frame.part])
        self._frames[frame.part].append(frame.number)
        labelled = sorted([*frame.kept, *(item.instance for item in frame.dropped)], key=lambda item: item.id)
        place = self._folder / frame.part

        def path(name: str, suffix: str) -> Path:
            return place / f"{name}_{number:04d}.{suffix}"

        _write_png(path("rgb", "png"), _decoded(frame, "jpg", cv2.IMREAD_COLOR))
        for kind in ("tight", "loose"):
            self._boxes(f"bounding_box_2d_{kind}", _boxes_2d(labelled, kind, self._classes), labelled, path)
        self._segmentation(frame, labelled, path)
        if "boxes3d.json" in frame.files:
            in_space = [item for item in labelled if item.id in frame.boxes3d]
            self._boxes("bounding_box_3d", _boxes_3d(in_space, frame, self._classes), in_space, path)
        if "depth.png" in frame.files:
            np.save(path("distance_to_image_plane", "npy"), _metres(frame))
        if "normals.png" in frame.files:
            _write_png(path("normals", "png"), _decoded(frame, "normals.png", cv2.IMREAD_COLOR))
        if frame.camera is not None:
            write_json(path("camera_params", "json"), camera_params(frame.camera.camera))

    def _boxes(
        self, name: str, boxes: NDArray[Any], labelled: Sequence[InstanceLabel], path: Callable[[str, str], Path]
    ) -> None:
        np.save(path(name, "npy"), boxes)
        classes = sorted({item.class_name for item in labelled}, key=self._classes.index)
        labels = {str(self._classes.index(class_name)): {"class": class_name} for class_name in classes}
        _write(path(f"{name}_labels", "json"), labels)
        _write(path(f"{name}_prim_paths", "json"), [prim_path(item) for item in labelled])

    def _segmentation(
        self, frame: ConvertedFrame, labelled: Sequence[InstanceLabel], path: Callable[[str, str], Path]
    ) -> None:
        by_class = {item.id: colour_of(self._classes.index(item.class_name) + 1) for item in labelled}
        by_instance = {item.id: colour_of(item.id) for item in labelled}
        rest = {BACKGROUND: "BACKGROUND", UNLABELLED: "UNLABELLED"}
        classes = rest | {by_class[item.id]: item.class_name for item in labelled}
        of_instances = rest | {by_instance[item.id]: item.class_name for item in labelled}
        prims = rest | {by_instance[item.id]: prim_path(item) for item in labelled}
        _write_png(path("semantic_segmentation", "png"), _coloured(frame.masks, by_class))
        _write(
            path("semantic_segmentation_labels", "json"), {str(key): {"class": name} for key, name in classes.items()}
        )
        _write_png(path("instance_segmentation", "png"), _coloured(frame.masks, by_instance))
        _write(path("instance_segmentation_mapping", "json"), {str(key): name for key, name in prims.items()})
        _write(
            path("instance_segmentation_semantics_mapping", "json"),
            {str(key): {"class": name} for key, name in of_instances.items()},
        )

    def close(self) -> None:
        """Write ``frames.json``: the frames of each part in the order of their numbers there."""
        write_json(self._folder / "frames.json", self._frames)


def prim_path(instance: InstanceLabel) -> str:
    """Where the object would lie on a USD stage."""
    return f"/World/{instance.class_name}_{instance.id:04d}"


def colour_of(number: int) -> Rgba:
    """An opaque colour for a number from 1 on; no two below 2^24 have the same, and none is black."""
    mixed = number * 2_654_435_761 % (1 << 24)  # odd, so the product is one-to-one (Knuth's multiplicative hash)
    return mixed >> 16, mixed >> 8 & 255, mixed & 255, 255


def camera_params(camera: Camera) -> dict[str, Any]:
    """What Replicator's ``camera_params`` annotator says of a camera; a lens has no place in it.

    ``cameraViewTransform`` takes world row vectors to a camera that looks along -Z with +Y up, ``cameraProjection``
    takes these to clip space with reversed depth (1 at the near plane, 0 at the far one); 16 numbers each, row-major.
    """
    to_world = np.asarray(camera.camera_to_world) @ np.diag([1.0, -1.0, -1.0, 1.0])
    near, far = camera.near, FAR
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 2 * camera.focal / camera.width, 2 * camera.focal / camera.height
    projection[2, 2], projection[2, 3], projection[3, 2] = near / (far - near), -1.0, near * far / (far - near)
    return {
        "cameraAperture": [APERTURE, APERTURE * camera.height / camera.width],
        "cameraApertureOffset": [0.0, 0.0],
        "cameraFStop": 0.0,
        "cameraFocalLength": camera.focal * APERTURE / camera.width,
        "cameraModel": "pinhole",
        "cameraNearFar": [near, far],
        "cameraProjection": projection.ravel().tolist(),
        "cameraViewTransform": np.linalg.inv(to_world).T.ravel().tolist(),
        "metersPerSceneUnit": 1.0,
        "renderProductResolution": [camera.width, camera.height],
    }


def _boxes_2d(labelled: Sequence[InstanceLabel], kind: str, classes: Sequence[str]) -> NDArray[Any]:
    rows = []
    for item in labelled:
        left, top, right, bottom = _inclusive(item.xyxy if kind == "tight" else item.xyxy_loose)
        rows.append((classes.index(item.class_name), left, top, right, bottom, item.occlusion))
    return np.array(rows, BOX_2D)


def _inclusive(xyxy: Xyxy) -> tuple[int, int, int, int]:
    """First and last pixel that a box touches."""
    left, top, right, bottom = xyxy
    return int(np.floor(left)), int(np.floor(top)), int(np.ceil(right)) - 1, int(np.ceil(bottom)) - 1


def _boxes_3d(labelled: Sequence[InstanceLabel], frame: ConvertedFrame, classes: Sequence[str]) -> NDArray[Any]:
    rows = []
    for item in labelled:
        box = frame.boxes3d[item.id]
        half = np.asarray(box.size) / 2
        rows.append((classes.index(item.class_name), *-half, *half, _row_vector_pose(box), item.occlusion))
    return np.array(rows, BOX_3D)


def _row_vector_pose(box: Box3D) -> NDArray[np.float32]:
    """4x4 that takes row vectors of box coordinates to the world."""
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = np.asarray(box.rotation_world).T
    matrix[3, :3] = box.centre_world
    return matrix


def _coloured(masks: NDArray[np.uint16], colours: dict[int, Rgba]) -> NDArray[np.uint8]:
    """(H, W, 4) blue, green, red, opacity."""
    table = np.full((int(masks.max(initial=0)) + 1, 4), UNLABELLED, np.uint8)
    table[0] = BACKGROUND
    for number, (red, green, blue, opacity) in colours.items():
        if number < len(table):
            table[number] = blue, green, red, opacity
    return np.asarray(table[masks])


def _metres(frame: ConvertedFrame) -> NDArray[np.float32]:
    """(H, W) along the optical axis, +inf where nothing is."""
    millimetres = _decoded(frame, "depth.png", cv2.IMREAD_UNCHANGED)
    return np.where(millimetres == 0, np.inf, millimetres / 1000).astype(np.float32)


def _decoded(frame: ConvertedFrame, suffix: str, how: int) -> NDArray[Any]:
    pixels = cv2.imdecode(np.frombuffer(frame.files[suffix], np.uint8), how)
    if pixels is None:
        raise InputError(f"{suffix} of frame {frame.number} cannot be read; `dvc repro sdg` makes it again")
    return np.asarray(pixels)


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """An RGBA picture of (H, W, 3 or 4) blue, green, red and opacity."""
    opaque = pixels if pixels.shape[2] == 4 else cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)
    _, data = cv2.imencode(".png", opaque)
    path.write_bytes(data.tobytes())


def _write(path: Path, value: Any) -> None:
    """JSON in the order of the keys: Replicator's start with the background."""
    path.write_text(json.dumps(value))
