"""Replicator's KittiWriter: ``<camera>/rgb/0.png`` with ``object_detection/0.txt``, or KITTI's own folder names.

Its known defects are handled: a label column that is a Python dictionary (without ``omit_semantic_type``) or holds
spaces, truncation that is always 0, occlusion that is guessed from areas, depth along the ray that wraps at 256 m, and
objects that are in the picture and not in the file: lower than 25 pixels, or with a box that reaches out of the picture
(its own tight boxes end at the border, so those of version 1.12 do not; an object at the border is in the file).
"""

from __future__ import annotations

import ast
import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.convert.readers.basic_writer import labels_of
from stages.convert.readers.masks import give_by_extent
from stages.convert.readers.types import INCLUSIVE, Content, DamagedError, Folder, Listed, Row, read_ids, read_picture

NAMES = (
    ("rgb", "object_detection", "instance_segmentation"),
    ("image_02", "label_02", "instance"),
)
"""Folders of pictures, label files and instance masks: Replicator's names, and ``use_kitti_dir_names``."""

NUMBERS = 14
"""Columns after the label: truncated, occluded, alpha, box (4), dimensions (3), location (3), rotation_y."""

OCCLUSION = {0: 0.0, 1: 0.275, 2: 0.75}
"""Middles of what the writer's classes stand for: tight over loose area above 0.95, 0.5 to 0.95, below 0.5."""

STEP = 1 / 256
"""Metres a step of the depth picture."""

COLOURS = "instance_rgb"
"""Folder of coloured instance masks, whatever the others are called."""


def find(root: Path) -> Folder | None:
    """All frames below a folder; None where there are none."""
    frames: list[Listed] = []
    bare = 0
    for pictures, labels, masks in NAMES:
        for folder in sorted(path for path in root.rglob(labels) if path.is_dir()):
            base = folder.parent
            files = [path for path in (base / pictures).glob("*.png") if path.stem.isdigit()]
            for path in files:
                if (folder / f"{path.stem}.txt").is_file():
                    frames.append(_listed(root, base, path, folder, base / masks))
                else:
                    bare += 1
    if not frames:
        return None
    notes = [f"{bare} pictures have no label file, as after a writer that was stopped"] if bare else []
    notes.append(
        "KittiWriter leaves out boxes lower than 25 pixels, and those that reach out of the picture: such objects are "
        "in the pictures without a label"
    )
    return Folder("kitti_writer", frames, notes)


def _listed(root: Path, base: Path, path: Path, labels: Path, masks: Path) -> Listed:
    parts = base.relative_to(root).parts
    return Listed(
        (int(path.stem),),
        "/".join(parts),
        path.relative_to(root).as_posix(),
        lambda: _read(path, labels / f"{path.stem}.txt", masks / path.name, base),
    )


def _read(path: Path, labels: Path, masks: Path, base: Path) -> Content:
    picture = read_picture(path)
    size = (picture.shape[0], picture.shape[1])
    content = Content(picture, list(_rows(labels)))
    depth = base / "depth" / path.name
    if depth.is_file():
        steps = read_ids(depth)
        if steps.shape == size:
            content.depth = np.where(steps > 0, steps * STEP, np.inf).astype(np.float32)
    _add_masks(content, masks, base / COLOURS / path.name)
    return content


def _rows(file: Path) -> Iterator[Row]:
    try:
        with open(file, newline="", encoding="utf-8") as stream:
            lines = [line for line in csv.reader(stream, delimiter=" ", skipinitialspace=True) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise DamagedError(f"{file.name} cannot be read") from error
    for fields in lines:
        fields = [field for field in fields if field]
        try:
            label, numbers = " ".join(fields[:-NUMBERS]), [float(field) for field in fields[-NUMBERS:]]
        except ValueError:
            label, numbers = "", []
        if not label or len(numbers) != NUMBERS or not all(map(math.isfinite, numbers[1:7])):
            raise DamagedError(f"{file.name} holds a line that is no KITTI label")
        left, top, right, bottom = numbers[3:7]
        xyxy = (left, top, right + INCLUSIVE, bottom + INCLUSIVE)
        yield Row(_labels(label), xyxy, occlusion=OCCLUSION.get(int(numbers[1])))


def _labels(text: str) -> list[str]:
    """Labels of the first column: ``car``, or ``{'class': 'car'}`` where the semantic type was not left out."""
    if text.startswith("{"):
        try:
            return labels_of(ast.literal_eval(text))
        except (ValueError, SyntaxError) as error:
            raise DamagedError("a label is a broken dictionary") from error
    return labels_of(text)


def _add_masks(content: Content, masks: Path, colours: Path) -> None:
    """Give the rows their pixels: nothing but its extent says which instance a row is.

    The plain picture holds class times 256 plus the number within the class, and nothing of classes that are not in the
    writer's mapping; the coloured one beside it, of ``colorize_instance_segmentation``, has a colour for each instance.
    """
    for file in (colours, masks):
        if not file.is_file():
            continue
        ids = _numbers(read_ids(file))
        if ids.shape == content.picture.shape[:2] and ids.any():
            content.masks = "instances"
            if give_by_extent(content.rows, ids):
                content.notes.append("objects in the instance masks have no label")
            return


def _numbers(pixels: NDArray[Any]) -> NDArray[np.int64]:
    """Ids (H, W); of colours, with any opacity, black is nothing: background or a prim without label."""
    ids = pixels.astype(np.int64)
    return ids if ids.ndim == 2 else np.asarray(ids[..., :3] @ [1, 1 << 8, 1 << 16])
