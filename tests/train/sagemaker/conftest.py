"""An account in moto, a data set, and trainings in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stages.common.settings.learning import Compute
from stages.common.settings.platform import Storage, Tracking
from stages.common.tracking import open_run
from stages.train.data import read_data
from stages.train.sagemaker.trainer import train_in_sagemaker
from stages.train.types import Epoch, Job, Trained
from stages.train.weights import Weights
from tests.train.sagemaker.cloud import KEY, SECRET, TOKEN, Cloud, reset, running_cloud
from tests.train.tiny import model, train, write_tree

EPOCHS = 3


@pytest.fixture(scope="session")
def account() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody's AWS files, planted credentials."""
    nowhere = tmp_path_factory.mktemp("nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cloud(account: Cloud) -> Cloud:
    reset(account)
    return account


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("data set"))


def compute(**changes: Any) -> Compute:
    jobs = {"poll_seconds": 0.01, "patience_minutes": 0.02, "shard_mb": 1, **changes}
    return Compute.model_validate({"name": "test", "target": "sagemaker", "sagemaker": jobs})


@dataclass
class Client:
    """A training's client: what it is given, and what it said and logged.

    Attributes:
        root: the project.
        tree: the data set.
        cloud: the account.
    """

    root: Path
    tree: Path
    cloud: Cloud
    said: list[str] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    fresh: bool = False
    submit: bool = True
    weights: Weights = field(default_factory=lambda: Weights("scratch"))
    tracking: Tracking = field(default_factory=lambda: Tracking(name="test", enabled=False))

    @property
    def work(self) -> Path:
        return self.root / ".cache" / "train" / "0123456789abcdef"

    def job(self, **more: Any) -> Job:
        self.work.mkdir(parents=True, exist_ok=True)
        values: dict[str, Any] = {
            "data": read_data(self.tree),
            "model": model(),
            "train": train(epochs=EPOCHS, resume=not self.fresh),
            "compute": compute(**self.settings),
            "augment": {},
            "weights": self.weights,
            "work": self.work,
            "on_epoch": self.epochs.append,
            "notify": self.said.append,
            "aws": self.cloud.aws,
            "storage": Storage(name="local", kind="local"),
            "tracking": self.tracking,
            "submit": self.submit,
        }
        return Job(**(values | more))

    def train(self) -> Trained:
        return train_in_sagemaker(self.job())

    def train_tracked(self) -> Trained:
        """Train with an MLflow run that outlives a kill, as the stage does."""
        note = self.work / "run"
        self.work.mkdir(parents=True, exist_ok=True)
        before = note.read_text() if note.exists() else ""
        on = Tracking(name="test", timeout=5)
        with open_run(
            on, self.root, run_id=before, journal=self.work / "journal.jsonl", notify=self.said.append
        ) as run:
            note.write_text(run.run_id)

            def log(epoch: Epoch) -> None:
                self.epochs.append(epoch)
                run.log_metrics(epoch.figures, epoch.number, epoch.time)

            return train_in_sagemaker(self.job(run=run, on_epoch=log))


@pytest.fixture
def client(tmp_path: Path, tree: Path, cloud: Cloud) -> Client:
    return Client(tmp_path / "a project", tree, cloud)
