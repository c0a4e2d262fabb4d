"""What was deployed, one object in S3 for each configuration that passed its check; never written again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from stages.deploy.endpoint.account import Account


@dataclass(frozen=True)
class Entry:
    """A deployment that answered as its model does.

    Attributes:
        at: UTC, as AWS dates the endpoint's change.
        config: name of the configuration.
        model: name of the model.
        model_data: ``s3://`` address of the packed bundle.
        sha256: of the ONNX file.
        image: of the container.
        check: figures of the check.
        why: ``deploy`` or ``rollback``.
    """

    at: str
    config: str
    model: str
    model_data: str
    sha256: str
    image: str
    check: dict[str, Any]
    why: str


def entries(account: Account) -> list[Entry]:
    """All deployments, the last first."""
    keys = sorted(_keys(account), reverse=True)
    found = (account.read(account.bucket, key) for key in keys)
    return [Entry(**json.loads(item["Body"])) for item in found if item is not None]


def record(account: Account, entry: Entry, last: Entry | None) -> None:
    """Add a deployment, unless it is the last one already."""
    if last is not None and last.config == entry.config:
        return
    key = f"{_folder(account)}{entry.at}-{entry.config}.json"
    account.act("s3", "put_object", Bucket=account.bucket, Key=key, Body=json.dumps(entry.__dict__).encode())


def last_good(history: list[Entry], but: str, kept: set[str]) -> Entry | None:
    """The last deployment of another configuration than ``but`` that is still there."""
    return next((entry for entry in history if entry.config != but and entry.config in kept), None)


def _keys(account: Account) -> list[str]:
    pages = account.pages("s3", "list_objects_v2", Bucket=account.bucket, Prefix=_folder(account))
    return [item["Key"] for page in pages for item in page.get("Contents", ())]


def _folder(account: Account) -> str:
    return f"{account.names.folder}/history/"
