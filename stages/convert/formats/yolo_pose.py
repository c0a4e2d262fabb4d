"""Ultralytics YOLO for pose: a box and named points for each object of a class that has some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.common.errors import InputError, SettingsError
from stages.convert.formats.registry import register_format
from stages.convert.formats.yolo_tree import box_columns, link_picture, make_folders, write_data, write_labels
from stages.convert.types import ConvertedFrame
from stages.sdg.label.keypoints import KEYPOINTS, mirrored
from stages.sdg.label.types3d import Keypoints


@register_format("yolo_pose")
class YoloPoseWriter:
    """``labels/<part>/<stem>.txt`` with one line an object: class, box, then x, y (0 to 1) and visibility (0 to 2).

    Only classes with keypoints are in it, numbered from 0 in the order of ``scene.classes``; all have the same number
    of points, since Ultralytics knows one alone. Dropped objects are left out.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._folder = folder
        self._classes = [name for name in classes if name in KEYPOINTS]
        if not self._classes:
            raise SettingsError(
                "dataset.convert.formats names yolo_pose, and no class in scene.classes has keypoints; "
                f"add one of {', '.join(KEYPOINTS)} or take yolo_pose out"
            )
        make_folders(folder, pictures=True)

    def add(self, frame: ConvertedFrame) -> None:
        """Write the label file of one picture.

        Raises:
            InputError: when the frame has no keypoints.
        """
        lines = []
        for instance in frame.kept:
            if instance.class_name not in self._classes:
                continue
            if instance.id not in frame.keypoints:
                raise InputError(
                    f"frame {frame.number} has no keypoints, which yolo_pose needs; "
                    "add keypoints to dataset.frames.annotators and run `dvc repro sdg`"
                )
            points = _columns(frame.keypoints[instance.id], frame)
            number = self._classes.index(instance.class_name)
            lines.append(" ".join([str(number), *box_columns(instance.xyxy, frame), *points]))
        write_labels(self._folder, frame, lines)
        link_picture(self._folder, frame)

    def close(self) -> None:
        """Write ``data.yaml``."""
        names = KEYPOINTS[self._classes[0]]
        write_data(
            self._folder,
            self._classes,
            kpt_shape=[len(names), 3],
            flip_idx=mirrored(names),
            kpt_names={number: list(KEYPOINTS[name]) for number, name in enumerate(self._classes)},
        )


def _columns(keypoints: Keypoints, frame: ConvertedFrame) -> list[str]:
    columns = []
    for point in keypoints.points:
        columns += [f"{point.x / frame.width:.7f}", f"{point.y / frame.height:.7f}", str(point.visibility)]
    return columns
