"""``train`` as the image runs it: trainings of seconds in a made-up /opt/ml."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stages.common.errors import InputError, SettingsError, TrainingError
from stages.train.container.run import main
from stages.train.container.snapshots import CURRENT
from stages.train.container.tree import Tree
from stages.train.contract import METRICS, metric_definitions, read_metrics, read_result
from stages.train.types import Epoch
from tests.train.containers import EPOCHS, failure, make_tree, run, start


@dataclass(frozen=True)
class Done:
    """A training that went through."""

    tree: Tree
    said: str

    @property
    def epochs(self) -> list[Epoch]:
        return read_metrics((self.tree.checkpoints / METRICS).read_bytes())


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    tree = make_tree(tmp_path_factory.mktemp("done"))
    code, said = run(tree)
    assert code == 0, said
    return Done(tree, said)


def test_it_leaves_a_model_and_metrics(done: Done) -> None:
    trained = read_result(done.tree.model)
    assert [epoch.number for epoch in trained.epochs] == [epoch.number for epoch in done.epochs] == [1, 2, 3]
    assert [epoch.figures for epoch in trained.epochs] == [epoch.figures for epoch in done.epochs]
    assert trained.device == "cpu"
    assert {path.name for path in done.tree.model.iterdir()} == {"best.pt", "trained.json"}
    assert {path.name for path in done.tree.checkpoints.iterdir()} == {CURRENT, "checkpoint.previous.tar", METRICS}
    assert not (done.tree.root / "output/failure").exists()


def test_the_log_has_figures_for_cloudwatch(done: Done) -> None:
    wanted = next(item for item in metric_definitions() if item["Name"] == "train/box_loss")
    found = [float(value) for value in re.findall(wanted["Regex"], done.said)]
    assert found == pytest.approx([epoch.figures["train/box_loss"] for epoch in done.epochs], rel=1e-4)


def test_a_stopped_job_ends_in_time_and_goes_on_as_if_it_had_not_been(done: Done, tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    process = start(tree)
    wait_for(tree.checkpoints / METRICS, process)
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    said, _ = process.communicate(timeout=120)
    assert time.monotonic() - started < 100
    assert process.returncode == 143, said
    with pytest.raises(TrainingError, match="stopped after epoch"):
        read_result(tree.model)
    before = (tree.checkpoints / METRICS).read_bytes()

    # a new machine: only the channels and the checkpoints are there
    shutil.rmtree(tree.scratch)
    shutil.rmtree(tree.model)
    code, said = run(tree)
    assert code == 0, said
    assert "training goes on after epoch" in said
    assert (tree.checkpoints / METRICS).read_bytes().startswith(before)
    again = Done(tree, said)
    assert [(epoch.number, epoch.figures) for epoch in again.epochs] == [
        (epoch.number, epoch.figures) for epoch in done.epochs
    ]
    lines = (tree.checkpoints / METRICS).read_bytes().splitlines()
    assert len(lines) == EPOCHS, "an epoch was kept twice"
    assert (tree.model / "best.pt").read_bytes() == (done.tree.model / "best.pt").read_bytes()


def test_it_starts_from_weights_while_mlflow_never_answers(done: Done, tmp_path: Path) -> None:
    tree = make_tree(tmp_path, epochs=1)
    (tree.root / "input/data/weights").mkdir()
    shutil.copy(done.tree.model / "best.pt", tree.root / "input/data/weights/start.pt")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        uri = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        code, said = run(tree, MLFLOW_TRACKING_URI=uri, MLFLOW_RUN_ID="0" * 32)
    assert code == 0, said
    transfer = read_result(tree.model).transfer
    assert transfer is not None
    assert transfer.taken == transfer.total


def test_mlflow_gets_each_figure_once(done: Done, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/runs.db"
    client = MlflowClient(uri)
    run_id = client.create_run(client.create_experiment("test")).info.run_id
    # all epochs are done, and none is kept: the container goes over them, and after an interruption once more
    shutil.copytree(done.tree.root, tmp_path / "ml")
    tree = Tree(tmp_path / "ml", tmp_path / "scratch")
    (tree.checkpoints / METRICS).unlink()
    for _ in range(2):
        code, said = run(tree, MLFLOW_TRACKING_URI=uri, MLFLOW_RUN_ID=run_id)
        assert code == 0, said
    epochs = read_metrics((tree.checkpoints / METRICS).read_bytes())
    assert len(epochs) == EPOCHS
    for figure, name in (("train/box_loss", "train/box_loss"), ("lr/pg0", "train/learning_rate_pg0")):
        history = client.get_metric_history(run_id, name)
        assert [(point.step, point.timestamp, point.value) for point in history] == [
            (epoch.number, epoch.time, epoch.figures[figure]) for epoch in epochs
        ]
    assert "lr/pg0" not in client.get_run(run_id).data.metrics


def test_a_corrupt_tar_fails_with_its_name(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    shard = tree.root / "input/data/training/00001.tar"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    code, said = run(tree)
    assert code == InputError.exit_code
    assert "00001.tar" in failure(tree)
    assert failure(tree) in said
    assert "Traceback" not in said


def test_a_full_disk_fails_and_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    tree.checkpoints.mkdir()
    with small_disk(tree.checkpoints, 60):  # for one checkpoint of 45 MiB, and not for two
        code, said = run(tree)
        assert code == TrainingError.exit_code, said
        assert "is full" in failure(tree)
        assert (tree.checkpoints / CURRENT).is_file()
        assert [path.name for path in tree.checkpoints.glob(".*")] == []
        assert len(read_metrics((tree.checkpoints / METRICS).read_bytes())) == 1


def test_a_full_disk_while_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/data")

    monkeypatch.setattr("stages.train.container.run.unpack", full_disk)
    tree = make_tree(tmp_path)
    assert main(tree) == TrainingError.exit_code
    assert failure(tree) == "the disk is full (/tmp/data); give the job a larger volume"


def test_no_gpu_where_there_should_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    tree = make_tree(tmp_path)
    sent = json.loads((tree.root / "input/config/hyperparameters.json").read_text()) | {"compute.device": "auto"}
    (tree.root / "input/config/hyperparameters.json").write_text(json.dumps(sent))
    (tree.root / "input/config/resourceconfig.json").write_text(
        '{"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": "ml.g5.xlarge"}'
    )
    assert main(tree) == TrainingError.exit_code
    assert failure(tree).startswith("instance ml.g5.xlarge has a GPU, but torch sees none; use an image")


def darkness(self: object, batch: dict[str, object]) -> dict[str, object]:
    """Pictures of which no number comes."""
    return batch | {"img": batch["img"].float() * float("nan")}  # type: ignore[attr-defined]


def test_a_loss_that_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ultralytics.models.yolo.detect.DetectionTrainer.preprocess_batch", darkness)
    tree = make_tree(tmp_path)
    assert main(tree) == TrainingError.exit_code
    assert failure(tree).startswith("the loss is no longer a number in epoch 1; set train.learning_rate below")
    assert not tree.model.exists()


def test_a_bug_leaves_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError("x" * 2000)

    monkeypatch.setattr("stages.train.container.run.read_data", bug)
    tree = make_tree(tmp_path)
    assert main(tree) == 1
    assert failure(tree).startswith("ZeroDivisionError: xxx")
    assert len(failure(tree)) == 1024


def test_hyperparameters_that_are_wrong(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    (tree.root / "input/config/hyperparameters.json").write_text('{"train.epochs": "none", "model.input_size": "65"}')
    assert main(tree) == SettingsError.exit_code
    assert "train.epochs is 'none'" in failure(tree)
    assert "model.input_size is 65" in failure(tree)


def test_more_than_one_instance(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    (tree.root / "input/config/resourceconfig.json").write_text('{"hosts": ["algo-1", "algo-2"]}')
    assert main(tree) == TrainingError.exit_code
    assert "2 instances" in failure(tree)


@pytest.fixture
def nothing(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "ml", tmp_path / "scratch")


def test_no_data(nothing: Tree) -> None:
    (nothing.root / "input/data/other").mkdir(parents=True)
    assert main(nothing) == InputError.exit_code
    assert failure(nothing).startswith("no channel holds a data set, there are: other; name it 'training'")


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[None]:
    """A file system of some MiB; the test is skipped where none may be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("only root can mount the small disk that this test fills")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
