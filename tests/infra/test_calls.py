"""Finding calls by reading, and the net below it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.common.aws.session import client
from stages.common.settings.aws import Aws
from tests.infra import recorded
from tests.infra.calls import calls, clients

SOURCE = """
import boto3

def work(account, services, aws):
    s3 = client(aws, "s3")
    s3.put_object(Bucket="b", Key="k")
    s3.upload_file("f", "b", "k")
    s3.get_paginator("list_objects_v2").paginate()
    services["ecr"].describe_images(repositoryName="r")
    account.act("cloudwatch", "put_metric_alarm", AlarmName="a")
    account.client("sagemaker").get_waiter("endpoint_in_service").wait(EndpointName="e")
    pattern.search("describe_images")
    client(aws, "polly").synthesize_speech()
    account.pages("batch", "submit_job")
"""


def test_all_ways_to_call_are_seen(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(SOURCE)
    assert calls(Path("module.py"), tmp_path) == {
        *(("s3", name) for name in ("PutObject", "ListObjectsV2")),
        *(("s3", name) for name in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")),
        ("s3", "AbortMultipartUpload"),
        ("ecr", "DescribeImages"),
        ("ec2", "DescribeImages"),  # the word in the search could be either
        ("cloudwatch", "PutMetricAlarm"),
        ("sagemaker", "DescribeEndpoint"),
    }
    assert clients(Path("module.py"), tmp_path) == {"s3", "sagemaker", "polly", "cloudwatch", "batch"}


@pytest.mark.usefixtures("account")
def test_a_call_that_reading_misses_fails_the_test_that_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = client(Aws(name="x"), "s3")
    assert s3.list_buckets()["Buckets"] == []  # the test itself asks
    monkeypatch.setattr(recorded, "_home", lambda: "stages/somewhere.py")
    with pytest.raises(AssertionError, match=r"stages/somewhere\.py calls s3:ListBuckets in a way"):
        s3.list_buckets()


def test_the_scan_can_be_printed() -> None:
    environment = {**os.environ, "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-m", "tests.infra.calls"],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "stages/common/infra/stack.py\n    cloudformation:CreateChangeSet\n" in done.stdout
    assert "STRANGE" not in done.stdout
