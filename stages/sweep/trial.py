"""One trial: the stages of the pipeline, as processes, in a folder of their own."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from stages.common.errors import StageError
from stages.common.files import atomic_write, write_json
from stages.common.pipeline import RUN_ID
from stages.common.settings import Settings
from stages.compose.compose import composed_text

PARAMS, DONE, LOG = "params.yaml", "done.json", "log.txt"

PR_SET_PDEATHSIG = 1
"""From ``linux/prctl.h``: the signal that a process gets when its parent dies."""

BULKY = ("frames", "dataset", "models")
"""Folders of a trial that are removed once it is measured."""


class TrialError(StageError):
    """A stage of a trial failed; the sweep goes on with the next trial."""

    exit_code = 10


@dataclass(frozen=True)
class Step:
    """One stage of a trial.

    Attributes:
        stage: its name.
        arguments: of its command line.
    """

    stage: str
    arguments: tuple[str, ...]


def steps(folder: Path, settings: Settings) -> list[Step]:
    """What a trial runs: without training where only the renders are looked at."""
    params, frames, dataset = ("--params", str(folder / PARAMS)), folder / "frames", folder / "dataset"
    models, reports = folder / "models", folder / "reports"
    made = [
        Step("sdg", (*params, "--folder", str(frames))),
        Step("convert", (*params, "--frames", str(frames), "--out", str(dataset))),
    ]
    model = Path(settings.sweep.model)
    if settings.sweep.objective != "real.kid":
        made.append(Step("train", (*params, "--dataset", str(dataset / "yolo"), "--out", str(models))))
        model = models / "best.onnx"
    measured = (*params, "--model", str(model), "--dataset", str(dataset), "--out", str(reports))
    return [*made, Step("evaluate", measured)]


def run_trial(
    folder: Path,
    overrides: Sequence[str],
    project: Path,
    *,
    run_id: str = "",
    notify: Callable[[str], None] = lambda _: None,
) -> float:
    """Run what is left of a trial and read its objective.

    A trial that was cut off goes on: stages that ended are not run again, sdg and train go on within.

    Args:
        folder: of the trial; made when missing.
        overrides: settings in Hydra's grammar, on top of ``conf/``.
        project: where ``conf/`` lies and relative paths start.
        run_id: MLflow run that the stages log into; empty: none.
        notify: is told which stage runs.

    Returns:
        The objective's value.

    Raises:
        TrialError: when a stage fails or the objective is not among the figures; the sentence of the stage is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text, settings = composed_text(overrides, project / "conf")
    if not (folder / PARAMS).is_file() or (folder / PARAMS).read_text(encoding="utf-8") != text:
        (folder / DONE).unlink(missing_ok=True)
        with atomic_write(folder / PARAMS) as stream:
            stream.write(text)
    done = _done(folder)
    for step in steps(folder, settings):
        if step.stage not in done:
            notify(step.stage)
            _run(step, folder, project, run_id)
            done = [*done, step.stage]
            write_json(folder / DONE, done)
    value = objective(folder / "reports" / "metrics.json", settings)
    if not settings.sweep.keep:
        for name in BULKY:
            shutil.rmtree(folder / name, ignore_errors=True)
    return value


def objective(path: Path, settings: Settings) -> float:
    """The figure that the sweep is about, of ``metrics.json``.

    Raises:
        TrialError: when it is not there.
    """
    part, _, figure = settings.sweep.objective.partition(".")
    try:
        figures = json.loads(path.read_bytes())[part]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrialError(f"'{path}' has no figures of {part} ({type(error).__name__}); look at {LOG} beside") from error
    name = objective_set(settings)
    value = (figures.get(name, {}) if part == "real" else figures).get(figure)
    if not isinstance(value, int | float):
        raise TrialError(f"{figure} of {name if part == 'real' else 'the renders'} could not be told; see {LOG}")
    return float(value)


def objective_set(settings: Settings) -> str:
    """The real set of the objective."""
    return settings.sweep.set or settings.real.name


def _run(step: Step, folder: Path, project: Path, run_id: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_") and name != RUN_ID}
    if run_id:
        environment[RUN_ID] = run_id
    command = [sys.executable, "-m", f"stages.{step.stage}", *step.arguments]
    with open(folder / LOG, "a", encoding="utf-8") as log:
        log.write(f"> {' '.join(command)}\n")
        log.flush()
        start = log.tell()
        status = _wait(command, project, environment, log)
    if status:
        raise TrialError(f"{step.stage} failed: {_reason(folder / LOG, start, status)}")


def _wait(command: Sequence[str], project: Path, environment: dict[str, str], log: IO[str]) -> int:
    process = subprocess.Popen(
        command,
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _die_with_parent() -> None:
    """A killed sweep leaves no stage behind that works on in its trial's folder."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _reason(log: Path, start: int, status: int) -> str:
    """The stage's own sentence, or its last line."""
    with open(log, encoding="utf-8", errors="replace") as stream:
        stream.seek(start)
        lines = [line.strip() for line in stream if line.strip()]
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    ended = f"signal {-status}" if status < 0 else f"exit status {status}"
    return told[-1] if told else f"{lines[-1] if lines else 'it said nothing'} ({ended})"


def _done(folder: Path) -> list[str]:
    try:
        content: Any = json.loads((folder / DONE).read_bytes())
    except (OSError, ValueError):
        return []
    return [str(name) for name in content] if isinstance(content, list) else []
