"""Settings of the AWS account: what every job, endpoint and host in it shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from stages.common.settings.base import Group

Project = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,23}$")]
"""Short enough for what SageMaker allows in a name (63 characters) once a revision and a time follow it."""


class Aws(Group):
    """The account, and what is the same for everything in it.

    Attributes:
        region: of every service.
        endpoint: address of a server that speaks AWS's protocols in its stead; empty: AWS itself.
        project: first part of the names of all resources, and the value of their tag ``project``.
        role: ARN of the execution role that SageMaker takes on; empty: ``PROJECT-execution`` of ``infra``.
        bucket: for channels, models and captured data; empty: ``storage.bucket``.
        image: container image, ``ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@DIGEST``; empty: the newest of ``infra``'s
            registry.
        kms_key: ARN or id of a key that encrypts volumes and outputs, for ``infra`` the ARN; empty: AWS's own keys.
        subnets, security_groups: of a VPC; both empty: none.
        isolation: containers without network.
        tags: more tags for every resource.
    """

    name: str
    region: str = "us-east-1"
    endpoint: str = ""
    project: Project = "sim-to-cloud"
    role: str = ""
    bucket: str = ""
    image: str = ""
    kms_key: str = ""
    subnets: list[str] = Field(default_factory=list)
    security_groups: list[str] = Field(default_factory=list)
    isolation: bool = False
    tags: dict[str, str] = Field(default_factory=dict)
