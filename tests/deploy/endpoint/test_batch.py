"""Batch transform over a folder in S3, by our own server."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from stages.common.errors import InputError, ServiceError
from stages.deploy.bundle import Bundle
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.batch import Place, job_request, transform
from tests.deploy.conftest import picture
from tests.deploy.endpoint.aws import Aws
from tests.deploy.endpoint.conftest import ENDPOINT, settings_of
from tests.deploy.endpoint.killed import Killed, cut, do


@pytest.fixture
def folder(fake: Aws) -> str:
    for name in ("a.jpg", "deep/b c.JPG", "notes.txt"):
        fake.put(f"s3://models/sim-to-cloud/in/today/{name}", b"no picture" if name.endswith("txt") else picture())
    return "s3://models/sim-to-cloud/in/today"


def test_all_pictures_are_answered(fake: Aws, bundle: Bundle, folder: str, tmp_path: Path) -> None:
    out = tmp_path / "batch.json"
    said = transform(settings_of(fake), folder, "", 1, bundle.folder, out)
    assert "found 4 objects in 2 of 2 pictures of s3://models/sim-to-cloud/in/today/" in said
    written = json.loads(out.read_text())
    assert set(written["pictures"]) == {"a.jpg", "deep/b c.JPG"}
    assert written["unanswered"] == []
    assert written["pictures"]["a.jpg"]["model"] == bundle.settings.model_sha256
    (job,) = fake.sagemaker.transform_jobs.values()
    assert job.transform_resources == {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1}
    assert len(job.transform_job_name) <= 63


def test_the_same_call_again_takes_the_answers_that_are_there(
    fake: Aws, bundle: Bundle, folder: str, tmp_path: Path
) -> None:
    settings = settings_of(fake)
    transform(settings, folder, "", 1, bundle.folder, tmp_path / "1.json")
    transform(settings, folder, "", 1, bundle.folder, tmp_path / "2.json")
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    assert len(fake.sagemaker.transform_jobs) == 1
    fake.put("s3://models/sim-to-cloud/in/today/c.jpg", picture(100, 100))
    transform(settings, folder, "", 1, bundle.folder, tmp_path / "3.json")
    assert len(fake.sagemaker.transform_jobs) == 2


def test_a_job_whose_answers_have_expired_is_done_again(fake: Aws, bundle: Bundle, folder: str, tmp_path: Path) -> None:
    settings = settings_of(fake)
    transform(settings, folder, "", 1, bundle.folder, tmp_path / "1.json")
    for key in [key for key in fake.objects() if key.endswith(".out")]:
        boto3.client("s3", endpoint_url=fake.url, region_name="us-east-1").delete_object(Bucket="models", Key=key)
    said = transform(settings, folder, "", 1, bundle.folder, tmp_path / "2.json")
    assert "found 4 objects in 2 of 2 pictures" in said
    assert [name.rpartition("-")[2] for name in fake.sagemaker.transform_jobs] == ["0", "1"]


def test_a_client_that_is_killed_starts_no_second_job(fake: Aws, bundle: Bundle, folder: str, tmp_path: Path) -> None:
    settings = settings_of(fake)
    for at in range(1, 40):
        with cut(at):
            try:
                transform(settings, folder, "", 1, bundle.folder, tmp_path / "batch.json")
                break
            except Killed:
                pass
    assert len(fake.sagemaker.transform_jobs) == 1
    assert len(json.loads((tmp_path / "batch.json").read_text())["pictures"]) == 2


def test_the_endpoints_model_is_taken(
    fake: Aws, bundle: Bundle, other: Path, frames: Path, folder: str, tmp_path: Path
) -> None:
    settings = settings_of(fake)
    do("deploy", settings, other, frames)
    out = tmp_path / "batch.json"
    transform(settings, folder, "s3://models/sim-to-cloud/endpoints/answers/", 2, bundle.folder, out)
    written = json.loads(out.read_text())
    assert written["pictures"]["a.jpg"]["model"] != bundle.settings.model_sha256
    assert "sim-to-cloud/endpoints/answers/a.jpg.out" in fake.objects()
    assert written["model"] in fake.state()["models"]
    do("teardown", settings, other, frames)
    assert not [key for key in fake.objects() if key.startswith(f"sim-to-cloud/endpoints/{ENDPOINT}/batch")]


def test_a_failed_job_is_told_and_can_be_run_again(fake: Aws, bundle: Bundle, folder: str, tmp_path: Path) -> None:
    settings = settings_of(fake)
    describe = type(fake.sagemaker).describe_transform_job

    def fails(self: object, transform_job_name: str) -> dict[str, str]:
        fake.sagemaker.transform_jobs[transform_job_name].transform_job_status = "Failed"
        fake.sagemaker.transform_jobs[transform_job_name].failure_reason = "ClientError: See job logs\n for more"
        return describe(fake.sagemaker, transform_job_name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(fake.sagemaker), "describe_transform_job", fails)
        with pytest.raises(ServiceError, match=r"is Failed \(ClientError: See job logs for more\): mend that"):
            transform(settings, folder, "", 1, bundle.folder, tmp_path / "batch.json")
    transform(settings, folder, "", 1, bundle.folder, tmp_path / "batch.json")
    assert [name.rpartition("-")[2] for name in fake.sagemaker.transform_jobs] == ["0", "1"]


@pytest.mark.parametrize(("instance", "with_key"), [("ml.c5.xlarge", True), ("ml.g6e.xlarge", False)])
def test_what_the_api_takes(fake: Aws, instance: str, with_key: bool) -> None:
    """No key for volumes of machines with disks of their own, no payload above 100 MB."""
    key, place = "arn:aws:kms:us-east-1:123456789012:key/a", Place("models", "")
    settings = settings_of(fake, f"aws.kms_key={key}", f"endpoint.instance={instance}", "deploy.max_body_mb=200")
    request = job_request(Account(settings), "job", "model", "s3://models/manifest.json", place, 1)
    assert ("VolumeKmsKeyId" in request["TransformResources"]) is with_key
    assert request["MaxPayloadInMB"] == 100


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("pictures/today", "'pictures/today' is no folder in S3: write one as in s3://"),
        ("s3://models/sim-to-cloud/no", "'s3://models/sim-to-cloud/no/' holds no pictures"),
    ],
)
def test_no_pictures(source: str, words: str, fake: Aws, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        transform(settings_of(fake), source, "", 1, bundle.folder, tmp_path / "batch.json")


def test_what_the_role_may_not_reach_is_told_before_there_is_a_job(
    fake: Aws, bundle: Bundle, folder: str, tmp_path: Path
) -> None:
    """The job itself would fail only after its machine has come."""
    out = tmp_path / "batch.json"
    fake.put("s3://models/pictures/a.jpg", picture())
    fake.calls.clear()
    with pytest.raises(InputError, match=r"may not read 's3://models/pictures/': put the pictures below .*/in/, or"):
        transform(settings_of(fake), "s3://models/pictures", "", 1, bundle.folder, out)
    with pytest.raises(InputError, match=r"may not write to 's3://models/pictures/': choose a folder below"):
        transform(settings_of(fake), folder, "s3://models/pictures", 1, bundle.folder, out)
    assert fake.calls == []
    for more in ("infra.readable=[s3://models/pictures/]", "aws.role=arn:aws:iam::123456789012:role/ours"):
        assert "in 1 of 1 pictures" in transform(
            settings_of(fake, more), "s3://models/pictures", "", 1, bundle.folder, out
        )
