"""The pipeline as a user runs it: with DVC, real stages, the fake renderer and a training of seconds."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import pytest
import yaml

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
        time.sleep(1)
