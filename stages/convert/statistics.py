"""What the data set holds, in numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.convert.real_mix import RealMix
from stages.convert.types import PARTS, REASONS, ConvertedFrame, Part
from stages.sdg.label.types import InstanceLabel

BOX_HEIGHT_PIXELS = (16, 32, 64, 128, 256, 512)
OCCLUSION = (0.05, 0.25, 0.5, 0.75)
TRUNCATION = (0.05, 0.25, 0.5, 0.75)
DISTANCE_METRES = (2, 4, 8, 16, 32)

Bins = Sequence[float]


@dataclass
class Statistics:
    """Counts, filled frame by frame.

    Attributes:
        classes: in the order of their numbers.
        real: photographs among the training pictures; they are counted apart.
    """

    classes: Sequence[str]
    real: RealMix = field(default_factory=RealMix)
    _frames: Counter[Part] = field(default_factory=Counter)
    _empty: Counter[Part] = field(default_factory=Counter)
    _boxes: Counter[tuple[Part, str]] = field(default_factory=Counter)
    _dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    _bins: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, frame: ConvertedFrame) -> None:
        """Count one frame."""
        self._frames[frame.part] += 1
        self._empty[frame.part] += not frame.kept
        for item in frame.kept:
            self._boxes[frame.part, item.class_name] += 1
            for name, bins, value in _measures(item):
                self._bins[name, item.class_name, bin_name(bins, value)] += 1
        for dropped in frame.dropped:
            self._dropped[dropped.reason, dropped.instance.class_name] += 1

    def as_json(self) -> dict[str, Any]:
        """Everything, as written to ``statistics.json``.

        Boxes by part and class; for all parts together boxes by class in bins of height (pixels), occlusion,
        truncation and distance (metres); dropped objects by reason and class. Zeros are written too.
        """
        return {
            "real": self.real.as_json(self.classes),
            "frames": {part: self._frames[part] for part in PARTS},
            "frames_without_objects": {part: self._empty[part] for part in PARTS},
            "boxes": {part: {name: self._boxes[part, name] for name in self.classes} for part in PARTS},
            "dropped": {why: {name: self._dropped[why, name] for name in self.classes} for why in REASONS},
            "box_height_pixels": self._histogram("box_height_pixels", BOX_HEIGHT_PIXELS),
            "occlusion": self._histogram("occlusion", OCCLUSION),
            "truncation": self._histogram("truncation", TRUNCATION),
            "distance_metres": self._histogram("distance_metres", DISTANCE_METRES),
        }

    def _histogram(self, measure: str, bins: Bins) -> dict[str, dict[str, int]]:
        names = [bin_name(bins, value) for value in (min(bins) - 1, *bins)]
        return {cls: {name: self._bins[measure, cls, name] for name in names} for cls in self.classes}

    @property
    def boxes(self) -> int:
        """Objects to learn, in all parts."""
        return sum(self._boxes.values())

    @property
    def frames(self) -> dict[Part, int]:
        """Frames of each part."""
        return {part: self._frames[part] for part in PARTS}

    def summary(self) -> str:
        """One line for the user."""
        frames = ", ".join(f"{count} {part}" for part, count in self.frames.items())
        dropped = {why: sum(self._dropped[why, name] for name in self.classes) for why in REASONS}
        left_out = ", ".join(f"{count} {why}" for why, count in dropped.items())
        real = f"; {len(self.real.photographs)} real photographs to train on" if self.real.photographs else ""
        return f"convert: frames {frames}; {self.boxes} boxes; left out {left_out}{real}"


def bin_name(bins: Bins, value: float) -> str:
    """Label of the bin that holds ``value``: ``<16``, ``16-32``, ``>=512``."""
    index = bisect_right(bins, value)
    if index == 0:
        return f"<{bins[0]:g}"
    return f">={bins[-1]:g}" if index == len(bins) else f"{bins[index - 1]:g}-{bins[index]:g}"


def _measures(item: InstanceLabel) -> list[tuple[str, Bins, float]]:
    return [
        ("box_height_pixels", BOX_HEIGHT_PIXELS, item.xyxy[3] - item.xyxy[1]),
        ("occlusion", OCCLUSION, item.occlusion),
        ("truncation", TRUNCATION, item.truncation),
        ("distance_metres", DISTANCE_METRES, item.distance),
    ]
