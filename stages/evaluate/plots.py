"""Curves and the confusion matrix, as CSV for ``dvc plots`` and as pictures for the report."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.evaluate.metrics import ALL, NOTHING, curve, rank
from stages.evaluate.table import Table

MOST_POINTS = 400
"""Points of a curve in a CSV; longer ones are thinned evenly."""

Curves = Mapping[str, NDArray[np.float64]]
Pairs = Counter[tuple[str, str]]


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
    thinned = {label: rows[_thin(len(rows))] for label, rows in by_class.items()}
    _write(
        folder / f"{name}-precision-recall.csv",
        ("class", "recall", "precision", "threshold"),
        ((label, _short(r), _short(p), _short(t)) for label, rows in thinned.items() for t, p, r, _ in rows),
    )
    _write(
        folder / f"{name}-f1.csv",
        ("class", "threshold", "f1", "precision", "recall"),
        ((label, _short(t), _short(f), _short(p), _short(r)) for label, rows in thinned.items() for t, p, r, f in rows),
    )
    _write(folder / f"{name}-confusion.csv", ("actual", "predicted"), sorted(pairs.elements()))


def charts(by_class: Curves, threshold: float) -> str:
    """Precision against recall and F1 against the threshold, side by side, as one SVG element."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "plots", "svg.fonttype": "none", "font.size": 9}):
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        FigureCanvasSVG(figure)
        left, right = figure.subplots(1, 2)
        for label, rows in by_class.items():
            thin = rows[_thin(len(rows))]
            width = 2.0 if label == ALL else 1.2
            left.plot(thin[:, 2], thin[:, 1], label=label, linewidth=width)
            right.plot(thin[:, 0], thin[:, 3], linewidth=width)
        right.axvline(threshold, color="0.5", linestyle=":", linewidth=1)
        left.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        right.set(xlabel="threshold", ylabel="F1", xlim=(0, 1), ylim=(0, 1.02))
        if by_class:
            left.legend(fontsize=7, loc="lower left")
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


def _thin(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, MOST_POINTS)).round().astype(np.int64))


def _short(value: float) -> str:
    return f"{value:.5f}"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
