"""Least privilege, both ways: what the code calls is granted, and what is granted is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.actions import actions
from tests.infra.calls import SERVICES, Call, calls, clients, modules
from tests.infra.mlflow_actions import RECORDED as MLFLOW
from tests.infra.policies import PRINCIPALS, granted, statements
from tests.settings import REPOSITORY

CALLERS: dict[str, tuple[str, ...]] = {
    # a person who sets the account up, with credentials of their own
    "stages/common/infra": ("owner",),
    "stages/common/doctor": ("owner",),
    # a person who starts hosts, whose role they make themselves, or runs jobs and endpoints on their own machine
    "stages/sdg/cloud": ("owner",),
    "stages/common/buckets.py": ("owner",),
    "stages/train/emulator": ("owner",),
    "stages/deploy/emulator": ("owner",),
    "stages/common/image.py": ("ci",),
    "stages/common/storage.py": ("ci", "host", "report"),
    "stages/push": ("ci", "host"),
    # the workflow deploy looks whether the remote is whole and pulls frames for the smoke test
    "stages/push/verify.py": ("ci", "host", "deploy", "report"),
    "stages/sdg/assets/imports": ("ci", "host"),
    "stages/common/aws/account.py": ("ci",),
    "stages/common/aws/preflight.py": ("ci",),
    "stages/common/aws/endpoint_preflight.py": ("owner",),
    "stages/common/aws/objects.py": ("ci", "host"),
    "stages/train/sagemaker": ("ci",),
    "stages/deploy/endpoint": ("deploy",),
    "stages/deploy/drift": ("monitor",),
    "container": ("execution",),
}
"""With whose credentials the calls of a module or a folder are made; one that is in none of them fails the test."""

BEHIND: dict[str, set[Call]] = {
    # what DVC's remote does through s3fs, recorded by tests/push/test_calls.py
    "stages/push": {
        ("s3", operation)
        for operation in (
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CreateMultipartUpload",
            "GetObject",
            "HeadObject",
            "ListObjectsV2",
            "PutObject",
            "UploadPart",
        )
    },
    # what DVC's pull does besides, recorded there too
    "stages/push/verify.py": {("s3", operation) for operation in ("GetObject", "HeadObject", "ListObjectsV2")},
    # of the endpoint's room, whose other calls are not drift's
    "stages/deploy/drift": {
        ("s3", "GetObject"),
        *(("sagemaker", name) for name in ("DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel")),
    },
}
"""Calls that libraries and other rooms make in a room's name."""

FORGONE: set[Call] = {("s3", "CreateBucket")}
"""Calls that are made only where ``infra`` is not used: its bucket is there already."""

