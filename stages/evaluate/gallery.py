"""Pictures for the report: where the model errs most, and what it finds although that is hard."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import read_picture
from stages.evaluate.drawing import draw
from stages.evaluate.inference import PictureResult
from stages.evaluate.slices import input_scale

WORST, MISSED, WRONG, HARD = "worst", "missed", "wrong", "hard"
TITLES = {
    WORST: "Pictures with the most errors",
    MISSED: "Largest missed objects",
    WRONG: "Surest false positives",
    HARD: "Hardest hits",
}
"""Kinds of views, in the order of the report."""

MOST = {WORST: 4, MISSED: 8, WRONG: 8, HARD: 8}
"""Views of each kind."""

MOST_OF_ONE = 2
"""Views of one kind from the same picture."""

LEAST_SCORE = 0.05
"""Weaker detections are not in the report: they are many, and no threshold in use is so low."""

WIDTH_PIXELS = 800
CROP_PIXELS = 320
JPEG_QUALITY = 80
CROP_MARGIN = 0.9
"""Of the box's longer side, around it."""

LEAST_CROP = 96
"""Side in picture pixels of the smallest crop, so that its surroundings can be told."""

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Place = tuple["Tally", int]
"""A picture, and the index of one object or detection in it."""


@dataclass(frozen=True)
class View:
    """A picture or a part of one, with the boxes in it.

    Attributes:
        kind: one of :data:`TITLES`.
        file: its name in ``reports/pictures``.
        caption: one line.
        jpeg: the bytes without boxes.
        drawn: the bytes with the boxes of the operating threshold.
        window: left, top, width and height in pixels of the whole picture.
        objects: for each its box (left, top, right, bottom in pixels of the window), class, whether it is an ignore
            region, and its index in the picture.
        detections: for each its box, class, score, whether an ignore region takes it, and the index of the object that
            it hits, or -1; best first, down to :data:`LEAST_SCORE`. The object or detection that the view is about has
            the key ``focus``.
    """

    kind: str
    file: str
    caption: str
    jpeg: bytes
    drawn: bytes
    window: tuple[int, int, int, int]
    objects: tuple[Mapping[str, Any], ...]
    detections: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        return {"kind": self.kind, "file": self.file, "caption": self.caption}


@dataclass(frozen=True)
class Tally:
    """A picture's outcome at the operating threshold.

    Attributes:
        result: all detections.
        above: (N,) which of them score more than the threshold.
        missed: indices of objects that none of those hit.
        folder: start of its name that all pictures of the set share.
    """

    result: PictureResult
    above: NDArray[np.bool_]
    missed: tuple[int, ...]
    folder: str = ""

    @property
    def hits(self) -> int:
        """Objects found."""
        return int((self.above & self.result.matches.hit).sum())

    @property
    def wrong(self) -> tuple[int, ...]:
        """Indices of detections of nothing."""
        matches = self.result.matches
        return tuple(int(i) for i in np.flatnonzero(self.above & ~matches.hit & ~matches.ignored))

    @property
    def f1(self) -> float:
        """Of this picture."""
        return 2 * self.hits / max(2 * self.hits + len(self.wrong) + len(self.missed), 1)

    @property
    def name(self) -> str:
        """Of the picture, without the folder that all share."""
        return self.result.picture.name.removeprefix(self.folder)

    @property
    def caption(self) -> str:
        """File and outcome."""
        return f"{self.name}: {self.hits} found, {len(self.missed)} missed, {len(self.wrong)} wrong"


@dataclass(frozen=True)
class Subject:
    """What a view is about.

    Attributes:
        item: the picture.
        caption: one line.
        box: in it, (4,) left, top, right, bottom; None for all of it.
        object, detection: whose box it is, by index; -1 for neither.
    """

    item: Tally
    caption: str
    box: Floats | None = None
    object: int = -1
    detection: int = -1


