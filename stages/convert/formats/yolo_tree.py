"""What the trees of all Ultralytics tasks have in common: pictures, label files, ``data.yaml``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from stages.convert.types import PARTS, ConvertedFrame
from stages.sdg.label.types import Xyxy

HEAD = "# Paths are relative to this file's folder, so the tree can be moved as a whole.\n"


def make_folders(folder: Path, pictures: bool = False) -> None:
    """Make ``labels/<part>``, and ``images/<part>`` for a tree with pictures of its own."""
    for part in PARTS:
        (folder / "labels" / part).mkdir(parents=True)
        if pictures:
            (folder / "images" / part).mkdir(parents=True)


def link_picture(folder: Path, frame: ConvertedFrame) -> None:
    """The frame's picture in a tree of its own: Ultralytics looks for labels beside ``images``.

    The file is the one of ``yolo/images`` by another name, and takes no room where the file system can do that.
    """
    name = Path("images") / frame.part / f"{frame.stem}.jpg"
    source, target = folder.parent / "yolo" / name, folder / name
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_labels(folder: Path, frame: ConvertedFrame, lines: Iterable[str]) -> None:
    """Write ``labels/<part>/<stem>.txt``; without lines an empty file, which makes the picture a negative."""
    text = "".join(f"{line}\n" for line in lines)
    (folder / "labels" / frame.part / f"{frame.stem}.txt").write_text(text)


def box_columns(xyxy: Xyxy, frame: ConvertedFrame) -> list[str]:
    """Centre x, centre y, width, height as shares of the picture."""
    left, top, right, bottom = xyxy
    box = (
        (left + right) / 2 / frame.width,
        (top + bottom) / 2 / frame.height,
        (right - left) / frame.width,
        (bottom - top) / frame.height,
    )
    return [f"{side:.7f}" for side in box]


def write_data(folder: Path, classes: Sequence[str], **more: Any) -> None:
    """Write ``data.yaml``."""
    # No `path`: Ultralytics takes the folder of the file, where a relative `path` would start at the shell's.
    content: dict[str, Any] = {part: f"images/{part}" for part in PARTS} | {"names": dict(enumerate(classes))}
    (folder / "data.yaml").write_text(HEAD + yaml.safe_dump(content | more, sort_keys=False))
