"""The report that people read: ``report.html``, one file that needs no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.files import atomic_write
from stages.common.pages import data_uri, environment
from stages.evaluate.compare import Published
from stages.evaluate.gallery import TITLES, View
from stages.evaluate.gap import Gap
from stages.evaluate.measure import Measured
from stages.evaluate.metrics import ALL, Figures
from stages.evaluate.mistakes import KINDS
from stages.evaluate.plots import Chart, confusion_rows

TEMPLATES = Path(__file__).parent / "templates"

FIGURES = {
    "ap50": "AP50",
    "ap50_95": "AP50:95",
    "ar": "AR",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "f1_iou30": "F1 at IoU 0.3",
    "false_positives_per_picture": "false positives a picture",
}
"""Columns of the tables of figures."""

HEADLINES = ("f1", "precision", "recall")
"""Figures of the verdict that are compared with the champion and with published detections."""

SLIDER = 0.05, 0.9501, 0.005
"""First, end and step of the page's thresholds."""

PICTURE_BYTES = 8_500_000
"""Of all pictures of the page together, before base64 makes them a third longer: a page stays below 15 MB."""

READING = (
    "AP50 is the average precision at IoU 0.5 and AP50:95 the mean over IoU 0.5 to 0.95, over all thresholds; "
    "precision, recall and F1 are at the operating threshold and IoU 0.5, over all boxes together in the last row. "
    "Under each figure stands its 95 % interval over pictures. "
)
BEST = "The best F1 that any threshold gives on this set is {f1:.3f}, at {threshold:.3f}."
NO_OBJECTS = "Nothing is annotated that counts, so average precision, recall and F1 are not known."


@dataclass(frozen=True)
class Section:
    """One set in the report.

    Attributes:
        key: name of the set.
        title: heading.
        headline, reason: in place of all else, why nothing was measured.
        intro, notes, reading: text.
        overall: a row of figures of all classes together.
        rows: such a row for each class, then ``overall``.
        published: rows of what others reached, each with how far ahead of it the model is.
        worst: sentences on the weakest slices.
        slices: by measure.
        confusion, errors, calibration, scales: tables.
        gap: of the domains; empty for renders.
        charts: of the curves.
        views: pictures.
        left_out: views that would have made the page too large.
        curve: rows (threshold, precision, recall, f1) of all classes together, at the steps of the page's slider and at
            the operating threshold; without the last three where nothing is found.
    """

    key: str
    title: str
    headline: str = ""
    reason: str = ""
    intro: str = ""
    notes: Sequence[str] = ()
    reading: str = ""
    overall: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    published: Sequence[Mapping[str, Any]] = ()
    worst: Sequence[str] = ()
    slices: Sequence[Mapping[str, Any]] = ()
    confusion: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Mapping[str, Any]] = ()
    calibration: Mapping[str, Any] = field(default_factory=dict)
    scales: Sequence[Mapping[str, Any]] = ()
    gap: Mapping[str, Any] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    views: Sequence[View] = ()
    left_out: int = 0
    curve: Sequence[Sequence[float]] = ()


def unmeasured(key: str, title: str, headline: str, reason: str) -> Section:
    """A section that says why there are no numbers."""
    return Section(key, title, headline, reason)


def measured(
    title: str,
    item: Measured,
    names: Sequence[str],
    *,
    intro: str,
    notes: Sequence[str],
    charts: Sequence[Chart],
    gap: Gap | None,
) -> Section:
    """A section with all numbers of one set."""
    columns, rows = confusion_rows(item.pairs, names)
    scores = item.scores
    overall = _row(ALL, scores.overall)
    curve = item.curves.get(ALL, next(iter(item.curves.values()), np.zeros((0, 4))))
    return Section(
        key=item.key,
        title=title,
        intro=intro,
        notes=notes,
        reading=READING
        + (
            BEST.format(f1=scores.best.f1, threshold=scores.best.threshold)
            if scores.overall.counts.objects
            else NO_OBJECTS
        ),
        overall=overall,
        rows=[*(_row(name, figures) for name, figures in scores.classes.items()), overall],
        published=[_published(name, published) for name, published in item.published.items()],
        worst=[weak.sentence for weak in item.worst],
        slices=_grouped([part.as_json() for part in item.slices if part.objects], overall),
        confusion={"columns": columns, "rows": rows},
        errors=[
            {"kind": kind, "count": item.mistakes[ALL].counts[kind], "cost": item.mistakes[ALL].costs[kind]}
            for kind in (KINDS if ALL in item.mistakes else ())
        ],
        calibration=item.calibration[ALL].as_json(),
        scales=[step.as_json() for step in item.scales],
        gap=gap.details() if gap else {},
        charts=charts,
        views=item.shown,
        curve=_steps(curve, scores.threshold),
    )


