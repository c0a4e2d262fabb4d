"""Labelled pictures from COCO files: rendered ones, LOCO's, and LOCO-like ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.coco_checks import MEASURES, check_coco, label_of
from stages.common.detection import Truth
from stages.common.errors import InputError
from stages.common.files import sha256_of
from stages.common.photographs import load_coco

ROUNDING = 0.5
"""Pixels by which a box may reach beyond its picture without a remark."""

MOST_NAMED = 5
"""Entries that a remark names."""

SIM = "sim"
"""Name of the held-out renders among the sets."""


@dataclass(frozen=True)
class LabelledPicture:
    """One picture and what is in it.

    Attributes:
        id: number or text in the annotation file.
        name: what to call it, its path below the set's folder.
        path: of the file.
        width, height: in pixels, as annotated.
        truth: its objects, with the model's class numbers.
        measures: (M,) values of the objects by name (``occlusion``, ``truncation`` 0 to 1, ``distance`` in metres),
            when known.
        scenario: that arranged a rendered frame; empty for a photograph.
        tags: values drawn for a rendered frame, by name.
    """

    id: int | str
    name: str
    path: Path
    width: int
    height: int
    truth: Truth
    measures: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    scenario: str = ""
    tags: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelledSet:
    """Pictures to measure a model on.

    Attributes:
        name: of the set.
        names: the model's classes.
        scored: numbers of the classes that count here, those that the annotations have.
        pictures: those that exist, in the order of the annotation file.
        missing: names of annotated pictures that are not there.
        unknown: annotated classes that the model does not know; they do not count.
        remarks: what of the boxes was changed, in sentences.
        sha256: of the annotation file.
    """

    name: str
    names: tuple[str, ...]
    scored: tuple[int, ...]
    pictures: tuple[LabelledPicture, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    sha256: str = ""

    @property
    def objects(self) -> int:
        """Objects that count."""
        return sum(int((~picture.truth.ignore).sum()) for picture in self.pictures)


def read_labelled_set(
    path: Path, name: str, names: Sequence[str], locate: Callable[[Mapping[str, Any]], tuple[str, Path]]
) -> LabelledSet:
    """Read a COCO detection file.

    Categories are matched with the model's classes by name, whatever their numbers. Those with at least one annotation
    count; in a file without any annotation (pictures of nothing) all that it lists do. ``iscrowd: 1`` marks an ignore
    region; ``accepted_bboxes``, a list of boxes, are other extents that count as right. Boxes are cut to their picture,
    as detections are, and those without area left out; remarks name their entries.

    Args:
        path: of the JSON.
        name: of the set.
        names: the model's classes in the order of their numbers.
        locate: what to call a picture and where its file is, from its entry in ``images``.

    Raises:
        InputError: when the file is not COCO, lists no picture, an entry is wrong
            (:func:`~stages.common.coco_checks.check_coco`), the model knows none of the classes, or not one of the
            pictures is there.
    """
    content = load_coco(path)
    if not content["images"]:
        raise InputError(f"annotations '{path}' list no picture; give a file that names some")
    check_coco(content, path)
    try:
        return _labelled_set(content, name, tuple(names), locate, path)
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise InputError(
            f"annotations '{path}' have an entry that is not as COCO has it ({type(error).__name__}: {error}); "
            "check the file"
        ) from error


def _labelled_set(
    content: dict[str, Any],
    name: str,
    names: tuple[str, ...],
    locate: Callable[[Mapping[str, Any]], tuple[str, Path]],
    source: Path,
) -> LabelledSet:
    listed = {category["id"]: str(category["name"]) for category in content["categories"]}
    used = {listed[entry["category_id"]] for entry in content["annotations"]} or set(listed.values())
    scored = tuple(number for number, known in enumerate(names) if known in used)
    if not scored:
        raise InputError(
            f"annotations '{source}' have the classes {', '.join(sorted(used)) or 'none'}, of which the model knows "
            f"none ({', '.join(names)}); choose another set or train with scene.classes that name them"
        )
    boxes, remarks = _boxes(content, names, listed)
    by_image = defaultdict(list)
    for entry in boxes:
        by_image[entry["image_id"]].append(entry)
    pictures, missing = [], []
    for image in content["images"]:
        shown, file = locate(image)
        if not file.is_file():
            missing.append(shown)
            continue
        entries = by_image[image["id"]]
        classes = [names.index(listed[entry["category_id"]]) for entry in entries]
        pictures.append(
            LabelledPicture(
                id=image["id"],
                name=shown,
                path=file,
                width=int(image["width"]),
                height=int(image["height"]),
                truth=_truth(entries, classes),
                measures=_measures(entries),
                scenario=str(image.get("scenario") or ""),
                tags=image.get("tags") or {},
            )
        )
    if not pictures and missing:
        raise InputError(
            f"none of the {len(missing)} pictures of '{source}' is there, '{locate(content['images'][0])[1]}' for one; "
            "correct the folder"
        )
    unknown = tuple(sorted(used - set(names)))
    return LabelledSet(name, names, scored, tuple(pictures), tuple(missing), unknown, remarks, sha256_of(source))


def _boxes(
    content: Mapping[str, Any], names: Sequence[str], listed: Mapping[Any, str]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Annotations of the model's classes with boxes cut to their pictures, and what was changed of them."""
    sizes = {image["id"]: (float(image["width"]), float(image["height"])) for image in content["images"]}
    made, cut, empty = [], [], []
    for place, entry in enumerate(content["annotations"]):
        if listed[entry["category_id"]] not in names:
            continue
        size = sizes[entry["image_id"]]
        box = _cut(entry["bbox"], size)
        if min(box[2:]) <= 0:
            empty.append(label_of(entry, place))
            continue
        if max(abs(new - old) for new, old in zip(box, entry["bbox"], strict=True)) > ROUNDING:
            cut.append(label_of(entry, place))
        accepted = [_cut(other, size) for other in entry.get("accepted_bboxes") or ()]
        made.append({**entry, "bbox": box, "accepted_bboxes": [other for other in accepted if min(other[2:]) > 0]})
    told = (
        (cut, "boxes reach beyond their pictures and are cut to them"),
        (empty, "boxes have no area and are not counted"),
    )
    return made, tuple(f"{len(which)} {what}: annotation {_some(which)}." for which, what in told if which)


