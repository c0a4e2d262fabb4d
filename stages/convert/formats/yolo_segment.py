"""Ultralytics YOLO for instance segmentation: a polygon for each object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.convert.formats.polygons import Floats, polygons_of
from stages.convert.formats.registry import register_format
from stages.convert.formats.yolo_tree import link_picture, make_folders, write_data, write_labels
from stages.convert.types import ConvertedFrame


@register_format("yolo_segment")
class YoloSegmentWriter:
    """``labels/<part>/<stem>.txt`` with one line an object: class, then x and y of each corner, all 0 to 1.

    An object of several pieces becomes one polygon: the pieces are joined where they are nearest by a line there and
    back, which is how Ultralytics itself converts COCO's. Holes are filled. Dropped objects are left out.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._folder = folder
        self._classes = list(classes)
        make_folders(folder, pictures=True)

    def add(self, frame: ConvertedFrame) -> None:
        """Write the label file of one picture."""
        lines = []
        for instance in frame.kept:
            corners = joined(polygons_of(frame.masks == instance.id)) / (frame.width, frame.height)
            number = self._classes.index(instance.class_name)
            lines.append(" ".join([str(number), *(f"{value:.6f}" for value in corners.ravel())]))
        write_labels(self._folder, frame, lines)
        link_picture(self._folder, frame)

    def close(self) -> None:
        """Write ``data.yaml``."""
        write_data(self._folder, self._classes)


def joined(polygons: Sequence[Floats]) -> Floats:
    """One polygon, (P, 2), of several; by Ultralytics' own rule."""
    if len(polygons) == 1:
        return polygons[0]
    from ultralytics.data.converter import merge_multi_segment

    merged = merge_multi_segment([polygon.ravel().tolist() for polygon in polygons])
    return np.asarray(np.concatenate(merged), float).reshape(-1, 2)
