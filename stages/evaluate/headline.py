"""The few figures that experiments are compared by: ``metrics.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIGURES = ("f1", "ap50", "ap50_95", "precision", "recall", "false_positives_per_picture")


def headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What ``dvc metrics`` and ``dvc exp show`` compare, one column a number.

    Args:
        metrics: all figures, as ``evaluation.json`` has them.

    Returns:
        ``real.NAME`` and ``sim`` with the figures, the ends of F1's interval, and counts; ``gap.NAME`` with the feature
        distance and the share of each content histogram that lies elsewhere. ``{pictures: 0}`` for a set that was not
        measured.
    """
    return {
        "schema": metrics.get("schema"),
        "real": {name: _of(item, metrics["gap"].get(name)) for name, item in metrics.get("real", {}).items()},
        "sim": _of(metrics.get("sim", {}), None),
        "gap": {name: dict(item.get("content", {})) for name, item in metrics.get("gap", {}).items()},
    }


def real_name(metrics: Mapping[str, Any]) -> str:
    """The first real set that was measured; empty without any."""
    return next((name for name, item in metrics.get("real", {}).items() if item.get("pictures")), "")


def _of(item: Mapping[str, Any], gap: Mapping[str, Any] | None) -> dict[str, Any]:
    made: dict[str, Any] = {name: item[name] for name in FIGURES if item.get(name) is not None}
    ends = item.get("interval", {}).get("f1")
    if ends and None not in ends:
        made |= {"f1_low": ends[0], "f1_high": ends[1]}
    if gap and gap.get("kid") is not None:
        made["kid"] = gap["kid"]
    return made | {name: item[name] for name in ("pictures", "objects") if name in item}
