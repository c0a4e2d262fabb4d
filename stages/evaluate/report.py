"""The report that people read: ``report.html`` and ``report.md``."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.detection import Detector
from stages.common.files import atomic_write
from stages.evaluate.gap import Gap
from stages.evaluate.measure import Measured
from stages.evaluate.metrics import ALL, Counts, Figures
from stages.evaluate.mistakes import KINDS
from stages.evaluate.plots import confusion_rows

GROUPS = {"best": "Best pictures", "worst": "Worst pictures", "missed": "Largest missed objects"}
READING = (
    "AP50 is the average precision at IoU 0.5 and AP50:95 the mean over IoU 0.5 to 0.95, over all thresholds; "
    "precision, recall and F1 are at the operating threshold and IoU 0.5, over all boxes together in the last row. "
    "Under each figure stands its 95 % interval over pictures. "
    "The best F1 that any threshold gives on this set is {f1:.3f}, at {threshold:.3f}."
)


@dataclass(frozen=True)
class Section:
    """One set in the report.

    Attributes:
        title: heading.
        headline, reason: in place of all else, why nothing was measured.
        intro, notes, reading: text.
        rows: a table row for each class, then one for all.
        published: (name, precision, recall, f1) of our model and of others.
        worst: sentences on the weakest slices.
        slices, confusion, errors, calibration, scales: tables.
        gap: of the domains; empty for renders.
        charts: SVG.
        gallery: groups of pictures.
    """

    title: str
    headline: str = ""
    reason: str = ""
    intro: str = ""
    notes: Sequence[str] = ()
    reading: str = ""
    rows: Sequence[Mapping[str, Any]] = ()
    published: Sequence[Mapping[str, Any]] = ()
    worst: Sequence[str] = ()
    slices: Sequence[Mapping[str, Any]] = ()
    confusion: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Mapping[str, Any]] = ()
    calibration: Mapping[str, Any] = field(default_factory=dict)
    scales: Sequence[Mapping[str, Any]] = ()
    gap: Mapping[str, Any] = field(default_factory=dict)
    charts: str = ""
    gallery: Sequence[Mapping[str, Any]] = ()


def unmeasured(title: str, headline: str, reason: str) -> Section:
    """A section that says why there are no numbers."""
    return Section(title, headline, reason)


def measured(
    title: str,
    item: Measured,
    names: Sequence[str],
    *,
    intro: str,
    notes: Sequence[str],
    charts: str,
    gap: Gap | None,
) -> Section:
    """A section with all numbers of one set."""
    columns, rows = confusion_rows(item.pairs, names)
    scores = item.scores
    ours = {"this model": scores.overall.counts} if item.published else {}
    others = {f"published by {name}": published.counts for name, published in item.published.items()}
    return Section(
        title=title,
        intro=intro,
        notes=notes,
        reading=READING.format(f1=scores.best.f1, threshold=scores.best.threshold),
        rows=[_row(name, figures) for name, figures in (*scores.classes.items(), (ALL, scores.overall))],
        published=[{"name": name, **_numbers(counts)} for name, counts in (ours | others).items()],
        worst=[weak.sentence for weak in item.worst],
        slices=[part.as_json() for part in item.slices if part.objects],
        confusion={"columns": columns, "rows": rows},
        errors=[
            {"kind": kind, "count": item.mistakes[ALL].counts[kind], "cost": item.mistakes[ALL].costs[kind]}
            for kind in (KINDS if ALL in item.mistakes else ())
        ],
        calibration=item.calibration[ALL].as_json(),
        scales=[step.as_json() for step in item.scales],
        gap=gap.details() if gap else {},
        charts=charts,
        gallery=[
            {"title": heading, "items": [shown for shown in item.shown if shown.kind == kind]}
            for kind, heading in GROUPS.items()
        ],
    )


def write_report(folder: Path, detector: Detector, run_id: str, sections: Sequence[Section]) -> None:
    """Write ``report.html``, which needs no other file, and ``report.md``, which shows ``pictures/``."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        keep_trailing_newline=True,
        undefined=jinja2.ChainableUndefined,
    )
    environment.filters["number"] = _number
    environment.filters["ends"] = _ends
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    model = {
        "name": detector.path.name,
        "names": detector.names,
        "input_size": detector.input_size,
        "threshold": detector.threshold,
        "threshold_chosen": "threshold" in detector.metadata,
    }
    for name in ("report.md", "report.html"):
        text = environment.get_template(f"{name}.j2").render(model=model, run_id=run_id, sections=sections)
        with atomic_write(folder / name) as stream:
            stream.write(text)


def _row(name: str, figures: Figures) -> dict[str, Any]:
    return {"name": name, "objects": figures.counts.objects, "interval": figures.intervals, **figures.values}


def _numbers(counts: Counts) -> dict[str, float | int | None]:
    """What cannot be told is None: recall without objects, precision without detections."""
    found = counts.hits + counts.false_alarms
    return {
        "objects": counts.objects,
        "precision": counts.precision if found else None,
        "recall": counts.recall if counts.objects else None,
        "f1": counts.f1 if found or counts.objects else None,
    }


def _number(value: object) -> str:
    """What is not there, or None, is a dash."""
    return f"{value:.3f}" if isinstance(value, float | int) else "–"


def _ends(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else ""