def _cut(box: Sequence[float], size: tuple[float, float]) -> list[float]:
    """A COCO box as far as it lies in a picture of some (width, height)."""
    left, top = max(box[0], 0.0), max(box[1], 0.0)
    right, bottom = min(box[0] + box[2], size[0]), min(box[1] + box[3], size[1])
    # a box inside stays as it is to the last bit, which left + width - left does not
    wide = box[2] if (left, right) == (box[0], box[0] + box[2]) else right - left
    high = box[3] if (top, bottom) == (box[1], box[1] + box[3]) else bottom - top
    return [left, top, wide, high]


def _some(labels: Sequence[str]) -> str:
    return ", ".join(labels[:MOST_NAMED]) + (" and others" if len(labels) > MOST_NAMED else "")


def xyxy_of(bboxes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """COCO boxes (left, top, width, height) to (N, 4) left, top, right, bottom."""
    boxes = np.asarray(bboxes, np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _truth(entries: Sequence[Mapping[str, Any]], classes: Sequence[int]) -> Truth:
    return Truth(
        xyxy=xyxy_of([entry["bbox"] for entry in entries]),
        classes=np.asarray(classes, np.int64),
        ignore=np.asarray([bool(entry.get("iscrowd", 0)) for entry in entries], bool),
        accepted={
            index: xyxy_of(entry["accepted_bboxes"])
            for index, entry in enumerate(entries)
            if entry.get("accepted_bboxes")
        },
    )


def _measures(entries: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[np.float64]]:
    return {
        measure: np.asarray([float(entry[measure]) for entry in entries])
        for measure in MEASURES
        if entries and all(measure in entry for entry in entries)
    }
