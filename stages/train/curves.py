"""How a training went, as tables and a picture for its MLflow run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.train.export import Curve
from stages.train.types import Epoch

POINTS = 200
"""Rows of a precision-recall table, at most."""


def write_curves(folder: Path, epochs: Sequence[Epoch], curve: Curve) -> None:
    """Write ``epochs.csv``, ``precision_recall.csv`` and ``curves.png``.

    Args:
        folder: to write into; made when missing.
        epochs: of the training.
        curve: detections of the finished model on the validation pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = write_epochs(folder / "epochs.csv", epochs)
    rows = precision_recall(curve)
    with open(folder / "precision_recall.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("score", "precision", "recall", "f1"), *rows.round(5).tolist()])
    _draw(folder / "curves.png", epochs, names, rows)


def write_epochs(path: Path, epochs: Sequence[Epoch]) -> list[str]:
    """Write a row an epoch, and return the names of the columns after ``epoch``."""
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch.figures))
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["epoch", *names])
        writer.writerows([epoch.number, *(epoch.figures.get(name, "") for name in names)] for epoch in epochs)
    return names


def precision_recall(curve: Curve) -> NDArray[np.float64]:
    """Rows of (score, precision, recall, F1), best score first; all classes together."""
    count = np.arange(1, len(curve.scores) + 1)
    right = np.cumsum(curve.hits)
    table = np.stack(
        [
            curve.scores.astype(np.float64),
            right / count,
            right / max(curve.objects, 1),
            2 * right / (count + curve.objects),
        ],
        axis=1,
    )
    chosen = np.unique(np.linspace(0, len(table) - 1, min(POINTS, len(table))).round().astype(int))
    rows: NDArray[np.float64] = table[chosen]
    return rows


def _draw(
    path: Path,
    epochs: Sequence[Epoch],
    names: Sequence[str],
    rows: NDArray[np.float64],
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    losses, measures, balance = figure.subplots(1, 3)
    numbers = [epoch.number for epoch in epochs]
    for name in names:
        axes = losses if name.endswith("loss") else measures if name.startswith("val/") else None
        if axes is not None:
            line = "--" if name.startswith("val/") and axes is losses else "-"
            axes.plot(numbers, [epoch.figures.get(name, np.nan) for epoch in epochs], line, label=name, marker=".")
    balance.plot(rows[:, 2], rows[:, 1])
    balance.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1), title="finished model, validation")
    for axes, title in ((losses, "losses"), (measures, "validation")):
        axes.set(xlabel="epoch", title=title)
        if axes.lines:
            axes.legend(fontsize="x-small")
    figure.savefig(path, dpi=100)
