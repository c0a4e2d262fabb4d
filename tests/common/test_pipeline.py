"""One MLflow run for one execution of the pipeline, whatever becomes of its stages."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from stages.common import pipeline
from stages.common.mlflow_store import local_uri
from stages.common.pipeline import NOTE, note_stage, parameters, pipeline_process, stage_run
from stages.common.settings import Settings
from tests.settings import REPOSITORY, compose

BY_DVC = Callable[[str], None]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose store is made once for all tests."""
    return tmp_path_factory.mktemp("pipeline") / "a project"


@pytest.fixture
def by_dvc(project: Path, monkeypatch: pytest.MonkeyPatch) -> BY_DVC:
    """``by_dvc(name)``: from now on stages are started by the DVC process of that name."""
    project.mkdir(exist_ok=True)
    (project / ".cache" / NOTE).unlink(missing_ok=True)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)

    def by(process: str) -> None:
        monkeypatch.setattr(pipeline, "pipeline_process", lambda: process)

    return by


def settings(*changes: str) -> Settings:
    return compose("tracking=local", "tracking.system_interval=0", "tracking.timeout=2", *changes)


def stored(project: Path, run_id: str) -> Run:
    return MlflowClient(local_uri(project)).get_run(run_id)


def below(project: Path, run_id: str) -> dict[str, Run]:
    run = stored(project, run_id)
    found = MlflowClient(local_uri(project)).search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'"
    )
    return {item.info.run_name: item for item in found}


def do(project: Path, stage: str, *changes: str, **options: object) -> str:
    with stage_run(stage, settings(*changes), project, **options) as made:  # type: ignore[arg-type]
        made.figures["frames"] = 3
        return made.run.run_id


def test_stages_of_one_execution_share_a_run_and_each_has_one_below(project: Path, by_dvc: BY_DVC) -> None:
    by_dvc("1 1.0")
    note_stage(project, "compose", 1_000)
    run_ids = {do(project, "sdg"), do(project, "convert"), do(project, "push", join=True), do(project, "train")}
    assert len(run_ids) == 1
    run = stored(project, run_ids.pop())
    assert run.info.status == "FINISHED"
    assert run.data.params["train.epochs"] == str(settings().train.epochs)
    assert run.data.params == parameters(settings())
    stages = below(project, run.info.run_id)
    assert set(stages) == {"compose", "sdg", "convert", "push", "train"}
    assert {f"seconds/{name}" for name in stages} <= set(run.data.metrics)
    assert stages["compose"].info.start_time == 1_000
    assert stages["sdg"].data.metrics["frames"] == 3
    for name in ("sdg", "convert", "push", "train"):
        assert stages[name].info.status == "FINISHED"
        assert stages[name].info.start_time <= stages[name].info.end_time
    assert not (project / ".cache/run/pending.json").exists()


def test_another_execution_has_another_run(project: Path, by_dvc: BY_DVC) -> None:
    by_dvc("1 1.0")
    first = do(project, "train")
    by_dvc("2 2.0")
    assert do(project, "train") != first


def test_stages_that_always_run_make_no_run(project: Path, by_dvc: BY_DVC) -> None:
    by_dvc("3 3.0")
    assert do(project, "push", join=True) == do(project, "deploy", join=True) == ""
    run_id = do(project, "evaluate")
    assert set(below(project, run_id)) == {"push", "deploy", "evaluate"}


def test_by_hand_a_stage_logs_only_where_it_is_told_to(project: Path, by_dvc: BY_DVC) -> None:
    by_dvc("")
    assert do(project, "sdg") == do(project, "push", join=True) == ""
    made = do(project, "train", alone="")
    assert do(project, "train", alone="") != made
    assert do(project, "evaluate", alone=made) == made
    assert set(below(project, made)) == {"train", "evaluate"}


