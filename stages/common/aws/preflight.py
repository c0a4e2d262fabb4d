"""Whether a training job can run in the account, asked without making anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from stages.common.aws.account import Identity, find_image, identity, role_of
from stages.common.aws.objects import place_of
from stages.common.aws.session import DENIED, client, code_of, explain, told
from stages.common.errors import ServiceError, StageError
from stages.common.settings.aws import Aws
from stages.common.settings.jobs import TrainingJobs
from stages.common.settings.platform import Storage
from stages.common.storage import Place
from stages.common.storage import explain as explain_storage

LEAST = {"boto3": (1, 43), "sagemaker": (3, 27)}
"""Versions that the requests are made for."""

LARGEST_IMAGE = 10 * 2**30
"""Bytes of an image above which a job waits long for its start."""

JOB_NEEDS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
)
"""What a job does with the execution role (SageMaker developer guide, "CreateTrainingJob API: Execution Role
Permissions")."""

CLIENT_NEEDS = (
    "ecr:DescribeImages",
    "iam:PassRole",
    "logs:DescribeLogStreams",
    "logs:GetLogEvents",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sagemaker:AddTags",
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:ListTrainingJobs",
    "sagemaker:StopTrainingJob",
)
"""What we do ourselves."""

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of a check-up.

    Attributes:
        verdict: ``warn`` hinders no job.
        about: what was looked at, in a word.
        text: what was found; when it is not well, with what to do.
    """

    verdict: Verdict
    about: str
    text: str

    def __str__(self) -> str:
        """A line."""
        return f"{self.verdict:<5} {self.about:<12} {self.text}"


class Preflight:
    """Checks, each of which stands alone as far as it can.

    Args:
        aws, storage, jobs: settings.
    """

    def __init__(self, aws: Aws, storage: Storage, jobs: TrainingJobs) -> None:
        self.aws, self.storage, self.jobs = aws, storage, jobs
        self._who: Identity | None = None

    def checks(self) -> Sequence[tuple[str, Callable[[], Iterator[Finding]]]]:
        """What is looked at, in a word, and how, in the order in which it is best mended."""
        return (
            ("versions", self._versions),
            ("identity", self._identity),
            ("region", self._region),
            ("network", self._network),
            ("bucket", self._bucket),
            ("role", self._role),
            ("permissions", self._permissions),
            ("image", self._image),
            ("quotas", self._quotas),
            ("key", self._key),
        )

    def __iter__(self) -> Iterator[Finding]:
        """All findings."""
        for about, check in self.checks():
            if self._who is None and about not in ("versions", "identity", "region", "network"):
                yield Finding("fail", about, "not looked at, since nobody is logged in: mend the line 'identity' first")
                continue
            try:
                yield from check()
            except StageError as error:
                yield Finding("fail", about, " ".join(str(error).split()))

    def _versions(self) -> Iterator[Finding]:
        names = ("boto3", "sagemaker") if self.jobs.engine == "sdk" else ("boto3",)
        for name in names:
            least = ".".join(map(str, LEAST[name]))
            mend = "pip install 'sim-to-cloud[aws]'" if name == "sagemaker" else "make setup"
            try:
                found = version(name)
            except PackageNotFoundError:
                yield Finding("fail", "versions", f"{name} is not installed: run {mend}")
                continue
            new = tuple(int(part) for part in found.split(".")[:2]) >= LEAST[name]
            text = f"{name} {found}"
            yield (
                Finding("ok", "versions", text)
                if new
                else Finding("fail", "versions", f"{text} is older than {least}: run {mend}")
            )

    def _identity(self) -> Iterator[Finding]:
        self._who = identity(self._client("sts"))
        yield Finding("ok", "identity", self._who.arn)

    def _region(self) -> Iterator[Finding]:
        import boto3

        session = boto3.Session()
        known = {
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions("sagemaker", partition)
        }
        if self.aws.region in known:
            yield Finding("ok", "region", self.aws.region)
        else:
            yield Finding(
                "fail",
                "region",
                f"SageMaker is not known in aws.region={self.aws.region}: choose one such as eu-central-1, or update "
                "boto3",
            )

    def _network(self) -> Iterator[Finding]:
        if bool(self.aws.subnets) != bool(self.aws.security_groups):
            yield Finding("fail", "network", "aws.subnets and aws.security_groups go together: give both, or neither")
        else:
            vpc = "in your network" if self.aws.subnets else "in SageMaker's own network"
            yield Finding("ok", "network", f"{vpc}, {'isolated' if self.aws.isolation else 'not isolated'}")

    def _bucket(self) -> Iterator[Finding]:
        from botocore.exceptions import BotoCoreError, ClientError

        place = place_of(self.aws, self.storage)
        aws = self.aws.model_copy(update={"endpoint": place.endpoint, "region": place.region})
        try:
            answer = client(aws, "s3", attempts=2).head_bucket(Bucket=place.bucket)
        except (ClientError, BotoCoreError) as error:
            raise explain_storage(error, place) from error
        region = str(answer.get("BucketRegion") or place.region)
        if region != self.aws.region:
            yield Finding(
                "fail",
                "bucket",
                f"bucket '{place.bucket}' is in {region} and jobs run in {self.aws.region}: set aws.region, or name "
                "another bucket",
            )
        else:
            yield Finding("ok", "bucket", f"{place.uri} in {region}")

    def _role(self) -> Iterator[Finding]:
        from botocore.exceptions import ClientError

        arn = self._role_arn()
        name = arn.rpartition("/")[2]
        try:
            with told(f"role '{name}'"):
                try:
                    role = self._client("iam").get_role(RoleName=name)["Role"]
                except ClientError as error:
                    if code_of(error) != "NoSuchEntity":
                        raise
                    raise ServiceError(
                        f"role '{name}' does not exist: make it with python -m stages.common.infra up, or name one in "
                        "aws.role"
                    ) from None
        except StageError as error:
            if code_of(error.__cause__ or error) not in DENIED:
                raise
            yield Finding("warn", "role", f"{arn} may not be looked at with these credentials: ask who made it")
            return
        if "sagemaker.amazonaws.com" in _trusted(role["AssumeRolePolicyDocument"]):
            yield Finding("ok", "role", f"{arn}, taken on by SageMaker")
        else:
            yield Finding(
                "fail",
                "role",
                f"{arn} does not trust sagemaker.amazonaws.com: add it as a principal of sts:AssumeRole in its trust "
                "policy",
            )

    def _permissions(self) -> Iterator[Finding]:
        assert self._who is not None
        role, place = self._role_arn(), place_of(self.aws, self.storage)
        for whom, principal, needs, written in (
            ("the execution role", role, JOB_NEEDS, "checkpoints"),
            ("you", principal_of(self._who), CLIENT_NEEDS, "channels"),
        ):
            yield self._simulated(
                whom, principal, needs, _resources(self.aws, place, self._who, role, written), "a job takes"
            )

    def _simulated(
        self, whom: str, principal: str, actions: Sequence[str], resources: Mapping[str, tuple[str, ...]], taken: str
    ) -> Finding:
        """Ask IAM what a principal may do with resources, each with the beginnings of the actions about it."""
        from botocore.exceptions import BotoCoreError, ClientError

        iam = self._client("iam")
        denied: list[str] = []
        try:
            for resource, asked in resources.items():
                names = [action for action in actions if action.startswith(asked)]
                if names:
                    answer = iam.simulate_principal_policy(
                        PolicySourceArn=principal, ActionNames=names, ResourceArns=[resource]
                    )
                    results = answer["EvaluationResults"]
                    denied += [item["EvalActionName"] for item in results if item["EvalDecision"] != "allowed"]
        except (ClientError, BotoCoreError) as error:
            return Finding("warn", "permissions", f"of {whom} are not known, IAM does not say: {explain(error, whom)}")
        if denied:
            named = ", ".join(sorted(set(denied)))
            return Finding(
                "fail",
                "permissions",
                f"{whom} ({principal}) may not {named}: add it to the policy, or run python -m stages.common.infra up",
            )
        return Finding("ok", "permissions", f"{whom} may do all {len(actions)} actions that {taken}")

    def _image(self) -> Iterator[Finding]:
        assert self._who is not None
        image = find_image(self.aws, self._client("ecr"), self._who)
        size = f"{image.bytes / 2**30:.1f} GiB" if image.bytes else "size not known"
        yield Finding("ok", "image", f"{image.uri} ({size}, pushed {image.pushed[:10] or 'at some time'})")
        if image.bytes > LARGEST_IMAGE:
            yield Finding(
                "warn", "image", f"{size} takes minutes to load for each job: leave out what it does not need"
            )
        if ".ecr." in image.uri and f".ecr.{self.aws.region}." not in image.uri:
            yield Finding(
                "fail", "image", f"it is not in {self.aws.region}, where jobs run: push it to a registry there"
            )

    def _quotas(self) -> Iterator[Finding]:
        usage = "spot training job usage" if self.jobs.spot else "training job usage"
        wanted = {f"{kind} for {usage}": kind for kind in self.jobs.instances}
        with told("the quotas"):
            found = self.quotas_of(wanted)
        some = any(found.get(name, 0) >= 1 for name in wanted)
        for name in wanted:
            if name not in found:
                yield Finding(
                    "warn", "quotas", f"'{name}' is not in the list: look under Service Quotas, Amazon SageMaker"
                )
            elif found[name] >= 1:
                yield Finding("ok", "quotas", f"{name}: {found[name]:g}")
            else:
                yield Finding(
                    "warn" if some else "fail",
                    "quotas",
                    f"{name}: 0; ask for 1 or more under Service Quotas, Amazon SageMaker, or leave it out of "
                    "compute.sagemaker.instances",
                )

    def quotas_of(self, names: Container[str]) -> dict[str, float]:
        """Those of SageMaker's quotas that are listed, by their names."""
        pages = self._client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        quotas = (item for page in pages for item in page["Quotas"])
        return {item["QuotaName"]: float(item["Value"]) for item in quotas if item["QuotaName"] in names}

    def _key(self) -> Iterator[Finding]:
        if not self.aws.kms_key:
            yield Finding("ok", "key", "none of your own; the bucket's own encryption holds")
            return
        with told(f"key '{self.aws.kms_key}'"):
            about = self._client("kms").describe_key(KeyId=self.aws.kms_key)["KeyMetadata"]
        if about.get("Enabled"):
            yield Finding("ok", "key", str(about["Arn"]))
        else:
            yield Finding(
                "fail", "key", f"{about['Arn']} is {about.get('KeyState', 'disabled')}: enable it, or use another"
            )

    def _role_arn(self) -> str:
        assert self._who is not None
        return role_of(self.aws, self._who)

    def _client(self, service: str) -> Any:
        return client(self.aws, service, attempts=2)


def _trusted(policy: Mapping[str, Any] | str) -> set[str]:
    """Services that may take a role on."""
    content = json.loads(policy) if isinstance(policy, str) else policy
    found: set[str] = set()
    for statement in content.get("Statement", ()):
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect", "Allow") == "Allow":
            found |= {services} if isinstance(services, str) else set(services)
    return found


def principal_of(who: Identity) -> str:
    """What IAM calls whoever asks: of a role's session the role, which has no path then."""
    if ":assumed-role/" not in who.arn:
        return who.arn
    return f"arn:{who.partition}:iam::{who.account}:role/{who.arn.split('/')[1]}"


def _resources(aws: Aws, place: Place, who: Identity | None, role: str, written: str) -> dict[str, tuple[str, ...]]:
    """Resources, each with the beginnings of the actions that are asked about it; ``written`` is a folder."""
    assert who is not None
    here = f"{aws.region}:{who.account}"
    top = f"arn:{who.partition}"
    return {
        f"{top}:s3:::{place.bucket}": ("s3:ListBucket",),
        f"{top}:s3:::{place.bucket}/{place.prefix}/channels/x": ("s3:GetObject",),
        f"{top}:s3:::{place.bucket}/{place.prefix}/{written}/x": ("s3:PutObject",),
        f"{top}:ecr:{here}:repository/{aws.project}": ("ecr:",),
        f"{top}:logs:{here}:log-group:/aws/sagemaker/TrainingJobs:log-stream:{aws.project}-x": ("logs:",),
        f"{top}:sagemaker:{here}:training-job/{aws.project}-x": (
            "sagemaker:AddTags",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:StopTrainingJob",
        ),
        "*": ("sagemaker:ListTrainingJobs",),
        role: ("iam:PassRole",),
    }
