"""A run's description in MLflow: how good it is on photographs, what changed, and whether that helped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from stages.common.tracking import RunLogger
from stages.evaluate.headline import real_name

COMPARED = (("f1", "F1"), ("ap50", "AP50"), ("precision", "precision"), ("recall", "recall"))

MOST_CHANGES = 20
LONGEST = 120
"""Changed settings that are named, and characters of a value that are shown."""


def verdict(top: Mapping[str, float], metrics: Mapping[str, Any], details: Mapping[str, Any], run: RunLogger) -> str:
    """The description, as Markdown.

    Args:
        top: headline figures, as ``{"real.f1": 0.84}``.
        metrics: all figures.
        details: content of ``evaluation.json``.
        run: whose earlier runs are looked up to compare with.
    """
    name = real_name(metrics)
    lines = [_measured(top, name)]
    other = baseline(run.recent("real.f1"), name) if name else None
    if other is not None:  # what MLflow shows of a long description without being asked comes first
        lines += [_against(top, other), _changes(run.known_parameters(), other.data.params)]
    return "\n\n".join(filter(None, [*lines, _weakest(details, name)]))


def baseline(runs: list[Any], name: str) -> Any:
    """The run to compare with: the one of the commit that an experiment starts from, else the latest on this set."""
    alike = [run for run in runs if run.data.tags.get("real.set") == name and run.info.status == "FINISHED"]
    commit = os.environ.get("DVC_EXP_BASELINE_REV", "")
    started = [
        run
        for run in alike
        if commit and run.data.tags.get("git.commit") == commit and not run.data.tags.get("dvc.experiment")
    ]
    return next(iter([*started, *alike]), None)


def _measured(top: Mapping[str, float], name: str) -> str:
    renders = f"F1 {top['sim.f1']:.2f} on held-out renders" if "sim.f1" in top else "no renders measured"
    if not name:
        return f"**Nothing real was measured**; {renders}."
    interval = f" ({top['real.f1_low']:.2f} to {top['real.f1_high']:.2f})" if "real.f1_low" in top else ""
    ap50 = f", AP50 {top['real.ap50']:.2f}" if "real.ap50" in top else ""
    f1 = f"F1 {top['real.f1']:.2f}{interval}" if "real.f1" in top else "no F1"
    return f"**{f1}{ap50} on {name}**, {top.get('real.pictures', 0):.0f} real photographs; {renders}."


def _weakest(details: Mapping[str, Any], name: str) -> str:
    found = details.get("real", {}).get(name, {}).get("worst_slices") or []
    return f"Weakest: {found[0]['sentence']}." if found else ""


def _against(top: Mapping[str, float], other: Any) -> str:
    info, before = other.info, other.data.metrics
    link = f"[{info.run_name}](#/experiments/{info.experiment_id}/runs/{info.run_id})"
    changes = [
        f"{label} {top[f'real.{key}'] - before[f'real.{key}']:+.3f}"
        for key, label in COMPARED
        if f"real.{key}" in top and f"real.{key}" in before
    ]
    return f"Against {link}: {', '.join(changes)}. {_help(top, before)}"


def _help(top: Mapping[str, float], before: Mapping[str, float]) -> str:
    wanted = ("real.f1", "real.f1_low", "real.f1_high")
    if not all(name in top and name in before for name in wanted):
        return ""
    if top["real.f1"] == before["real.f1"]:
        return "**F1 is the same.**"
    if top["real.f1_low"] > before["real.f1_high"]:
        return "**It helped.**"
    if top["real.f1_high"] < before["real.f1_low"]:
        return "**It did harm.**"
    better = "better" if top["real.f1"] > before["real.f1"] else "worse"
    return (
        f"**F1 is {better}, but the intervals overlap: it may be chance**; `python -m stages.evaluate compare` "
        "resamples both on the same photographs."
    )


def _changes(now: Mapping[str, str], before: Mapping[str, str]) -> str:
    changed = [name for name in sorted({*now, *before}) if now.get(name) != before.get(name)]
    if not now:
        return ""
    if not changed:
        return "No setting differs; data, weights or code may."
    rows = [f"| `{name}` | {_cell(before.get(name))} | {_cell(now.get(name))} |" for name in changed[:MOST_CHANGES]]
    more = f"\n\nand {len(changed) - MOST_CHANGES} others" if len(changed) > MOST_CHANGES else ""
    return "\n".join(["| changed setting | before | now |", "|---|---|---|", *rows]) + more


def _cell(value: str | None) -> str:
    text = "none" if value is None else value.replace("|", "\\|")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
