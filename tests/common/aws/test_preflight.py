"""``python -m stages.common.doctor aws``: each line that is not well says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.common.aws.account import Identity
from stages.common.aws.endpoint_preflight import DEPLOYING_NEEDS, SCALING_NEEDS, SERVING_NEEDS, EndpointPreflight
from stages.common.aws.preflight import Finding, Preflight
from stages.common.cli import run
from stages.common.doctor import parser
from stages.common.settings.jobs import TrainingJobs
from stages.common.settings.platform import Storage
from tests.infra.policies import granted
from tests.settings import compose
from tests.train.sagemaker.cloud import KEY, MANIFEST, SECRET, Cloud, reset, running_cloud

GOOD = {"ml.g5.xlarge for spot training job usage": 1.0, "ml.g4dn.xlarge for spot training job usage": 0.0}


@pytest.fixture(scope="module")
def account() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(account: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    for name, value in (
        ("AWS_CONFIG_FILE", str(tmp_path / "config")),
        ("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials")),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ):
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    reset(account)
    account.quotas |= GOOD
    return account


def look(cloud: Cloud, *, jobs: dict[str, Any] | None = None, **aws: Any) -> dict[str, list[Finding]]:
    settings = cloud.aws.model_copy(update=aws)
    found: dict[str, list[Finding]] = {}
    for finding in Preflight(settings, Storage(name="local", kind="local"), TrainingJobs(**(jobs or {}))):
        found.setdefault(finding.about, []).append(finding)
    return found


def bad(found: dict[str, list[Finding]]) -> list[tuple[str, str]]:
    return [(item.verdict, item.about) for items in found.values() for item in items if item.verdict != "ok"]


def test_a_good_account_is_well(cloud: Cloud) -> None:
    found = look(cloud)
    assert bad(found) == [("warn", "quotas")]  # of the second kind of machine
    assert list(found) == [
        *("versions", "identity", "region", "network", "bucket", "role", "permissions", "image", "quotas", "key")
    ]
    assert cloud.image in found["image"][0].text


@pytest.mark.parametrize(
    ("about", "aws", "jobs", "words"),
    [
        ("region", {"region": "moon-east-1"}, {}, "SageMaker is not known in aws.region=moon-east-1: choose one"),
        ("network", {"subnets": ["subnet-1"]}, {}, "go together: give both, or neither"),
        ("bucket", {"bucket": "nowhere"}, {}, "bucket 'nowhere' does not exist"),
        ("bucket", {"bucket": ""}, {}, "aws.bucket is empty"),
        ("role", {"role": "arn:aws:iam::123456789012:role/nobody"}, {}, "role 'nobody' does not exist: make it with"),
        ("image", {"project": "other"}, {}, "image 'other' is not in the registry of us-east-1: build and push it"),
        ("quotas", {}, {"instances": ["ml.g4dn.xlarge"]}, "usage: 0; ask for 1 or more under Service Quotas"),
        ("key", {"kms_key": "1234abcd-12ab-34cd-56ef-1234567890ab"}, {}, "AWS answers DescribeKey with NotFound"),
    ],
)
def test_what_is_not_well_says_what_to_do(
    cloud: Cloud, about: str, aws: dict[str, Any], jobs: dict[str, Any], words: str
) -> None:
    failed = [item for item in look(cloud, jobs=jobs, **aws)[about] if item.verdict == "fail"]
    assert words in failed[0].text
    assert ": " in failed[0].text or "; " in failed[0].text


def test_versions_that_are_lacking(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"boto3": "1.40.2"}

    def version(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr("stages.common.aws.preflight.version", version)
    boto, sdk = look(cloud, jobs={"engine": "sdk"})["versions"]
    assert boto.text == "boto3 1.40.2 is older than 1.43: run make setup"
    assert sdk.text == "sagemaker is not installed: run pip install 'sim-to-cloud[aws]'"


def test_a_role_that_sagemaker_may_not_take_on(cloud: Cloud) -> None:
    trust = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "*"}]}'
    cloud.admin("iam").create_role(RoleName="host", AssumeRolePolicyDocument=trust)
    found = look(cloud, role="arn:aws:iam::123456789012:role/host")
    assert "does not trust sagemaker.amazonaws.com: add it as a principal" in found["role"][0].text


def test_permissions_that_are_lacking_are_named(cloud: Cloud) -> None:
    cloud.forbidden |= {"iam:PassRole", "s3:PutObject"}
    job, client = look(cloud)["permissions"]
    assert "the execution role (arn:aws:iam::123456789012:role/sim-to-cloud-execution) may not s3:PutObject" in job.text
    assert "may not iam:PassRole, s3:PutObject: add it to the policy" in client.text


def test_nobody_logged_in_is_the_first_thing_to_mend(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    found = look(cloud)
    assert "no AWS credentials are there: set AWS_PROFILE" in found["identity"][0].text
    assert found["role"][0].text.endswith("mend the line 'identity' first")


def test_an_account_that_does_not_answer(cloud: Cloud) -> None:
    found = look(cloud, endpoint="http://127.0.0.1:9")
    assert "AWS does not answer: check the network" in found["identity"][0].text


def test_the_command(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = compose("compute=sagemaker").model_dump(mode="json")
    settings["aws"] = cloud.aws.model_dump(mode="json")
    params = tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump(settings))
    args = parser().parse_args(["aws", "--params", str(params)])
    assert run(args.command, args) == 0
    shown = capsys.readouterr()
    assert "ok    identity     arn:aws:" in shown.out
    assert shown.out.endswith("doctor: a training job can run, 12 checks were made\n")
    cloud.quotas.update(dict.fromkeys(GOOD, 0.0))
    assert run(args.command, args) == 7
    failed = capsys.readouterr()
    assert "2 of 12 checks failed: mend them from the top" in failed.err
    assert SECRET not in shown.out + failed.out + failed.err


# endpoints ------------------------------------------------------------------------------------------------------------


def look_at_endpoint(cloud: Cloud, *overrides: str, training: bool = False) -> dict[str, list[Finding]]:
    settings = compose("deploy=sagemaker", *overrides)
    settings = settings.model_copy(update={"aws": cloud.aws.model_copy(update={"image": settings.aws.image})})
    found: dict[str, list[Finding]] = {}
    for finding in EndpointPreflight(settings, training=training):
        found.setdefault(finding.about, []).append(finding)
    return found


@pytest.fixture
def serving(cloud: Cloud) -> Cloud:
    """An account with an image for endpoints, and machines enough."""
    ecr = cloud.admin("ecr")
    ecr.create_repository(repositoryName="sim-to-cloud-serve")
    ecr.put_image(repositoryName="sim-to-cloud-serve", imageManifest=json.dumps(MANIFEST), imageTag="latest")
    cloud.quotas["ml.c5.xlarge for endpoint usage"] = 8.0
    return cloud


def test_an_account_that_can_serve_is_well(serving: Cloud) -> None:
    found = look_at_endpoint(serving)
    assert bad(found) == []
    assert "/sim-to-cloud-serve@sha256:" in found["image"][0].text
    assert [item.text.split(" may")[0] for item in found["permissions"]] == ["the execution role", "you"]
    both = look_at_endpoint(serving, training=True)
    assert [len(both[about]) for about in ("permissions", "image")] == [4, 2]


@pytest.mark.parametrize(
    ("instances", "verdict", "words"),
    [
        (0.0, "fail", "an update of 2 instances runs 4 for a while: ask for 8 or more"),
        (3.0, "fail", "an update of 2 instances runs 4 for a while"),
        (4.0, "warn", "too few for an update while all 4 instances run: ask for 8 or more"),
        (8.0, "ok", "ml.c5.xlarge for endpoint usage: 8"),
        (None, "warn", "is not in the list"),
    ],
)
def test_an_update_needs_twice_the_machines(serving: Cloud, instances: float | None, verdict: str, words: str) -> None:
    serving.quotas.pop("ml.c5.xlarge for endpoint usage")
    if instances is not None:
        serving.quotas["ml.c5.xlarge for endpoint usage"] = instances
    (finding,) = look_at_endpoint(serving)["quotas"]
    assert finding.verdict == verdict
    assert words in finding.text


def test_serverless_needs_no_machines_and_no_autoscaling(serving: Cloud) -> None:
    serving.quotas.clear()
    serving.forbidden |= {"application-autoscaling:RegisterScalableTarget"}
    assert bad(look_at_endpoint(serving, "deploy=sagemaker-serverless")) == []
    assert bad(look_at_endpoint(serving)) == [("fail", "permissions"), ("warn", "quotas")]


def test_no_image_to_serve_is_told(cloud: Cloud) -> None:
    (finding,) = look_at_endpoint(cloud)["image"]
    assert (finding.verdict, "image 'sim-to-cloud-serve' is not in the registry") == (
        "fail",
        finding.text.partition(" of us-east-1")[0],
    )
    (finding,) = look_at_endpoint(cloud, f"aws.image={cloud.image}")["image"]
    assert finding.text == f"{cloud.image}, for the endpoint"


def test_everything_that_is_asked_is_asked_about_something(serving: Cloud) -> None:
    """An action without a resource would be asked about nothing, and seem granted."""
    preflight = EndpointPreflight(compose("deploy=sagemaker", "aws.bucket=frames"), training=False)
    resources = preflight._resources(Identity("1" * 12, "arn:aws:iam::1:user/a"), "role")
    beginnings = tuple(one for asked in resources.values() for one in asked)
    needs = {*SERVING_NEEDS, *DEPLOYING_NEEDS, *SCALING_NEEDS}
    assert [action for action in sorted(needs) if not action.startswith(beginnings)] == []
    assert needs - {action for who in ("execution", "deploy") for action in granted(who)} == set()
