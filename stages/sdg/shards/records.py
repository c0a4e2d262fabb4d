"""Plans and labels as JSON, exact and in a stable order of keys."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from stages.common.errors import InputError
from stages.sdg.label.types import FrameLabel
from stages.sdg.label.types3d import Box3D, CameraLabel, Keypoints, Pose
from stages.sdg.plan.types import FramePlan

T = TypeVar("T")


_PLAN = TypeAdapter(FramePlan)
_LABEL = TypeAdapter(FrameLabel)
_CAMERA = TypeAdapter(CameraLabel)
_BOXES = TypeAdapter(list[Box3D])
_POSES = TypeAdapter(list[Pose])
_KEYPOINTS = TypeAdapter(list[Keypoints])


def _dump(value: Any) -> str:
    # json writes the shortest decimal that reads back as the same float; NaN and infinity are refused as bugs.
    return json.dumps(value, default=_fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _fields(value: Any) -> dict[str, Any]:
    """Fields of a dataclass; asdict would copy all that is in them first."""
    if not dataclasses.is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is nothing that JSON knows")
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _load(adapter: TypeAdapter[T], text: str | bytes, source: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole text"
        raise InputError(f"{source} cannot be read ({place}: {first['msg']}); make the frames again") from error


def plan_to_line(plan: FramePlan) -> str:
    """One line of ``plan.jsonl``, without its newline; floats read back bit for bit.

    Raises:
        ValueError: when a number is not finite.
        TypeError: when a field holds what JSON does not know, such as a numpy integer.
    """
    return _dump(plan)


def plan_from_line(line: str | bytes, source: str = "the plan") -> FramePlan:
    """Inverse of :func:`plan_to_line`.

    Raises:
        InputError: naming ``source`` when the line does not hold a plan.
    """
    return _load(_PLAN, line, source)


def label_to_json(label: FrameLabel) -> bytes:
    """A label as it is stored in a shard.

    Raises:
        ValueError: when a number is not finite.
        TypeError: when a field holds what JSON does not know, such as a numpy integer.
    """
    return _dump(label).encode()


def label_from_json(text: bytes, source: str = "the label") -> FrameLabel:
    """Inverse of :func:`label_to_json`.

    Raises:
        InputError: naming ``source`` when the text does not hold a label.
    """
    return _load(_LABEL, text, source)


def record_to_json(record: CameraLabel | list[Box3D] | list[Pose] | list[Keypoints]) -> bytes:
    """What is known of a frame in space, as it is stored in a shard.

    Raises:
        ValueError: when a number is not finite.
        TypeError: when a field holds what JSON does not know, such as a numpy integer.
    """
    return _dump(record).encode()


def camera_from_json(text: bytes, source: str = "the camera") -> CameraLabel:
    """Member ``camera.json``.

    Raises:
        InputError: naming ``source`` when the text does not hold a camera.
    """
    return _load(_CAMERA, text, source)


def boxes_from_json(text: bytes, source: str = "the 3D boxes") -> list[Box3D]:
    """Member ``boxes3d.json``.

    Raises:
        InputError: naming ``source`` when the text does not hold boxes.
    """
    return _load(_BOXES, text, source)


def poses_from_json(text: bytes, source: str = "the poses") -> list[Pose]:
    """Member ``pose.json``.

    Raises:
        InputError: naming ``source`` when the text does not hold poses.
    """
    return _load(_POSES, text, source)


def keypoints_from_json(text: bytes, source: str = "the keypoints") -> list[Keypoints]:
    """Member ``keypoints.json``.

    Raises:
        InputError: naming ``source`` when the text does not hold keypoints.
    """
    return _load(_KEYPOINTS, text, source)
