"""One model on one set: everything that is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stages.common.detection import Detections
from stages.common.errors import InputError
from stages.common.settings.learning import Evaluate
from stages.evaluate.appearance import looks, sample
from stages.evaluate.bootstrap import Resampling, resampling
from stages.evaluate.calibration import Calibration, calibration
from stages.evaluate.compare import Published, compare_published, difference
from stages.evaluate.gallery import View, gallery
from stages.evaluate.inference import Model, PictureResult, detect_set, match_picture, picture_digest
from stages.evaluate.metrics import ALL, Scores, confusion, rounded, sampled_figures, score
from stages.evaluate.mistakes import Mistakes, mistakes
from stages.evaluate.plots import Curves, Pairs, curves
from stages.evaluate.scales import scaled_results
from stages.evaluate.slices import Slice, WorstSlice, object_slices, picture_slices, picture_values, worst
from stages.evaluate.table import Table, table
from stages.evaluate.truth import LabelledSet

MOST_NOTES = 5
"""Pictures named in a note."""


@dataclass(frozen=True)
class Scale:
    """The figures at another input size, on the pictures that this was tried on.

    Attributes:
        scale: multiple of the model's own input size.
        scores: there.
        f1_gain: F1 less that at the model's own size on the same pictures, and its paired interval.
    """

    scale: float
    scores: Scores
    f1_gain: float | None
    interval: tuple[float, float] | None

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        values = self.scores.overall.values
        names = ("ap50", "ap50_95", "precision", "recall", "f1")
        intervals = {name: ends for name, ends in self.scores.overall.intervals.items() if name in names}
        if self.interval:
            intervals["f1_gain"] = self.interval
        return {
            "scale": self.scale,
            "pictures": self.scores.pictures,
            **{name: rounded(values[name]) for name in names},
            "f1_gain": rounded(self.f1_gain),
            "interval": {name: [rounded(end) for end in ends] for name, ends in intervals.items()},
        }


@dataclass(frozen=True)
class Measured:
    """One set, measured.

    Attributes:
        key: ``sim``, or the name of a real set.
        labelled: the set.
        scores: the model's.
        curves, pairs, shown: for plots and report.
        unusable: a sentence for each picture left out.
        published: what others reached on the same pictures.
        slices, worst: of objects and pictures.
        mistakes, calibration: by class name and ``all``.
        scales: other input sizes; empty when that was left out.
        digest: of the pictures' content, see :func:`~stages.evaluate.inference.picture_digest`.
    """

    key: str
    labelled: LabelledSet
    scores: Scores
    curves: Curves
    pairs: Pairs
    shown: tuple[View, ...]
    unusable: tuple[str, ...]
    published: Mapping[str, Published] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    worst: tuple[WorstSlice, ...] = ()
    mistakes: Mapping[str, Mistakes] = field(default_factory=dict)
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    scales: tuple[Scale, ...] = ()
    digest: str = ""

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of what was measured on: the pictures in their order, and the annotation file."""
        return {"pictures": self.digest, "annotations": self.labelled.sha256}

    def metrics(self) -> dict[str, Any]:
        """As in ``metrics.json``."""
        made = {
            **self.scores.as_json(),
            "missing_pictures": len(self.labelled.missing) + len(self.unusable),
            "calibration": self.calibration[ALL].as_json(),
        }
        if ALL in self.mistakes:
            made["errors"] = self.mistakes[ALL].as_json()
        for name, figures in made["classes"].items():
            figures["calibration"] = self.calibration[name].as_json()
            if name in self.mistakes:
                figures["errors"] = self.mistakes[name].as_json()
        if self.published:
            made["published"] = {name: item.as_json() for name, item in self.published.items()}
        return made

    def details(self) -> dict[str, Any]:
        """As in ``evaluation.json``: the metrics and all that is longer."""
        return {
            **self.metrics(),
            "name": self.labelled.name,
            "digests": self.digests,
            "unusable": list(self.unusable),
            "missing": list(self.labelled.missing),
            "unknown_classes": list(self.labelled.unknown),
            "slices": [item.as_json() for item in self.slices],
            "worst_slices": [item.as_json() for item in self.worst],
            "reliability": {name: [step.as_json() for step in item.bins] for name, item in self.calibration.items()},
            "scales": [item.as_json() for item in self.scales],
            "notes": self.notes(),
            "shown": [item.as_json() for item in self.shown],
        }

    def notes(self) -> list[str]:
        """What is not counted, in sentences."""
        labelled, made = self.labelled, []
        if labelled.missing:
            some = ", ".join(labelled.missing[:MOST_NOTES]) + (
                " and others" if len(labelled.missing) > MOST_NOTES else ""
            )
            made.append(f"{len(labelled.missing)} annotated pictures are not there and not counted: {some}.")
        if self.unusable:
            some = "; ".join(self.unusable[:MOST_NOTES])
            made.append(f"{len(self.unusable)} pictures cannot be used and are not counted: {some}.")
        made += labelled.remarks
        if labelled.unknown:
            made.append(
                f"Annotated classes that the model does not know are not scored: {', '.join(labelled.unknown)}."
            )
        silent = [name for number, name in enumerate(labelled.names) if number not in labelled.scored]
        if silent:
            made.append(f"Classes of the model that the set does not annotate are not scored: {', '.join(silent)}.")
        return made


