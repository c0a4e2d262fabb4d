"""All trials of a sweep as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.common.files import atomic_write
from stages.common.settings.sweep import Sweep
from stages.sweep.space import parameter_names

if TYPE_CHECKING:
    import optuna


def write_results(study: optuna.Study, sweep: Sweep, out: Path) -> Path:
    """Write ``sweep-NAME.csv``: number, state, objective, what was tried, seconds, MLflow run, reason of a failure.

    Returns:
        The file.
    """
    names = parameter_names(sweep)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["trial", "state", sweep.objective, *names, "seconds", "run_id", "reason"])
    for trial in study.get_trials(deepcopy=False):
        tried = [_cell(trial.params.get(name)) for name in names]
        seconds = f"{trial.duration.total_seconds():.0f}" if trial.duration else ""
        attributes = trial.user_attrs
        rest = [seconds, attributes.get("run_id", ""), attributes.get("reason", "")]
        table.writerow([trial.number, trial.state.name.lower(), _cell(trial.value), *tried, *rest])
    path = out / f"sweep-{study.study_name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as stream:
        stream.write(text.getvalue())
    return path


def _cell(value: Any) -> Any:
    return "" if value is None else f"{value:.5g}" if isinstance(value, float) else value
