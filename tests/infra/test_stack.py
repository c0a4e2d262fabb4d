"""up, diff, status and down, against moto; what moto does not know is put in its place, one answer each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from stages.common.errors import ServiceError, StageError
from stages.common.infra.commands import bucket_of, diff, down, registries, status, up
from stages.common.infra.stack import Change, Stack
from stages.common.settings import Settings
from tests.infra.conftest import ACCOUNT, TEMPLATE
from tests.settings import REPOSITORY

pytestmark = [
    pytest.mark.usefixtures("account"),
    pytest.mark.filterwarnings("ignore:Tried to parse"),  # moto knows not all kinds of resources
]


def cloudformation() -> Any:
    return boto3.client("cloudformation", region_name="us-east-1")


def stacks() -> dict[str, str]:
    return {item["StackName"]: item["StackStatus"] for item in cloudformation().describe_stacks()["Stacks"]}


def change_sets() -> list[str]:
    return [item["ChangeSetName"] for item in cloudformation().list_change_sets(StackName="detector")["Summaries"]]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy that may be changed."""
    path = tmp_path / "stack.yaml"
    path.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_up_makes_everything_and_says_what_to_set(settings: Settings) -> None:
    said = up(settings, TEMPLATE, pause=0)
    assert "changes made to stack 'detector'" in said
    assert f"  detector-{ACCOUNT}-us-east-1  (aws.bucket, storage.bucket)" in said
    assert "(the repository's variable AWS_CI_ROLE on GitHub)" in said
    assert stacks() == {"detector": "CREATE_COMPLETE"}
    roles = {item["RoleName"] for item in boto3.client("iam").list_roles()["Roles"]}
    assert roles == {f"detector-{name}" for name in ("execution", "host", "ci", "deploy", "monitor", "report")}
    (stack,) = cloudformation().describe_stacks()["Stacks"]
    assert stack["Tags"] == [{"Key": "project", "Value": "detector"}]


def test_a_second_up_changes_nothing_and_leaves_no_question_behind(settings: Settings) -> None:
    up(settings, TEMPLATE, pause=0)
    before = change_sets()
    assert up(settings, TEMPLATE, pause=0).startswith("infra: stack 'detector' is as it should be\n")
    assert change_sets() == before


def test_diff_of_nothing_leaves_nothing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(settings, TEMPLATE, pause=0).startswith("infra: up would make ")
    assert "add     Bucket AWS::S3::Bucket\n" in capsys.readouterr().out
    assert stacks() == {}