def measure(
    key: str,
    model: Model,
    labelled: LabelledSet,
    settings: Evaluate,
    others: Mapping[str, Mapping[int | str, Detections]] | None = None,
) -> Measured:
    """Run the detector over a set, or take what it said before, and count.

    Args:
        key: ``sim`` or the set's name, start of file names.
        model: the detector and where its answers are kept.
        labelled: the set.
        settings: how deep to go.
        others: published detections by picture id, by publisher.

    Raises:
        InputError: when not one of the pictures can be used.
    """
    results, unusable = detect_set(model, labelled)
    if not results:
        raise InputError(f"none of the {len(labelled.pictures)} pictures of {labelled.name} can be used: {unusable[0]}")
    names, threshold, scored = model.detector.names, model.detector.threshold, labelled.scored
    sampling = resampling(len(results), settings.resamples, settings.seed)
    found = table(results)
    scores = score(found, names, scored, threshold, sampling)
    slices = sliced(model, results, settings, sampling)
    groups = {names[number]: [number] for number in scored} | {ALL: list(scored)}
    return Measured(
        key=key,
        labelled=labelled,
        scores=scores,
        curves=curves(found, names, scored),
        pairs=confusion(results, names, threshold),
        shown=tuple(gallery(key, results, threshold, names, model.detector.input_size)),
        unusable=tuple(unusable),
        published=_published(found, results, others or {}, labelled, threshold, sampling),
        slices=tuple(slices),
        worst=tuple(worst(slices, scores.overall.values)),
        mistakes=mistakes(results, names, scored, threshold),
        calibration={name: calibration(found, numbers, sampling) for name, numbers in groups.items()},
        scales=tuple(scales(model, labelled, results, settings)),
        digest=picture_digest(labelled.pictures),
    )


def sliced(model: Model, results: Sequence[PictureResult], settings: Evaluate, sampling: Resampling) -> list[Slice]:
    """All slices of a set."""
    size, threshold = model.detector.input_size, model.detector.threshold
    values = cut_by(model, results, settings)
    return object_slices(results, threshold, size, sampling) + picture_slices(results, threshold, values, sampling)


def cut_by(model: Model, results: Sequence[PictureResult], settings: Evaluate) -> dict[str, list[float | str | None]]:
    """What slices of whole pictures are cut by; see :func:`~stages.evaluate.slices.picture_values`."""
    pictures = [item.picture for item in results]
    seen: dict[int, dict[str, float]] = {}
    if settings.appearance_pictures and not any(picture.scenario for picture in pictures):
        chosen = sample(pictures, settings.appearance_pictures, settings.seed)
        known, _ = looks([pictures[place] for place in chosen], model.detector.input_size, model.cache)
        seen = {chosen[place]: values for place, values in known.items()}
    return picture_values(pictures, seen)


def scales(model: Model, labelled: LabelledSet, results: Sequence[PictureResult], settings: Evaluate) -> list[Scale]:
    """The figures at other input sizes, and at the model's own, on a sample of the set; smallest first."""
    if not settings.scales or not settings.scale_pictures:
        return []
    chosen = [results[place] for place in sample(results, settings.scale_pictures, settings.seed)]
    names, threshold, scored = model.detector.names, model.detector.threshold, labelled.scored
    part = replace(labelled, pictures=tuple(item.picture for item in chosen))
    sampling = resampling(len(chosen), settings.resamples, settings.seed)
    found = {
        scale: table(chosen if scale == 1 else scaled_results(model, part, scale))
        for scale in sorted({1.0, *settings.scales})
    }
    drawn = {
        scale: sampled_figures(columns, names, scored, threshold, sampling.weights) for scale, columns in found.items()
    }
    made = []
    for scale, columns in found.items():
        gain = difference(drawn[scale][ALL]["f1"], drawn[1.0][ALL]["f1"], sampling)
        scores = score(columns, names, scored, threshold, sampling, drawn[scale])
        made.append(Scale(scale, scores, gain.difference, gain.interval))
    return made


def _published(
    found: Table,
    results: Sequence[PictureResult],
    others: Mapping[str, Mapping[int | str, Detections]],
    labelled: LabelledSet,
    threshold: float,
    sampling: Resampling,
) -> dict[str, Published]:
    made = {}
    for publisher, detections in others.items():
        theirs = [match_picture(item.picture, detections[item.picture.id], labelled.scored) for item in results]
        made[publisher] = compare_published(found, table(theirs, coco=False), labelled.scored, threshold, sampling)
    return made
