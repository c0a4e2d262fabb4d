"""What SageMaker kept of requests and answers (developer guide, "Capture data from real-time endpoint")."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stages.deploy.drift.measures import Histograms
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.names import VARIANT
from stages.deploy.picture import PictureError, decode_upright

MOST = 5000
"""Requests that are looked at."""


@dataclass
class Seen:
    """What was captured, counted.

    Attributes:
        histograms: of all that could be read.
        unreadable: lines that are no record, or whose answer is none.
        others: answers of other models.
    """

    histograms: Histograms
    unreadable: int = 0
    others: int = 0
    models: set[str] = field(default_factory=set)


def count(lines: Iterable[bytes], seen: Histograms, sha256: str, max_pixels: int) -> Seen:
    """Count captured records.

    Args:
        lines: of JSON, one a record.
        seen: to fill.
        sha256: of the model whose answers count.
        max_pixels: of a picture that is decoded.
    """
    result = Seen(seen)
    for line in lines:
        if seen.answers >= MOST:
            break
        try:
            record = json.loads(line)["captureData"]
            answer = json.loads(_bytes(record["endpointOutput"]))
            if answer["model"] != sha256:
                result.others += 1
                continue
            seen.add_answer(answer)
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            result.unreadable += 1
            continue
        _count_picture(record, seen, max_pixels)
    return result


def _count_picture(record: dict[str, Any], seen: Histograms, max_pixels: int) -> None:
    """A picture that was kept but cannot be decoded is left out; the service has refused it, too."""
    try:
        kept = record.get("endpointInput")
        if kept:
            seen.add_picture(decode_upright(_bytes(kept), max_pixels))
    except (PictureError, ValueError, KeyError, TypeError):
        pass


def _bytes(part: dict[str, Any]) -> bytes:
    """The data of a part, in whichever of the documented encodings.

    Raises:
        ValueError: when it is in none of them.
    """
    match part["encoding"]:
        case "BASE64":
            return base64.b64decode(part["data"], validate=True)
        case "JSON" | "CSV":
            data = part["data"]
            return (data if isinstance(data, str) else json.dumps(data)).encode()
    raise ValueError(part["encoding"])


def in_folder(folder: Path) -> Iterator[bytes]:
    """Lines of all files below a folder, such as a copy of the bucket's."""
    for path in sorted(folder.rglob("*.jsonl")):
        yield from path.read_bytes().splitlines()


def in_bucket(account: Account, hours: float, now: datetime | None = None) -> Iterator[bytes]:
    """Lines of the last hours, the newest file first.

    SageMaker writes below ``ENDPOINT/VARIANT/YYYY/MM/DD/HH``; an hour that began before is read as a whole.
    """
    hour = now = now or datetime.now(UTC)
    first = (now - timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
    folder = f"{account.names.folder}/capture/{account.names.endpoint}/{VARIANT}/"
    while hour >= first:
        pages = account.pages("s3", "list_objects_v2", Bucket=account.bucket, Prefix=f"{folder}{hour:%Y/%m/%d/%H}/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        for key in sorted(keys, reverse=True):
            found = account.read(account.bucket, key)
            if found is not None:
                yield from found["Body"].splitlines()
        hour -= timedelta(hours=1)
