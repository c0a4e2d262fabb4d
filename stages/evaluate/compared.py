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
    """Write ``compare-{real,sim}-{curve,confusion}.csv`` and ``compare-gap-{content,appearance,features}.csv``.

    All of the first real set. A curve has recall, precision, f1 and threshold of all classes together, from the highest
    threshold down; the gap one distance for each measure, in a table for each unit: of content the share that lies
    elsewhere, of appearance standard deviations, of features KID and what it is without a gap. A set that was not
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
    for name, rows in _distances(gap).items():
        _write(folder / f"{PREFIX}-gap-{name}.csv", ("measure", "distance"), rows)


def _curve(item: Measured | None) -> Iterable[Sequence[str]]:
    if item is None or not item.curves:
        return
    by_class: Mapping[str, Any] = item.curves
    rows = by_class[ALL] if ALL in by_class else next(iter(by_class.values()))
    step = max(1, -(-len(rows) // MOST_POINTS))
    for threshold, precision, recall, f1 in sorted(rows[::step].tolist(), key=lambda row: -row[0]):
        yield [f"{value:.5f}" for value in (recall, precision, f1, threshold)]


def _distances(gap: Gap | None) -> dict[str, list[Sequence[str]]]:
    content = [(part.measure, part.total_variation) for part in gap.content] if gap else []
    looks = [(look.measure, None if look.effect is None else abs(look.effect)) for look in gap.looks] if gap else []
    found = gap.features if gap else None
    features = [("kid", found.kid), ("kid without a gap", found.without_gap)] if found else []
    return {
        name: [(measure, f"{value:.5f}") for measure, value in rows if value is not None]
        for name, rows in (("content", content), ("appearance", looks), ("features", features))
    }


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
