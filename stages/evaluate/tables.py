"""Slices, calibration, input sizes and the gap as CSV, beside the curves."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.evaluate.gap import Gap
from stages.evaluate.measure import Measured

FIGURES = ("recall", "precision", "f1")


def write_tables(folder: Path, item: Measured, gap: Gap | None) -> None:
    """Write the CSVs of one set.

    ``NAME-slices.csv``, ``NAME-calibration.csv``, ``NAME-errors.csv``, ``NAME-scales.csv`` and, for a real set beside
    renders, ``NAME-content.csv``, ``NAME-appearance.csv`` and ``NAME-noise.csv``. An empty cell is a figure that
    there is none of.
    """
    key = item.key
    ends = [f"{name}_{end}" for name in FIGURES for end in ("low", "high")]
    header = ["measure", "bin", "pictures", "objects", "hits", "false_alarms", *FIGURES, *ends]
    _write(folder / f"{key}-slices.csv", header, (_slice_row(part.as_json()) for part in item.slices))
    _write(
        folder / f"{key}-calibration.csv",
        ["class", "low", "high", "count", "score", "precision"],
        (
            [name, step.low, step.high, step.count, step.score, step.precision]
            for name, found in item.calibration.items()
            for step in found.bins
        ),
    )
    _write(
        folder / f"{key}-errors.csv",
        ["class", "kind", "count", "ap50_cost"],
        (
            [name, kind, found.counts[kind], found.costs[kind]]
            for name, found in item.mistakes.items()
            for kind in found.counts
        ),
    )
    if item.scales:
        header = ["scale", "pictures", "ap50", "ap50_95", "precision", "recall", "f1", "f1_gain"]
        rows = (step.as_json() for step in item.scales)
        _write(folder / f"{key}-scales.csv", header, ([row[name] for name in header] for row in rows))
    if gap:
        _write_gap(folder, key, gap)


def _write_gap(folder: Path, key: str, gap: Gap) -> None:
    _write(
        folder / f"{key}-content.csv",
        ["measure", "bin", "sim", "real"],
        (
            [part.measure, label, mine, other]
            for part in gap.content
            for label, mine, other in zip(part.labels, part.sim, part.real, strict=True)
        ),
    )
    _write(
        folder / f"{key}-appearance.csv",
        ["measure", "sim_mean", "real_mean", "wasserstein", "effect"],
        ([part.measure, part.sim.mean(), part.real.mean(), part.wasserstein, part.effect] for part in gap.looks),
    )
    if gap.spectrum:
        rows = zip(gap.spectrum.frequencies, gap.spectrum.sim, gap.spectrum.real, strict=True)
        _write(folder / f"{key}-noise.csv", ["cycles_per_pixel", "sim_decibels", "real_decibels"], rows)


def _slice_row(part: Mapping[str, Any]) -> list[Any]:
    ends = [end for name in FIGURES for end in part["interval"].get(name, (None, None))]
    columns = ("measure", "bin", "pictures", "objects", "hits", "false_alarms", *FIGURES)
    return [part.get(name) for name in columns] + ends


def _write(path: Path, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    return "" if value is None else value if isinstance(value, str | int) else f"{float(value):.5f}"
