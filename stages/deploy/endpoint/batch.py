"""Detection in all pictures of a folder in S3, by a batch transform job: the same container, no endpoint needed."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.aws.machines import has_own_disk
from stages.common.errors import InputError, ServiceError
from stages.common.files import write_json
from stages.common.settings import Settings
from stages.deploy.bundle import open_bundle
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.archive import upload
from stages.deploy.endpoint.inventory import model_of
from stages.deploy.endpoint.requests import Request, model_request
from stages.deploy.endpoint.smoke import TYPE

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
"""Names that are taken for pictures; anything else in the folder would fail the whole job."""

MAX_PAYLOAD_MB = 100
"""Largest ``MaxPayloadInMB`` (API reference, CreateTransformJob)."""

RUNNING = {"InProgress", "Stopping"}
DIGITS = 8
"""Of the sum in a job's name."""


@dataclass(frozen=True)
class Place:
    """A folder in S3: the prefix ends with a slash, or is empty."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """As SageMaker writes it."""
        return f"s3://{self.bucket}/{self.prefix}"


def transform(settings: Settings, source: str, output: str, instances: int, bundle: Path, out: Path) -> str:
    """Let a job detect in all pictures of a folder, wait for it, and collect its answers.

    The job's name is a sum over the model, the pictures and where the answers go: the same call again goes on with a
    job that runs, or takes the answers of one that is done; once these have expired it begins another.

    Args:
        settings: of the endpoint, whose model is taken; and whose kind of machine.
        source: ``s3://`` address of the folder.
        output: ``s3://`` address of a folder for the answers; empty: one in the project's bucket.
        instances: machines.
        bundle: packed model for where there is no endpoint.
        out: JSON file of all answers.

    Returns:
        A summary line.

    Raises:
        InputError: when there are no pictures, or the execution role of ``infra`` may not read them or write there.
        ServiceError: when AWS refuses or the job fails.
    """
    account, place = Account(settings), _place(source)
    _reachable(account, place, _place(output) if output else None)
    pictures = _pictures(account, place)
    model = _model(account, bundle)
    text = json.dumps([model, place.uri, output, pictures], sort_keys=True)
    base = f"{account.names.endpoint}-b{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"
    answers = _place(output or f"s3://{account.bucket}/{account.names.folder}/batch/{base}/out/")
    job = _begun(account, base, has_answers=bool(_answered(account, sorted(pictures), answers)))
    if job is None:
        job = _begin(account, base, model, place, sorted(pictures), answers, instances)
    _wait(account, job)
    found, missing = _collected(account, sorted(pictures), answers)
    write_json(out, {"job": job, "model": model, "source": place.uri, "pictures": found, "unanswered": missing})
    detections = sum(len(one["detections"]) for one in found.values())
    return (
        f"deploy: job '{job}' found {detections} objects in {len(found)} of {len(pictures)} pictures of {place.uri}; "
        f"{out} has them, {answers.uri} the single answers"
    )


def job_request(account: Account, name: str, model: str, manifest: str, answers: Place, instances: int) -> Request:
    """CreateTransformJob, one picture a request."""
    settings = account.settings
    machine: Request = {"InstanceType": settings.endpoint.instance, "InstanceCount": instances}
    output: Request = {"S3OutputPath": answers.uri, "Accept": "application/json", "AssembleWith": "None"}
    if settings.aws.kms_key:
        output["KmsKeyId"] = settings.aws.kms_key
        if not has_own_disk(settings.endpoint.instance):
            machine["VolumeKmsKeyId"] = settings.aws.kms_key
    return {
        "TransformJobName": name,
        "ModelName": model,
        "BatchStrategy": "SingleRecord",
        "MaxPayloadInMB": min(math.ceil(settings.deploy.max_body_mb), MAX_PAYLOAD_MB),
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 2},
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}},
            "ContentType": TYPE,
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": output,
        "TransformResources": machine,
        "Tags": account.tags(),
    }


def _place(uri: str) -> Place:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise InputError(f"'{uri}' is no folder in S3: write one as in s3://my-pictures/today/")
    return Place(bucket, f"{prefix.rstrip('/')}/" if prefix.strip("/") else "")


def _reachable(account: Account, source: Place, output: Place | None) -> None:
    """See that the role that ``infra`` makes may read and write there: a job that may not fails only after minutes.

    What another role, ``aws.role``, may do is not known here.

    Raises:
        InputError: when it may not.
    """
    settings = account.settings
    if settings.aws.role:
        return
    own = f"s3://{account.bucket}/{settings.aws.project}/"
    if not source.uri.startswith((own, *settings.infra.readable)):
        raise InputError(
            f"the role of jobs may not read '{source.uri}': put the pictures below {own}in/, or name the folder in "
            "infra.readable and run python -m stages.common.infra up"
        )
    written = f"{own}endpoints/"
    if output is not None and not output.uri.startswith(written):
        raise InputError(
            f"the role of jobs may not write to '{output.uri}': choose a folder below {written}, or leave --output out"
        )


def _pictures(account: Account, place: Place) -> dict[str, str]:
    """ETags of the folder's pictures, by their key below it."""
    pages = account.pages("s3", "list_objects_v2", Bucket=place.bucket, Prefix=place.prefix)
    found = {
        item["Key"].removeprefix(place.prefix): str(item["ETag"])
        for page in pages
        for item in page.get("Contents", ())
        if item["Key"].lower().endswith(SUFFIXES)
    }
    if not found:
        raise InputError(f"'{place.uri}' holds no pictures ({', '.join(SUFFIXES)}): correct the address")
    return found


