"""Whether an endpoint can be made in the account and changed there, asked without making anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from stages.common.aws.account import Identity, find_image
from stages.common.aws.objects import place_of
from stages.common.aws.preflight import Finding, Preflight, principal_of
from stages.common.aws.session import told
from stages.common.errors import StageError
from stages.common.settings import Settings
from stages.common.storage import Place

SERVING_NEEDS = (
    "cloudwatch:DescribeAlarms",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:GetObject",
    "s3:PutObject",
)
"""What an endpoint does with the execution role (SageMaker developer guide, "CreateModel API: Execution Role
Permissions"); the alarms are for automatic rollback."""

DEPLOYING_NEEDS = (
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutDashboard",
    "cloudwatch:PutMetricAlarm",
    "iam:PassRole",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sagemaker:AddTags",
    "sagemaker:CreateEndpoint",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateModel",
    "sagemaker:DeleteEndpoint",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DeleteModel",
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeModel",
    "sagemaker:InvokeEndpoint",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListModels",
    "sagemaker:UpdateEndpoint",
)
"""What we do ourselves to every kind of endpoint."""

SCALING_NEEDS = (
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:RegisterScalableTarget",
)
"""And to those that have instances."""

TRAINING = {"permissions", "image", "quotas"}
"""Checks of the training job alone."""


class EndpointPreflight(Preflight):
    """Checks for an endpoint, after those of the account.

    Args:
        settings: of everything.
        training: look for what a job needs, too.
    """

    def __init__(self, settings: Settings, *, training: bool) -> None:
        super().__init__(settings.aws, settings.storage, settings.compute.sagemaker)
        self.endpoint, self._training = settings.endpoint, training

    def checks(self) -> Sequence[tuple[str, Callable[[], Iterator[Finding]]]]:
        """Those of the account, of the job if there is to be one, and of the endpoint."""
        return (
            *(one for one in super().checks() if self._training or one[0] not in TRAINING),
            ("permissions", self._may_serve),
            ("image", self._serving_image),
            ("quotas", self._endpoint_quotas),
        )

    def _may_serve(self) -> Iterator[Finding]:
        assert self._who is not None
        role = self._role_arn()
        resources = self._resources(self._who, role)
        yield self._simulated("the execution role", role, SERVING_NEEDS, resources, "an endpoint takes")
        needs = DEPLOYING_NEEDS + (SCALING_NEEDS if self.endpoint.kind != "serverless" else ())
        yield self._simulated("you", principal_of(self._who), needs, resources, "a deployment takes")

    def _serving_image(self) -> Iterator[Finding]:
        """The image that the endpoint will have: as named, the newest of the registry for serving, or the jobs' own."""
        assert self._who is not None
        registry = f"{self.aws.project}-serve"
        asked = self.aws.model_copy(update={"image": self.endpoint.image, "project": registry})
        try:
            image = find_image(asked, self._client("ecr"), self._who)
        except StageError:
            if self.endpoint.image or not self.aws.image:
                raise
            image = find_image(self.aws, self._client("ecr"), self._who)
        yield Finding("ok", "image", f"{image.uri}, for the endpoint")

    def _endpoint_quotas(self) -> Iterator[Finding]:
        endpoint = self.endpoint
        if endpoint.kind == "serverless":
            yield Finding("ok", "quotas", f"not looked at: {endpoint.concurrency} serverless workers need no machines")
            return
        name = f"{endpoint.instance} for endpoint usage"
        with told("the quotas"):
            found = self.quotas_of({name})
        # an update runs the new fleet beside the old one
        least, most = 2 * max(endpoint.scaling.least, 1), 2 * endpoint.scaling.most
        ask = f"ask for {most} or more under Service Quotas, Amazon SageMaker"
        if name not in found:
            yield Finding("warn", "quotas", f"'{name}' is not in the list: look under Service Quotas, Amazon SageMaker")
        elif found[name] < least:
            yield Finding(
                "fail",
                "quotas",
                f"{name}: {found[name]:g}, and an update of {least // 2} instances runs {least} for a while: {ask}",
            )
        elif found[name] < most:
            yield Finding(
                "warn",
                "quotas",
                f"{name}: {found[name]:g}, too few for an update while all {most // 2} instances run: {ask}",
            )
        else:
            yield Finding("ok", "quotas", f"{name}: {found[name]:g}")

    def _resources(self, who: Identity, role: str) -> dict[str, tuple[str, ...]]:
        place: Place = place_of(self.aws, self.storage)
        here, top, project = f"{self.aws.region}:{who.account}", f"arn:{who.partition}", self.aws.project
        name = f"{project}-{self.endpoint.service}"
        made = ("AddTags", "Create{}", "Delete{}", "Describe{}")
        return {
            f"{top}:s3:::{place.bucket}": ("s3:ListBucket",),
            f"{top}:s3:::{place.bucket}/{place.prefix}/endpoints/{name}/x": (
                *("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            ),
            f"{top}:ecr:{here}:repository/{project}-serve": ("ecr:",),
            f"{top}:logs:{here}:log-group:/aws/sagemaker/Endpoints/{name}:log-stream:x": ("logs:",),
            **{
                f"{top}:sagemaker:{here}:{kind.lower()}/{name}-x": tuple(
                    f"sagemaker:{verb.format(what)}" for verb in made
                )
                for kind, what in (("model", "Model"), ("endpoint-config", "EndpointConfig"))
            },
            f"{top}:sagemaker:{here}:endpoint/{name}": (
                *("sagemaker:CreateEndpoint", "sagemaker:DeleteEndpoint", "sagemaker:DescribeEndpoint"),
                *("sagemaker:InvokeEndpoint", "sagemaker:UpdateEndpoint"),
            ),
            f"{top}:cloudwatch:{here}:alarm:{name}-x": (
                *("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"),
            ),
            f"{top}:cloudwatch::{who.account}:dashboard/{name}": ("cloudwatch:PutDashboard",),
            f"{top}:application-autoscaling:{here}:scalable-target/x": ("application-autoscaling:",),
            "*": ("sagemaker:ListEndpointConfigs", "sagemaker:ListModels"),
            role: ("iam:PassRole",),
        }
