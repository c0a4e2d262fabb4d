"""The project's place in object storage: whole files up and down, with sums, in parallel, and none twice."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.errors import SettingsError
from stages.common.files import atomic_write
from stages.common.settings.aws import Aws
from stages.common.settings.platform import Storage
from stages.common.storage import ABSENT, CONNECTIONS, Credentials, Place, client, code_of, get_body, told

ATTEMPTS = 10
"""Tries of a request: of ten, a server that fails every fifth request fails all in one of ten million."""

WORKERS = 8
"""Requests at a time."""

READ_TIMEOUT = 120
"""Seconds for a server to take a body in."""

CHUNK = 1 << 20


@dataclass(frozen=True)
class Item:
    """A file to put.

    Attributes:
        path: of the file.
        key: of the object.
        sha256: hex sum of its bytes; the server refuses others.
        bytes: its size.
    """

    path: Path
    key: str
    sha256: str
    bytes: int


def place_of(aws: Aws, stored: Storage) -> Place:
    """Where the project's channels, models and receipts lie: ``aws.bucket``, or the bucket of the DVC remote.

    Raises:
        SettingsError: when neither is named.
    """
    if aws.bucket:
        return Place(aws.bucket, aws.project, aws.endpoint.rstrip("/"), aws.region)
    if stored.kind == "s3":
        return Place(stored.bucket, aws.project, (stored.endpoint or aws.endpoint).rstrip("/"), stored.region)
    raise SettingsError("aws.bucket is empty and storage.kind is no s3: name the bucket, as in aws.bucket=my-frames")


class Objects:
    """Objects in the project's place; use one in all threads.

    Args:
        place: bucket and prefix; keys are given without the prefix.
        kms_key: that encrypts what is put; empty: the bucket's default.
        attempts: tries of each request.
    """

    def __init__(self, place: Place, kms_key: str = "", attempts: int = ATTEMPTS) -> None:
        self.place = place
        self._client = client(
            place, Credentials(), attempts, read_timeout=READ_TIMEOUT, connections=max(WORKERS, CONNECTIONS)
        )
        self._encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}

    def uri(self, key: str) -> str:
        """``s3://bucket/prefix/key``."""
        return f"{self.place.uri}/{key}"

    def sizes(self, prefix: str) -> dict[str, int]:
        """Bytes of each object below a prefix, by key; one request for a thousand.

        Raises:
            StorageError: when the bucket cannot be listed.
        """
        found: dict[str, int] = {}
        top = f"{self.place.prefix}/"
        with told(self.place):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=self._key(prefix)
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    found[item["Key"].removeprefix(top)] = int(item["Size"])
        return found

    def holds(self, item: Item) -> bool:
        """Whether an object has just these bytes; one request, by the server's SHA-256, or MD5 where it keeps none.

        Raises:
            StorageError: when the server does not say.
        """
        from botocore.exceptions import ClientError

        with told(self.place):
            try:
                about = self._client.head_object(
                    Bucket=self.place.bucket, Key=self._key(item.key), ChecksumMode="ENABLED"
                )
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return False
                raise
        if "ChecksumSHA256" in about:
            return bool(about["ChecksumSHA256"] == _base64(item.sha256))
        return (int(about["ContentLength"]), str(about["ETag"]).strip('"')) == (item.bytes, _md5_of(item.path))

    def put(self, item: Item) -> None:
        """Send a file in one request, which the server keeps only when the sum is right.

        Raises:
            StorageError: when it does not take it.
        """
        with told(self.place), open(item.path, "rb") as stream:
            self._client.put_object(
                Bucket=self.place.bucket,
                Key=self._key(item.key),
                Body=stream,
                ChecksumSHA256=_base64(item.sha256),
                **self._encrypted,
            )

    def put_all(self, items: Iterable[Item], done: Callable[[Item], None]) -> None:
        """Send files side by side; at the first that fails, no more are begun.

        Args:
            items: what to send.
            done: called after each, in some thread.
        """

        def send(item: Item) -> None:
            self.put(item)
            done(item)

        with ThreadPoolExecutor(WORKERS) as pool:
            futures = [pool.submit(send, item) for item in items]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def read(self, key: str) -> bytes | None:
        """An object's bytes; None when it does not exist.

        Raises:
            StorageError: when it cannot be read.
        """
        content: bytes | None = self._get(key, lambda body: bytes(body.read()))
        return content

    def fetch(self, key: str, path: Path, advance: Callable[[int], None] = lambda _: None) -> bool:
        """Copy an object to a file, whole or not at all.

        Args:
            key: of the object.
            path: of the file.
            advance: told how many bytes came.

        Returns:
            False when the object does not exist.

        Raises:
            StorageError: when it cannot be read.
        """

        def save(body: Any) -> bool:
            with atomic_write(path, "wb") as stream:
                for chunk in body.iter_chunks(CHUNK):
                    stream.write(chunk)
                    advance(len(chunk))
            return True

        return bool(self._get(key, save))

    def _get(self, key: str, take: Callable[[Any], Any]) -> Any:
        return get_body(self._client, self.place, self._key(key), take, ATTEMPTS)

    def _key(self, key: str) -> str:
        return f"{self.place.prefix}/{key}"


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _md5_of(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
