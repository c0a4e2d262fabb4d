"""Pictures for the report: what went best, what went worst, and what was missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import read_picture
from stages.evaluate.inference import PictureResult

HIT, WRONG, MISSED, IGNORED = (60, 180, 75), (60, 60, 230), (0, 150, 255), (160, 160, 160)
"""BGR: green, red, orange, grey."""

BEST, WORST, CROPS = 3, 3, 6
"""Pictures of each kind."""

WIDTH_PIXELS = 560
CROP_PIXELS = 260
JPEG_QUALITY = 78
CROP_MARGIN = 0.75
"""Of the missed object's longer side, around it."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """A picture in the report.

    Attributes:
        kind: ``best``, ``worst`` or ``missed``.
        file: its name in ``reports/pictures``.
        caption: one line.
        jpeg: its bytes.
    """

    kind: str
    file: str
    caption: str
    jpeg: bytes


@dataclass(frozen=True)
class Tally:
    """A picture's outcome at the operating threshold.

    Attributes:
        result: all detections.
        above: (N,) which of them score more than the threshold.
        missed: indices of objects that none of those hit.
    """

    result: PictureResult
    above: NDArray[np.bool_]
    missed: tuple[int, ...]

    @property
    def hits(self) -> int:
        """Objects found."""
        return int((self.above & self.result.matches.hit).sum())

    @property
    def false_alarms(self) -> int:
        """Detections of nothing."""
        return int((self.above & ~self.result.matches.hit & ~self.result.matches.ignored).sum())

    @property
    def f1(self) -> float:
        """Of this picture."""
        return 2 * self.hits / max(2 * self.hits + self.false_alarms + len(self.missed), 1)

    @property
    def overlap(self) -> float:
        """Mean IoU of the hits."""
        return float(self.result.matches.iou[self.above & self.result.matches.hit].mean()) if self.hits else 0.0

    @property
    def caption(self) -> str:
        """File and outcome."""
        return f"{self.result.picture.name}: {self.hits} found, {len(self.missed)} missed, {self.false_alarms} wrong"


def tally(result: PictureResult, threshold: float) -> Tally:
    """Outcome of one picture at a threshold."""
    above = result.detections.scores > threshold
    truth = result.picture.truth
    found = set(result.matches.truth[above & result.matches.hit].tolist())
    missed = tuple(i for i in range(len(truth)) if not truth.ignore[i] and i not in found)
    return Tally(result, above, missed)


def choose(
    results: Sequence[PictureResult], threshold: float
) -> tuple[list[Tally], list[Tally], list[tuple[Tally, int]]]:
    """The best pictures, the worst ones, and the largest missed objects (picture and index)."""
    tallies = [tally(result, threshold) for result in results]
    good = [item for item in tallies if item.hits]
    best = sorted(good, key=lambda item: (-item.f1, -item.hits, -item.overlap, item.result.picture.name))[:BEST]
    bad = [item for item in tallies if item.false_alarms or item.missed]
    worst = sorted(bad, key=lambda item: (-(item.false_alarms + len(item.missed)), item.f1, item.result.picture.name))[
        :WORST
    ]
    missed = [(item, index) for item in tallies for index in item.missed]
    missed.sort(key=lambda pair: (-_area(pair[0].result.picture.truth.xyxy[pair[1]]), pair[0].result.picture.name))
    return best, worst, missed[:CROPS]


def gallery(name: str, results: Sequence[PictureResult], threshold: float, names: Sequence[str]) -> list[Shown]:
    """Draw the chosen pictures of a set.

    Args:
        name: of the set, start of the file names.
        results: of all its pictures.
        threshold: operating threshold.
        names: the model's classes.
    """
    best, worst, missed = choose(results, threshold)
    shown = []
    for kind, items in (("best", best), ("worst", worst)):
        for number, item in enumerate(items, 1):
            jpeg = _jpeg(draw(item, names, WIDTH_PIXELS))
            shown.append(Shown(kind, f"{name}-{kind}-{number}.jpg", item.caption, jpeg))
    for number, (item, index) in enumerate(missed, 1):
        truth = item.result.picture.truth
        left, top, right, bottom = truth.xyxy[index]
        what = f"{names[truth.classes[index]]}, {right - left:.0f} by {bottom - top:.0f} pixels"
        jpeg = _jpeg(draw_missed(item, index, names))
        shown.append(Shown("missed", f"{name}-missed-{number}.jpg", f"{item.result.picture.name}: {what}", jpeg))
    return shown


def draw(item: Tally, names: Sequence[str], width: int) -> Picture:
    """A picture with its boxes: hits green, false alarms red, missed objects orange, ignore regions grey."""
    picture = read_picture(item.result.picture.path)
    scale = min(1.0, width / picture.shape[1])
    canvas = _scaled(picture, scale)
    _draw_boxes(canvas, item, names, scale, (0, 0))
    return canvas


def draw_missed(item: Tally, index: int, names: Sequence[str]) -> Picture:
    """A square around a missed object, with what was found there."""
    picture = read_picture(item.result.picture.path)
    left, top, right, bottom = item.result.picture.truth.xyxy[index]
    half = max(right - left, bottom - top) * (0.5 + CROP_MARGIN)
    x, y = (left + right) / 2, (top + bottom) / 2
    x0, y0 = max(int(x - half), 0), max(int(y - half), 0)
    crop = picture[y0 : int(y + half) + 1, x0 : int(x + half) + 1]
    scale = CROP_PIXELS / max(crop.shape[:2])
    canvas = _scaled(crop, scale)
    _draw_boxes(canvas, item, names, scale, (x0, y0))
    return canvas


def _draw_boxes(canvas: Picture, item: Tally, names: Sequence[str], scale: float, origin: tuple[int, int]) -> None:
    truth, found, matches = item.result.picture.truth, item.result.detections, item.result.matches
    corner = np.array([*origin, *origin])
    for index in np.flatnonzero(truth.ignore):
        _box(canvas, (truth.xyxy[index] - corner) * scale, IGNORED, "")
    for index in item.missed:
        _box(canvas, (truth.xyxy[index] - corner) * scale, MISSED, f"{names[truth.classes[index]]} missed")
    for index in np.flatnonzero(item.above)[::-1]:
        colour = HIT if matches.hit[index] else IGNORED if matches.ignored[index] else WRONG
        text = f"{names[found.classes[index]]} {found.scores[index]:.2f}"
        _box(canvas, (found.xyxy[index] - corner) * scale, colour, text)


def write_pictures(folder: Path, shown: Sequence[Shown]) -> None:
    """Write the JPEGs into a folder."""
    for item in shown:
        (folder / item.file).write_bytes(item.jpeg)


def _scaled(picture: Picture, scale: float) -> Picture:
    import cv2

    if scale == 1.0:
        return picture.copy()
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _box(canvas: Picture, xyxy: NDArray[Any], colour: tuple[int, int, int], text: str) -> None:
    import cv2

    left, top, right, bottom = (round(float(side)) for side in xyxy)
    if right <= 0 or bottom <= 0 or left >= canvas.shape[1] or top >= canvas.shape[0]:
        return
    cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), colour, 2)
    if text:
        (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
        base = top - 4 if top > high + 6 else min(bottom, canvas.shape[0]) - 4
        x = max(min(left, canvas.shape[1] - wide - 2), 0)
        cv2.rectangle(canvas, (x, base - high - 3), (x + wide + 2, base + 3), colour, -1)
        cv2.putText(canvas, text, (x + 1, base), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)


def _jpeg(picture: Picture) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])


def _area(xyxy: NDArray[Any]) -> float:
    return float((xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]))
