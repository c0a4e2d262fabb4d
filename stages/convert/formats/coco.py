"""COCO detection JSON with instance masks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.convert.formats.registry import register_format
from stages.convert.types import PARTS, ConvertedFrame, Part
from stages.sdg.label.keypoints import KEYPOINTS, SKELETON
from stages.sdg.label.types import InstanceLabel


@register_format("coco")
class CocoWriter:
    """``<part>.json``: image and annotation entries with masks as compressed RLE.

    ``file_name`` is relative to ``yolo/images/<part>``; ``image_id`` is the frame's number; categories are numbered
    from 1. Dropped objects become ``iscrowd: 1``, the region that COCO's evaluation ignores. Beside COCO's own keys an
    annotation has ``occlusion``, ``truncation`` (0 to 1) and ``distance`` (metres), and an image ``scenario`` and
    ``tags``, the values drawn for the frame. Frames that have keypoints give ``keypoints`` and ``num_keypoints`` to
    each object of a class that has some; that class names them.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._has_points = False
        self._numbers = {name: number for number, name in enumerate(classes, 1)}
        self._files = {part: _CocoFile(folder / f"{part}.json") for part in PARTS}

    def add(self, frame: ConvertedFrame) -> None:
        """Add one picture and its objects."""
        self._has_points |= "keypoints.json" in frame.files
        image = {
            "id": frame.number,
            "file_name": f"{frame.stem}.jpg",
            "width": frame.width,
            "height": frame.height,
            "scenario": frame.scenario,
            "tags": dict(frame.tags),
        }
        labelled = [(item, 0) for item in frame.kept] + [(item.instance, 1) for item in frame.dropped]
        labelled.sort(key=lambda pair: pair[0].id)
        masks = _encode(frame.masks, [instance for instance, _ in labelled])
        self._file(frame.part).add(
            image,
            [
                self._annotation(frame, instance, crowd, mask)
                for (instance, crowd), mask in zip(labelled, masks, strict=True)
            ],
        )

    def _file(self, part: Part) -> _CocoFile:
        return self._files[part]

    def _annotation(
        self, frame: ConvertedFrame, instance: InstanceLabel, crowd: int, mask: dict[str, Any]
    ) -> dict[str, Any]:
        left, top, right, bottom = instance.xyxy
        annotation = {
            "image_id": frame.number,
            "category_id": self._numbers[instance.class_name],
            "bbox": [left, top, right - left, bottom - top],
            "area": instance.visible_pixels,
            "segmentation": mask,
            "iscrowd": crowd,
            "occlusion": round(instance.occlusion, 4),
            "truncation": round(instance.truncation, 4),
            "distance": round(instance.distance, 3),
        }
        if instance.id in frame.keypoints:
            points = frame.keypoints[instance.id].points
            flat = [value for point in points for value in (round(point.x, 2), round(point.y, 2), point.visibility)]
            annotation |= {"keypoints": flat, "num_keypoints": sum(point.visibility > 0 for point in points)}
        return annotation

    def close(self) -> None:
        """Finish the three files."""
        categories = [_category(number, name, self._has_points) for name, number in self._numbers.items()]
        for file in self._files.values():
            file.close(categories)


def _category(number: int, name: str, has_points: bool) -> dict[str, Any]:
    """A class, with the names of its keypoints and the pairs (from 1) that are drawn joined, where frames have some."""
    category: dict[str, Any] = {"id": number, "name": name}
    if has_points and name in KEYPOINTS:
        points = KEYPOINTS[name]
        pairs = [[points.index(end) + 1 for end in pair] for pair in SKELETON[name]]
        category |= {"keypoints": list(points), "skeleton": pairs}
    return category


class _CocoFile:
    """One JSON file, with the annotations streamed to disk, so memory does not grow with the data set."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._images: list[dict[str, Any]] = []
        self._count = 0
        self._lines = path.with_suffix(".annotations.partial")
        self._lines.touch()

    def add(self, image: dict[str, Any], annotations: list[dict[str, Any]]) -> None:
        self._images.append(image)
        with open(self._lines, "a", encoding="utf-8") as lines:
            for annotation in annotations:
                self._count += 1  # from 1: pycocotools takes annotation 0 for "not matched"
                lines.write((",\n" if self._count > 1 else "") + json.dumps({"id": self._count, **annotation}))

    def close(self, categories: list[dict[str, Any]]) -> None:
        with open(self._path, "w", encoding="utf-8") as out, open(self._lines, encoding="utf-8") as lines:
            out.write('{"info": {"description": "rendered frames"},\n"licenses": [],\n"categories": ')
            out.write(json.dumps(categories) + ',\n"images": [\n')
            out.write(",\n".join(map(json.dumps, self._images)) + '\n],\n"annotations": [\n')
            shutil.copyfileobj(lines, out)
            out.write("\n]}\n")
        self._lines.unlink()


def _encode(masks: NDArray[np.uint16], instances: Sequence[InstanceLabel]) -> list[dict[str, Any]]:
    """Compressed RLE of each object.

    COCO counts pixels down the columns, from top left: a run of others first, then one of the object's own, and so on.
    Only the columns of the object's box are looked at.
    """
    from pycocotools import mask as rle

    if not instances:
        return []
    height, width = masks.shape
    runs = []
    for instance in instances:
        left, right = int(instance.xyxy[0]), int(instance.xyxy[2])
        mine = np.zeros((right - left) * height + 2, bool)
        mine[1:-1] = (masks[:, left:right] == instance.id).ravel(order="F")
        borders = left * height + np.flatnonzero(mine[1:] != mine[:-1])
        counts = np.diff(np.concatenate([[0], borders, [height * width]]))
        runs.append({"size": [height, width], "counts": counts[: len(counts) - (counts[-1] == 0)].tolist()})
    codes = rle.frPyObjects(runs, height, width)
    return [{"size": list(code["size"]), "counts": code["counts"].decode("ascii")} for code in codes]
