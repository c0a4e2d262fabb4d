"""Detections for any folder of photographs, without torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.detection import Detections, Detector, read_picture
from stages.common.errors import InputError
from stages.common.files import write_json
from stages.common.progress import Progress

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class Outcome:
    """What came of a folder.

    Attributes:
        pictures: that were read.
        detections: in all of them.
        unreadable: a sentence for each picture that was not.
    """

    pictures: int
    detections: int
    unreadable: tuple[str, ...]

    def summary(self) -> str:
        """One line for the user."""
        left_out = f"; {len(self.unreadable)} unreadable pictures left out" if self.unreadable else ""
        return f"detect: {self.detections} detections in {self.pictures} pictures{left_out}"


def detect_folder(model: Path, images: Path, out: Path, threshold: float | None = None) -> Outcome:
    """Run a model over a folder and write what it finds.

    The JSON is a list of ``file_name`` (relative to the folder), ``category_name``, ``bbox`` (left, top, width, height
    in pixels of the photograph as it is stored, whatever its EXIF orientation) and ``score``, by file name and falling
    score.

    Args:
        model: ONNX file.
        images: folder, searched with all folders below it.
        out: JSON to write, whole or not at all.
        threshold: least score, exclusive; None takes the model's own.

    Raises:
        InputError: when the model is not one, or the folder is missing, holds no pictures or none that can be read.
    """
    detector = Detector(model)
    paths = find_pictures(images)
    entries: list[dict[str, Any]] = []
    unreadable: list[str] = []
    with Progress("detect", total=len(paths), unit="pictures") as progress:
        for path in paths:
            try:
                picture = read_picture(path)
            except InputError as error:
                unreadable.append(str(error))
                progress.note(f"warning: {error}")
                continue
            entries += records(path.relative_to(images).as_posix(), detector.detect(picture, threshold), detector.names)
            progress.advance()
    if len(unreadable) == len(paths):
        raise InputError(f"none of the {len(paths)} pictures in '{images}' can be decoded; get them again")
    write_json(out, entries)
    return Outcome(len(paths) - len(unreadable), len(entries), tuple(unreadable))


def find_pictures(folder: Path) -> list[Path]:
    """Pictures in a folder and below it, known by their suffix, sorted.

    Raises:
        InputError: when the folder is missing or has none.
    """
    if not folder.is_dir():
        raise InputError(f"'{folder}' is not a folder; give one with photographs")
    found: list[Path] = []
    seen: set[Path] = set()
    for place, below, names in os.walk(folder, followlinks=True):
        here = Path(place)
        if here.resolve() in seen:  # a link back up would go round for ever
            below.clear()
            continue
        seen.add(here.resolve())
        found += [here / name for name in names if name.lower().endswith(SUFFIXES)]
    if not found:
        raise InputError(f"'{folder}' holds no pictures ({', '.join(SUFFIXES)}); give a folder with photographs")
    return sorted(found)


def records(file_name: str, found: Detections, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Detections of one picture as JSON entries."""
    return [
        {
            "file_name": file_name,
            "category_name": names[number],
            "bbox": [round(side, 2) for side in (left, top, right - left, bottom - top)],
            "score": round(score, 5),
        }
        for (left, top, right, bottom), score, number in zip(
            found.xyxy.astype(float).tolist(), found.scores.astype(float).tolist(), found.classes.tolist(), strict=True
        )
    ]
