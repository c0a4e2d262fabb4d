"""The request by boto3 and by the SageMaker SDK: the same."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from scripts.set_up import SDK_ENVIRONMENT
from stages.common.errors import MissingDependencyError, SettingsError
from stages.common.settings.aws import Aws
from stages.common.settings.jobs import TrainingJobs
from stages.train.contract import metric_definitions
from stages.train.sagemaker.engines import make_request
from stages.train.sagemaker.request import Order, build_request, job_base
from tests.settings import REPOSITORY
from tests.train.sagemaker.recorder import invalid

SDK_PYTHON = REPOSITORY / SDK_ENVIRONMENT / "bin" / "python"

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
NETWORK = {"subnets": ["subnet-1", "subnet-2"], "security_groups": ["sg-1"]}

CASES = [
    ("spot", {}, {}),
    ("on demand, one kind", {}, {"spot": False, "instances": ["ml.m5.xlarge"]}),
    ("on demand, several kinds", {}, {"spot": False}),
    ("key, own disk", {"kms_key": KEY}, {"instances": ["ml.g5.xlarge"]}),
    ("key, volume", {"kms_key": KEY}, {"instances": ["ml.m5.xlarge"], "volume_gb": 12}),
    ("network, isolated", NETWORK | {"isolation": True}, {"input_mode": "FastFile"}),
]
IDS = [case[0] for case in CASES]


def settings(aws: dict[str, Any], jobs: dict[str, Any]) -> tuple[Aws, TrainingJobs]:
    return Aws(name="test", **aws), TrainingJobs(**jobs)


def order(jobs: TrainingJobs) -> Order:
    return Order(
        name="sim-to-cloud-yolo11n-0123456789abcdef-1",
        image=f"123456789012.dkr.ecr.us-east-1.amazonaws.com/sim-to-cloud@sha256:{'a' * 64}",
        role="arn:aws:iam::123456789012:role/sim-to-cloud-execution",
        channels={
            "training": "s3://frames/sim-to-cloud/channels/ab/",
            "weights": "s3://frames/sim-to-cloud/weights/cd/",
        },
        checkpoints="s3://frames/sim-to-cloud/checkpoints/k/",
        output="s3://frames/sim-to-cloud/jobs",
        hyperparameters={"train.epochs": "3", "train.augment": '{"mosaic": 0.5}', "model.architecture": "yolo11n"},
        instances=jobs.instances[:1] if jobs.spot else jobs.instances,
        environment={"MLFLOW_RUN_ID": "0123"} if jobs.spot else {},
        metrics=metric_definitions(),
        tags=[{"Key": "project", "Value": "sim-to-cloud"}],
    )


@pytest.mark.parametrize(("aws", "jobs"), [case[1:] for case in CASES], ids=IDS)
def test_the_request_is_valid_for_botocore(aws: dict[str, Any], jobs: dict[str, Any]) -> None:
    account, ours = settings(aws, jobs)
    assert invalid("sagemaker", "CreateTrainingJob", build_request(order(ours), account, ours)) == []


def test_a_key_for_the_volume_only_where_there_is_one() -> None:
    for kind, expected in (
        ("ml.m5.xlarge", True),
        ("ml.g5.xlarge", False),
        ("ml.m5d.xlarge", False),
        ("ml.p5.48xlarge", False),
    ):
        account, jobs = settings({"kms_key": KEY}, {"instances": [kind]})
        resources = build_request(order(jobs), account, jobs)["ResourceConfig"]
        assert ("VolumeKmsKeyId" in resources) is expected, kind


def test_half_a_network_is_refused() -> None:
    account, jobs = settings({"subnets": ["subnet-1"]}, {})
    with pytest.raises(SettingsError, match=r"aws\.subnets and aws\.security_groups go together: give both"):
        make_request(order(jobs), account, jobs)


def test_names_follow_from_what_is_trained_and_fit() -> None:
    base = job_base("a" * 24, "yolo11s", "0123456789abcdef", "image@sha256:1")
    assert base == job_base("a" * 24, "yolo11s", "0123456789abcdef", "image@sha256:1")
    assert base != job_base("a" * 24, "yolo11s", "0123456789abcdef", "image@sha256:2")
    assert base != job_base("a" * 24, "yolo11s", "fedcba9876543210", "image@sha256:1")
    assert len(f"{base}-9999") <= 63
    assert job_base("a-", "yolo11s", "k", "i").startswith("a-yolo11s-")


def test_the_checker_finds_mistakes() -> None:
    account, jobs = settings({}, {})
    request = build_request(order(jobs), account, jobs)
    request["ResourceConfig"]["InstanceType"] = "ml.g5.huge"
    request["RoleArn"] = "sim-to-cloud-execution"
    request["Spot"] = True
    found = " ".join(invalid("sagemaker", "CreateTrainingJob", request))
    for words in ("Spot is unknown", "ml.g5.huge, none of the enumeration", "RoleArn is sim-to-cloud-execution, not"):
        assert words in found


def sdk_requests(python: str) -> list[dict[str, Any]]:
    """All cases as the SDK of another environment makes them."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "ignore",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    orders = []
    for _, aws, jobs in CASES:
        account, ours = settings(aws, jobs)
        orders.append((asdict(order(ours)), account.model_dump(), jobs))
    done = subprocess.run(
        [python, str(Path(__file__).with_name("sdk_requests.py"))],
        input=json.dumps(orders),
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_sdk_makes_the_same_request() -> None:
    """With the SDK of this environment or of the one that ``make test`` makes in ``build/sagemaker``."""
    python = str(SDK_PYTHON) if SDK_PYTHON.exists() else ""
    if not python and importlib.util.find_spec("sagemaker") is not None:
        python = sys.executable
    if not python:
        assert not os.environ.get("CI"), "no environment has the sagemaker package: see why `make test` could not"
        text = "SKIPPED: the sagemaker package is not installed, so its request is not compared: run `make test`"
        warnings.warn(text, stacklevel=1)
        pytest.skip(text)
    for (name, aws, jobs), theirs in zip(CASES, sdk_requests(python), strict=True):
        account, ours = settings(aws, jobs)
        assert theirs == build_request(order(ours), account, ours), name


def test_without_the_sdk_the_other_engine_is_named() -> None:
    if importlib.util.find_spec("sagemaker") is not None:
        pytest.skip("the sagemaker package is installed")
    account, jobs = settings({}, {"engine": "sdk"})
    with pytest.raises(MissingDependencyError, match="needs the sagemaker package: pip install"):
        make_request(order(jobs), account, jobs)
