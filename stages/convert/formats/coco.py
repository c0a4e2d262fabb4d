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
from stages.sdg.label.types import InstanceLabel


@register_format("coco")
class CocoWriter:
    """``<part>.json``: image and annotation entries with masks as compressed RLE.

    ``file_name`` is relative to ``yolo/images/<part>``; ``image_id`` is the frame's number; categories are numbered
    from 1. Dropped objects become ``iscrowd: 1``, the region that COCO's evaluation ignores. Beside COCO's own keys an
    annotation has ``occlusion``, ``truncation`` (0 to 1) and ``distance`` (metres), and an image ``scenario`` and
    ``tags``, the values drawn for the frame.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        categories = [{"id": number, "name": name} for number, name in enumerate(classes, 1)]
        self._numbers = {name: number for number, name in enumerate(classes, 1)}
        self._files = {part: _CocoFile(folder / f"{part}.json", categories) for part in PARTS}

    def add(self, frame: ConvertedFrame) -> None:
        """Add one picture and its objects."""
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
        masks = _encode(frame.masks, [instance.id for instance, _ in labelled])
        self._file(frame.part).add(
            image,
            [
                self._annotation(frame.number, instance, crowd, mask)
                for (instance, crowd), mask in zip(labelled, masks, strict=True)
            ],
        )

    def _file(self, part: Part) -> _CocoFile:
        return self._files[part]

    def _annotation(self, image: int, instance: InstanceLabel, crowd: int, mask: dict[str, Any]) -> dict[str, Any]:
        left, top, right, bottom = instance.xyxy
        return {
            "image_id": image,
            "category_id": self._numbers[instance.class_name],
            "bbox": [left, top, right - left, bottom - top],
            "area": instance.visible_pixels,
            "segmentation": mask,
            "iscrowd": crowd,
            "occlusion": round(instance.occlusion, 4),
            "truncation": round(instance.truncation, 4),
            "distance": round(instance.distance, 3),
        }

    def close(self) -> None:
        """Finish the three files."""
        for file in self._files.values():
            file.close()


class _CocoFile:
    """One JSON file, with the annotations streamed to disk, so memory does not grow with the data set."""

    def __init__(self, path: Path, categories: list[dict[str, Any]]) -> None:
        self._path = path
        self._categories = categories
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

    def close(self) -> None:
        with open(self._path, "w", encoding="utf-8") as out, open(self._lines, encoding="utf-8") as lines:
            out.write('{"info": {"description": "rendered frames"},\n"licenses": [],\n"categories": ')
            out.write(json.dumps(self._categories) + ',\n"images": [\n')
            out.write(",\n".join(map(json.dumps, self._images)) + '\n],\n"annotations": [\n')
            shutil.copyfileobj(lines, out)
            out.write("\n]}\n")
        self._lines.unlink()


def _encode(masks: NDArray[np.uint16], ids: list[int]) -> list[dict[str, Any]]:
    """Compressed RLE of each object."""
    from pycocotools import mask as rle

    if not ids:
        return []
    stack = np.asfortranarray(masks[:, :, None] == np.asarray(ids, np.uint16), dtype=np.uint8)
    return [{"size": list(code["size"]), "counts": code["counts"].decode("ascii")} for code in rle.encode(stack)]
