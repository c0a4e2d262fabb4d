"""Settings of endpoints in SageMaker: machines, scaling, rollout, alarms, captured data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from stages.common.settings.aws import Aws
from stages.common.settings.base import Group
from stages.common.settings.platform import Deploy

Service = Annotated[str, StringConstraints(pattern=r"^[a-z](-?[a-z0-9]){0,23}$")]
"""With the project's 24 characters, a revision of 12 and a word for an alarm it stays below SageMaker's 63 and more."""

Instance = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
"""As AWS writes it: ``ml.c5.xlarge``."""

When = Annotated[str, StringConstraints(pattern=r"^(at|rate|cron)\(.+\)$")]
"""As Application Auto Scaling writes it: ``cron(0 7 ? * MON-FRI *)``."""

SERVERLESS_BODY_MB = 4
"""Largest body that a serverless endpoint takes (SageMaker developer guide, "Serverless Inference")."""


class Schedule(Group):
    """Another range of instances from some time on.

    Attributes:
        name: of the scheduled action.
        at: when, as ``cron(minutes hours day-of-month month day-of-week year)``, ``rate()`` or ``at()``.
        timezone: of ``at``, an IANA name.
        least, most: instances from then on.
    """

    name: Service
    at: When
    timezone: str = "UTC"
    least: int = Field(ge=0)
    most: int = Field(ge=0)


class Scaling(Group):
    """How many instances, and by what.

    Attributes:
        least, most: instances; none at all is possible for ``async`` alone.
        target: what an instance shall have: invocations a minute, or waiting requests for ``async``.
        in_seconds, out_seconds: pause after instances went or came.
        schedules: other ranges at other times.
    """

    least: int = Field(2, ge=0)
    most: int = Field(4, ge=1)
    target: float = Field(600, gt=0)
    in_seconds: int = Field(600, ge=0)
    out_seconds: int = Field(60, ge=0)
    schedules: list[Schedule] = Field(default_factory=list)


class Canary(Group):
    """How a new configuration takes over from the old one.

    Attributes:
        instances: of the new fleet that take traffic first; at most half of the old fleet, else all go at once.
        bake_seconds: for which they do so, watched by the alarms.
        termination_seconds: for which the old fleet stays after all traffic has moved.
        timeout_seconds: after which AWS rolls back.
    """

    instances: int = Field(1, ge=1)
    bake_seconds: int = Field(600, ge=0, le=3600)
    termination_seconds: int = Field(300, ge=0, le=3600)
    timeout_seconds: int = Field(3600, ge=600, le=28800)


class Alarms(Group):
    """What turns a rollout back, and tells people once a topic is named.

    Attributes:
        error_share: of requests that may be answered 5xx.
        p95_ms: 95th percentile of the model's own time in milliseconds.
        topic: ARN of an SNS topic to tell; empty: nobody.
        idle_hours: without any request, after which the topic is told; 0: never.
        drift: population stability index above which the topic is told.
    """

    error_share: float = Field(0.01, ge=0, lt=1)
    p95_ms: float = Field(500, gt=0)
    topic: str = ""
    idle_hours: int = Field(24, ge=0, le=24)
    drift: float = Field(0.25, gt=0)


class Capture(Group):
    """What is kept of requests for the drift job.

    Attributes:
        percent: of the requests; 0 keeps nothing.
        inputs: keep their pictures, too, and not the answers alone.
    """

    percent: int = Field(10, ge=0, le=100)
    inputs: bool = True


class Endpoint(Group):
    """An endpoint in SageMaker.

    Attributes:
        service: what it is called after the project; endpoints of several names live side by side.
        kind: ``instances`` answers from machines that always run; ``serverless`` bills by the request; ``async`` takes
            requests from S3 and can have no machine at all while there are none.
        image: of the container, by digest; empty: the newest in the registry ``PROJECT-serve``, or else ``aws.image``,
            which serves as well but is larger.
        instance: kind of machine; not for ``serverless``.
        memory_mb: of a serverless worker.
        concurrency: most serverless workers.
        environment: variables of the container.
        startup_seconds: for the model to load and the server to answer.
        keep: configurations that are kept for rollback, with the one in use.
        price_hour: US dollars an instance-hour; 0: the list price that is known.
        poll_seconds: between two looks at the endpoint.
    """

    name: str
    service: Service = "detector"
    kind: Literal["instances", "serverless", "async"] = "instances"
    image: str = ""
    instance: Instance = "ml.c5.xlarge"
    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 4096
    concurrency: int = Field(5, ge=1, le=200)
    environment: dict[str, str] = Field(default_factory=dict)
    startup_seconds: int = Field(300, ge=60, le=3600)
    keep: int = Field(3, ge=2, le=20)
    price_hour: float = Field(0, ge=0)
    poll_seconds: float = Field(15, gt=0, le=30)
    scaling: Scaling
    canary: Canary
    alarms: Alarms
    capture: Capture

    @model_validator(mode="after")
    def _possible(self) -> Endpoint:
        mistakes = "\n".join(_mistakes(self))
        if mistakes:
            raise ValueError(mistakes)
        return self


def _mistakes(endpoint: Endpoint) -> Iterator[str]:
    scaling, canary = endpoint.scaling, endpoint.canary
    ranges = [("endpoint.scaling", scaling.least, scaling.most)]
    ranges += [(f"endpoint.scaling.schedules '{one.name}'", one.least, one.most) for one in scaling.schedules]
    for key, least, most in ranges:
        if least > most:
            yield f"{key} has least={least} above most={most}: give a range"
        if least == 0 and endpoint.kind == "instances":
            yield f"{key} has least=0, which endpoint.kind=instances cannot have: choose endpoint=async, or give 1"
    if endpoint.kind == "serverless" and scaling.schedules:
        yield "endpoint.scaling.schedules is for instances: leave it empty with endpoint.kind=serverless"
    if endpoint.kind == "serverless" and endpoint.capture.percent:
        yield "endpoint.capture.percent must be 0 with endpoint.kind=serverless, for which SageMaker captures nothing"
    if canary.bake_seconds + canary.termination_seconds > canary.timeout_seconds:
        yield "endpoint.canary.timeout_seconds is below bake_seconds and termination_seconds together: give it more"


def endpoint_mistakes(endpoint: Endpoint, deploy: Deploy, aws: Aws) -> Iterator[str]:
    """One sentence for each setting that a serverless endpoint cannot have."""
    if deploy.target != "sagemaker" or endpoint.kind != "serverless":
        return
    if deploy.max_body_mb > SERVERLESS_BODY_MB:
        yield (
            f"deploy.max_body_mb={deploy.max_body_mb:g} is more than the {SERVERLESS_BODY_MB} that "
            "endpoint.kind=serverless takes: choose deploy=sagemaker-serverless, or give less"
        )
    if aws.subnets or aws.isolation:
        yield "aws.subnets and aws.isolation cannot go with endpoint.kind=serverless: choose endpoint=standard"
