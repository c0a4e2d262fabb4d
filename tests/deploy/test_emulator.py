"""``deploy=sagemaker-local``: by way of object storage into the container, and out of it in time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stages.common.errors import ServiceError, StorageError
from stages.common.settings import Settings
from stages.deploy import emulator
from stages.deploy.bundle import Bundle
from stages.deploy.deploy import deploy
from stages.deploy.emulator import endpoint
from tests.deploy.conftest import picture
from tests.push.conftest import KEY, SECRET, S3Server, serve_s3
from tests.settings import compose


def settings(**storage: object) -> Settings:
    composed = compose("deploy=sagemaker-local", "deploy.threads=1", "deploy.check_frames=2")
    return composed.model_copy(update={"storage": composed.storage.model_copy(update=storage)})


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    (tmp_path / "buckets" / "models").mkdir(parents=True)
    with serve_s3(tmp_path / "buckets") as server:
        yield server


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number:07d}.jpg").write_bytes(picture(300 + number, 200))
    return folder


def test_the_service_answers_as_the_model_does(
    model: Path, pictures: Path, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = settings(kind="s3", bucket="models", endpoint=s3.endpoint)
    done = deploy(model, pictures, tmp_path / "bundle", tmp_path / "deploy.json", here)
    assert "the sagemaker-local service answered 2 test frames as the model does (4 detections)" in str(done)
    assert json.loads((tmp_path / "deploy.json").read_text())["target"] == "sagemaker-local"
    assert [path.name for path in s3.objects("models")] == ["model.tar.gz"]
    assert s3.objects("models")[0].parts[-4:-2] == ("sim-to-cloud", "models")


def test_the_local_remote_will_do(bundle: Bundle, tmp_path: Path) -> None:
    with endpoint(bundle, settings(folder=str(tmp_path / "remote")), tmp_path) as url:
        assert httpx.get(f"{url}/execution-parameters").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/ping")
    assert [path.name for path in (tmp_path / "remote").rglob("*.gz")] == ["model.tar.gz"]


def test_storage_that_does_not_answer(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr("stages.common.buckets.ATTEMPTS", 1)
    gone = settings(kind="s3", bucket="models", endpoint="http://127.0.0.1:9")
    with pytest.raises(StorageError, match="does not answer"), endpoint(bundle, gone, tmp_path):
        pass


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('the model is cursed')", "ended with 1 before it was healthy .*the model is cursed"),
        ("import time; time.sleep(60)", r"was not healthy within 1 s \(it wrote nothing\)"),
    ],
)
def test_a_container_that_is_not_healthy(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    def start(_tree: Path, _port: int, _threads: int, log: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", script], stdout=log, stderr=log)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(emulator, "_start", start)
    if "sleep" in script:
        monkeypatch.setattr(emulator, "HEALTHY", 1.0)
    with (
        pytest.raises(ServiceError, match=words),
        endpoint(bundle, settings(folder=str(tmp_path / "remote")), tmp_path),
    ):
        pass
