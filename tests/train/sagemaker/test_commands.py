"""attach, status and stop, as a user calls them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stages.common.cli import run
from stages.train.__main__ import parser
from tests.settings import compose
from tests.train.sagemaker.cloud import BUCKET, Cloud, Machine, Step, prepare
from tests.train.sagemaker.conftest import Client

NAME = "sim-to-cloud-yolo11n-0123456789abcdef-1"


@pytest.fixture
def params(cloud: Cloud, tmp_path: Path) -> Path:
    settings = compose("compute=sagemaker").model_dump(mode="json")
    settings["aws"] = cloud.aws.model_dump(mode="json")
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def call(params: Path, *arguments: str) -> int:
    args = parser().parse_args([*arguments, "--params", str(params)])
    return run(args.command, args)


def endless(cloud: Cloud, machine: Machine) -> Iterator[Step]:
    prepare(cloud, machine)
    while True:
        yield "InProgress", "Training"


def start(client: Client, key: str = "0123456789abcdef") -> None:
    """A job that runs, whose client has gone."""
    client.cloud.work = endless
    client.settings = {"patience_minutes": 0}

    def gone(_text: str) -> None:
        if len(client.cloud.machines) > before:
            raise KeyboardInterrupt

    before = len(client.cloud.machines)
    import stages.train.sagemaker.follow as follow

    original, follow.time = follow.time, type("T", (), {"sleep": staticmethod(lambda _: gone(""))})  # type: ignore[misc]
    try:
        with pytest.raises(KeyboardInterrupt):
            client.train()
    finally:
        follow.time = original


def test_ctrl_c_leaves_the_job_and_says_how_to_go_on(client: Client) -> None:
    start(client)
    assert client.said[-1].endswith(
        "goes on in AWS: follow it again with python -m stages.train attach, or end it with python -m stages.train stop"
    )
    (machine,) = client.cloud.machines.values()
    assert machine.job.training_job_status == "InProgress"


def test_status_and_stop(client: Client, params: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(params, "status") == 0
    assert capsys.readouterr().out == "status: no job of project sim-to-cloud in us-east-1 yet\n"
    assert call(params, "stop") == 6
    assert "no job of project sim-to-cloud runs" in capsys.readouterr().err
    start(client)
    (name,) = client.cloud.machines
    capsys.readouterr()
    assert call(params, "status") == 0
    assert capsys.readouterr().out.startswith(f"InProgress  {name}  20")
    assert call(params, "status", name) == 0
    shown = capsys.readouterr().out
    assert "status      InProgress, Training" in shown
    assert "machine     ml.g5.xlarge, spot" in shown
    assert call(params, "stop") == 0
    assert f"stop: job '{name}' is told to end" in capsys.readouterr().out
    assert call(params, "stop", name) == 0
    assert capsys.readouterr().out == f"stop: job '{name}' has ended already\n"
    assert call(params, "status", name) == 0
    assert "60% saved, about $0.09" in capsys.readouterr().out


def test_jobs_of_projects_with_names_alike_are_left_alone(
    client: Client, params: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The own one is the oldest, behind more of the neighbours than a page holds."""
    start(client)
    (own,) = client.cloud.machines
    sagemaker, order = client.cloud.admin("sagemaker"), client.cloud.machines[own].job
    rest = f"yolo11n-{'0' * 16}"
    others = [f"sim-to-cloud-b-{rest}-{number}" for number in range(1, 102)]
    for name in (*others, f"not-sim-to-cloud-{rest}-1", "sim-to-cloud-by-hand"):
        sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingInputMode": "File"},
            RoleArn=order.role_arn,
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/jobs"},
            ResourceConfig=order.resource_config,
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )
    capsys.readouterr()
    assert call(params, "status") == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == [own]
    assert call(params, "stop") == 0
    assert f"stop: job '{own}' is told to end" in capsys.readouterr().out
    assert call(params, "stop") == 6
    assert "no job of project sim-to-cloud runs" in capsys.readouterr().err


def test_names_that_are_none(params: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(params, "status", NAME) == 6
    assert f"there is no job '{NAME}' in us-east-1" in capsys.readouterr().err


def test_attach_needs_the_settings_of_a_job(params: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = yaml.safe_load(params.read_text())
    settings["compute"]["target"] = "local"
    params.write_text(yaml.safe_dump(settings))
    assert call(params, "attach") == 2
    assert "compose with compute=sagemaker" in capsys.readouterr().err
