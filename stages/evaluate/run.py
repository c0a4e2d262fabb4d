"""Measuring one model on the held-out renders and on the real photographs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.detection import Detector
from stages.common.errors import InputError
from stages.common.files import replaced_folder, write_json
from stages.common.settings.learning import Real
from stages.evaluate.gallery import Shown, gallery, write_pictures
from stages.evaluate.inference import detect_set, match_picture
from stages.evaluate.metrics import Counts, Scores, confusion, count, rank, score
from stages.evaluate.plots import Curves, Pairs, charts, curves, write_plots
from stages.evaluate.real import Unmeasured, find_annotations, published_detections, real_set
from stages.evaluate.report import Section, measured, unmeasured, write_report
from stages.evaluate.truth import LabelledSet, read_labelled_set

SIM_TITLE = "Held-out renders"
REAL_TITLE = "Real photographs"
NOTHING_SIM = "Nothing was measured on renders."
NOTHING_REAL = "Nothing real was measured."
MOST_NOTES = 5
"""Pictures named in a note."""


@dataclass(frozen=True)
class Measured:
    """One set, measured.

    Attributes:
        key: ``sim`` or ``real``.
        labelled: the set.
        scores: the model's.
        curves, pairs, shown: for plots and report.
        unusable: a sentence for each picture left out.
        published: what others reached on the same pictures.
    """

    key: str
    labelled: LabelledSet
    scores: Scores
    curves: Curves
    pairs: Pairs
    shown: tuple[Shown, ...]
    unusable: tuple[str, ...]
    published: Mapping[str, Counts]


@dataclass(frozen=True)
class Evaluation:
    """The outcome of the stage.

    Attributes:
        metrics: content of ``metrics.json``.
        sim, real: each measured, or why not.
    """

    metrics: dict[str, Any]
    sim: Measured | Unmeasured
    real: Measured | Unmeasured

    def summary(self) -> str:
        """One line for the user."""
        parts = []
        for name, item in (("renders", self.sim), ("real", self.real)):
            if isinstance(item, Unmeasured):
                parts.append(f"{name} not measured ({item.reason})")
            else:
                numbers = item.scores
                ap50 = "no AP50 without objects" if numbers.ap50 is None else f"AP50 {numbers.ap50:.3f}"
                parts.append(f"{name} {ap50}, F1 {numbers.overall.f1:.3f} on {numbers.pictures} pictures")
        return "evaluate: " + "; ".join(parts)


def evaluate(model: Path, dataset: Path, real: Real, out: Path, *, project: Path, run_id: str = "") -> Evaluation:
    """Measure a model and write ``metrics.json``, ``plots/``, ``pictures/``, ``report.html`` and ``report.md``.

    Args:
        model: ONNX file.
        dataset: folder that ``python -m stages.convert`` wrote, with the COCO format.
        real: settings of the photographs.
        out: folder for the results; other files in it stay.
        project: folder that relative paths in the settings start at.
        run_id: MLflow run to name in the report.

    Raises:
        InputError: when the model, the data set, or photographs that the settings name are missing or damaged. What was
            in ``out`` is then as it was.
    """
    detector = Detector(model)
    photographs = real_set(real, detector.names, project)
    sim = measure("sim", detector, sim_set(dataset, detector.names))
    others = {}
    if isinstance(photographs, LabelledSet):
        others = published_detections(find_annotations(real, project), photographs, detector.names)
    found = measure("real", detector, photographs, others)
    metrics = {"threshold": round(detector.threshold, 5)} | {
        key: _metrics(item) for key, item in (("sim", sim), ("real", found))
    }
    _write(out, detector, run_id, metrics, sim, found)
    return Evaluation(metrics, sim, found)


def sim_set(dataset: Path, names: tuple[str, ...]) -> LabelledSet | Unmeasured:
    """The test split of the rendered data set.

    Raises:
        InputError: when it is not there.
    """
    annotations = dataset / "coco" / "test.json"
    if not annotations.is_file():
        raise InputError(f"'{annotations}' does not exist; put coco into dataset.convert.formats and run `dvc repro`")
    if not json.loads(annotations.read_bytes())["images"]:
        return Unmeasured("the data set has no test frames; raise dataset.frames.test_count")
    pictures = dataset / "yolo" / "images" / "test"
    return read_labelled_set(
        annotations, "test split", names, lambda image: (image["file_name"], pictures / image["file_name"])
    )


def measure(
    key: str, detector: Detector, labelled: LabelledSet | Unmeasured, others: Mapping[str, Any] | None = None
) -> Measured | Unmeasured:
    """Run the detector over a set and count.

    Args:
        key: ``sim`` or ``real``, start of file names.
        detector: the model.
        labelled: the set, or why there is none.
        others: published detections by picture id, by publisher.

    Raises:
        InputError: when not one of the pictures can be used.
    """
    if isinstance(labelled, Unmeasured):
        return labelled
    results, unusable = detect_set(detector, labelled)
    if not results:
        raise InputError(f"none of the {len(labelled.pictures)} pictures of {labelled.name} can be used: {unusable[0]}")
    names, threshold = detector.names, detector.threshold
    published = {}
    for publisher, detections in (others or {}).items():
        theirs = [match_picture(item.picture, detections[item.picture.id], labelled.scored) for item in results]
        published[publisher] = count(rank(theirs, labelled.scored), 0.0)
    return Measured(
        key=key,
        labelled=labelled,
        scores=score(results, names, labelled.scored, threshold),
        curves=curves(results, names, labelled.scored),
        pairs=confusion(results, names, threshold),
        shown=tuple(gallery(key, results, threshold, names)),
        unusable=tuple(unusable),
        published=published,
    )


def _metrics(item: Measured | Unmeasured) -> dict[str, Any]:
    if isinstance(item, Unmeasured):
        return {"pictures": 0}
    published = {
        name: {"precision": round(c.precision, 5), "recall": round(c.recall, 5), "f1": round(c.f1, 5)}
        for name, c in item.published.items()
    }
    return {
        **item.scores.as_json(),
        "missing_pictures": len(item.labelled.missing) + len(item.unusable),
        **({"published": published} if published else {}),
    }


def _write(
    out: Path,
    detector: Detector,
    run_id: str,
    metrics: dict[str, Any],
    sim: Measured | Unmeasured,
    real: Measured | Unmeasured,
) -> None:
    done = [item for item in (sim, real) if isinstance(item, Measured)]
    with replaced_folder(out / "plots") as folder:
        for item in done:
            write_plots(folder, item.key, item.curves, item.pairs)
    with replaced_folder(out / "pictures") as folder:
        for item in done:
            write_pictures(folder, item.shown)
    sections = [
        _section(REAL_TITLE, NOTHING_REAL, real, detector),
        _section(SIM_TITLE, NOTHING_SIM, sim, detector),
    ]
    write_report(out, detector, run_id, sections)
    write_json(out / "metrics.json", metrics)


def _section(title: str, headline: str, item: Measured | Unmeasured, detector: Detector) -> Section:
    if isinstance(item, Unmeasured):
        return unmeasured(title, headline, item.reason)
    return measured(
        f"{title}: {item.labelled.name}",
        item.scores,
        detector.names,
        intro=f"{item.scores.pictures} pictures, {item.scores.overall.objects} objects; scored: "
        f"{', '.join(item.scores.counts)}.",
        notes=_notes(item),
        pairs=item.pairs,
        charts=charts(item.curves, detector.threshold),
        shown=item.shown,
        published={f"published by {name}": counts for name, counts in item.published.items()},
    )


def _notes(item: Measured) -> list[str]:
    labelled, notes = item.labelled, []
    if labelled.missing:
        some = ", ".join(labelled.missing[:MOST_NOTES]) + (" and others" if len(labelled.missing) > MOST_NOTES else "")
        notes.append(f"{len(labelled.missing)} annotated pictures are not there and not counted: {some}.")
    if item.unusable:
        some = "; ".join(item.unusable[:MOST_NOTES])
        notes.append(f"{len(item.unusable)} pictures cannot be used and are not counted: {some}.")
    if labelled.unknown:
        notes.append(f"Annotated classes that the model does not know are not scored: {', '.join(labelled.unknown)}.")
    silent = [name for number, name in enumerate(labelled.names) if number not in labelled.scored]
    if silent:
        notes.append(f"Classes of the model that the set does not annotate are not scored: {', '.join(silent)}.")
    return notes
