"""The command line, as a user and the workflows call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.common.errors import SettingsError, SparseError, UnwellError
from tests.deploy.conftest import REPOSITORY
from tests.deploy.endpoint.aws import Aws
from tests.deploy.endpoint.conftest import ENDPOINT, SECRET, settings_of
from tests.settings import compose


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stages.deploy", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_from_the_first_deployment_to_the_last_trace(
    fake: Aws, model: Path, other: Path, frames: Path, tmp_path: Path
) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings_of(fake).model_dump()))
    said = ""
    for name in (model, other):
        done = run(tmp_path, "--model", str(name), "--pictures", str(frames))
        assert done.returncode == 0, done.stderr
        said += done.stdout + done.stderr
    assert said.count("the sagemaker service answered 2 test frames as the model does") == 2
    receipt = (tmp_path / "reports" / "deploy.json").read_text()
    assert json.loads(receipt)["service"]["endpoint"] == ENDPOINT
    status = run(tmp_path, "status", "--json")
    assert json.loads(status.stdout)["status"] == "InService"
    assert run(tmp_path, "status", "--check").returncode == 0
    assert "US dollars an hour" in run(tmp_path, "cost").stdout
    back = run(tmp_path, "rollback", "--pictures", str(frames))
    assert "is back at" in back.stdout, back.stderr
    drift = run(tmp_path, "drift")
    assert drift.returncode == SparseError.exit_code
    assert "hold 0 answers of this model" in drift.stderr
    down = run(tmp_path, "teardown", "--data")
    assert down.stdout.startswith(f"deploy: took down endpoint '{ENDPOINT}' and what belongs to it")
    assert fake.objects() == {}
    gone = run(tmp_path, "status", "--check")
    assert gone.returncode == UnwellError.exit_code
    everything = said + receipt + "".join(done.stdout + done.stderr for done in (status, back, drift, down))
    assert SECRET not in everything
    assert "TESTKEY" not in everything


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["endpoint.scaling.least=5"], "endpoint.scaling has least=5 above most=4: give a range"),
        (["endpoint.scaling.least=0"], "endpoint.scaling has least=0, which endpoint.kind=instances cannot have"),
        (
            ["endpoint=scheduled", "endpoint.kind=serverless", "endpoint.capture.percent=0"],
            "schedules is for instances",
        ),
        (["endpoint.kind=serverless"], "endpoint.capture.percent must be 0 with endpoint.kind=serverless"),
        (["endpoint.canary.timeout_seconds=700"], "endpoint.canary.timeout_seconds is below bake_seconds"),
        (["endpoint.service=Detector"], "endpoint.service is 'Detector'"),
        (["endpoint.instance=c5.large"], "endpoint.instance is 'c5.large'"),
        (["deploy=sagemaker-serverless", "deploy.max_body_mb=6"], "deploy.max_body_mb=6 is more than the 4 that"),
        (
            ["deploy=sagemaker-serverless", "aws.isolation=true"],
            "aws.isolation cannot go with endpoint.kind",
        ),
    ],
)
def test_settings_that_cannot_be(overrides: list[str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        compose(*overrides)
    assert sentence in str(caught.value)
