"""The pipeline as in the cloud, offline: data in S3, a SageMaker job and an endpoint, all of it on this machine."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.deploy.bundle import open_bundle
from tests.e2e.project import Project, make_project
from tests.e2e.test_experiments import ALL, ALWAYS
from tests.push.conftest import KEY, SECRET, S3Server, serve_s3

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with serve_s3(tmp_path_factory.mktemp("buckets")) as server:
        yield server


@pytest.fixture
def cloud(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A fresh clone with ``compute=sagemaker-local storage=s3 deploy=sagemaker-local``."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    project = make_project(tmp_path / "sim to cloud")
    profile = project.folder / "conf/profile/seconds.yaml"
    text = profile.read_text(encoding="utf-8")
    text = text.replace(
        "  - _self_\n",
        "  - override /compute: sagemaker-local\n"
        "  - override /storage: s3\n"
        "  - override /deploy: sagemaker-local\n"
        "  - _self_\n",
    ).replace("  epochs: 1\n", "  epochs: 2\n")
    text += f"compute:\n  emulator: {{interrupt_after: [1]}}\nstorage:\n  bucket: frames\n  endpoint: {s3.endpoint}\n"
    profile.write_text(text, encoding="utf-8")
    project.commit("in the cloud")
    return project


def test_the_whole_pipeline_runs_as_in_the_cloud(cloud: Project, s3: S3Server) -> None:
    # in three parts, since each command has ten minutes
    answers = [cloud.dvc("repro", "push"), cloud.dvc("repro", "train"), cloud.dvc("repro")]
    assert {stage for answer in answers for stage in answer.ran} == set(ALL)
    said = "".join(answer.text for answer in answers)
    assert "training goes on after epoch 1 of 2" in said  # on the second spot machine
    assert cloud.epochs_trained() == 2
    models = cloud.folder / "models"
    assert {path.name for path in models.iterdir()} >= {"best.pt", "best.onnx", "training.json", "bundle"}
    receipt = json.loads((cloud.folder / "reports/deploy.json").read_text())
    assert receipt["target"] == "sagemaker-local"
    assert receipt["check"]["pictures"] == 2
    assert receipt["check"]["box_difference"] == 0

    kept = {path.relative_to(s3.folder / "frames").as_posix(): path for path in s3.objects("frames")}
    names = [path.split("/") for path in kept if path.startswith("sim-to-cloud/")]
    assert {(parts[1], parts[-1]) for parts in names if parts[1] != "channels"} == {
        ("jobs", "model.tar.gz"),
        ("models", "model.tar.gz"),
    }
    assert "channel.json" in {parts[-1] for parts in names if parts[1] == "channels"}
    served = next(path for name, path in kept.items() if "/models/" in name)
    with tarfile.open(served) as tar:
        tar.extractall(cloud.folder / "fetched", filter="data")
    assert open_bundle(cloud.folder / "fetched").settings == open_bundle(models / "bundle").settings
    assert SECRET not in said

    again = cloud.dvc("repro")
    assert set(again.ran) == ALWAYS
