"""The pipeline as a user runs it: with DVC, real stages, the fake renderer and a training of seconds."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from stages.common.mlflow_store import local_uri
from tests.e2e.project import Answer, Project

pytestmark = pytest.mark.e2e

ALL = ["compose", "sdg", "convert", "push", "train", "evaluate", "deploy"]
ALWAYS = {"compose", "push", "deploy"}
"""Stages that run each time: one since it reads conf/, one since a remote can lose what it had, one since the champion
changes outside the pipeline."""


def changed(answer: Answer) -> set[str]:
    """Stages that ran because something changed."""
    return set(answer.ran) - ALWAYS


def test_the_first_run_makes_everything(first_run: tuple[Project, Answer]) -> None:
    project, answer = first_run
    assert sorted(answer.ran) == sorted(ALL)
    outputs = [
        "data/push.json",
        "models/best.onnx",
        "reports/report.html",
        "reports/metrics.json",
        "reports/evaluation.json",
        "reports/deploy.json",
    ]
    assert [path for path in outputs if not (project.folder / path).is_file()] == []


def test_the_stages_of_the_first_run_share_one_mlflow_run(first_run: tuple[Project, Answer]) -> None:
    client = MlflowClient(local_uri(first_run[0].folder))
    [experiment] = [item for item in client.search_experiments() if item.name == "sim-to-cloud"]
    found = client.search_runs([experiment.experiment_id])
    [run] = [item for item in found if "mlflow.parentRunId" not in item.data.tags]
    stages = [item for item in found if item.data.tags.get("mlflow.parentRunId") == run.info.run_id]
    assert sorted(item.info.run_name for item in stages) == sorted(ALL)
    assert {item.info.status for item in (run, *stages)} == {"FINISHED"}
    assert run.data.params["train.epochs"] == "1"
    assert {"sim.f1", "train/best_epoch", *(f"seconds/{name}" for name in ALL)} <= set(run.data.metrics)
    assert run.data.tags["mlflow.note.content"].startswith("**Nothing real was measured**")
    assert run.data.tags["git.commit"]
    training = json.loads((first_run[0].folder / "models/training.json").read_text(encoding="utf-8"))
    assert training["run_id"] == run.info.run_id


def test_what_dvc_compares(project: Project) -> None:
    """Settings, figures and plots of the workspace against the commit; the figures as after another training."""
    path = project.folder / "reports/metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    assert len(metrics["sim"]) <= 12
    path.unlink()  # DVC's own copy may be a link
    path.write_text(json.dumps({**metrics, "sim": {**metrics["sim"], "f1": 0.5}}), encoding="utf-8")
    assert "sim.f1" in project.dvc("metrics", "diff").text
    params = project.folder / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("epochs: 1", "epochs: 2"), encoding="utf-8")
    assert "train.epochs" in project.dvc("params", "diff").text
    shown = json.loads(project.dvc("plots", "show", "--json").text.splitlines()[-1])["data"]
    assert {"sim precision and recall", "sim confusion", "loss", "validation"} <= set(shown)
    assert all(item["type"] == "vega" for name in ("loss", "sim confusion") for item in shown[name])


def test_a_search_runs_trials_and_leaves_frames_and_model_alone(project: Project) -> None:
    before = project.frames(), (project.folder / "models/best.onnx").read_bytes()
    answer = project.python("stages.sweep", "sweep.objective=sim.f1", "sweep.trials=1")
    assert "1 trials finished, 0 failed" in answer.text
    assert "dvc exp run -S 'randomization.light.exposure=[normal," in answer.text
    [row] = csv.DictReader((project.folder / "reports/sweep-appearance.csv").read_text(encoding="utf-8").splitlines())
    assert row["state"] == "complete"
    run = MlflowClient(local_uri(project.folder)).get_run(row["run_id"])
    assert run.data.metrics["sim.f1"] == run.data.metrics["sweep.objective"] == float(row["sim.f1"])
    assert run.data.params["randomization.light.exposure"].startswith("[normal, ")
    assert (project.frames(), (project.folder / "models/best.onnx").read_bytes()) == before
    assert project.git("status", "--porcelain") == ""


def test_a_second_run_has_nothing_to_do(project: Project) -> None:
    answer = project.dvc("repro")
    assert set(answer.ran) == ALWAYS
    assert project.git("status", "--porcelain") == ""


def test_an_experiment_with_one_setting(project: Project) -> None:
    experiment = project.dvc("exp", "run", "-S", "train.epochs=2")
    assert changed(experiment) == {"train", "evaluate"}
    assert project.params()["train"]["epochs"] == project.locked("train")["train"]["epochs"] == 2
    assert project.epochs_trained() == 2

    # back to conf/: the first model comes from the cache
    back = project.dvc("repro")
    assert changed(back) == set()
    assert project.params()["train"]["epochs"] == project.locked("train")["train"]["epochs"] == 1
    assert project.epochs_trained() == 1


def test_an_experiment_with_another_group(project: Project) -> None:
    frames = project.frames()
    experiment = project.dvc("exp", "run", "-S", "randomization=heavy")
    assert changed(experiment) == {"sdg", "convert", "train", "evaluate"}
    assert project.params()["randomization"]["name"] == project.locked("sdg")["randomization"]["name"] == "heavy"
    assert project.frames() != frames

    # back to conf/: frames are never taken from the cache, so they are rendered again, and are the same
    back = project.dvc("repro")
    assert changed(back) == {"sdg"}
    assert project.params()["randomization"]["name"] == project.locked("sdg")["randomization"]["name"] == "standard"
    assert project.frames() == frames


def test_an_experiment_with_a_wrong_setting(project: Project) -> None:
    before = project.frames()
    answer = project.refused("exp", "run", "-S", "train.epochs=0")
    assert answer.ran == ["compose"]
    assert "error: train.epochs is 0: give a whole number of at least 1 and at most 10000" in answer.text
    assert project.frames() == before
    assert set(project.dvc("repro").ran) == ALWAYS


def test_a_sweep_over_two_keys(project: Project) -> None:
    project.dvc("exp", "run", "--queue", "-S", "train.epochs=1,2", "-S", "dataset.convert.min_box=6,12", "train")
    project.dvc("queue", "start", "--jobs", "1")
    tasks = finished_tasks(project)
    logs = [project.dvc("queue", "logs", name) for name, _ in tasks]
    assert [status for _, status in tasks] == ["Success"] * 4, [log.text for log in logs]
    # the first is what conf/ says; the others run what their settings change, once for all of them
    assert [changed(log) for log in logs] == [set(), {"convert", "train"}, {"train"}, {"train"}]

    table = csv.DictReader(io.StringIO(project.dvc("exp", "show", "--csv").text))
    locks = [
        yaml.safe_load(project.git("show", f"{row['rev']}:dvc.lock"))["stages"] for row in table if row["Executor"]
    ]
    found = {
        (parameter(lock, "train", "train", "epochs"), parameter(lock, "convert", "dataset.convert", "min_box")): lock
        for lock in locks
    }
    assert set(found) == {(epochs, pixels) for epochs in (1, 2) for pixels in (6, 12)}
    data, models = (
        {key: lock[stage]["outs"][0]["md5"] for key, lock in found.items()} for stage in ("convert", "train")
    )
    assert data[1, 6] == data[2, 6] != data[1, 12] == data[2, 12]
    assert models[1, 12] != models[2, 12]

    # the user's own settings and results are as they were
    assert project.git("status", "--porcelain") == ""
    assert changed(project.dvc("repro")) == set()


def parameter(lock: dict[str, Any], stage: str, group: str, key: str) -> Any:
    """A setting as DVC noted it when a stage ran."""
    return lock[stage]["params"]["params.yaml"][group][key]


def finished_tasks(project: Project) -> list[tuple[str, str]]:
    """Wait for the queue; names of its tasks and how they ended."""
    deadline = time.monotonic() + 500
    while True:
        text = project.dvc("queue", "status").text
        tasks = [line.split() for line in text.splitlines()[1:] if line and not line.startswith("Worker")]
        if not any(task[-1] in ("Queued", "Running") for task in tasks):
            return [(task[1], task[-1]) for task in tasks]
        assert time.monotonic() < deadline, text
        time.sleep(4)  # each look is a command, which takes a second from what it waits for
