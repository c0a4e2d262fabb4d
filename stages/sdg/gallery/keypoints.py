"""Keypoints of a label, in whichever of the usual forms they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HIDDEN_WORDS = frozenset({"hidden", "occluded"})
OUTSIDE_WORDS = frozenset({"", "none", "outside", "unlabelled", "absent"})


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


def keypoints_of(instance: object) -> tuple[Keypoint, ...]:
    """The keypoints of a labelled instance that lie in the picture; none when it has no such labels.

    Args:
        instance: a label whose ``keypoints``, if any, are ``(name, x, y, visibility)``, mappings or objects with these
            names, or a mapping of names to ``(x, y, visibility)``. Visibility is COCO's 0, 1 or 2, a truth value, or a
            word; a point without one is visible.
    """
    return tuple(point for point in _read(getattr(instance, "keypoints", None) or ()) if point.visibility > 0)


def _read(points: Any) -> Iterator[Keypoint]:
    if isinstance(points, Mapping):
        points = [
            {"name": name, **value} if isinstance(value, Mapping) else (name, *value) for name, value in points.items()
        ]
    for point in points:
        if isinstance(point, Sequence):
            name, x, y, *rest = point
            seen = rest[0] if rest else 2
        else:
            values = point if isinstance(point, Mapping) else vars(point)
            name, (x, y) = values["name"], values["xy"] if "xy" in values else (values["x"], values["y"])
            seen = values.get("visibility", values.get("visible", 2))
        yield Keypoint(str(name), float(x), float(y), _visibility(seen))


def _visibility(value: Any) -> int:
    if isinstance(value, bool):
        return 2 if value else 1
    if isinstance(value, str):
        return 0 if value in OUTSIDE_WORDS else 1 if value in HIDDEN_WORDS else 2
    return int(value)