def _model(account: Account, bundle: Path) -> str:
    """The endpoint's model, or one that is made of a bundle here."""
    there = account.endpoint()
    name = model_of(account.configuration(there["EndpointConfigName"])) if there else ""
    if name:
        return name
    data = upload(account, open_bundle(bundle))
    request = model_request(
        account.settings, account.names, role=account.role(), image=account.image(), model_data=data
    )
    if account.find("sagemaker", "describe_model", ModelName=request["ModelName"]) is None:
        account.create("sagemaker", "create_model", **request, Tags=account.tags())
    return str(request["ModelName"])


def _begun(account: Account, base: str, *, has_answers: bool) -> str | None:
    """The last job of this name that runs, or is done and whose answers have not expired."""
    wanted = {"InProgress", "Completed"} if has_answers else {"InProgress"}
    jobs = account.pages("sagemaker", "list_transform_jobs", NameContains=base, SortBy="CreationTime")
    alive = [
        str(job["TransformJobName"])
        for page in jobs
        for job in page["TransformJobSummaries"]
        if job["TransformJobStatus"] in wanted
    ]
    return max(alive, default=None)


def _begin(
    account: Account, base: str, model: str, place: Place, names: list[str], answers: Place, instances: int
) -> str:
    """Start a job; one of the same name that failed has used its number up."""
    pages = account.pages("sagemaker", "list_transform_jobs", NameContains=base)
    job = f"{base}-{sum(len(page['TransformJobSummaries']) for page in pages)}"
    key = f"{account.names.folder}/batch/{base}/manifest.json"
    body = json.dumps([{"prefix": place.uri}, *names]).encode()
    account.act("s3", "put_object", Bucket=account.bucket, Key=key, Body=body)
    manifest = f"s3://{account.bucket}/{key}"
    request = job_request(account, job, model, manifest, answers, instances)
    account.create("sagemaker", "create_transform_job", **request)
    return job


def _wait(account: Account, job: str) -> None:
    """Until the job has ended.

    Raises:
        ServiceError: when it failed.
    """
    last = ""
    while True:
        found = account.ask("sagemaker", "describe_transform_job", TransformJobName=job)
        status = str(found["TransformJobStatus"])
        if status not in RUNNING:
            break
        if status != last:
            print(f"deploy: job '{job}' is {status}", file=sys.stderr, flush=True)
        last = status
        time.sleep(account.settings.endpoint.poll_seconds)
    if status != "Completed":
        reason = " ".join(str(found.get("FailureReason") or "no reason given").split())
        raise ServiceError(f"job '{job}' is {status} ({reason}): mend that, then run this again")


def _answered(account: Account, names: list[str], answers: Place) -> list[str]:
    """The pictures that have an answer."""
    pages = account.pages("s3", "list_objects_v2", Bucket=answers.bucket, Prefix=answers.prefix)
    keys = {item["Key"].removeprefix(answers.prefix) for page in pages for item in page.get("Contents", ())}
    return [name for name in names if f"{name}.out" in keys]


def _collected(account: Account, names: list[str], answers: Place) -> tuple[dict[str, Any], list[str]]:
    """Answers by picture, and the pictures without one."""
    found: dict[str, Any] = {}
    for name in _answered(account, names, answers):
        item = account.read(answers.bucket, f"{answers.prefix}{name}.out")
        if item is not None:
            found[name] = json.loads(item["Body"])
    return found, [name for name in names if name not in found]
