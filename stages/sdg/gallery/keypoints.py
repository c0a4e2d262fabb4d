"""Keypoints of a frame, wherever its labels have them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.common.errors import InputError
from stages.sdg.shards.reader import ShardFrame

MEMBER = "keypoints.json"
"""Suffix of a list of ``{"id": ..., "points": [...]}``, one for each object that has points."""


@dataclass(frozen=True)
class Keypoint:
    """A named point of an object.

    Attributes:
        name: of the point.
        x, y: in pixels.
        visibility: as COCO has it: 1 hidden, 2 visible.
    """

    name: str
    x: float
    y: float
    visibility: int


def keypoints_of(frame: ShardFrame) -> dict[int, tuple[Keypoint, ...]]:
    """Points in the picture by the id of their object; empty when nobody asked for any.

    They are taken from the frame's member ``keypoints.json``, or without one from the labels' own ``keypoints``. A
    point is ``{"name", "x", "y", "visibility"}`` or ``[name, x, y, visibility]``; without a visibility it is visible.

    Raises:
        InputError: when they have another form.
    """
    try:
        if MEMBER in frame.files:
            found = {int(item["id"]): _read(item["points"]) for item in json.loads(frame.files[MEMBER])}
        else:
            found = {item.id: _read(getattr(item, "keypoints", None) or ()) for item in frame.label.instances}
        return {number: seen for number, points in found.items() if (seen := tuple(points))}
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"the keypoints of frame {frame.label.frame} cannot be read ({type(error).__name__}: {error}); make the "
            "frames again"
        ) from error


def _read(points: Iterable[Any]) -> Iterator[Keypoint]:
    """Points that lie in the picture."""
    for point in points:
        if isinstance(point, Sequence):
            name, x, y, visibility = (*point, 2)[:4]
        else:
            values = point if isinstance(point, Mapping) else vars(point)
            name, x, y, visibility = values["name"], values["x"], values["y"], values.get("visibility", 2)
        if visibility > 0:
            yield Keypoint(str(name), float(x), float(y), int(visibility))