def tally(result: PictureResult, threshold: float, folder: str = "") -> Tally:
    """Outcome of one picture at a threshold."""
    above = result.detections.scores > threshold
    truth = result.picture.truth
    found = set(result.matches.truth[above & result.matches.hit].tolist())
    missed = tuple(i for i in range(len(truth)) if not truth.ignore[i] and i not in found)
    return Tally(result, above, missed, folder)


def worst(tallies: Sequence[Tally]) -> list[Tally]:
    """Pictures with an error, the most of them first."""
    bad = [item for item in tallies if item.wrong or item.missed]
    return sorted(bad, key=lambda item: (-(len(item.wrong) + len(item.missed)), item.f1, item.name))[: MOST[WORST]]


def missed(tallies: Sequence[Tally]) -> list[Place]:
    """Objects that were not found, the largest first."""
    places = [(item, index) for item in tallies for index in item.missed]
    places.sort(key=lambda place: (-_area(place[0].result.picture.truth.xyxy[place[1]]), place[0].name))
    return _spread(places, MOST[MISSED])


def wrong(tallies: Sequence[Tally]) -> list[Place]:
    """Detections of nothing, the highest score first."""
    places = [(item, index) for item in tallies for index in item.wrong]
    places.sort(key=lambda place: (-float(place[0].result.detections.scores[place[1]]), place[0].name))
    return _spread(places, MOST[WRONG])


def hard(tallies: Sequence[Tally], input_size: tuple[int, int]) -> list[Place]:
    """Detections of what little is seen of: the height at the network's input that is not hidden, lowest first."""
    places = [(item, int(i)) for item in tallies for i in np.flatnonzero(item.above & item.result.matches.hit)]
    places.sort(key=lambda place: (_seen_height(place, input_size), place[0].name))
    return _spread(places, MOST[HARD])


def gallery(
    name: str,
    results: Sequence[PictureResult],
    threshold: float,
    names: Sequence[str],
    input_size: tuple[int, int],
) -> list[View]:
    """Make the views of a set.

    Args:
        name: of the set, start of the file names.
        results: of all its pictures.
        threshold: operating threshold.
        names: the model's classes.
        input_size: (width, height) of the network's input.
    """
    folder = shared_folder([result.picture.name for result in results])
    tallies = [tally(result, threshold, folder) for result in results]
    made: list[View] = []
    chosen: dict[str, list[Subject]] = {
        WORST: [Subject(item, item.caption) for item in worst(tallies)],
        MISSED: [_object(item, index, names) for item, index in missed(tallies)],
        WRONG: [_detection(item, index, names) for item, index in wrong(tallies)],
        HARD: [_detection(item, index, names) for item, index in hard(tallies, input_size)],
    }
    for kind, items in chosen.items():
        for number, subject in enumerate(items, 1):
            made.append(_view(kind, f"{name}-{kind}-{number}.jpg", subject, names, threshold))
    return made


def shared_folder(names: Sequence[str]) -> str:
    """The folders that all paths start with, with their last slash."""
    folders = {posixpath.dirname(name) for name in names}
    shared = posixpath.commonpath(folders) if folders and all(folders) else ""
    return f"{shared}/" if shared else ""


def write_pictures(folder: Path, views: Sequence[View]) -> None:
    """Write the JPEGs with their boxes into a folder."""
    for item in views:
        (folder / item.file).write_bytes(item.drawn)


