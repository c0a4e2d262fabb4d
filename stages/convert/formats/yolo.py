"""Ultralytics YOLO: a text file for each picture, and ``data.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.convert.formats.registry import register_format
from stages.convert.formats.yolo_tree import box_columns, make_folders, write_data, write_labels
from stages.convert.types import ConvertedFrame


@register_format("yolo")
class YoloWriter:
    """``labels/<part>/<stem>.txt`` with one line an object: class, centre x, centre y, width, height, all 0 to 1.

    Dropped objects are left out; a picture without objects has an empty file, which makes it a negative.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._folder = folder
        self._classes = list(classes)
        make_folders(folder)

    def add(self, frame: ConvertedFrame) -> None:
        """Write the label file of one picture."""
        lines = []
        for instance in frame.kept:
            columns = box_columns(instance.xyxy, frame)
            lines.append(" ".join([str(self._classes.index(instance.class_name)), *columns]))
        write_labels(self._folder, frame, lines)

    def close(self) -> None:
        """Write ``data.yaml``."""
        write_data(self._folder, self._classes)
