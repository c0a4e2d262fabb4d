"""Measuring one model on the held-out renders and on the real photographs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.detection import Detector
from stages.common.errors import InputError
from stages.common.files import atomic_write, replaced_folder, sha256_of, write_json
from stages.common.photographs import load_coco
from stages.common.settings.learning import Evaluate, Real
from stages.evaluate.cache import Cache
from stages.evaluate.compared import write_compared
from stages.evaluate.gallery import write_pictures
from stages.evaluate.gap import Gap, measure_gap
from stages.evaluate.gate_report import put_into_reports
from stages.evaluate.headline import headline
from stages.evaluate.inference import Model
from stages.evaluate.leak import check_leaks
from stages.evaluate.measure import Measured, measure
from stages.evaluate.metrics import ALL
from stages.evaluate.plots import charts, write_plots
from stages.evaluate.provenance import provenance
from stages.evaluate.real import Unmeasured, find_annotations, published_detections, real_set
from stages.evaluate.report import Section, measured, unmeasured, write_report
from stages.evaluate.short_report import NOTHING_REAL, NOTHING_SIM, short_report
from stages.evaluate.tables import write_tables
from stages.evaluate.truth import SIM, LabelledPicture, LabelledSet, read_labelled_set

SCHEMA = 2
"""Of ``metrics.json`` and ``evaluation.json``; a key that goes or changes its meaning raises it."""

SIM_TITLE = "Held-out renders"
REAL_TITLE = "Real photographs"


@dataclass(frozen=True)
class Evaluation:
    """The outcome of the stage.

    Attributes:
        metrics: all figures; ``metrics.json`` holds the few that experiments are compared by.
        sim: the held-out renders, measured, or why not.
        real: each real set that was asked for, by name.
        gaps: between the renders and each real set that was measured, by its name.
    """

    metrics: dict[str, Any]
    sim: Measured | Unmeasured
    real: Mapping[str, Measured | Unmeasured]
    gaps: Mapping[str, Gap]

    def summary(self) -> str:
        """One line for the user."""
        parts = []
        for name, item in (("renders", self.sim), *self.real.items()):
            if isinstance(item, Unmeasured):
                parts.append(f"{name} not measured ({item.reason})")
            else:
                numbers = item.scores
                ap50 = "no AP50 without objects" if numbers.ap50 is None else f"AP50 {numbers.ap50:.3f}"
                f1 = numbers.overall.values["f1"]
                told = "F1 not known" if f1 is None else f"F1 {f1:.3f}"
                parts.append(f"{name} {ap50}, {told} on {numbers.pictures} pictures")
        if not self.real:
            parts.append("real not measured (real=none was chosen)")
        return "evaluate: " + "; ".join(parts)


def evaluate(
    path: Path,
    dataset: Path,
    real: Real,
    out: Path,
    *,
    project: Path,
    run_id: str = "",
    settings: Evaluate | None = None,
    cache: Path | None = None,
) -> Evaluation:
    """Measure a model and write ``metrics.json``, ``evaluation.json``, ``plots/``, ``pictures/`` and the report.

    Args:
        path: ONNX file.
        dataset: folder that ``python -m stages.convert`` wrote, with the COCO format.
        real: settings of the photographs.
        out: folder for the results; other files in it stay.
        project: folder that relative paths in the settings start at.
        run_id: MLflow run to name in the report.
        settings: how deep to go; None takes the usual.
        cache: folder for what the network says, so that it is asked once; None keeps nothing.

    Raises:
        InputError: when the model, the data set, or photographs that the settings name are missing or damaged, or a
            photograph is among the training pictures. What was in ``out`` is then as it was.
    """
    settings = settings or Evaluate(name="standard")
    model = Model(Detector(path), Cache(cache))
    names = model.detector.names
    photographs = {item.name: real_set(item, names, project) for item in real.sets}
    labelled_sets = {name: item for name, item in photographs.items() if isinstance(item, LabelledSet)}
    check_leaks(dataset, labelled_sets, cache)
    rendered = sim_set(dataset, names)
    sim = rendered if isinstance(rendered, Unmeasured) else measure(SIM, model, rendered, settings)
    found: dict[str, Measured | Unmeasured] = {}
    gaps: dict[str, Gap] = {}
    for item in real.sets:
        labelled = photographs[item.name]
        if isinstance(labelled, Unmeasured):
            found[item.name] = labelled
            continue
        others = published_detections(find_annotations(item, project), labelled, names)
        found[item.name] = measure(item.name, model, labelled, settings, others)
        if isinstance(rendered, LabelledSet):
            gaps[item.name] = measure_gap(model, learnt_pictures(dataset, names), rendered, labelled, settings)
    outcome = Evaluation(_metrics(model.detector, sim, found, gaps), sim, found, gaps)
    measured_on = {item.key: item.digests for item in (*found.values(), sim) if isinstance(item, Measured)}
    write_results(out, model.detector, run_id, outcome, provenance(path, run_id, settings, measured_on))
    return outcome


def sim_set(dataset: Path, names: tuple[str, ...]) -> LabelledSet | Unmeasured:
    """The test split of the rendered data set.

    Raises:
        InputError: when it is not there, or is damaged.
    """
    annotations = dataset / "coco" / "test.json"
    if not annotations.is_file():
        raise InputError(f"'{annotations}' does not exist; put coco into dataset.convert.formats and run `dvc repro`")
    if not load_coco(annotations)["images"]:
        return Unmeasured("the data set has no test frames; raise dataset.frames.test_count")
    return _rendered(dataset, "test", names)


def learnt_pictures(dataset: Path, names: tuple[str, ...]) -> Sequence[LabelledPicture]:
    """The frames that the model learns from, for their labels; the test frames where there are no others."""
    there = (dataset / "coco" / "train.json").is_file()
    return _rendered(dataset, "train" if there else "test", names).pictures


def _rendered(dataset: Path, part: str, names: tuple[str, ...]) -> LabelledSet:
    pictures = dataset / "yolo" / "images" / part
    return read_labelled_set(
        dataset / "coco" / f"{part}.json",
        f"{part} split",
        names,
        lambda image: (image["file_name"], pictures / image["file_name"]),
    )


def _metrics(
    detector: Detector, sim: Measured | Unmeasured, real: Mapping[str, Measured | Unmeasured], gaps: Mapping[str, Gap]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "threshold": round(detector.threshold, 5),
        "sim": _set_metrics(sim),
        "real": {name: _set_metrics(item) for name, item in real.items()},
        "gap": {name: item.metrics() for name, item in gaps.items()},
    }


def _set_metrics(item: Measured | Unmeasured) -> dict[str, Any]:
    return {"pictures": 0, "reason": item.reason} if isinstance(item, Unmeasured) else item.metrics()


def _details(detector: Detector, run_id: str, outcome: Evaluation) -> dict[str, Any]:
    """Content of ``evaluation.json``."""

    def of(item: Measured | Unmeasured) -> dict[str, Any]:
        return _set_metrics(item) if isinstance(item, Unmeasured) else item.details()

    return {
        "schema": SCHEMA,
        "model": {
            "file": detector.path.name,
            "sha256": sha256_of(detector.path),
            "run_id": run_id,
            "classes": list(detector.names),
            "input_size": list(detector.input_size),
            "threshold": detector.threshold,
            "threshold_chosen": "threshold" in detector.metadata,
        },
        "sim": of(outcome.sim),
        "real": {name: of(item) for name, item in outcome.real.items()},
        "gap": {name: item.details() for name, item in outcome.gaps.items()},
    }


def write_results(
    out: Path, detector: Detector, run_id: str, outcome: Evaluation, provenance: Mapping[str, str] | None = None
) -> None:
    """Write all files of the stage; see :func:`evaluate`."""
    done = [item for item in (outcome.sim, *outcome.real.values()) if isinstance(item, Measured)]
    with replaced_folder(out / "plots") as folder:
        for item in done:
            write_plots(folder, item.key, item.curves, item.pairs)
            write_tables(folder, item, outcome.gaps.get(item.key))
        by_key = {item.key: item for item in done}
        first = next((by_key[name] for name in outcome.real if name in by_key), None)
        write_compared(folder, by_key.get(SIM), first, outcome.gaps.get(first.key) if first else None)
    with replaced_folder(out / "pictures") as folder:
        for item in done:
            write_pictures(folder, item.shown)
    real = [_section(REAL_TITLE, NOTHING_REAL, name, item, detector, outcome) for name, item in outcome.real.items()]
    if not real:
        real = [unmeasured("real", REAL_TITLE, NOTHING_REAL, "real=none was chosen")]
    sections = [*real, _section(SIM_TITLE, NOTHING_SIM, SIM, outcome.sim, detector, outcome)]
    details = _details(detector, run_id, outcome)
    write_report(out, details["model"], sections, provenance or {})
    with atomic_write(out / "report.md") as stream:
        stream.write(short_report(details))
    with atomic_write(out / "evaluation.json") as stream:  # not sorted: of the real sets the first leads
        json.dump(details, stream, indent=1, allow_nan=False)
        stream.write("\n")
    write_json(out / "metrics.json", headline(outcome.metrics))
    put_into_reports(out)


def _section(
    title: str, headline: str, name: str, item: Measured | Unmeasured, detector: Detector, outcome: Evaluation
) -> Section:
    if isinstance(item, Unmeasured):
        return unmeasured(name, title if name == SIM else f"{title}: {name}", headline, item.reason)
    return measured(
        title if name == SIM else f"{title}: {item.labelled.name}",
        item,
        detector.names,
        intro=f"{item.scores.pictures} pictures, {item.scores.overall.counts.objects} objects; scored: "
        f"{', '.join(item.scores.classes)}.",
        notes=item.notes(),
        charts=charts(item.curves, detector.threshold, item.calibration[ALL]),
        gap=outcome.gaps.get(item.key),
    )