ECR_PUSH = {
    f"ecr:{name}"
    for name in (
        "BatchCheckLayerAvailability",
        "CompleteLayerUpload",
        "InitiateLayerUpload",
        "PutImage",
        "UploadLayerPart",
    )
}
ECR_PULL = {f"ecr:{name}" for name in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")}
KEY = {"kms:Decrypt", "kms:GenerateDataKey"}
PLATFORM: dict[str, set[str]] = {
    # "How to use SageMaker AI execution roles": the service reads channels, writes outputs, pulls, logs and measures
    # with the role; kms:CreateGrant is for volumes, the interfaces for a VPC, DescribeAlarms for rollback
    "execution": {
        *("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        *("cloudwatch:PutMetricData", "cloudwatch:DescribeAlarms"),
        *("ecr:GetAuthorizationToken", *ECR_PULL),
        *("kms:CreateGrant", "kms:DescribeKey", *KEY),
        *(f"ec2:{do}NetworkInterface{rest}" for do in ("Create", "Delete") for rest in ("", "Permission")),
        *(f"ec2:Describe{what}" for what in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")),
        *MLFLOW["execution"],
    },
    # Systems Manager's agent: "ec2messages, ssmmessages, and other API operations"; docker pull
    "host": {
        *(f"ec2messages:{name}Message" for name in ("Acknowledge", "Delete", "Fail")),
        *("ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply"),
        *(f"ssmmessages:{do}{what}Channel" for do in ("Create", "Open") for what in ("Control", "Data")),
        *("ssm:UpdateInstanceInformation", "ecr:GetAuthorizationToken", *ECR_PULL, *KEY),
    },
    # docker pull and push; the registry signs in the name of whoever pushes
    "ci": {*ECR_PULL, *ECR_PUSH, "signer:SignPayload", *KEY, *MLFLOW["ci"]},
    # the champion, which deploy reads
    "deploy": KEY | MLFLOW["deploy"],
    "monitor": {"kms:Decrypt"},
    "report": {"kms:Decrypt"},
    "mlflow": {"s3:ListBucket", "s3:GetObject", "s3:PutObject", *KEY},
}
"""Actions that AWS's services and agents, docker and MLflow's client use with a principal's credentials."""

ANYWHERE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "ce:GetCostAndUsage",
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:ListDashboards",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListModels",
    "sagemaker:ListTrainingJobs",
    "sagemaker:ListTransformJobs",
    "servicequotas:ListServiceQuotas",
    "ssm:UpdateInstanceInformation",
    "tag:GetResources",
}
"""Actions that AWS cannot limit to a resource (Service Authorization Reference, column "Resource types")."""


def callers(module: Path) -> tuple[str, ...]:
    """Who runs a module; the longest entry of :data:`CALLERS` wins."""
    fitting = [place for place in CALLERS if f"{module.as_posix()}/".startswith((f"{place}/", f"{place}."))]
    return CALLERS[max(fitting, key=len)] if fitting else ()


def called(principal: str) -> set[Call]:
    """Every call that a principal's code makes."""
    found: set[Call] = set()
    for module in modules():
        if principal in callers(module):
            found |= calls(module)
    for place, more in BEHIND.items():
        if principal in callers(Path(place)):
            found |= more
    return found - FORGONE


@pytest.mark.parametrize("module", [module for module in modules() if calls(module)], ids=str)
def test_somebody_runs_every_module_that_asks_aws(module: Path) -> None:
    assert callers(module), f"{module} calls {calls(module)}: say in CALLERS with whose credentials"


def test_every_client_is_of_a_service_that_the_scan_knows() -> None:
    strange = {module: unknown for module in modules() if (unknown := clients(module) - set(SERVICES))}
    assert strange == {}


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_what_is_called_is_granted(principal: str) -> None:
    needed = {action for call in called(principal) for action in actions(call)}
    assert needed - granted(principal) == set()


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_what_is_granted_is_called(principal: str) -> None:
    absent = [place for place, who in CALLERS.items() if principal in who and not (REPOSITORY / place).exists()]
    assert absent == [], f"what {principal} calls is not known whole"
    needed = {action for call in called(principal) for action in actions(call)}
    assert granted(principal) - needed - PLATFORM[principal] == set()


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_nothing_has_a_wildcard_in_its_name(principal: str) -> None:
    assert [action for action in granted(principal) if "*" in action] == []


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_every_resource_is_named_where_it_can_be(principal: str) -> None:
    for statement in statements(principal):
        if statement["Resource"] != "*":
            continue
        wanted = statement["Action"]
        loose = {wanted} if isinstance(wanted, str) else set(wanted)
        loose -= {action for action in loose if action.startswith(("ec2:", "ec2messages:", "ssmmessages:"))}
        assert loose - ANYWHERE == set(), statement["Sid"]


def test_only_the_execution_role_is_passed_and_only_to_sagemaker() -> None:
    for principal in PRINCIPALS:
        for statement in statements(principal):
            if "iam:PassRole" in statement["Action"]:
                assert statement["Action"] == "iam:PassRole"
                assert statement["Resource"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
                assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_the_code_of_a_pull_request_only_reads_data() -> None:
    """Whoever opens one runs code of their own with this role."""
    assert granted("report") == {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"}
    seen = {statement["Sid"]: statement for statement in statements("report")}
    assert seen["Read"]["Resource"] == {"Fn::Sub": "${Bucket.Arn}/${DataPrefix}/*"}
