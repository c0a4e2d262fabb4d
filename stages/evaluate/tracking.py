"""The figures, beside those of training in the same MLflow run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.common.settings.platform import Tracking
from stages.common.tracking import resume_run

FOLDER = "evaluation"
"""Of the run's artifacts."""

FILES = ("metrics.json", "evaluation.json", "report.html", "plots")


def log_evaluation(settings: Tracking, run_id: str, metrics: Mapping[str, Any], reports: Path, project: Path) -> None:
    """Log the numbers (``real/loco-dev/ap50``, ``sim/classes/pallet/f1``) and keep report and plots.

    Args:
        settings: where the run is.
        run_id: of the run; empty logs nothing.
        metrics: content of ``metrics.json``.
        reports: folder that it lies in.
        project: top of the repository.
    """
    with resume_run(settings, run_id, project) as run:
        run.log_metrics({name: value for name, value in flat(metrics).items() if name != "schema"})
        for name in FILES:
            run.log_artifact(reports / name, FOLDER if (reports / name).is_file() else f"{FOLDER}/{name}")


def flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Nested numbers as ``{"sim/classes/pallet/ap50": 0.5}``; intervals, words and what is None are left out."""
    numbers: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            numbers |= flat(value, f"{prefix}{key}/")
        elif isinstance(value, int | float):
            numbers[prefix + key] = float(value)
    return numbers
