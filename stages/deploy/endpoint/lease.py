"""One deployment at a time: a lease on the endpoint, kept as an object in S3.

S3 refuses a conditional write when the object is there (``If-None-Match: *``) or is another (``If-Match``), and is
strongly consistent, so that of two clients one alone succeeds (Amazon S3 user guide, "Conditional requests"). A tag or
a description of the endpoint could not do that: SageMaker has no conditional calls.

The holder writes the object anew every :data:`RENEW_SECONDS`. One that was not written for :data:`TTL_SECONDS`, by the
clock of S3 alone, belongs to a client that was killed, and is taken over. A holder that could not renew for so long
changes nothing any more.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from stages.common.aws.session import code_of, explain
from stages.common.errors import ServiceError, StageError
from stages.deploy.endpoint.account import Account

TTL_SECONDS = 90
"""After which a lease that was not renewed is free."""

RENEW_SECONDS = 20
"""Between two renewals."""

LOST = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409", "NoSuchKey", "404"}
"""Error codes of S3 for a condition that did not hold, or a race with another writer."""

_held: set[str] = set()
"""Ids of the leases that this process holds or is about to take."""


class Lease:
    """The right to change an endpoint; use it in a ``with`` block.

    Attributes:
        unfinished: what the killed client intended from which the lease was taken over; empty for none.

    Args:
        account: of the endpoint; inside the block its ``guard`` renews the lease before changes.
        doing: what it is for, in a word or two that another client is told.
        now: seconds of a clock that never goes back.
        sleep: waits.

    Raises:
        ServiceError: on entering, when another client holds it; from ``guard``, when another client took it over.
    """

    def __init__(
        self,
        account: Account,
        doing: str,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account, self._doing, self._now, self._sleep = account, doing, now, sleep
        self.unfinished = ""
        self._intent = ""
        self._id = uuid.uuid4().hex
        self._etag = ""
        self._removed = False
        self._renewed = 0.0
        self._key = f"{account.names.folder}/lease.json"

    def __enter__(self) -> Lease:
        _held.add(self._id)  # before the write: others in this process may read it before its answer is here
        try:
            self._take()
        except BaseException:
            _held.discard(self._id)
            raise
        self._account.guard = self.keep
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lease back; what cannot be given back runs out."""
        self._account.guard = lambda: None
        try:
            if not self._removed:
                self._write(IfMatch=self._etag, held=False)
        except StageError:
            if error is None:
                raise
        finally:
            _held.discard(self._id)

    def keep(self) -> None:
        """Renew the lease when it is time.

        Raises:
            ServiceError: when another client has it.
        """
        if self._now() - self._renewed < RENEW_SECONDS:
            return
        self._write(IfMatch=self._etag)
        if not self._etag:
            raise ServiceError(
                f"another client took over '{self._account.names.endpoint}' while this one stood still: see what it "
                "does with python -m stages.deploy status, then run this again"
            )

    def intend(self, what: str) -> None:
        """Leave a note for the client that takes over if this one is killed.

        Raises:
            ServiceError: when another client has the lease.
        """
        self._intent, self._renewed = what, self._now() - RENEW_SECONDS
        self.keep()

    def remove(self) -> None:
        """Delete the object, after all else; another client may take the lease from now on."""
        self._account.act("s3", "delete_object", Bucket=self._account.bucket, Key=self._key)
        self._removed = True

    def _take(self) -> None:
        """Write the object when it may be, until that has succeeded."""
        while not self._etag:
            there = self._account.read(self._account.bucket, self._key)
            if there is None:
                self._write(IfNoneMatch="*")
            elif (holder := self._free(there)) is not None:
                self.unfinished = str(holder.get("intent", "")) if holder.get("held") else ""
                self._write(IfMatch=there["ETag"])

    def _free(self, there: Any) -> dict[str, Any] | None:
        """Who had the lease that was read, if it may be taken; waits until that is known."""
        holder = _holder(there)
        if not holder.get("held") or _dead(holder):
            return holder
        age = _server_time(there) - there["LastModified"]
        left = TTL_SECONDS - age.total_seconds()
        if left <= 0:
            return holder
        # a living holder renews within this time
        waited = min(left, RENEW_SECONDS * 1.5)
        self._sleep(waited)
        again = self._account.read(self._account.bucket, self._key)
        if again is not None and again["ETag"] != there["ETag"] and _holder(again).get("held"):
            raise ServiceError(
                f"'{self._account.names.endpoint}' is being changed by another client ({holder.get('doing')} on "
                f"{holder.get('host')}): wait for it, then run this again"
            )
        return None

    def _write(self, held: bool = True, **condition: str) -> None:
        """Write the object if the condition holds; else this lease is not held."""
        from botocore.exceptions import BotoCoreError, ClientError

        account = self._account
        asked = self._now()
        body = {
            "id": self._id,
            "held": held,
            "doing": self._doing,
            "intent": self._intent,
            "host": socket.gethostname(),
            "boot": _boot(),
            "pid": os.getpid(),
            "born": _born(os.getpid()),
            "written": uuid.uuid4().hex,  # else a renewal would keep the ETag
        }
        try:
            made = account.client("s3").put_object(
                Bucket=account.bucket, Key=self._key, Body=json.dumps(body).encode(), **condition
            )
        except ClientError as error:
            if code_of(error) not in LOST:
                raise explain(error, f"endpoint '{account.names.endpoint}'") from error
            # a write whose answer was lost is repeated by botocore, and then refused because of itself
            there = account.read(account.bucket, self._key)
            ours = there is not None and _holder(there).items() >= {"id": self._id, "held": True}.items()
            self._etag, self._renewed = (there["ETag"], asked) if ours else ("", self._renewed)
        except BotoCoreError as error:
            raise explain(error, f"endpoint '{account.names.endpoint}'") from error
        else:
            self._etag, self._renewed = made["ETag"], asked


def _holder(there: Any) -> dict[str, Any]:
    try:
        holder = json.loads(there["Body"])
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _dead(holder: dict[str, Any]) -> bool:
    """Is the holder a process of this machine that is gone? Then nobody needs to wait for it."""
    if (holder.get("host"), holder.get("boot")) != (socket.gethostname(), _boot()):
        return False
    if holder.get("pid") == os.getpid():
        return holder.get("id") not in _held
    return _born(holder.get("pid")) != holder.get("born")


def _boot() -> str:
    """What tells this machine, since it was last started, from others of its name; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _born(pid: Any) -> float | None:
    """When a process of this machine started, in seconds since 1970; None when there is none."""
    import psutil

    try:
        return float(psutil.Process(int(pid)).create_time())
    except (psutil.Error, TypeError, ValueError):
        return None


def _server_time(answer: Any) -> datetime:
    """When S3 answered, by its own clock."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
