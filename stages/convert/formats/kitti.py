"""KITTI object labels, as TAO and other tools read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.convert.formats.registry import register_format
from stages.convert.types import PARTS, ConvertedFrame
from stages.sdg.label.types import InstanceLabel

PARTLY, LARGELY = 0.05, 0.5
"""Occluded share from which KITTI's ``occluded`` is 1 (partly) and 2 (largely)."""

UNKNOWN_ALPHA = "-10"
UNKNOWN_3D = "-1 -1 -1 -1000 -1000 -1000 -10"
"""Height, width, length, location x, y, z, rotation: what KITTI writes where they are not known."""


@register_format("kitti")
class KittiWriter:
    """``<part>/label_2/<stem>.txt`` with 15 columns an object.

    Type, truncated (0 to 1), occluded (0 fully visible, 1 partly, 2 largely, 3 unknown), alpha, left, top, right,
    bottom (0-based pixels), then the 3D box, which is not given. Dropped objects are ``DontCare`` regions.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        del classes  # KITTI names classes in each line
        self._folder = folder
        for part in PARTS:
            (folder / part / "label_2").mkdir(parents=True)

    def add(self, frame: ConvertedFrame) -> None:
        """Write the label file of one picture."""
        lines = [
            f"{item.class_name} {item.truncation:.2f} {occlusion_level(item.occlusion)} "
            f"{UNKNOWN_ALPHA} {_box(item)} {UNKNOWN_3D}\n"
            for item in frame.kept
        ]
        lines += [f"DontCare -1 -1 {UNKNOWN_ALPHA} {_box(item.instance)} {UNKNOWN_3D}\n" for item in frame.dropped]
        (self._folder / frame.part / "label_2" / f"{frame.stem}.txt").write_text("".join(lines))

    def close(self) -> None:
        """Nothing is left to do."""


def occlusion_level(occlusion: float) -> int:
    """KITTI's level of an occluded share 0 to 1; 3 for a share that is not known (NaN)."""
    if not 0 <= occlusion <= 1:
        return 3
    return int(occlusion >= PARTLY) + int(occlusion >= LARGELY)


def _box(instance: InstanceLabel) -> str:
    return " ".join(f"{side:.2f}" for side in instance.xyxy)
