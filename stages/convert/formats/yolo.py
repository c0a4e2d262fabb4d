"""Ultralytics YOLO: a text file for each picture, and ``data.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from stages.convert.formats.registry import register_format
from stages.convert.types import PARTS, ConvertedFrame

HEAD = "# Paths are relative to this file's folder, so the tree can be moved as a whole.\n"


@register_format("yolo")
class YoloWriter:
    """``labels/<part>/<stem>.txt`` with one line an object: class, centre x, centre y, width, height, all 0 to 1.

    Dropped objects are left out; a picture without objects has an empty file, which makes it a negative.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._folder = folder
        self._classes = list(classes)
        for part in PARTS:
            (folder / "labels" / part).mkdir(parents=True)

    def add(self, frame: ConvertedFrame) -> None:
        """Write the label file of one picture."""
        lines = []
        for instance in frame.kept:
            left, top, right, bottom = instance.xyxy
            box = (
                (left + right) / 2 / frame.width,
                (top + bottom) / 2 / frame.height,
                (right - left) / frame.width,
                (bottom - top) / frame.height,
            )
            lines.append(" ".join([str(self._classes.index(instance.class_name)), *(f"{side:.7f}" for side in box)]))
        text = "".join(f"{line}\n" for line in lines)
        (self._folder / "labels" / frame.part / f"{frame.stem}.txt").write_text(text)

    def close(self) -> None:
        """Write ``data.yaml``."""
        # No `path`: Ultralytics takes the folder of the file, where a relative `path` would start at the shell's.
        content = {part: f"images/{part}" for part in PARTS} | {"names": dict(enumerate(self._classes))}
        (self._folder / "data.yaml").write_text(HEAD + yaml.safe_dump(content, sort_keys=False))
