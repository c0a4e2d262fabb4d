"""One account of AWS for data, jobs and endpoints: moto, with what the tests of both rooms add to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.endpoint.aws import Aws, aws
from tests.deploy.endpoint.conftest import IMAGE
from tests.train.sagemaker.cloud import BUCKET, KEY, SECRET, Cloud, patched, reset

SETTINGS = (
    *(f"storage.bucket={BUCKET}", f"endpoint.image={IMAGE}", "endpoint.poll_seconds=0.05", "deploy.check_frames=2"),
    *("compute.sagemaker.poll_seconds=0.05", "compute.sagemaker.shard_mb=1", "compute.sagemaker.max_wait_hours=24"),
    *("model=yolo11n", "model.weights=scratch", "model.input_size=64", "train.epochs=1", "train.workers=0"),
    *("dataset=tiny", "renderer=fake", "real=none"),
)
"""Of a run that takes seconds, besides the addresses."""


def environment(nowhere: Path) -> dict[str, str]:
    """Credentials that the account takes, and nobody's AWS files."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_CONFIG_FILE": str(nowhere / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(nowhere / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def account(folder: Path) -> Iterator[tuple[Aws, Cloud]]:
    """Serve it; both sides speak of the same state."""
    with aws(folder) as fake:
        cloud = Cloud(fake.url)
        with patched(cloud):
            reset(cloud)
            yield fake, cloud


def addresses(fake: Aws) -> tuple[str, ...]:
    """Overrides that lead to it."""
    return (f"aws.endpoint={fake.url}", f"storage.endpoint={fake.url}")
