"""What is trained on: a YOLO tree, checked before hours are spent on it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.common.errors import InputError, TrainingError
from stages.common.files import sha256_of

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
"""Kinds of pictures."""

JPEG_END = b"\xff\xd9"
"""End-of-image marker; Ultralytics rewrites a JPEG that lacks it, in place."""

REMAKE = "make it again with `dvc repro convert`"


@dataclass(frozen=True)
class Part:
    """The pictures of one split.

    Attributes:
        folder: that holds them.
        labels: folder of their label files, one beside each picture's name.
        pictures: their paths, sorted.
        objects: labelled objects in all of them.
    """

    folder: Path
    labels: Path
    pictures: tuple[Path, ...]
    objects: int

    def label_of(self, picture: Path) -> Path:
        """The label file of a picture; it need not exist."""
        return (self.labels / picture.relative_to(self.folder)).with_suffix(".txt")


@dataclass(frozen=True)
class YoloData:
    """A YOLO data set.

    Attributes:
        names: class names in the order of their numbers.
        train, val: its parts.
        sha256: of all names, pictures and labels of both parts.
    """

    names: tuple[str, ...]
    train: Part
    val: Part
    sha256: str


def read_data(folder: Path) -> YoloData:
    """Read and check a YOLO data set.

    Args:
        folder: holds ``data.yaml`` with ``train``, ``val`` (folders of pictures, relative to it) and ``names``. Labels
            lie where ``images`` in a picture's path is replaced by ``labels``.

    Raises:
        InputError: when something is missing or damaged.
        TrainingError: when there is nothing to train or to validate on.
    """
    content = _description(folder / "data.yaml")
    names = _names(content.get("names"), folder / "data.yaml")
    train, val = (_part(folder, content, key, len(names)) for key in ("train", "val"))
    if not train.objects:
        raise TrainingError(
            f"none of the {len(train.pictures)} training pictures in '{train.folder}' has a labelled object; render "
            "more frames with dataset.frames.count, or relax the filters of dataset.convert"
        )
    return YoloData(names, train, val, _digest(names, train, val))


def _description(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"'{path}' does not exist; {REMAKE}") from None
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise InputError(f"'{path}' cannot be read ({type(error).__name__}); {REMAKE}") from None
    if not isinstance(content, dict):
        raise InputError(f"'{path}' describes no data set; {REMAKE}")
    return content


def _names(value: Any, path: Path) -> tuple[str, ...]:
    names = list(value) if isinstance(value, list) else []
    if isinstance(value, dict):
        names = [value.get(number) for number in range(len(value))]
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"'{path}' does not number its class names from 0; {REMAKE}")
    return tuple(names)


def _part(root: Path, content: dict[str, Any], key: str, classes: int) -> Part:
    value = content.get(key)
    if not isinstance(value, str):
        raise InputError(f"'{root / 'data.yaml'}' names no folder for {key}; {REMAKE}")
    folder = Path(os.path.abspath(root / value))  # noqa: PTH100 -- symbolic links stay as they are
    before, found, after = str(folder / "_").rpartition(f"{os.sep}images{os.sep}")
    if not found:
        raise InputError(f"'{folder}' has no folder 'images' in its path, so its labels cannot be found; {REMAKE}")
    labels = Path(f"{before}{os.sep}labels{os.sep}{after}").parent
    if not folder.is_dir():
        raise InputError(f"'{folder}' does not exist; {REMAKE}")
    pictures = tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES))
    if not pictures:
        what = "train" if key == "train" else "validate"
        raise TrainingError(f"there is no picture to {what} on in '{folder}'; render more frames and {REMAKE}")
    part = Part(folder, labels, pictures, 0)
    return Part(folder, labels, pictures, sum(_check_picture(part, picture, classes) for picture in pictures))


def _check_picture(part: Part, picture: Path, classes: int) -> int:
    """Count the objects of one picture."""
    with open(picture, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - 2, 0))
        end = stream.read()
    if not size or (picture.suffix.lower() in {".jpg", ".jpeg"} and end != JPEG_END):
        raise InputError(f"picture '{picture}' is cut off; {REMAKE}")
    label = part.label_of(picture)
    if not label.is_file():
        return 0
    lines = [line for line in label.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        if not _is_box(line, classes):
            raise InputError(
                f"line {number} of '{label}' is no class number below {classes} with centre, width and height from 0 "
                f"to 1; {REMAKE}"
            )
    return len(lines)


def _is_box(line: str, classes: int) -> bool:
    words = line.split()
    try:
        number, box = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        return False
    return 0 <= number < classes and len(box) == 4 and all(0 <= side <= 1 for side in box)


def _digest(names: tuple[str, ...], *parts: Part) -> str:
    digest = hashlib.sha256(repr(names).encode())
    for part in parts:
        for path in _files(part):
            base = part.folder if path.is_relative_to(part.folder) else part.labels
            digest.update(f"\n{base.name}/{path.relative_to(base)} {sha256_of(path)}".encode())
    return digest.hexdigest()


def _files(part: Part) -> Iterator[Path]:
    for picture in part.pictures:
        yield picture
        if (label := part.label_of(picture)).is_file():
            yield label


def make_view(data: YoloData, folder: Path) -> dict[str, Any]:
    """Let Ultralytics see the data set through another folder, since it writes label caches beside the labels.

    A file in ``data/dataset`` that ``convert`` did not write would make DVC run that stage again.

    Args:
        data: the data set.
        folder: where to make the view; of symbolic links to folders, so it takes no space.

    Returns:
        The description that an Ultralytics trainer works with.
    """
    description: dict[str, Any] = {"names": dict(enumerate(data.names)), "nc": len(data.names), "channels": 3}
    for name, part in (("train", data.train), ("val", data.val)):
        for kind, target in (("images", part.folder), ("labels", part.labels)):
            link = folder / kind / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target.resolve(), target_is_directory=True)
        listing = folder / f"{name}.txt"
        lines = [str(folder / "images" / name / picture.relative_to(part.folder)) for picture in part.pictures]
        listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
        description[name] = str(listing)
    return description