def test_a_program_that_starts_stages_names_their_run(
    project: Path, by_dvc: BY_DVC, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_dvc("")
    made = do(project, "train", alone="")
    note = (project / ".cache" / NOTE).read_text()
    monkeypatch.setenv("MLFLOW_RUN_ID", made)
    assert do(project, "sdg") == do(project, "push", join=True) == made
    assert (project / ".cache" / NOTE).read_text() == note


def test_what_failed_is_gone_on_with_in_the_same_run(project: Path, by_dvc: BY_DVC) -> None:
    by_dvc("4 4.0")
    do(project, "sdg")
    with suppress(ValueError), stage_run("train", settings(), project) as made:
        failed = made.run.run_id
        raise ValueError
    assert stored(project, failed).info.status == "FAILED"
    by_dvc("5 5.0")
    assert do(project, "train") == failed
    assert do(project, "evaluate") == failed
    run = stored(project, failed)
    assert run.info.status == "FINISHED"
    ended = [
        item.info.status
        for item in MlflowClient(local_uri(project)).search_runs(
            [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{failed}' and attributes.run_name = 'train'"
        )
    ]
    assert sorted(ended) == ["FAILED", "FINISHED"]


def test_with_other_settings_it_is_another_run_and_the_killed_one_is_closed(project: Path, by_dvc: BY_DVC) -> None:
    by_dvc("6 6.0")
    killed = do(project, "train")
    note = project / ".cache" / NOTE
    note.write_text(json.dumps({**json.loads(note.read_text()), "status": "RUNNING", "process": "999999999 6.0"}))
    MlflowClient(local_uri(project)).update_run(killed, status="RUNNING")
    by_dvc("7 7.0")
    assert do(project, "train", "train.epochs=3") != killed
    assert stored(project, killed).info.status == "KILLED"


def test_a_kill_leaves_a_stage_that_is_told_to_be_killed(project: Path, by_dvc: BY_DVC) -> None:
    script = (
        "import os, sys, pathlib; from stages.common import pipeline\n"
        "from tests.common.test_pipeline import settings\n"
        "pipeline.pipeline_process = lambda: '999999999 8.0'\n"
        "with pipeline.stage_run('train', settings(), pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", script, str(project)], cwd=REPOSITORY, env=environment, check=False)
    killed = json.loads((project / ".cache" / NOTE).read_text())
    assert (killed["status"], killed["stage"]) == ("RUNNING", "train")
    by_dvc("9 9.0")
    assert do(project, "train") == killed["run_id"]
    run = stored(project, killed["run_id"])
    found = MlflowClient(local_uri(project)).search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{killed['run_id']}'"
    )
    assert sorted(item.info.status for item in found) == ["FINISHED", "KILLED"]


def test_a_server_that_is_away_costs_a_notice_and_the_whole_run_is_local(
    project: Path, by_dvc: BY_DVC, capsys: pytest.CaptureFixture[str]
) -> None:
    by_dvc("10 10.0")
    away = "tracking.uri=http://127.0.0.1:9"
    run_ids = {do(project, "sdg", away), do(project, "train", away)}
    assert "the run is kept in" in capsys.readouterr().err
    assert set(below(project, run_ids.pop())) == {"sdg", "train"}
    assert not run_ids


def test_the_machine_is_watched(project: Path, by_dvc: BY_DVC) -> None:
    by_dvc("11 11.0")
    with stage_run("sdg", compose("tracking=local", "tracking.system_interval=0.05"), project) as made:
        while "system/cpu_utilization_percentage" not in stored(project, made.run.run_id).data.metrics:
            pass
    stage = below(project, made.run.run_id)["sdg"]
    assert 0 <= stage.data.metrics["cpu_percent_mean"] <= 100
    assert stage.data.metrics["memory_megabytes_peak"] > 0


def test_the_dvc_process_is_the_nearest_one_without_its_variable() -> None:
    script = "from stages.common.pipeline import pipeline_process; print(pipeline_process())"
    child = f"exec 3>&1; {shlex.quote(sys.executable)} -c {shlex.quote(script)}; true"
    shell = f"sh -c {shlex.quote(child)}"
    environment = {**os.environ, "DVC_STAGE": "train", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(shell, shell=True, env=environment, capture_output=True, text=True, check=True)
    here = psutil.Process()
    assert done.stdout.strip() == f"{here.pid} {here.create_time():.2f}"


def test_without_dvc_there_is_no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert pipeline_process() == ""


def test_parameters_are_flat_stable_and_hold_no_secrets() -> None:
    names = parameters(settings("storage.endpoint=http://me:secret@host/"))
    assert names["randomization.camera.distance"].startswith("[log_uniform, ")
    assert names["storage.endpoint"] == "http://host/"
    assert not [name for name in names if name.startswith(("tracking", "sweep"))]
    assert len(names) > 100
    assert list(names) == list(parameters(settings("storage.endpoint=x")))
    assert max(map(len, names)) <= 250
    assert max(map(len, names.values())) <= 6000