def window_of(box: Floats | None, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of a square around a box, inside of a picture; of the whole picture without a box."""
    if box is None:
        return 0, 0, width, height
    left, top, right, bottom = (float(side) for side in box)
    side = max(max(right - left, bottom - top) * (1 + CROP_MARGIN), LEAST_CROP)
    wide, high = min(round(side), width), min(round(side), height)
    x = min(max(round((left + right - wide) / 2), 0), width - wide)
    y = min(max(round((top + bottom - high) / 2), 0), height - high)
    return x, y, wide, high


def _object(item: Tally, index: int, names: Sequence[str]) -> Subject:
    truth = item.result.picture.truth
    box = np.asarray(truth.xyxy[index], np.float64)
    return Subject(item, f"{item.name}: {names[truth.classes[index]]}, {_size(box)}", box, object=index)


def _detection(item: Tally, index: int, names: Sequence[str]) -> Subject:
    found = item.result.detections
    box = np.asarray(found.xyxy[index], np.float64)
    what = f"{names[found.classes[index]]} {found.scores[index]:.2f}"
    return Subject(item, f"{item.name}: {what}, {_size(box)}", box, detection=index)


def _view(kind: str, file: str, subject: Subject, names: Sequence[str], threshold: float) -> View:
    result, box = subject.item.result, subject.box
    pixels = read_picture(result.picture.path)
    x, y, width, height = window_of(box, pixels.shape[1], pixels.shape[0])
    part = pixels[y : y + height, x : x + width]
    corner = np.array([x, y, x, y])
    objects = tuple(_objects(result, corner, (width, height), names, subject.object))
    detections = tuple(_detections(result, corner, (width, height), names, subject.detection))
    scale = (WIDTH_PIXELS if box is None else CROP_PIXELS) / max(width, height)
    small = _scaled(part, min(scale, 1.0))
    canvas = small.copy() if box is None else _scaled(part, scale)
    draw(canvas, objects, detections, canvas.shape[1] / width, threshold)
    return View(kind, file, subject.caption, _jpeg(small), _jpeg(canvas), (x, y, width, height), objects, detections)


def _objects(
    result: PictureResult, corner: NDArray[Any], size: tuple[int, int], names: Sequence[str], focus: int
) -> Iterator[dict[str, Any]]:
    truth = result.picture.truth
    for index, box in enumerate(truth.xyxy - corner):
        if _inside(box, size):
            yield {
                "box": [round(float(side), 1) for side in box],
                "class": names[truth.classes[index]],
                "ignore": bool(truth.ignore[index]),
                "index": index,
                **({"focus": True} if index == focus else {}),
            }


def _detections(
    result: PictureResult, corner: NDArray[Any], size: tuple[int, int], names: Sequence[str], focus: int
) -> Iterator[dict[str, Any]]:
    found, matches = result.detections, result.matches
    for index, box in enumerate(found.xyxy - corner):
        score = float(found.scores[index])
        if score >= LEAST_SCORE and _inside(box, size):
            yield {
                "box": [round(float(side), 1) for side in box],
                "class": names[found.classes[index]],
                "score": score,
                "ignored": bool(matches.ignored[index]),
                "hits": int(matches.truth[index]) if matches.hit[index] else -1,
                **({"focus": True} if index == focus else {}),
            }


def _inside(box: NDArray[Any], size: tuple[int, int]) -> bool:
    """Whether something of a box is in a window."""
    left, top, right, bottom = box
    return bool(right > 0 and bottom > 0 and left < size[0] and top < size[1])


def _seen_height(place: Place, input_size: tuple[int, int]) -> float:
    item, index = place
    picture, number = item.result.picture, int(item.result.matches.truth[index])
    height = float(picture.truth.xyxy[number][3] - picture.truth.xyxy[number][1])
    hidden = float(picture.measures["occlusion"][number]) if "occlusion" in picture.measures else 0.0
    return height * input_scale(picture, input_size) * (1 - hidden)


def _spread(places: Sequence[Place], most: int) -> list[Place]:
    """The first places, no more than a few of one picture."""
    taken: dict[int, int] = {}
    kept: list[Place] = []
    for item, index in places:
        taken[id(item)] = taken.get(id(item), 0) + 1
        if taken[id(item)] <= MOST_OF_ONE:
            kept.append((item, index))
        if len(kept) == most:
            break
    return kept


def _size(box: Floats) -> str:
    return f"{box[2] - box[0]:.0f} × {box[3] - box[1]:.0f} pixels"


def _scaled(picture: Picture, scale: float) -> Picture:
    import cv2

    if scale == 1.0:
        return picture.copy()
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _jpeg(picture: Picture) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])


def _area(xyxy: NDArray[Any]) -> float:
    return float((xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]))
