"""Which image is taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stages.common.aws.account import Identity, find_image
from stages.common.settings.aws import Aws

WHO = Identity("123456789012", "arn:aws:iam::123456789012:user/a")
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def image(day: int, **more: Any) -> dict[str, Any]:
    pushed = datetime(2026, 11, day, tzinfo=UTC)
    return {"imageDigest": f"sha256:{day}", "imagePushedAt": pushed, "imageSizeInBytes": 5, **more}


class Registry:
    """ECR as its API reference has DescribeImages: by name, or filtered by whether there is a tag."""

    def __init__(self, *images: dict[str, Any]) -> None:
        self.images = images

    def get_paginator(self, operation: str) -> Registry:
        assert operation == "describe_images"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        found = list(self.images)
        if asked.get("filter") == {"tagStatus": "TAGGED"}:
            found = [item for item in found if "imageTags" in item]
        for name in asked.get("imageIds", ()):
            tag, digest = name.get("imageTag"), name.get("imageDigest")
            found = [item for item in found if tag in item.get("imageTags", ()) or digest == item["imageDigest"]]
        return [{"imageDetails": found}]


REGISTRY = Registry(
    image(1, imageTags=["one"]),
    image(2, imageTags=["two"]),
    image(3),
    image(4, imageTags=["sha256-2.sig"], subjectManifestDigest="sha256:2"),
    image(5, subjectManifestDigest="sha256:2"),
)


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("", "sha256:2"),
        (f"{HOST}/sim-to-cloud", "sha256:2"),
        (f"{HOST}/sim-to-cloud:one", "sha256:1"),
        (f"{HOST}/sim-to-cloud@sha256:3", "sha256:3"),
    ],
    ids=["newest", "newest of a registry", "by tag", "by digest"],
)
def test_a_signature_is_no_image(asked: str, taken: str) -> None:
    found = find_image(Aws(name="test", image=asked), REGISTRY, WHO)
    assert found.uri == f"{HOST}/sim-to-cloud@{taken}"
