"""One MLflow run for one execution of the pipeline, with a run below it for each stage.

The stages of one ``dvc repro`` or ``dvc exp run`` are processes of their own that know nothing of each other. What they
share is the DVC process above them: a note in ``.cache/run`` says which run belongs to it. An execution that was killed
or failed is gone on with in the same run when it is started again with the same settings.

``MLFLOW_RUN_ID``, MLflow's own variable, names the run instead, for programs that start stages themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from stages.common.files import write_json
from stages.common.mlflow_store import ignored_folder
from stages.common.settings import Settings
from stages.common.system import Watch
from stages.common.tracking import RunLogger, flatten, open_run, written

NOTE = "run/execution.json"
PENDING = "run/pending.json"
"""Below the project's ``.cache``: the latest execution, and stages that ended before it had a run."""

JOURNALS = "run/journals"

RUN_ID = "MLFLOW_RUN_ID"

FORGOTTEN = 7 * 24 * 3600.0
"""Seconds after which the journal of a run that nobody went on with is removed."""

LEFT_OUT = ("tracking", "sweep")
"""Groups of settings that are no parameters of a run: they change nothing of it, and an address may hold a password."""


@dataclass(frozen=True)
class Execution:
    """What a project remembers of its latest pipeline execution.

    Attributes:
        process: the DVC process, by number and start time; empty without DVC.
        run_id: of its MLflow run.
        settings: digest of all settings.
        token: names its journal.
        stage, started: the stage that ran last, and since when, in milliseconds since 1970.
        status: of that stage: ``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``.
        began: when the execution's first stage started.
    """

    process: str = ""
    run_id: str = ""
    settings: str = ""
    token: str = ""
    stage: str = ""
    started: int = 0
    status: str = ""
    began: int = field(default_factory=lambda: int(time.time() * 1000))


class StageRun:
    """The run of a pipeline execution, as one of its stages sees it.

    Attributes:
        run: logs into it.
        figures: numbers of the stage's own run; the stage may add some.
        tags: words of the stage's own run.
    """

    def __init__(self, run: RunLogger) -> None:
        self.run = run
        self.figures: dict[str, float] = {}
        self.tags: dict[str, str] = {}


@contextmanager
def stage_run(
    stage: str, settings: Settings, project: Path, *, alone: str | None = None, join: bool = False
) -> Iterator[StageRun]:
    """Log a stage into the run of its pipeline execution for as long as the block lasts.

    Args:
        stage: its name.
        settings: all of them; they become the run's parameters.
        project: top of the repository in which the stage runs.
        alone: what to do when no pipeline started the stage: None logs nothing, an id goes on with that run, and an
            empty text starts one.
        join: log only when the execution has a run already, or gets one later; for stages that always run.
    """
    notes = project / ".cache" / NOTE
    before, now = _read(notes), _here(settings)
    told = os.environ.get(RUN_ID, "")
    outside = not now.process and not told
    now = _continued(now, before, stage, told or (alone or "" if outside else ""))
    now = replace(now, stage=stage, started=int(time.time() * 1000), status="RUNNING")
    off = not (settings.tracking.enabled or settings.tracking.tensorboard)
    if off or (outside and alone is None) or (join and not now.run_id):
        yield StageRun(RunLogger(None, "", None, lambda _: None))
        if join and now.process and not off:
            note_stage(project, stage, now.started)
        return
    ignored_folder(project / ".cache")
    with _noted(notes, now, kept=not told) as opened, _opened(settings, project, now, stage) as made:
        opened(made.run)
        if not (outside and alone):
            _log_beginning(made.run, settings, project)
        _close_torn(made.run, before, now)
        _log_pending(made.run, project, now)
        with _span(made, stage, now, settings.tracking.system_interval, project):
            yield made


def note_stage(project: Path, stage: str, start: int) -> None:
    """Remember a stage that ended before its execution has a run; it is logged once there is one.

    Args:
        project: top of the repository in which the stage ran.
        stage: its name.
        start: in milliseconds since 1970.
    """
    process = pipeline_process()
    if process:
        path = ignored_folder(project / ".cache") / PENDING
        ended = {"name": stage, "key": f"{stage} {start}", "start": start, "end": int(time.time() * 1000)}
        with suppress(OSError):
            write_json(path, {"process": process, "stages": [*_pending(path, process), ended]})


def _pending(path: Path, process: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_bytes())
        return list(content["stages"]) if content["process"] == process else []
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _log_pending(run: RunLogger, project: Path, now: Execution) -> None:
    path = project / ".cache" / PENDING
    for ended in _pending(path, now.process) if now.process else []:
        seconds = (ended["end"] - ended["start"]) / 1000
        run.log_span(**ended, metrics={"seconds": seconds})
        run.log_metrics({f"seconds/{ended['name']}": seconds})
    path.unlink(missing_ok=True)


@contextmanager
def _opened(settings: Settings, project: Path, now: Execution, stage: str) -> Iterator[StageRun]:
    name = os.environ.get("DVC_EXP_NAME") or f"{settings.model.name} {settings.profile}"
    journal = project / ".cache" / JOURNALS / f"{now.token}.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    with open_run(
        settings.tracking, project, name=name, run_id=now.run_id, journal=journal, notify=lambda text: _say(stage, text)
    ) as run:
        yield StageRun(run)