def write_report(
    folder: Path,
    model: Mapping[str, Any],
    sections: Sequence[Section],
    provenance: Mapping[str, str],
    picture_bytes: int = PICTURE_BYTES,
) -> None:
    """Write ``report.html``.

    Args:
        folder: that it goes into.
        model: as in ``evaluation.json``.
        sections: the real sets first.
        provenance: what the figures come from, by what it is.
        picture_bytes: that all pictures may have together.
    """
    known = [section for section in sections if not section.reason]
    sections = [fitting(section, picture_bytes // max(len(known), 1)) for section in sections]
    made = environment(TEMPLATES)
    made.filters |= {"number": number, "ends": ends, "signed": signed, "words": words}
    text = made.get_template("report.html.j2").render(
        model=model,
        sections=sections,
        lead=next((section for section in sections if not section.reason), None),
        provenance=provenance,
        figures=FIGURES,
        headlines={key: FIGURES[key] for key in HEADLINES},
        titles=TITLES,
        data={section.key: _views(section, model["threshold"]) for section in sections if section.views},
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "report.js").read_text(encoding="utf-8"),
    )
    with atomic_write(folder / "report.html") as stream:
        stream.write(text)


def fitting(section: Section, most_bytes: int) -> Section:
    """The section with as many of its views as a number of bytes allows, the first of every kind before the second."""
    by_kind = [list(views) for _, views in groupby(section.views, key=lambda view: view.kind)]
    turns = (view for row in zip_longest(*by_kind) for view in row if view)
    kept: set[str] = set()
    for view in turns:
        most_bytes -= len(view.jpeg)
        if most_bytes < 0:
            break
        kept.add(view.file)
    views = [view for view in section.views if view.file in kept]
    return replace(section, views=views, left_out=len(section.views) - len(views))


def number(value: object) -> str:
    """What is not there, or None, is a dash."""
    return f"{value:.3f}".replace("-", "−") if isinstance(value, float | int) else "–"


def signed(value: object) -> str:
    """A difference, with a minus sign that is as wide as the plus."""
    return f"{value:+.3f}".replace("-", "−") if isinstance(value, float | int) else "–"


def ends(interval: Sequence[float] | None, sign: bool = False) -> str:
    """An interval in words; nothing without one."""
    if not interval:
        return ""
    return " to ".join((f"{end:+.2f}" if sign else f"{end:.2f}").replace("-", "−") for end in interval)


def words(name: str) -> str:
    """A measure's name in words."""
    return name.replace("drawn.", "drawn ").replace("_", " ")


def _steps(curve: NDArray[np.float64], operating: float) -> list[list[float]]:
    """What the detections that score more than each threshold give."""
    made = []
    for threshold in sorted([*np.round(np.arange(*SLIDER), 3).tolist(), operating]):
        above = int((curve[:, 0] > threshold).sum())
        made.append([threshold, *(round(float(value), 4) for value in curve[above - 1, 1:])] if above else [threshold])
    return made


def _row(name: str, figures: Figures) -> dict[str, Any]:
    return {"name": name, "objects": figures.counts.objects, "interval": figures.intervals, **figures.values}


def _published(name: str, item: Published) -> dict[str, Any]:
    """What cannot be told is None: recall without objects, precision without detections."""
    counts = item.counts
    found = counts.hits + counts.false_alarms
    return {
        "name": name,
        "precision": counts.precision if found else None,
        "recall": counts.recall if counts.objects else None,
        "f1": counts.f1 if counts.objects else None,
        "ahead": item.as_json()["ahead"],
    }


def _grouped(slices: Sequence[Mapping[str, Any]], overall: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Slices by measure, with the figure that each is judged by."""
    made = []
    for measure, parts in groupby(slices, key=lambda part: part["measure"]):
        rows = list(parts)
        figure = "recall" if rows[0]["of"] == "objects" else "f1"
        made.append({"measure": measure, "figure": figure, "overall": overall[figure], "rows": rows})
    return made


def _views(section: Section, threshold: float) -> dict[str, Any]:
    """What the page's script draws."""
    return {
        "threshold": threshold,
        "curve": section.curve,
        "views": [
            {
                "kind": view.kind,
                "caption": view.caption,
                "picture": data_uri(view.jpeg, "image/jpeg"),
                "width": view.window[2],
                "height": view.window[3],
                "objects": view.objects,
                "detections": view.detections,
            }
            for view in section.views
        ],
    }
