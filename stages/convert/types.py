"""A frame on its way into the formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stages.sdg.label.types import InstanceLabel
from stages.sdg.label.types3d import Box3D, CameraLabel, Keypoints

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")

Reason = Literal["hidden", "small", "truncated"]
REASONS: tuple[Reason, ...] = ("hidden", "small", "truncated")


@dataclass(frozen=True)
class Dropped:
    """An object that is too hard to see to be learnt.

    Attributes:
        instance: the object.
        reason: first rule that it failed: ``hidden``, ``small``, ``truncated``.
    """

    instance: InstanceLabel
    reason: Reason


@dataclass(frozen=True)
class ConvertedFrame:
    """What a format's writer gets of one frame.

    Attributes:
        number: of the frame.
        part: of the data set.
        width, height: of the picture in pixels.
        kept: objects to learn.
        dropped: objects that are there and are not to be learnt.
        masks: (H, W) uint16, ``InstanceLabel.id`` of each pixel, 0 where none is.
        scenario: sampler that arranged it; empty when unknown.
        tags: drawn values, to slice results by.
        camera: of the frame; None when the annotator ``camera`` was not asked for.
        boxes3d: by id; empty when the annotator ``boxes3d`` was not asked for.
        keypoints: by id; empty when the annotator ``keypoints`` was not asked for.
        files: the frame's members by suffix, as they are in its shard.
    """

    number: int
    part: Part
    width: int
    height: int
    kept: tuple[InstanceLabel, ...]
    dropped: tuple[Dropped, ...]
    masks: NDArray[np.uint16]
    scenario: str = ""
    tags: Mapping[str, float | str] = field(default_factory=dict)
    camera: CameraLabel | None = None
    boxes3d: Mapping[int, Box3D] = field(default_factory=dict)
    keypoints: Mapping[int, Keypoints] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """File name without suffix, ``0000012``."""
        return f"{self.number:07d}"