def test_diff_names_what_changed(settings: Settings, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    up(settings, template, pause=0)
    capsys.readouterr()
    template.write_text(template.read_text().replace("NoncurrentDays: !Ref KeepDays", "NoncurrentDays: 3"))
    assert diff(settings, template, pause=0) == "infra: up would make 1 changes to stack 'detector'"
    assert "modify  Bucket AWS::S3::Bucket" in capsys.readouterr().out
    assert stacks() == {"detector": "CREATE_COMPLETE"}
    up(settings, template, pause=0)
    assert stacks() == {"detector": "UPDATE_COMPLETE"}


def test_what_counts_as_a_loss() -> None:
    assert Change("Remove", "Bucket", "AWS::S3::Bucket").loses
    assert Change("Modify", "Registry", "AWS::ECR::Repository", "Conditional").loses
    assert not Change("Modify", "Bucket", "AWS::S3::Bucket", "False").loses
    assert not Change("Remove", "HostRole", "AWS::IAM::Role").loses


def test_up_refuses_to_lose_the_bucket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    up(settings, TEMPLATE, pause=0)
    lost = [Change("Modify", "Bucket", "AWS::S3::Bucket", "True", ("BucketName",))]
    monkeypatch.setattr(Stack, "_changes", lambda self, name: lost)
    done: list[str] = []
    monkeypatch.setattr(Stack, "execute", lambda self, asked: done.append(asked.name))
    with pytest.raises(ServiceError, match="stack 'detector' would lose Bucket: see diff, and allow it with up --repl"):
        up(settings, TEMPLATE, pause=0)
    assert not done
    up(settings, TEMPLATE, replace=True, pause=0)
    assert done


def test_a_failure_is_one_sentence_with_the_first_cause(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    up(settings, TEMPLATE, pause=0)
    stack = Stack(cloudformation(), "detector", pause=0)
    stopped = {"ResourceType": "AWS::IAM::Role", "ResourceStatus": "CREATE_FAILED"}
    events = [
        {"LogicalResourceId": "detector", "ResourceType": "AWS::CloudFormation::Stack", "ResourceStatus": "ROLLBACK"},
        {**stopped, "LogicalResourceId": "CiRole", "ResourceStatusReason": "Resource creation cancelled"},
        {**stopped, "LogicalResourceId": "HostRole", "ResourceStatusReason": "a role of\nthis name exists"},
        {
            "LogicalResourceId": "detector",
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatus": "UPDATE_IN_PROGRESS",
            "ResourceStatusReason": "User Initiated",
        },
        {**stopped, "LogicalResourceId": "Old", "ResourceStatusReason": "of the change before"},
    ]
    pages = type("Pages", (), {"paginate": lambda self, **_: [{"StackEvents": events}]})()
    monkeypatch.setattr(stack.cloudformation, "get_paginator", lambda name: pages)
    assert stack.failure() == "HostRole: a role of this name exists"
    monkeypatch.setattr(Stack, "failure", lambda self: "HostRole: no")
    monkeypatch.setattr(Stack, "wait", lambda self: "UPDATE_ROLLBACK_COMPLETE")
    monkeypatch.setattr(stack.cloudformation, "execute_change_set", lambda **_: None)
    with pytest.raises(ServiceError, match=r"ended as UPDATE_ROLLBACK_COMPLETE \(HostRole: no\): nothing was changed"):
        stack.execute(type("Asked", (), {"name": "x"})())


def test_a_stack_that_was_never_made_whole_is_made_anew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    up(settings, TEMPLATE, pause=0)
    boto3.client("s3").delete_bucket(Bucket=bucket_of(settings))  # moto takes nothing in
    for name in registries(settings):
        boto3.client("ecr", region_name="us-east-1").delete_repository(repositoryName=name)
    states = ["ROLLBACK_COMPLETE"]
    real = Stack.wait
    monkeypatch.setattr(Stack, "wait", lambda self: states.pop() if states else real(self))
    assert "changes made" in up(settings, TEMPLATE, pause=0)
    assert stacks() == {"detector": "CREATE_COMPLETE"}


def test_one_that_is_stuck_says_how_to_go_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    up(settings, TEMPLATE, pause=0)
    monkeypatch.setattr(Stack, "wait", lambda self: "UPDATE_ROLLBACK_FAILED")
    with pytest.raises(ServiceError, match="continue-update-rollback --stack-name detector"):
        up(settings, TEMPLATE, pause=0)


def test_another_change_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    states = ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"]
    monkeypatch.setattr(Stack, "state", lambda self: states.pop())
    assert Stack(cloudformation(), "detector", 0, said.append).wait() == "UPDATE_COMPLETE"
    assert said == ["stack 'detector': UPDATE_IN_PROGRESS"]


def test_status(settings: Settings) -> None:
    assert status(settings) == "infra: there is no stack 'detector' in us-east-1; up makes it"
    up(settings, TEMPLATE, pause=0)
    assert status(settings).startswith("infra: stack 'detector' is CREATE_COMPLETE\n")


def test_down_keeps_data_and_can_be_said_twice(settings: Settings) -> None:
    up(settings, TEMPLATE, pause=0)
    assert down(settings, pause=0) == (
        f"infra: stack 'detector' is gone; s3://detector-{ACCOUNT}-us-east-1, registry detector, registry "
        "detector-serve stay, and up takes them in again"
    )
    assert stacks() == {}
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert down(settings, pause=0).startswith("infra: there is no stack 'detector'")


def test_down_waits_for_nobody_who_uses_the_roles(settings: Settings) -> None:
    from moto.backends import get_backend

    up(settings, TEMPLATE, pause=0)
    sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    role = f"arn:aws:iam::{ACCOUNT}:role/detector-execution"
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer={"Image": "i"})
    variant = {"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    for name in ("detector-detector", "detectors-of-somebody-else", "another-detector-service"):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="c")
    for name in ("detector-detector-b0-0", "detectors-b0-0"):
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName="m",
            TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}}},
            TransformOutput={"S3OutputPath": "s3://b/out/"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
    backend = get_backend("sagemaker")[ACCOUNT]["us-east-1"]
    for job in backend.transform_jobs.values():
        job.transform_job_status = "InProgress"
    alive = "endpoint 'detector-detector', transform job 'detector-detector-b0-0' use the roles of stack 'detector'"
    with pytest.raises(ServiceError, match=f"^{alive}: end them with"):
        down(settings, pause=0)
    assert stacks() == {"detector": "CREATE_COMPLETE"}
    del backend.endpoints["detector-detector"]
    backend.transform_jobs["detector-detector-b0-0"].transform_job_status = "Completed"
    assert down(settings, pause=0).startswith("infra: stack 'detector' is gone")


def test_down_removes_data_only_when_asked(settings: Settings) -> None:
    s3, ecr = boto3.client("s3"), boto3.client("ecr", region_name="us-east-1")
    bucket = bucket_of(settings)
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="dvc/a", Body=body)
    s3.delete_object(Bucket=bucket, Key="dvc/a")
    ecr.create_repository(repositoryName="detector")
    assert down(settings, pause=0) == "infra: there is no stack 'detector'; data is removed with down --delete-data"
    assert down(settings, delete_data=True, pause=0).endswith(
        f"bucket '{bucket}' is gone with 3 versions of objects, registry 'detector' is gone, there was no registry "
        "'detector-serve'"
    )
    assert s3.list_buckets()["Buckets"] == []
    assert down(settings, delete_data=True, pause=0).endswith(
        f"there was no bucket '{bucket}', there was no registry 'detector', there was no registry 'detector-serve'"
    )


def test_a_missing_template_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="run in the top folder of your clone"):
        up(settings, tmp_path / "none.yaml", pause=0)


def test_a_template_that_is_too_long_is_refused_here(settings: Settings, template: Path) -> None:
    template.write_text("#" * 60_000)
    with pytest.raises(StageError, match="longer than 51200 bytes"):
        diff(settings, template, pause=0)


def test_credentials_that_may_not(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "AKIA... may not"}}, "DescribeStacks")

    def refuse(*_: Any, **__: Any) -> Any:
        raise refused

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)
    with pytest.raises(StageError, match=r"stack 'detector': AWS refuses DescribeStacks to these credentials"):
        status(settings)


def test_help_is_instant_and_names_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stages.common.infra", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(word in done.stdout for word in ("up", "diff", "status", "down", "infra/stack.yaml"))
