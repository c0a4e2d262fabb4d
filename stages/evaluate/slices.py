"""Figures of parts of a set: what kind of object or picture the model is weak on."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stages.evaluate.bootstrap import Interval, Resampling
from stages.evaluate.exact import few_counted, hull
from stages.evaluate.inference import PictureResult
from stages.evaluate.metrics import rounded
from stages.evaluate.truth import LabelledPicture

HEIGHTS = (0, 16, 32, 64, 128, 256)
"""Pixels at the network's input, so that photographs and renders of any size compare."""

EDGES: Mapping[str, tuple[float, ...]] = {
    "box_height": HEIGHTS,
    "aspect_ratio": (0, 0.5, 0.8, 1.25, 2),
    "occlusion": (0, 0.1, 0.4, 0.7),
    "truncation": (0, 0.01, 0.25, 0.5),
    "distance": (0, 3, 6, 12, 24),
}
"""Lower edges of the bins of what objects are measured by."""

MOST_CATEGORIES = 6
"""Distinct numbers that are taken as they are; more are put into bins of equally many pictures."""

BINS = 4
LEAST_PICTURES = 5
"""Pictures in such a bin."""

LEAST_OBJECTS = 3
"""Objects that a slice needs to be called weak."""

LEAST_SURE = 5
"""Pictures that a slice needs for its interval to say anything: resamples of one are all alike."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Slice:
    """One bin of a measure, at the operating threshold and IoU 0.5.

    Attributes:
        measure: ``box_height`` (pixels at the network's input), ``aspect_ratio`` (width by height), ``occlusion``,
            ``truncation``, ``distance`` (metres), ``scenario``, ``site``, ``camera``, ``brightness``, ``blur``, or
            ``drawn.NAME``, a value that randomisation drew.
        bin: in words.
        of: whether objects fall into it one by one or by whole pictures.
        low, high: the bin's ends, None for a category.
        pictures: with something in the bin.
        objects, hits: there and found.
        false_alarms: wrong detections in the bin; None where only objects have the measure.
        values: ``recall`` and, where false alarms are known, ``precision`` and ``f1``; None where there is none.
        intervals: of those.
    """

    measure: str
    bin: str
    of: Literal["objects", "pictures"]
    low: float | None
    high: float | None
    pictures: int
    objects: int
    hits: int
    false_alarms: int | None
    values: Mapping[str, float | None] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def judged(self) -> str:
        """The figure it is compared by."""
        return "recall" if self.of == "objects" else "f1"

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        return {
            "measure": self.measure,
            "bin": self.bin,
            "of": self.of,
            "low": rounded(self.low),
            "high": rounded(self.high),
            "pictures": self.pictures,
            "objects": self.objects,
            "hits": self.hits,
            "false_alarms": self.false_alarms,
            **{name: rounded(value) for name, value in self.values.items()},
            "interval": {name: [rounded(low), rounded(high)] for name, (low, high) in self.intervals.items()},
        }


@dataclass(frozen=True)
class WorstSlice:
    """A slice that the model is weaker on than on the whole set.

    Attributes:
        slice: itself.
        overall: the same figure of the whole set.
        lost: objects that the difference stands for.
        sure: whether the whole interval lies below the figure of the set, and enough pictures speak for it.
    """

    slice: Slice
    overall: float
    lost: float
    sure: bool

    @property
    def sentence(self) -> str:
        """In words."""
        item, value = self.slice, self.slice.values[self.slice.judged]
        ends = item.intervals.get(item.judged)
        between = f" ({ends[0]:.2f} to {ends[1]:.2f})" if ends else ""
        doubt = "" if self.sure else "; may be chance"
        return (
            f"{item.measure} {item.bin}: {item.judged} {value:.2f}{between} on {item.objects} objects against "
            f"{self.overall:.2f} on all{doubt}"
        )

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        item = self.slice
        return {
            "measure": item.measure,
            "bin": item.bin,
            "low": rounded(item.low),
            "high": rounded(item.high),
            "figure": item.judged,
            "value": rounded(item.values[item.judged]),
            "overall": rounded(self.overall),
            "lost_objects": rounded(self.lost),
            "sure": self.sure,
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class _Column:
    """Objects or false alarms: their picture and what they measure, NaN where unknown."""

    picture: NDArray[np.int64]
    found: NDArray[np.bool_]
    measures: Mapping[str, Floats]


def object_slices(
    results: Sequence[PictureResult], threshold: float, input_size: tuple[int, int], sampling: Resampling
) -> list[Slice]:
    """Slices by what single objects are like.

    Args:
        results: of all pictures.
        threshold: operating threshold.
        input_size: (width, height) of the network's input.
        sampling: for the intervals.
    """
    objects, alarms = _objects(results, threshold, input_size), _alarms(results, threshold, input_size)
    made = []
    for measure, edges in EDGES.items():
        values = objects.measures.get(measure)
        if values is None or not np.isfinite(values).any():
            continue
        for low, high in zip(edges, [*edges[1:], np.inf], strict=True):
            inside = (values >= low) & (values < high)
            wrong = alarms.measures.get(measure)
            made.append(
                _slice(
                    sampling,
                    measure,
                    span(low, high),
                    "objects",
                    (low, high),
                    objects.picture[inside],
                    objects.picture[inside & objects.found],
                    None if wrong is None else alarms.picture[(wrong >= low) & (wrong < high)],
                )
            )
    return [item for item in made if item.objects or item.false_alarms]


def picture_slices(
    results: Sequence[PictureResult],
    threshold: float,
    values: Mapping[str, Sequence[float | str | None]],
    sampling: Resampling,
) -> list[Slice]:
    """Slices by what whole pictures are like.

    Args:
        results: of all pictures.
        threshold: operating threshold.
        values: what each picture measures, by name; None where it is not known.
        sampling: for the intervals.
    """
    size = (1, 1)
    objects, alarms = _objects(results, threshold, size), _alarms(results, threshold, size)
    made = []
    for measure, column in values.items():
        for name, low, high, members in bins(column):
            inside = np.isin(objects.picture, members)
            made.append(
                _slice(
                    sampling,
                    measure,
                    name,
                    "pictures",
                    (low, high),
                    objects.picture[inside],
                    objects.picture[inside & objects.found],
                    alarms.picture[np.isin(alarms.picture, members)],
                    pictures=len(members),
                )
            )
    return made


def bins(column: Sequence[float | str | None]) -> list[tuple[str, float | None, float | None, NDArray[np.int64]]]:
    """Pictures by their value: name, ends, and numbers of the pictures; nothing where all are alike.

    Words and few distinct numbers are categories; other numbers are cut so that each bin has about as many pictures.
    """
    known = [index for index, value in enumerate(column) if value is not None]
    distinct = sorted({column[index] for index in known}, key=str)
    if len(distinct) < 2:
        return []
    if len(distinct) <= MOST_CATEGORIES or any(isinstance(value, str) for value in distinct):
        groups = [(value, np.asarray([index for index in known if column[index] == value])) for value in distinct]
        return [(_named(value), None, None, members) for value, members in groups]
    numbers = np.asarray([float(column[index]) for index in known])  # type: ignore[arg-type]
    count = min(BINS, len(known) // LEAST_PICTURES)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, count + 1))) if count > 1 else numbers[:0]
    made: list[tuple[str, float | None, float | None, NDArray[np.int64]]] = []
    for place, (low, high) in enumerate(pairwise(edges)):
        last = place == len(edges) - 2
        inside = (numbers >= low) & ((numbers <= high) if last else (numbers < high))
        made.append((span(float(low), float(high)), float(low), float(high), np.asarray(known)[inside]))
    return made if len(made) > 1 else []


def picture_values(
    pictures: Sequence[LabelledPicture], looks: Mapping[int, Mapping[str, float]]
) -> dict[str, list[float | str | None]]:
    """What whole pictures are measured by, one value a picture.

    Rendered ones have ``scenario`` and ``drawn.NAME``. Photographs have ``site``, the first folder in which their paths
    differ, and ``camera``, the whole folder, where that says more. ``brightness`` and ``blur`` come from ``looks``,
    by the picture's place.
    """
    made: dict[str, list[float | str | None]] = {}
    if any(picture.scenario for picture in pictures):
        made["scenario"] = [picture.scenario or None for picture in pictures]
        for name in sorted({name for picture in pictures for name in picture.tags}):
            made[f"drawn.{name}"] = [picture.tags.get(name) for picture in pictures]
    else:
        made |= _folders([picture.name for picture in pictures])
    if looks:
        made["brightness"] = [looks[place]["luminance"] if place in looks else None for place in range(len(pictures))]
        made["blur"] = [-looks[place]["sharpness"] if place in looks else None for place in range(len(pictures))]
    return made


def worst(slices: Sequence[Slice], overall: Mapping[str, float | None], most: int = 5) -> list[WorstSlice]:
    """The slices that cost the most objects, sure ones first.

    Args:
        slices: of a set.
        overall: the set's own recall and F1.
        most: how many, at most.
    """
    found = []
    for item in slices:
        value, whole = item.values.get(item.judged), overall.get(item.judged)
        if item.objects < LEAST_OBJECTS or value is None or whole is None or value >= whole:
            continue
        ends = item.intervals.get(item.judged)
        sure = ends is not None and ends[1] < whole and item.pictures >= LEAST_SURE
        found.append(WorstSlice(item, whole, (whole - value) * item.objects, sure))
    return sorted(found, key=lambda item: (not item.sure, -item.lost, item.slice.measure, item.slice.bin))[:most]


def span(low: float, high: float) -> str:
    """``0.1 to 0.4``, or ``24 and more``."""
    return f"{low:.3g} to {high:.3g}" if np.isfinite(high) else f"{low:g} and more"


def input_scale(picture: LabelledPicture, input_size: tuple[int, int]) -> float:
    """Pixels at the network's input per pixel of the picture."""
    return min(input_size[0] / picture.width, input_size[1] / picture.height)


def _objects(results: Sequence[PictureResult], threshold: float, size: tuple[int, int]) -> _Column:
    pictures, found, measures = [], [], []
    for number, result in enumerate(results):
        truth = result.picture.truth
        hit = np.zeros(len(truth), bool)
        hit[result.matches.truth[result.matches.hit & (result.detections.scores > threshold)]] = True
        counted = ~truth.ignore
        pictures.append(np.full(int(counted.sum()), number))
        found.append(hit[counted])
        values = _shape(truth.xyxy, input_scale(result.picture, size)) | dict(result.picture.measures)
        measures.append({name: np.asarray(value)[counted] for name, value in values.items()})
    return _column(pictures, found, measures)


def _alarms(results: Sequence[PictureResult], threshold: float, size: tuple[int, int]) -> _Column:
    pictures, found, measures = [], [], []
    for number, result in enumerate(results):
        wrong = (result.detections.scores > threshold) & ~result.matches.hit & ~result.matches.ignored
        pictures.append(np.full(int(wrong.sum()), number))
        found.append(np.zeros(int(wrong.sum()), bool))
        measures.append(_shape(result.detections.xyxy[wrong], input_scale(result.picture, size)))
    return _column(pictures, found, measures)


def _shape(xyxy: NDArray[np.floating[Any]], scale: float) -> dict[str, Floats]:
    sides = np.asarray(xyxy[:, 2:] - xyxy[:, :2], np.float64)
    return {"box_height": sides[:, 1] * scale, "aspect_ratio": sides[:, 0] / np.maximum(sides[:, 1], 1e-6)}


def _column(
    pictures: Sequence[NDArray[np.int64]],
    found: Sequence[NDArray[np.bool_]],
    measures: Sequence[Mapping[str, Floats]],
) -> _Column:
    names = {name for item in measures for name in item}
    return _Column(
        np.concatenate([np.zeros(0, np.int64), *pictures]),
        np.concatenate([np.zeros(0, bool), *found]),
        {
            name: np.concatenate(
                [np.zeros(0)]
                + [item.get(name, np.full(len(place), np.nan)) for item, place in zip(measures, pictures, strict=True)]
            )
            for name in names
        },
    )


def _slice(
    sampling: Resampling,
    measure: str,
    name: str,
    of: Literal["objects", "pictures"],
    ends: tuple[float | None, float | None],
    there: NDArray[np.int64],
    hit: NDArray[np.int64],
    wrong: NDArray[np.int64] | None,
    pictures: int | None = None,
) -> Slice:
    """Count one slice; ``there``, ``hit`` and ``wrong`` are the picture of each object, hit and false alarm."""
    objects, hits = (np.bincount(part, minlength=sampling.pictures).astype(float) for part in (there, hit))
    alarms = None if wrong is None else np.bincount(wrong, minlength=sampling.pictures).astype(float)
    drawn = _ratios(sampling.weights, hits, objects, alarms)
    values = {key: None if np.isnan(value[0]) else float(value[0]) for key, value in drawn.items()}
    intervals = {key: sampling.interval(value) for key, value in drawn.items() if values[key] is not None}
    kept = {key: ends for key, ends in intervals.items() if ends is not None}
    if sampling.resamples:
        wrongs = None if alarms is None else float(alarms.sum())
        kept = hull(kept, few_counted(float(hits.sum()), wrongs, float(objects.sum())))
    low, high = ends
    return Slice(
        measure=measure,
        bin=name,
        of=of,
        low=low,
        high=None if high is None or not np.isfinite(high) else high,
        pictures=len(np.union1d(there, [] if wrong is None else wrong)) if pictures is None else pictures,
        objects=int(objects.sum()),
        hits=int(hits.sum()),
        false_alarms=None if alarms is None else int(alarms.sum()),
        values=values,
        intervals=kept,
    )


def _ratios(weights: NDArray[np.float32], hits: Floats, objects: Floats, alarms: Floats | None) -> dict[str, Floats]:
    right, there = weights @ hits, weights @ objects
    with np.errstate(invalid="ignore", divide="ignore"):
        made: dict[str, Floats] = {"recall": right / there}
        if alarms is not None:
            wrong = weights @ alarms
            made |= {"precision": right / (right + wrong), "f1": 2 * right / (right + wrong + there)}
    return made


def _folders(names: Sequence[str]) -> dict[str, list[float | str | None]]:
    folders = [posixpath.dirname(name) for name in names]
    parts = [folder.split("/") for folder in folders]
    shared = 0
    while all(len(item) > shared for item in parts) and len({item[shared] for item in parts}) == 1:
        shared += 1
    sites: list[float | str | None] = [item[shared] if len(item) > shared else "." for item in parts]
    cameras: list[float | str | None] = ["/".join(item[shared:]) or "." for item in parts]
    return {"site": sites} | ({} if cameras == sites else {"camera": cameras})


def _named(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
