"""The host's folder in object storage: source and work go in, frames and news come out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.aws.session import code_of, told

SOURCE, WORK, STATUS, LOG, BOOT_LOG = "source.tar.gz", "work.json", "status.json", "job.log", "boot.log"
BILL = "bill.json"
FRAMES = "data/"
"""Prefix of the frames and of the unfinished work beside them, as they lie below the checkout's ``data``."""

MISSING = {"404", "NoSuchKey", "NotFound"}


@dataclass
class Box:
    """A prefix of a bucket, and what of it lies where on disk.

    Attributes:
        s3: client.
        bucket, prefix: where.
        known: size and time of each file when it was last sent or fetched, by key below the prefix.
    """

    s3: Any
    bucket: str
    prefix: str
    known: dict[str, tuple[int, int]] = field(default_factory=dict)

    def put(self, name: str, body: bytes) -> None:
        """Store an object."""
        with told(f"s3://{self.bucket}/{self.prefix}{name}"):
            self.s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}{name}", Body=body)

    def put_json(self, name: str, value: Any) -> None:
        """Store JSON."""
        self.put(name, json.dumps(value).encode())

    def get(self, name: str) -> bytes | None:
        """An object's bytes, None where there is none."""
        from botocore.exceptions import ClientError

        with told(f"s3://{self.bucket}/{self.prefix}{name}"):
            try:
                return bytes(self.s3.get_object(Bucket=self.bucket, Key=f"{self.prefix}{name}")["Body"].read())
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise

    def get_json(self, name: str) -> Any:
        """JSON, None where there is none."""
        body = self.get(name)
        return None if body is None else json.loads(body)

    def remove(self, *names: str) -> None:
        """Remove objects, whether they are there or not."""
        with told(f"s3://{self.bucket}/{self.prefix}"):
            for name in names:
                self.s3.delete_object(Bucket=self.bucket, Key=f"{self.prefix}{name}")

    def list(self, below: str) -> dict[str, int]:
        """Sizes of the objects below a prefix, by name."""
        found = {}
        with told(f"s3://{self.bucket}/{self.prefix}"):
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}{below}"
            )
            for page in pages:
                for item in page.get("Contents", []):
                    found[item["Key"][len(self.prefix) :]] = int(item["Size"])
        return found

    def send(self, folder: Path, below: str = FRAMES, keep: Callable[[Path], bool] = lambda _: True) -> int:
        """Make the objects below a prefix those of a folder; how many were sent.

        A file that vanishes meanwhile was packed into another one and is passed over. Files go up before the objects of
        those that are gone are removed, so nothing is ever in neither place.
        """
        there, sent, present = self.list(below), 0, set()
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or not keep(path):
                continue
            name = f"{below}{path.relative_to(folder).as_posix()}"
            try:
                stamp = path.stat().st_size, path.stat().st_mtime_ns
                if self.known.get(name) != stamp or there.get(name) != stamp[0]:
                    with told(f"s3://{self.bucket}/{self.prefix}{name}"):
                        self.s3.upload_file(str(path), self.bucket, f"{self.prefix}{name}")
                    self.known[name] = stamp
                    sent += 1
            except FileNotFoundError:
                continue
            present.add(name)
        self.remove(*(name for name in there if name not in present))
        return sent

    def fetch(self, folder: Path, below: str = FRAMES) -> int:
        """Bring what lies below a prefix into a folder, except what went or came before; how many files came."""
        count = 0
        for name, size in self.list(below).items():
            path = folder / name[len(below) :]
            stamp = (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None
            if stamp is not None and stamp[0] == size and self.known.get(name) == stamp:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            with told(f"s3://{self.bucket}/{self.prefix}{name}"):
                self.s3.download_file(self.bucket, f"{self.prefix}{name}", str(partial))
            partial.replace(path)
            self.known[name] = path.stat().st_size, path.stat().st_mtime_ns
            count += 1
        return count


def sendable(path: Path) -> bool:
    """Whether a file of the data folder is worth sending: no half-written one, no lock, no log."""
    return not path.name.endswith(".partial") and path.name != "lock" and path.suffix != ".log"


def lines_of(body: bytes | None, count: int = 12) -> Iterator[str]:
    """The last lines of a log."""
    yield from (body or b"").decode(errors="replace").splitlines()[-count:]
