"""An account, two models, and frames to check them with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from stages.common.aws.session import client
from stages.common.settings import Settings
from stages.deploy.endpoint import account as calls
from stages.deploy.endpoint import lease
from tests.deploy.conftest import LIMITS, NAMES, picture
from tests.deploy.endpoint.aws import Aws, aws
from tests.settings import compose
from tests.tiny_models import write_constant_model

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sim-to-cloud@sha256:" + "a" * 64
SECRET = "not-a-word-of-this-may-leak"
ENDPOINT = "sim-to-cloud-detector"
BASE = (
    *("deploy=sagemaker", "deploy.check_frames=2", "aws.bucket=models", f"endpoint.image={IMAGE}"),
    *("endpoint.poll_seconds=0.01", f"deploy.queue={LIMITS.queue}", "endpoint.capture.inputs=true"),
)


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with aws(tmp_path_factory.mktemp("served")) as fake:
        yield fake


@pytest.fixture(autouse=True)
def account(fake: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Aws:
    """An empty account with a bucket; nobody's AWS files."""
    nowhere = tmp_path_factory.mktemp("nobody")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "TESTKEY0123456789")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr(lease, "RENEW_SECONDS", 3600)  # else a slow machine makes calls that a quick one does not
    fake.reset()
    boto3.client("s3", endpoint_url=fake.url, region_name="us-east-1").create_bucket(Bucket="models")
    fake.calls.clear()
    return fake


@pytest.fixture(autouse=True, scope="session")
def clients() -> Iterator[None]:
    """Clients are made once: half of a deployment's time here."""
    made: dict[tuple[str, str], Any] = {}

    def kept(aws: Any, service: str, *, attempts: int) -> Any:
        if (aws.endpoint, service) not in made:
            made[aws.endpoint, service] = client(aws, service, attempts=attempts)
        return made[aws.endpoint, service]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "client", kept)
        yield


def settings_of(fake: Aws, *more: str) -> Settings:
    return compose(*BASE, f"aws.endpoint={fake.url}", *more)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model than ``model``: one object moved."""
    boxes = [(0, 20, 32, 52, 0.8, 1), (16, 16, 48, 32, 0.6, 0)]
    return write_constant_model(tmp_path_factory.mktemp("other") / "best.onnx", NAMES, (64, 64), boxes, threshold=0.5)


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    for number in range(3):
        (folder / f"{1_000_000 + number:07d}.jpg").write_bytes(picture(300 + number, 200))
    return folder
