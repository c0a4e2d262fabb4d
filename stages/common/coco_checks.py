"""What can be wrong inside a COCO file, each named with its entry in one sentence."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.common.errors import InputError

Entry = Mapping[str, Any]

MEASURES = ("occlusion", "truncation", "distance")
"""Keys that the annotations of rendered frames have beside COCO's own."""


def check_coco(content: Mapping[str, Any], path: Path) -> None:
    """Look at every entry.

    Args:
        content: of the file, with its three lists.
        path: of the file, for the sentence.

    Raises:
        InputError: naming the first entry that lacks a key, holds no number where one belongs, repeats an id or a
            picture's file, refers to what is not there, or has a box that lies outside its picture, and what is wrong.
    """
    sizes: dict[Any, tuple[float, float]] = {}
    files: dict[str, Any] = {}
    for place, image in enumerate(content["images"]):
        entry = _Entry(_annotations(path), "image", place, image)
        width, height = entry.number("width"), entry.number("height")
        if width < 1 or height < 1:
            entry.fail(f"has the size {width:g}x{height:g}")
        if not (image.get("path") or image.get("file_name")):
            entry.fail("has no file_name")
        entry.texts("path", "file_name")
        entry.tags()
        entry.fresh(sizes)
        sizes[image["id"]] = width, height
        file = str(image.get("path") or image["file_name"]).lstrip("/").removeprefix("dataset/")
        if file in files:
            entry.fail(f"has the file '{file}' of image {files[file]}, which would count twice")
        files[file] = image["id"]
    classes: dict[Any, str] = {}
    for place, category in enumerate(content["categories"]):
        entry = _Entry(_annotations(path), "category", place, category)
        name = entry.value("name")
        entry.texts("name")
        entry.fresh(classes)
        if name in classes.values():
            entry.fail(f"has the name '{name}' of another category")
        classes[category["id"]] = name
    seen: set[Any] = set()
    for place, annotation in enumerate(content["annotations"]):
        entry = _Entry(_annotations(path), "annotation", place, annotation)
        if "id" in annotation:
            entry.fresh(seen)
            seen.add(annotation["id"])
        for key, known in (("image_id", sizes), ("category_id", classes)):
            if entry.value(key) not in known:
                entry.fail(f"has the {key} {annotation[key]}, which the file does not list")
        entry.truth()
        for box in (entry.value("bbox"), *(annotation.get("accepted_bboxes") or ())):
            entry.box(box, *sizes[annotation["image_id"]])


def label_of(annotation: Entry, place: int) -> str:
    """What sentences call an annotation: its id, or else its place in the list, from 0."""
    return f"{annotation['id']}" if "id" in annotation else f"number {place + 1} in the list"


def check_results(content: Any, path: Path, categories: Collection[int | str]) -> list[Entry]:
    """Look at every entry of a list of COCO results.

    Args:
        content: of the file.
        path: of the file, for the sentence.
        categories: ids that the annotations list.

    Raises:
        InputError: naming the first entry that lacks a key or holds no number where one belongs, and what is wrong.
    """
    if not isinstance(content, list):
        raise InputError(f"'{path}' is no list of COCO results; correct or remove it")
    for place, result in enumerate(content):
        entry = _Entry(f"'{path}'", "entry", place, result)
        if entry.value("category_id") not in categories:
            entry.fail(f"has the category_id {result['category_id']}, which the annotations do not list")
        entry.value("image_id")
        entry.number("score")
        entry.sides(entry.value("bbox"))
    return content


def _annotations(path: Path) -> str:
    return f"annotations '{path}'"


class _Entry:
    """One entry of a list, that knows how to call itself."""

    def __init__(self, file: str, kind: str, place: int, content: Any) -> None:
        self._file, self._kind, self._content = file, kind, content
        self._label = f"number {place + 1} in the list"
        if not isinstance(content, Mapping):
            self.fail("is no object with keys")
        if kind in ("image", "category") or (kind == "annotation" and "id" in content):
            self._label = f"{self.value('id')}"
            if not isinstance(content["id"], int | str):
                self.fail("has an id that is neither a number nor a text")

    def fail(self, what: str) -> None:
        """Raise the sentence."""
        raise InputError(f"{self._file}: {self._kind} {self._label} {what}; correct or remove that entry")

    def value(self, key: str) -> Any:
        """What a key holds."""
        if key not in self._content:
            self.fail(f"has no {key}")
        found = self._content[key]
        if key.endswith("id") and not isinstance(found, int | str):
            self.fail(f"has the {key} {found!r}")
        return found

    def number(self, key: str) -> float:
        """A finite number that a key holds."""
        found = self.value(key)
        if not _is_number(found):
            self.fail(f"has the {key} {found!r}, which is no finite number")
        return float(found)

    def fresh(self, seen: Iterable[Any]) -> None:
        """Refuse an id that was there before."""
        if self._content["id"] in seen:
            self.fail("has the id of another one")

    def box(self, box: Any, width: float, height: float) -> None:
        """Refuse a box that is none, or has nothing of itself in the picture."""
        left, top, wide, high = self.sides(box)
        if left >= width or top >= height or left + wide <= 0 or top + high <= 0:
            self.fail(f"has the box {list(box)}, which lies outside its picture of {width:g}x{height:g} pixels")

    def sides(self, box: Any) -> Sequence[float]:
        """Left, top, width and height of a box; refuse what is none."""
        if not isinstance(box, list) or len(box) != 4 or not all(_is_number(side) for side in box):
            self.fail(f"has the box {box}, not four finite numbers (left, top, width, height)")
        if box[2] < 0 or box[3] < 0:
            self.fail(f"has the box {box} of negative size")
        return [float(side) for side in box]

    def texts(self, *keys: str) -> None:
        """Refuse keys that hold no text; they may be absent, or null."""
        for key in keys:
            value = self._content.get(key)
            if not isinstance(value, str | None) or (value and not _is_unicode(value)):
                self.fail(f"has the {key} {value!r}, which is no text")

    def tags(self) -> None:
        """Refuse tags of a rendered frame that are not numbers and texts by name."""
        tags = self._content.get("tags") or {}
        if not isinstance(tags, Mapping):
            self.fail(f"has the tags {tags!r}, which are no object with keys")
        for key, value in tags.items():
            if not (isinstance(value, str) or _is_number(value)):
                self.fail(f"has the tag {key} {value!r}, which is neither a finite number nor a text")

    def truth(self) -> None:
        """Refuse measures that are no numbers, and other keys that are not what the matching takes."""
        for key in MEASURES:
            if key in self._content:
                self.number(key)
        if self._content.get("iscrowd", 0) not in (0, 1):
            self.fail(f"has the iscrowd {self._content['iscrowd']!r}, which is neither 0 nor 1")
        if not isinstance(self._content.get("accepted_bboxes"), list | None):
            self.fail(f"has the accepted_bboxes {self._content['accepted_bboxes']!r}, which are no list")


def _is_unicode(text: str) -> bool:
    """JSON lets half of a surrogate pair pass, which no file can hold."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_number(value: Any) -> bool:
    """Whether it is a finite number, as large as a float may be."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
