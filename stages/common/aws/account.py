"""What the settings leave open and the account knows: the execution role and the container image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.common.aws.session import code_of, told
from stages.common.errors import ServiceError
from stages.common.settings.aws import Aws

REGISTRY = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<name>[^@:]+)")
"""Start of an image's address in Amazon ECR."""

IMAGE_LIMIT = 255
"""Longest address of an image that CreateTrainingJob takes."""


@dataclass(frozen=True)
class Identity:
    """Who asks.

    Attributes:
        account: twelve digits.
        arn: of the user or of the role's session.
    """

    account: str
    arn: str

    @property
    def partition(self) -> str:
        """``aws``, or ``aws-cn`` and others."""
        return self.arn.split(":")[1]


@dataclass(frozen=True)
class Image:
    """A container image in a registry.

    Attributes:
        uri: its address with its digest.
        repository: its name.
        digest: ``sha256:...``.
        pushed: when, as ISO 8601.
        bytes: compressed.
    """

    uri: str
    repository: str
    digest: str
    pushed: str
    bytes: int


def identity(sts: Any) -> Identity:
    """Who the credentials belong to; needs no permission.

    Raises:
        StageError: when there are none, or they are wrong or expired.
    """
    with told("who asks"):
        answer = sts.get_caller_identity()
    return Identity(str(answer["Account"]), str(answer["Arn"]))


def role_of(aws: Aws, who: Identity) -> str:
    """ARN of the execution role: the settings' own, or that which ``python -m stages.common.infra up`` makes."""
    return aws.role or f"arn:{who.partition}:iam::{who.account}:role/{aws.project}-execution"


def find_image(aws: Aws, ecr: Any, who: Identity) -> Image:
    """The image that jobs run: by digest as the settings say, by tag, or the newest tagged one in the registry.

    Raises:
        StageError: when it is not there.
    """
    given = REGISTRY.match(aws.image)
    if aws.image and not given:
        raise ServiceError(
            f"aws.image '{aws.image}' is no address in Amazon ECR: write "
            "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@DIGEST"
        )
    repository = given["name"] if given else aws.project
    rest = aws.image[given.end() :] if given else ""
    asked: dict[str, Any] = {"filter": {"tagStatus": "TAGGED"}}  # signatures and parts of indexes have none
    if rest.startswith("@"):
        asked = {"imageIds": [{"imageDigest": rest[1:]}]}
    elif rest.startswith(":"):
        asked = {"imageIds": [{"imageTag": rest[1:]}]}
    registry = given["account"] if given else who.account
    newest = _describe(ecr, {"registryId": registry, "repositoryName": repository, **asked}, aws)
    suffix = ".cn" if who.partition == "aws-cn" else ""
    host = f"{registry}.dkr.ecr.{given['region'] if given else aws.region}.amazonaws.com{suffix}"
    digest = str(newest["imageDigest"])
    pushed = newest.get("imagePushedAt")
    return Image(
        f"{host}/{repository}@{digest}",
        repository,
        digest,
        pushed.isoformat() if pushed is not None else "",
        int(newest.get("imageSizeInBytes", 0)),
    )


def _describe(ecr: Any, asked: Mapping[str, Any], aws: Aws) -> Mapping[str, Any]:
    from botocore.exceptions import ClientError

    name = asked["repositoryName"]
    again = "build and push it as docs/container.md says, or name another one in aws.image"
    with told(f"image '{name}'"):
        try:
            pages = ecr.get_paginator("describe_images").paginate(**asked)
            # what has a subject is about an image, as a signature is, and no image itself
            found = [item for page in pages for item in page["imageDetails"] if not item.get("subjectManifestDigest")]
        except ClientError as error:
            if code_of(error) not in {"RepositoryNotFoundException", "ImageNotFoundException"}:
                raise
            what = aws.image or name
            raise ServiceError(f"image '{what}' is not in the registry of {aws.region}: {again}") from None
    if not found:
        raise ServiceError(f"registry '{name}' in {aws.region} holds no image yet: {again}")
    newest: Mapping[str, Any] = max(found, key=lambda item: str(item.get("imagePushedAt", "")))
    return newest
