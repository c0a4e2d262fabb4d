"""A writer: all boxes of the data set in one CSV file a part."""

import csv
from collections.abc import Sequence
from pathlib import Path

from stages.convert.formats import register_format
from stages.convert.types import ConvertedFrame


@register_format("csv_boxes")
class CsvBoxes:
    """``<part>.csv`` with stem, class, left, top, right, bottom in pixels, maxima exclusive."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        del classes  # each row names its class
        self._folder = folder
        self._rows: dict[str, list[list[str]]] = {"train": [], "val": [], "test": []}

    def add(self, frame: ConvertedFrame) -> None:
        """Take the boxes of one frame."""
        for item in frame.kept:
            row = [frame.stem, item.class_name, *(f"{side:g}" for side in item.xyxy)]
            self._rows[frame.part].append(row)

    def close(self) -> None:
        """Write the files."""
        for part, rows in self._rows.items():
            with open(self._folder / f"{part}.csv", "w", newline="") as stream:
                csv.writer(stream).writerows([["stem", "class", "left", "top", "right", "bottom"], *rows])
