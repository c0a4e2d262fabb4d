"""The report that people read: ``report.html`` and ``report.md``."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.detection import Detector
from stages.common.files import atomic_write
from stages.evaluate.gallery import Shown
from stages.evaluate.metrics import Counts, Scores, Slice
from stages.evaluate.plots import Pairs, confusion_rows

GROUPS = {"best": "Best pictures", "worst": "Worst pictures", "missed": "Largest missed objects"}
MEASURES = {"height_pixels": "height (pixels)", "occlusion": "hidden share", "distance": "distance (m)"}
READING = (
    "AP50 is the average precision at IoU 0.5 and AP50:95 the mean over IoU 0.5 to 0.95, over all thresholds; "
    "precision, recall and F1 are at the operating threshold and IoU 0.5, over all boxes together in the last row. "
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
        slices, confusion: tables.
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
    slices: Sequence[Mapping[str, Any]] = ()
    confusion: Mapping[str, Any] = field(default_factory=dict)
    charts: str = ""
    gallery: Sequence[Mapping[str, Any]] = ()


def unmeasured(title: str, headline: str, reason: str) -> Section:
    """A section that says why there are no numbers."""
    return Section(title, headline, reason)


def measured(
    title: str,
    scores: Scores,
    names: Sequence[str],
    *,
    intro: str,
    notes: Sequence[str],
    pairs: Pairs,
    charts: str,
    shown: Sequence[Shown],
    published: Mapping[str, Counts],
) -> Section:
    """A section with all numbers of one set."""
    columns, rows = confusion_rows(pairs, names)
    ours = {"this model": scores.overall, **published} if published else {}
    return Section(
        title=title,
        intro=intro,
        notes=notes,
        reading=READING.format(f1=scores.best.f1, threshold=scores.best.threshold),
        rows=_rows(scores),
        published=[{"name": name, **_numbers(counts)} for name, counts in ours.items()],
        slices=[_slice(item) for item in scores.slices if item.objects],
        confusion={"columns": columns, "rows": rows},
        charts=charts,
        gallery=[
            {"title": heading, "items": [item for item in shown if item.kind == kind]}
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
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = _number
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


def _rows(scores: Scores) -> list[dict[str, Any]]:
    rows = []
    for name, counts in scores.counts.items():
        precision = scores.precision.get(name)
        rows.append(
            {
                "name": name,
                "ap50": precision.at_50 if precision else None,
                "ap50_95": precision.at_50_95 if precision else None,
                **_numbers(counts),
            }
        )
    rows.append({"name": "all", "ap50": scores.ap50, "ap50_95": scores.ap50_95, **_numbers(scores.overall)})
    return rows


def _numbers(counts: Counts) -> dict[str, float | int | None]:
    """What cannot be told is None: recall without objects, precision without detections."""
    found = counts.hits + counts.false_alarms
    return {
        "objects": counts.objects,
        "precision": counts.precision if found else None,
        "recall": counts.recall if counts.objects else None,
        "f1": counts.f1 if found or counts.objects else None,
    }


def _slice(item: Slice) -> dict[str, Any]:
    return {
        "measure": MEASURES[item.measure],
        "bin": item.bin,
        "objects": item.objects,
        "recall": item.hits / item.objects,
    }


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