@contextmanager
def _noted(path: Path, now: Execution, *, kept: bool) -> Iterator[Callable[[RunLogger], None]]:
    """Keep that the stage runs, how it ends, and where its run is for good."""
    opened: list[RunLogger] = []

    def note(status: str) -> None:
        if kept:
            write_json(path, asdict(replace(now, run_id=opened[0].run_id, status=status)))

    def begin(run: RunLogger) -> None:
        opened.append(run)
        note("RUNNING")
        if kept:
            _forget_others(path, now.token)

    status = "FAILED"
    try:
        yield begin
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        with suppress(OSError, IndexError):
            note(status)


@contextmanager
def _span(made: StageRun, stage: str, now: Execution, interval: float, project: Path) -> Iterator[None]:
    """A run of the stage below the execution's, with its time and what it took of the machine."""
    key = _key(now)
    made.run.log_span(stage, key, now.started)
    clock, status = time.monotonic(), "FAILED"
    watch = Watch(made.run, interval, now.began, project)
    try:
        with watch:
            yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        seconds = time.monotonic() - clock
        made.run.log_metrics({f"seconds/{stage}": seconds})
        figures = {"seconds": seconds, **watch.summary(), **made.figures}
        end = int(time.time() * 1000)
        made.run.log_span(stage, key, now.started, end=end, status=status, metrics=figures, tags=made.tags)


def _key(execution: Execution) -> str:
    return f"{execution.stage} {execution.started}"


def _log_beginning(run: RunLogger, settings: Settings, project: Path) -> None:
    run.log_params(parameters(settings))
    commit = git_answer(project, "rev-parse", "HEAD")
    changed = git_answer(project, "status", "--porcelain", "--untracked-files=no").splitlines()
    run.log_tags(
        {
            "git.commit": commit,
            "git.branch": git_answer(project, "rev-parse", "--abbrev-ref", "HEAD"),
            "git.changed_files": str(len(changed)),
            "mlflow.source.git.commit": commit,
            "mlflow.source.name": "dvc exp run" if os.environ.get("DVC_EXP_NAME") else "dvc repro",
            "mlflow.source.type": "PROJECT",
            "dvc.experiment": os.environ.get("DVC_EXP_NAME", ""),
            "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        }
    )


def parameters(settings: Settings) -> dict[str, str]:
    """All settings as ``{"train.epochs": "2"}``, in a stable order, as MLflow shows them."""
    values = settings.model_dump(mode="json", by_alias=True, exclude=set(LEFT_OUT))
    return {name: written(value) for name, value in flatten(values).items()}


def _close_torn(run: RunLogger, before: Execution, now: Execution) -> None:
    """End what a kill left running: the stage in the run that is gone on with, or else the run before."""
    if before.status == "RUNNING" and before.run_id and before.run_id == now.run_id and before.token == now.token:
        run.log_span(before.stage, _key(before), before.started, end=now.started, status="KILLED")
    elif before.status == "RUNNING" and before.run_id and before.run_id != run.run_id and _is_over(before.process):
        run.close_other(before.run_id)


def _continued(now: Execution, before: Execution, stage: str, told: str) -> Execution:
    """``now`` with the run that it belongs to, if that is there already."""
    if told:
        return replace(now, run_id=told, token=told)
    same = bool(now.process) and now.process == before.process
    torn = before.status in ("RUNNING", "FAILED", "KILLED") and before.stage == stage
    if before.run_id and (same or (torn and now.settings == before.settings)):
        return replace(now, run_id=before.run_id, token=before.token, began=before.began)
    return now


def _here(settings: Settings) -> Execution:
    digest = hashlib.sha256(json.dumps(parameters(settings), sort_keys=True).encode()).hexdigest()
    return Execution(process=pipeline_process(), settings=digest, token=uuid.uuid4().hex)


def pipeline_process() -> str:
    """The DVC process that started this stage, by number and start time; empty when none did.

    DVC gives ``DVC_STAGE`` to the commands that it starts, so it is the nearest process above without that variable.
    """
    if "DVC_STAGE" not in os.environ:
        return ""
    import psutil

    for process in psutil.Process().parents():
        try:
            if "DVC_STAGE" in process.environ():
                continue
        except psutil.Error:
            pass  # somebody else's, and so no child of DVC
        with suppress(psutil.Error):
            return f"{process.pid} {process.create_time():.2f}"
    return ""


def _is_over(process: str) -> bool:
    """Whether a process, as :func:`pipeline_process` names it, has ended."""
    import psutil

    try:
        number, started = process.split()
        return abs(psutil.Process(int(number)).create_time() - float(started)) > 1
    except psutil.Error:
        return True
    except ValueError:
        return False


def _read(path: Path) -> Execution:
    try:
        return Execution(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return Execution()


def _forget_others(notes: Path, token: str) -> None:
    """Remove journals of executions that will not be gone on with."""
    for path in (notes.parent / "journals").glob("*.jsonl"):
        if not path.name.startswith(token) and time.time() - path.stat().st_mtime > FORGOTTEN:
            path.unlink(missing_ok=True)


def git_answer(project: Path, *arguments: str) -> str:
    """What Git prints, on one line; empty where there is no Git."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=project, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _say(stage: str, text: str) -> None:
    print(f"notice: {stage}: {text}", file=sys.stderr, flush=True)


def figures(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among values, for :attr:`StageRun.figures`."""
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
