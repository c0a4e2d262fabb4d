"""What can be wrong inside a COCO file, each named with its entry in one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.common.errors import InputError

Entry = Mapping[str, Any]


def check_coco(content: Mapping[str, Any], path: Path) -> None:
    """Look at every entry.

    Args:
        content: of the file, with its three lists.
        path: of the file, for the sentence.

    Raises:
        InputError: naming the first entry that lacks a key, holds no number where one belongs, repeats an id, refers to
            what is not there, or has a box that lies outside its picture, and what is wrong.
    """
    sizes: dict[Any, tuple[float, float]] = {}
    for place, image in enumerate(content["images"]):
        entry = _Entry(path, "image", place, image)
        width, height = entry.number("width"), entry.number("height")
        if width < 1 or height < 1:
            entry.fail(f"has the size {width:g}x{height:g}")
        if not (image.get("path") or image.get("file_name")):
            entry.fail("has no file_name")
        entry.fresh(sizes)
        sizes[image["id"]] = width, height
    classes: dict[Any, str] = {}
    for place, category in enumerate(content["categories"]):
        entry = _Entry(path, "category", place, category)
        name = entry.value("name")
        entry.fresh(classes)
        if name in classes.values():
            entry.fail(f"has the name '{name}' of another category")
        classes[category["id"]] = name
    seen: set[Any] = set()
    for place, annotation in enumerate(content["annotations"]):
        entry = _Entry(path, "annotation", place, annotation)
        if "id" in annotation:
            entry.fresh(seen)
            seen.add(annotation["id"])
        for key, known in (("image_id", sizes), ("category_id", classes)):
            if entry.value(key) not in known:
                entry.fail(f"has the {key} {annotation[key]}, which the file does not list")
        for box in (entry.value("bbox"), *(annotation.get("accepted_bboxes") or ())):
            entry.box(box, *sizes[annotation["image_id"]])


class _Entry:
    """One entry of a list, that knows how to call itself."""

    def __init__(self, path: Path, kind: str, place: int, content: Any) -> None:
        self._path, self._kind, self._content = path, kind, content
        self._label = f"number {place + 1} in the list"
        if not isinstance(content, Mapping):
            self.fail("is no object with keys")
        if kind != "annotation" or "id" in content:
            self._label = f"{self.value('id')}"
            if not isinstance(content["id"], int | str):
                self.fail("has an id that is neither a number nor a text")

    def fail(self, what: str) -> None:
        """Raise the sentence."""
        raise InputError(f"annotations '{self._path}': {self._kind} {self._label} {what}; correct or remove that entry")

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
        if not isinstance(box, Sequence) or len(box) != 4 or not all(_is_number(side) for side in box):
            self.fail(f"has the box {box}, not four finite numbers (left, top, width, height)")
        left, top, wide, high = box
        if wide < 0 or high < 0:
            self.fail(f"has the box {list(box)} of negative size")
        if left >= width or top >= height or left + wide <= 0 or top + high <= 0:
            self.fail(f"has the box {list(box)}, which lies outside its picture of {width:g}x{height:g} pixels")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
