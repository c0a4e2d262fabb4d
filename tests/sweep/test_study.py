"""The search, with trials that cost nothing: none is lost, none is done twice."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from mlflow import MlflowClient

from stages.common.errors import InputError, SettingsError, StageError
from stages.common.mlflow_store import local_uri
from stages.sweep import study as module
from stages.sweep.study import Outcome, run_sweep
from stages.sweep.trial import TrialError, objective, run_trial
from tests.settings import REPOSITORY, SMALL, compose

SWEEP = (
    *SMALL,
    "sweep=appearance",
    "sweep.objective=sim.f1",
    "sweep.startup=2",
    "sweep.space=[{train.learning_rate:[search_log,0.0001,0.1]},{train.epochs:[search_whole,1,9]}]",
)
Trial = Callable[..., float]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder whose settings are this repository's."""
    (tmp_path / "conf").symlink_to(REPOSITORY / "conf")
    return tmp_path


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Settings of the trials that were run; their value depends on nothing else."""
    done: list[list[str]] = []

    def trial(folder: Path, changes: Sequence[str], project: Path, **_: Any) -> float:
        done.append([text for text in changes if text.startswith("train.")])
        return value(changes)

    monkeypatch.setattr(module, "run_trial", trial)
    return done


def value(changes: Sequence[str]) -> float:
    given = dict(text.split("=", 1) for text in changes)
    return 1 / (1 + abs(float(given["train.learning_rate"]) - 0.01))


def sweep(project: Path, trials: int, *changes: str) -> Outcome:
    return run_sweep([*SWEEP, f"sweep.trials={trials}", *changes], project, project / "reports", print)


def rows(outcome: Outcome) -> list[dict[str, str]]:
    with open(outcome.table, newline="") as stream:
        return list(csv.DictReader(stream))


def test_trials_are_run_kept_and_the_best_is_told(project: Path, runs: list[list[str]]) -> None:
    outcome = sweep(project, 5)
    assert (outcome.finished, outcome.failed, len(runs)) == (5, 0, 5)
    table = rows(outcome)
    assert [row["state"] for row in table] == ["complete"] * 5
    best = max(table, key=lambda row: float(row["sim.f1"]))
    assert outcome.best == int(best["trial"])
    assert f"best is trial {outcome.best} with sim.f1" in outcome.summary()
    assert "dvc exp run" in outcome.summary()
    assert "sweep." not in outcome.summary().split("dvc exp run")[1]
    assert len({str(run) for run in runs}) == 5


def test_more_trials_go_on_and_enough_are_enough(project: Path, runs: list[list[str]]) -> None:
    sweep(project, 3)
    assert sweep(project, 5).finished == 5
    assert len(runs) == 5
    assert sweep(project, 5).finished == 5
    assert len(runs) == 5


def test_an_interrupted_search_is_the_same_as_one_in_a_piece(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, runs: list[list[str]]
) -> None:
    sweep(project, 6)
    whole = list(runs)
    other = tmp_path_factory.mktemp("other")
    (other / "conf").symlink_to(REPOSITORY / "conf")
    runs.clear()
    quick = module.run_trial

    def interrupted(folder: Path, changes: Sequence[str], project: Path, **options: Any) -> float:
        if len(runs) in (1, 4) and not (folder.parent / f"stopped {len(runs)}").exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            (folder.parent / f"stopped {len(runs)}").touch()
            raise KeyboardInterrupt
        return quick(folder, changes, project, **options)

    monkeypatch.setattr(module, "run_trial", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweep(other, 6)
    outcome = sweep(other, 6)
    assert runs == whole
    assert [row["trial"] for row in rows(outcome)] == list("012345")


def test_a_failed_trial_is_kept_with_its_reason(
    project: Path, monkeypatch: pytest.MonkeyPatch, runs: list[list[str]]
) -> None:
    quick = module.run_trial

    def broken(folder: Path, changes: Sequence[str], project: Path, **options: Any) -> float:
        if folder.name == "0001":
            raise TrialError("train failed: memory ran out")
        return quick(folder, changes, project, **options)

    monkeypatch.setattr(module, "run_trial", broken)
    outcome = sweep(project, 4)
    assert (outcome.finished, outcome.failed) == (3, 1)
    row = rows(outcome)[1]
    assert (row["state"], row["reason"]) == ("fail", "train failed: memory ran out")


def test_a_search_whose_trials_all_fail_gives_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> float:
        raise TrialError("sdg failed: no such thing")

    monkeypatch.setattr(module, "run_trial", broken)
    with pytest.raises(StageError, match=r"the first 3 trials all failed, the last since sdg failed: no such thing"):
        sweep(project, 10)


def test_every_trial_is_a_run_below_that_of_the_search(project: Path, runs: list[list[str]]) -> None:
    outcome = sweep(project, 2, "tracking=local", "tracking.system_interval=0")
    client = MlflowClient(local_uri(project))
    made = [client.get_run(row["run_id"]) for row in rows(outcome)]
    [parent] = {run.data.tags["mlflow.parentRunId"] for run in made}
    assert client.get_run(parent).data.params["sweep.sampler"] == "tpe"
    assert all(0 < run.data.metrics["sweep.objective"] <= 1 for run in made)
    assert [run.info.run_name for run in made] == ["appearance 0", "appearance 1"]
    again = sweep(project, 3, "tracking=local", "tracking.system_interval=0")
    assert {client.get_run(row["run_id"]).data.tags["mlflow.parentRunId"] for row in rows(again)} == {parent}
    assert len(client.get_metric_history(parent, "sim.f1")) == 3


def test_another_space_under_the_same_name_is_refused(project: Path, runs: list[list[str]]) -> None:
    sweep(project, 1)
    with pytest.raises(SettingsError, match=r"'appearance' was begun with other settings \(sweep\.sampler\)"):
        sweep(project, 2, "sweep.sampler=random")
    with pytest.raises(SettingsError, match=r"begun with other settings \(other settings\)"):
        sweep(project, 2, "model.input_size=320")
    assert sweep(project, 1, "sweep.name=other", "sweep.sampler=random").finished == 1


def test_only_one_process_runs_a_search(project: Path, runs: list[list[str]]) -> None:
    sweep(project, 1)
    with module._alone(project / "sweeps", "appearance"), pytest.raises(StageError, match="is running already"):
        sweep(project, 2)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        (
            ["sweep.objective=real.f1"],
            SettingsError,
            r"real set 'none', which is not measured \(real=none was chosen\)",
        ),
        (["real=loco-dev", "sweep.objective=real.f1", "sweep.set=other"], SettingsError, r"the sets are loco-dev"),
        (
            ["real=loco", "real.root=/nowhere", "sweep.objective=real.kid"],
            InputError,
            r"real.root '/nowhere' is not a folder",
        ),
        (["dataset.frames.test_count=0", "deploy=none"], SettingsError, r"sweep.objective=sim.f1 needs test frames"),
    ],
)
def test_an_objective_that_cannot_be_told_is_refused_before_anything_runs(
    project: Path, runs: list[list[str]], changes: list[str], error: type[StageError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        sweep(project, 1, *changes)
    assert runs == []


def test_a_file_that_is_no_search_is_named(project: Path, runs: list[list[str]]) -> None:
    (project / "sweeps").mkdir()
    (project / "sweeps/appearance.db").write_text("<html>" * 100)
    with pytest.raises(InputError, match=r"appearance\.db' cannot be read"):
        sweep(project, 1)


def test_a_killed_client_loses_and_doubles_no_trial(project: Path) -> None:
    """Killed in the middle of its third trial, as by the system; a new client ends that very trial."""
    script = (
        "import os, sys, pathlib\n"
        "from stages.sweep import study\n"
        "from tests.sweep.test_study import sweep, value\n"
        "project = pathlib.Path(sys.argv[1])\n"
        "def trial(folder, changes, project, **_):\n"
        "    with open(project / 'log', 'a') as log: log.write(folder.name + ' ' + changes[-2] + '\\n')\n"
        "    if folder.name == '0002' and sys.argv[2] == 'kill': os.kill(os.getpid(), 9)\n"
        "    return value(changes)\n"
        "study.run_trial = trial\n"
        "sweep(project, 5)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    statuses = [
        subprocess.run(
            [sys.executable, "-c", script, str(project), what], cwd=REPOSITORY, env=environment, check=False
        ).returncode
        for what in ("kill", "end")
    ]
    assert statuses == [-9, 0]
    lines = (project / "log").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["0000", "0001", "0002", "0002", "0003", "0004"]
    assert lines[2] == lines[3]
    kept = optuna.load_study(study_name="appearance", storage=f"sqlite:///{project}/sweeps/appearance.db")
    assert [trial.state.name for trial in kept.trials] == ["COMPLETE"] * 5


def write_stage(project: Path, body: str) -> None:
    """A stand-in for all stages, in a package that hides the real one."""
    for stage in ("sdg", "convert", "train", "evaluate"):
        folder = project / "stages" / stage
        folder.mkdir(parents=True)
        (folder / "__main__.py").write_text(f"import json, pathlib, sys\nstage = '{stage}'\n{body}")


def test_a_trial_runs_what_is_left_of_its_stages(project: Path) -> None:
    write_stage(
        project,
        "open('log', 'a').write(stage + ' ')\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1]) if '--out' in sys.argv else None\n"
        "if stage == 'train' and not pathlib.Path('mended').exists(): sys.exit('error: no number')\n"
        "if stage == 'evaluate':\n"
        "    out.mkdir(parents=True); (out / 'metrics.json').write_text(json.dumps({'sim': {'f1': 0.5}}))\n",
    )
    folder = project / "sweeps/x/0000"
    with pytest.raises(TrialError, match="train failed: no number"):
        run_trial(folder, list(SWEEP)[:-1], project)
    (project / "mended").touch()
    assert run_trial(folder, list(SWEEP)[:-1], project) == 0.5
    assert (project / "log").read_text().split() == ["sdg", "convert", "train", "train", "evaluate"]
    assert (folder / "params.yaml").is_file()


def test_the_distance_of_features_needs_no_training(project: Path) -> None:
    write_stage(
        project,
        "open('log', 'a').write(stage + ' ')\n"
        "if stage == 'evaluate':\n"
        "    assert sys.argv[sys.argv.index('--model') + 1] == 'weights/warehouse-yolo11s.onnx'\n"
        "    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1]); out.mkdir(parents=True)\n"
        "    (out / 'metrics.json').write_text(json.dumps({'real': {'loco-dev': {'kid': 0.02}}}))\n",
    )
    changes = [*SMALL, "real=loco-dev", "sweep=appearance"]
    assert run_trial(project / "sweeps/x/0000", changes, project) == 0.02
    assert (project / "log").read_text().split() == ["sdg", "convert", "evaluate"]


@pytest.mark.parametrize("content", [None, "<html>", "{}", '{"sim": {}}', '{"sim": {"f1": null}}'])
def test_figures_without_the_objective_are_a_failure(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "metrics.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TrialError):
        objective(path, compose("sweep.objective=sim.f1"))


def test_the_definition_is_json(project: Path) -> None:
    assert json.loads(json.dumps(module.definition(compose()))) == module.definition(compose())
