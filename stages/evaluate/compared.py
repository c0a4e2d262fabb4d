"""Tables with the same names in every run, whatever the real set is called: what ``dvc plots`` lays over each other."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.evaluate.gap import Gap
from stages.evaluate.measure import Measured
from stages.evaluate.metrics import ALL
from stages.evaluate.plots import MOST_POINTS

PREFIX = "compare"


def write_compared(folder: Path, sim: Measured | None, real: Measured | None, gap: Gap | None) -> None:
    """Write ``compare-{real,sim}-{curve,confusion}.csv`` and ``compare-gap.csv`` of the first real set.

    A curve has recall, precision, f1 and threshold of all classes together, from the highest threshold down; the gap
    one distance for each measure, 0 to 1 for content, in standard deviations for appearance. A set that was not
    measured leaves tables without rows, so that every run has the same plots.

    Args:
        folder: of the plots.
        sim: the held-out renders.
        real: the first real set.
        gap: between the two.
    """
    for name, item in (("sim", sim), ("real", real)):
        _write(folder / f"{PREFIX}-{name}-curve.csv", ("recall", "precision", "f1", "threshold"), _curve(item))
        pairs = sorted(item.pairs.elements()) if item else []
        _write(folder / f"{PREFIX}-{name}-confusion.csv", ("actual", "predicted"), pairs)
    _write(folder / f"{PREFIX}-gap.csv", ("measure", "distance"), _distances(gap))


def _curve(item: Measured | None) -> Iterable[Sequence[str]]:
    if item is None or not item.curves:
        return
    by_class: Mapping[str, Any] = item.curves
    rows = by_class[ALL] if ALL in by_class else next(iter(by_class.values()))
    step = max(1, -(-len(rows) // MOST_POINTS))
    for threshold, precision, recall, f1 in sorted(rows[::step].tolist(), key=lambda row: -row[0]):
        yield [f"{value:.5f}" for value in (recall, precision, f1, threshold)]


def _distances(gap: Gap | None) -> Iterable[Sequence[str]]:
    if gap is None:
        return
    for part in gap.content:
        if part.total_variation is not None:
            yield f"content: {part.measure}", f"{part.total_variation:.5f}"
    for look in gap.looks:
        if look.effect is not None:
            yield f"appearance: {look.measure}", f"{abs(look.effect):.5f}"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
