"""The whole stage with compute=sagemaker: what it leaves is what compute=local leaves."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from stages.common.detection import Detector
from stages.common.mlflow_store import local_uri
from stages.common.settings.platform import Storage, Tracking
from stages.train.contract import METRICS, metrics_line
from stages.train.run import Outcome, train_detector
from tests.train.sagemaker.cloud import KEY, SECRET, TOKEN, Cloud, Machine, Step, finish, in_container, prepare
from tests.train.sagemaker.conftest import EPOCHS, compute
from tests.train.tiny import compute as here
from tests.train.tiny import model, train, write_tree

START_MS = 1_790_000_000_000


def run(root: Path, cloud: Cloud | None, where: Any, *, tracked: bool) -> Outcome:
    return train_detector(
        root / "data" / "dataset" / "yolo",
        root / "models",
        model=model(),
        train=train(epochs=EPOCHS),
        compute=where,
        tracking=Tracking(name="test", enabled=tracked, timeout=5),
        project=root,
        storage=Storage(name="local", kind="local"),
        aws=cloud.aws if cloud else None,
    )


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was trained here."""
    root = tmp_path_factory.mktemp("local")
    write_tree(root / "data" / "dataset" / "yolo")
    run(root, None, here(), tracked=False)
    return root


def test_models_are_those_of_a_training_here(
    local: Path, cloud: Cloud, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    remote = tmp_path / "remote"
    shutil.copytree(local / "data", remote / "data")
    ours = json.loads((local / "models" / "training.json").read_text())
    cloud.weights = (local / "models" / "best.pt").read_bytes()

    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        """A container that has learnt what was learnt here."""
        digest, checkpoints = prepare(cloud, machine)
        lines = b""
        for number, epoch in enumerate(epochs_of(ours), 1):
            lines += metrics_line(epoch).encode()
            cloud.put(checkpoints + METRICS, lines)
            yield "InProgress", "Training"
            assert number == epoch.number
        finish(cloud, machine, digest, epochs_of(ours), best=ours["best_epoch"])
        yield "Completed", "Completed"

    cloud.work = work
    theirs = run(remote, cloud, compute(), tracked=True).content
    for name in ("best.pt", "best.onnx"):
        assert (remote / "models" / name).read_bytes() == (local / "models" / name).read_bytes(), name
    assert json.loads((remote / "models" / "training.json").read_text()) == theirs
    job = theirs["job"]
    (machine,) = cloud.machines.values()
    assert (job["name"], job["billable"], job["spot"]) == (machine.job.training_job_name, 240, True)
    different = {"run_id", "job", "settings_sha256", "weights"}
    assert {key: theirs[key] for key in set(theirs) - different} == {key: ours[key] for key in set(ours) - different}
    assert Detector(remote / "models" / "best.onnx").threshold == theirs["threshold"]
    mlflow = MlflowClient(local_uri(remote))
    history = mlflow.get_metric_history(theirs["run_id"], "val/ap50")
    assert [(point.step, point.timestamp) for point in history] == [
        (number, START_MS + number * 60_000) for number in range(1, EPOCHS + 1)
    ]
    tags = mlflow.get_run(theirs["run_id"]).data.tags
    assert tags["sagemaker.job"] == job["name"]
    assert not list((remote / ".cache" / "train").glob("*/"))
    shown = capfd.readouterr()
    kept = [path.read_bytes() for path in remote.rglob("*") if path.is_file()]  # models, MLflow's database, artifacts
    for secret in (KEY, SECRET, TOKEN):
        assert secret not in shown.out + shown.err
        assert not any(secret.encode() in content for content in kept)


def test_the_containers_own_program_learns_what_is_learnt_here(local: Path, cloud: Cloud, tmp_path: Path) -> None:
    if importlib.util.find_spec("container") is None:
        pytest.skip("SKIPPED: the package 'container' is not here, so only its stand-in is tested")
    remote = tmp_path / "remote"
    shutil.copytree(local / "data", remote / "data")
    cloud.work = in_container
    theirs = run(remote, cloud, compute(instances=["ml.m5.xlarge"]), tracked=False).content
    ours = json.loads((local / "models" / "training.json").read_text())
    assert theirs["epochs"] == ours["epochs"]
    for name in ("best.pt", "best.onnx"):
        assert (remote / "models" / name).read_bytes() == (local / "models" / name).read_bytes(), name


def epochs_of(content: Any) -> list[Any]:
    from stages.train.types import Epoch

    found = []
    for item in content["epochs"]:
        figures = {key: value for key, value in item.items() if key != "epoch"}
        found.append(Epoch(item["epoch"], figures, START_MS + item["epoch"] * 60_000))
    return found
