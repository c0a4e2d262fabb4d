"""``compute=sagemaker-local`` over a real S3 server: a real training, taken away, killed, broken."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from stages.common.errors import TrainingError
from stages.common.mlflow_store import local_uri
from tests.push.conftest import KEY, SECRET, S3Server, serve_s3
from tests.settings import compose
from tests.train.tiny import write_tree

REPOSITORY = Path(__file__).resolve().parents[3]
EPOCHS = 4


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "jobs").mkdir()
    with serve_s3(folder) as server:
        yield server


class Project:
    """A checkout with a data set, from which the train stage is run."""

    def __init__(self, root: Path, s3: S3Server, **compute: object) -> None:
        self.root, self.s3 = root, s3
        write_tree(root / "data/dataset/yolo", train=8)
        settings = compose().model_dump(mode="json")
        settings["storage"] |= {"kind": "s3", "bucket": "jobs", "endpoint": s3.endpoint}
        settings["model"] |= {"architecture": "yolo11n", "weights": "scratch", "input_size": 64}
        settings["train"] |= {"epochs": EPOCHS, "batch": 2, "workers": 0}
        settings["compute"] |= {"target": "sagemaker-local", "device": "cpu"}
        settings["compute"]["emulator"] |= compute
        settings["tracking"] |= {"enabled": True, "uri": "", "experiment": "test"}
        settings["aws"]["project"] = re.sub(r"[^a-z]", "", root.name)[:20] or "project"
        (root / "params.yaml").write_text(yaml.safe_dump(settings))

    def change(self, **compute: object) -> None:
        settings = yaml.safe_load((self.root / "params.yaml").read_text())
        settings["compute"] |= compute
        (self.root / "params.yaml").write_text(yaml.safe_dump(settings))

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stages.train"],
            cwd=self.root,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def train(self) -> tuple[int, str]:
        process = self.start()
        said, _ = process.communicate(timeout=500)
        return process.returncode, said

    @property
    def training(self) -> dict[str, object]:
        content: dict[str, object] = json.loads((self.root / "models/training.json").read_text())
        return content

    def history(self) -> list[int]:
        """Steps of a metric in MLflow."""
        client = MlflowClient(local_uri(self.root))
        return [point.step for point in client.get_metric_history(str(self.training["run_id"]), "train/box_loss")]

    def log(self) -> str:
        return "".join(path.read_text() for path in self.root.glob(".cache/train/*/job/log.txt"))

    def supervisors(self) -> list[int]:
        """Processes that work on this project's jobs."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:
                continue
            if b"stages.train.emulator" in line and str(self.root).encode() in line:
                found.append(int(path.parent.name))
        return found


@pytest.fixture(scope="module")
def uninterrupted(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same training with compute=local."""
    project = Project(tmp_path_factory.mktemp("uninterrupted"), s3)
    project.change(target="local")
    code, said = project.train()
    assert code == 0, said
    return project


def check_same(project: Project, uninterrupted: Project) -> None:
    """The model and its story are those of the uninterrupted training."""
    for name in ("best.pt", "best.onnx"):
        assert (project.root / "models" / name).read_bytes() == (uninterrupted.root / "models" / name).read_bytes()
    for key in ("epochs", "best_epoch", "threshold", "weights"):
        assert project.training[key] == uninterrupted.training[key]
    assert project.history() == list(range(1, EPOCHS + 1))
    assert project.supervisors() == []
    assert [path for path in (project.root / ".cache/train").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("grace", [120, 0], ids=["with a warning", "without one"])
def test_a_spot_machine_taken_away_in_an_epoch(
    uninterrupted: Project, s3: S3Server, tmp_path: Path, grace: float
) -> None:
    project = Project(tmp_path, s3, interrupt_after=[2], grace=grace)
    code, said = project.train()
    assert code == 0, said
    check_same(project, uninterrupted)
    again = re.search(rf"training goes on after epoch (\d) of {EPOCHS}", said)
    begun = said.count("unpacking channel")
    assert begun == 2, said
    # without a warning the last second before may not have been copied
    assert again, said
    assert int(again[1]) >= (2 if grace else 1)
    assert SECRET not in said
    left = {path.name for path in s3.objects("jobs") if "jobs/" in str(path) and "checkpoints" in str(path)}
    assert left == set(), "checkpoints of a finished training"


def test_a_client_killed_while_following(uninterrupted: Project, s3: S3Server, tmp_path: Path) -> None:
    project = Project(tmp_path, s3)
    client = project.start()
    deadline = time.monotonic() + 300
    while "epoch=2 " not in project.log():
        assert client.poll() is None, client.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.send_signal(signal.SIGKILL)
    client.communicate()
    assert project.supervisors(), "the job goes on without its client"
    code, said = project.train()
    assert code == 0, said
    assert "training goes on after epoch" not in said
    check_same(project, uninterrupted)


def test_a_failed_job_says_why_and_its_log_stays(s3: S3Server, tmp_path: Path) -> None:
    project = Project(tmp_path, s3)
    project.change(device="cuda")
    code, said = project.train()
    if code == 0:
        pytest.skip("there is a GPU here")
    assert code == TrainingError.exit_code
    line = said.strip().splitlines()[-1]
    assert re.match(r"error: job \S+ failed \(AlgorithmError: compute\.device=cuda, but torch sees no GPU here", line)
    assert "torch sees no GPU" in project.log()
    assert not (project.root / "models").exists()
    assert project.supervisors() == []


def test_ctrl_c_stops_the_job_and_the_next_command_goes_on(
    uninterrupted: Project, s3: S3Server, tmp_path: Path
) -> None:
    project = Project(tmp_path, s3)
    client = project.start()
    deadline = time.monotonic() + 300
    while "epoch=1 " not in project.log():
        assert client.poll() is None, client.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.send_signal(signal.SIGINT)
    said, _ = client.communicate(timeout=120)
    assert client.returncode == 130, said
    assert project.supervisors() == []
    code, said = project.train()
    assert code == 0, said
    assert "training goes on after epoch" in said
    check_same(project, uninterrupted)
