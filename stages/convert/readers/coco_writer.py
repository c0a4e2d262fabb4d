"""Replicator's CocoWriter: ``coco_annotations_<id>.json`` with pictures below a folder for each render product.

Its known defects are handled: no segmentation (masks are taken from the panoptic picture where classes do not overlap),
boxes one pixel short, the category ``other`` for labels that were not among its categories, and a file that lags behind
the pictures by up to 25 frames when the run was killed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import InputError
from stages.convert.readers.masks import give_by_class
from stages.convert.readers.types import INCLUSIVE, Content, DamagedError, Folder, Listed, Row, read_ids, read_picture

PATTERN = "coco_annotations_*.json"
OTHER = {"other", "unlabelled", "background"}
"""Categories that stand for a label which the writer was not told of."""


def find(root: Path) -> Folder | None:
    """All frames of the annotation files below a folder; None where there are none.

    Raises:
        InputError: when an annotation file is damaged.
    """
    files = sorted(root.rglob(PATTERN))
    if not files:
        return None
    frames: list[Listed] = []
    notes: list[str] = []
    known: set[Path] = set()
    for file in files:
        for path, frame in _frames(root, file):
            known.add(path.resolve())
            frames.append(frame)
    unknown = [path for path in root.rglob("rgb_*") if path.is_file() and path.resolve() not in known]
    if unknown:
        notes.append(f"{len(unknown)} pictures are in no annotation file, as after a run that was killed")
    if not frames:
        raise InputError(f"{files[0]} names no pictures: its run ended before it was written, render them again")
    return Folder("coco_writer", frames, notes)


def _frames(root: Path, file: Path) -> list[tuple[Path, Listed]]:
    """Pictures and frames of one annotation file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        colours, names = _categories(content)
        rows: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
        for item in content["annotations"]:
            rows[item["image_id"]].append(item)
        frames = []
        for image in content["images"]:
            path = file.parent / image["file_name"].replace("\\", "/")
            frames.append((path, _listed(root, file, image, path, rows[image["id"]], names, colours)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} cannot be read as COCO ({error}): write it again, or remove it") from error
    return frames


def _categories(content: dict[str, Any]) -> tuple[dict[str, tuple[int, ...]], dict[int, str]]:
    """Colour by name, for names that no other has the colour of, and name by id."""
    names = {int(item["id"]): str(item["name"]) for item in content["categories"]}
    colours = {str(item["name"]): tuple(map(int, item.get("color", ()))) for item in content["categories"]}
    values = [*colours.values()]
    return {name: value for name, value in colours.items() if len(value) == 3 and values.count(value) == 1}, names


def _listed(
    root: Path,
    file: Path,
    image: dict[str, Any],
    path: Path,
    rows: list[dict[str, Any]],
    names: dict[int, str],
    colours: dict[str, tuple[int, ...]],
) -> Listed:
    # <product>/rgb_<camera>_<dataset>.<sequence>_<frame>.png
    stem = path.name.removesuffix(path.suffix).rpartition(".")[2]
    numbers = [int(part) for part in stem.split("_") if part.isdigit()] or [int(image["id"])]
    camera = path.parent.relative_to(file.parent).as_posix() if path.parent != file.parent else ""
    return Listed(
        (file.relative_to(root).as_posix(), *numbers),
        camera,
        path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path),
        lambda: _read(path, rows, names, colours),
    )


def _read(
    path: Path, rows: list[dict[str, Any]], names: dict[int, str], colours: dict[str, tuple[int, ...]]
) -> Content:
    content = Content(read_picture(path), [])
    for item in rows:
        try:
            left, top, width, height = map(float, item["bbox"])
            name = names.get(int(item["category_id"]), f"category {item['category_id']}")
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError("an annotation is not as COCO has it") from error
        if name in OTHER:
            content.notes.append("boxes have the category 'other': their label was not among coco_categories")
        content.rows.append(Row([name], (left, top, left + width + INCLUSIVE, top + height + INCLUSIVE)))
    panoptic = path.with_name(path.name.replace("rgb_", "panoptic_", 1))
    if panoptic.is_file():
        pixels = read_ids(panoptic)
        if pixels.shape[:2] == content.picture.shape[:2] and pixels.ndim == 3:
            content.masks = "semantics"
            shown = pixels[..., :3]

            def pixels_of(labels: tuple[str, ...]) -> NDArray[np.bool_] | None:
                return (shown == colours[labels[0]]).all(-1) if labels[0] in colours else None

            give_by_class(content.rows, pixels_of)
    return content
