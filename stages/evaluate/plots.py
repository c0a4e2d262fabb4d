"""Curves and the confusion matrix, as CSV for ``dvc plots`` and as pictures for the report."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.evaluate.calibration import Calibration
from stages.evaluate.metrics import ALL, NOTHING, curve, rank
from stages.evaluate.table import Table

MOST_POINTS = 400
"""Points of a curve in a CSV; longer ones are thinned evenly."""

Curves = Mapping[str, NDArray[np.float64]]
Pairs = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Chart:
    """A title and an SVG element."""

    title: str
    svg: str


def curves(found: Table, names: Sequence[str], scored: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """Rows (threshold, precision, recall, f1) by class name, for classes with objects, and for ``all`` together."""
    made = {}
    for number in scored:
        ranking = rank(found, [number])
        if ranking.objects:
            made[names[number]] = curve(ranking)
    if len(made) > 1:
        made[ALL] = curve(rank(found, scored))
    return made


def write_plots(folder: Path, name: str, by_class: Curves, pairs: Pairs) -> None:
    """Write the CSVs of one set.

    ``NAME-precision-recall.csv`` (class, recall, precision, threshold), ``NAME-f1.csv`` (class, threshold, f1,
    precision, recall) and ``NAME-confusion.csv`` (actual, predicted; one row a box).
    """
    thin = {label: thinned(rows) for label, rows in by_class.items()}
    _write(
        folder / f"{name}-precision-recall.csv",
        ("class", "recall", "precision", "threshold"),
        ((label, _short(r), _short(p), _short(t)) for label, rows in thin.items() for t, p, r, _ in rows),
    )
    _write(
        folder / f"{name}-f1.csv",
        ("class", "threshold", "f1", "precision", "recall"),
        ((label, _short(t), _short(f), _short(p), _short(r)) for label, rows in thin.items() for t, p, r, f in rows),
    )
    _write(folder / f"{name}-confusion.csv", ("actual", "predicted"), sorted(pairs.elements()))


def charts(by_class: Curves, threshold: float, reliability: Calibration) -> list[Chart]:
    """Precision against recall, F1 against the threshold, and share of hits against the score."""

    def recall(axes: Any) -> None:
        for label, rows in by_class.items():
            thin = thinned(rows)
            axes.plot(thin[:, 2], thin[:, 1], label=label, linewidth=_width(label))
        axes.set(xlabel="recall", ylabel="precision")

    def scores(axes: Any) -> None:
        for label, rows in by_class.items():
            thin = thinned(rows)
            axes.plot(thin[:, 0], thin[:, 3], label=label, linewidth=_width(label))
        axes.axvline(threshold, color="0.5", linestyle=":", linewidth=1, label="operating threshold")
        axes.set(xlabel="threshold", ylabel="F1")

    def honest(axes: Any) -> None:
        known = [item for item in reliability.bins if item.count and item.precision is not None]
        most = max((item.count for item in known), default=1)
        axes.plot([0, 1], [0, 1], color="0.7", linestyle=":", linewidth=1)
        axes.plot([item.score for item in known], [item.precision for item in known], linewidth=1)
        sizes = [6 + 60 * item.count / most for item in known]
        axes.scatter([item.score for item in known], [item.precision for item in known], sizes, label="more: larger")
        axes.set(xlabel="mean score", ylabel="share of hits")

    drawn = (("Precision and recall", recall), ("F1 and threshold", scores), ("Calibration", honest))
    return [Chart(title, _svg(title, draw)) for title, draw in drawn]


def _width(label: str) -> float:
    return 2.0 if label == ALL else 1.2


def _svg(title: str, draw: Callable[[Any], None]) -> str:
    """One pair of axes from 0 to 1 as an SVG element whose ids start with its title's digest."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": title, "svg.fonttype": "none", "font.size": 9}):
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        figure = Figure(figsize=(3.9, 3.1), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        draw(axes)
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="0.92")
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=7, loc="best")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def confusion_rows(pairs: Pairs, names: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """The matrix as a table: columns, and rows that start with the actual class; only what occurs."""
    order = [*names, NOTHING]
    columns = [name for name in order if any(predicted == name for _, predicted in pairs)]
    actual = [name for name in order if any(there == name for there, _ in pairs)]
    return columns, [[there, *(pairs[there, name] for name in columns)] for there in actual]


def thinned(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """No more than :data:`MOST_POINTS` of the rows of a curve, evenly, the first and the last among them."""
    count = len(rows)
    return rows[np.unique(np.linspace(0, max(count - 1, 0), min(count, MOST_POINTS)).round().astype(np.int64))]


def _short(value: float) -> str:
    return f"{value:.5f}"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
