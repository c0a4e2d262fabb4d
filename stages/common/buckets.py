"""Object storage for jobs and endpoints that SageMaker's emulators run: a prefix of an S3 server, or a folder.

Both are addressed by URIs, ``s3://bucket/prefix`` and ``file:///folder``, as they stand in the requests.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from stages.common.checkout import main_checkout
from stages.common.errors import StorageError
from stages.common.files import atomic_write
from stages.common.settings.aws import Aws
from stages.common.settings.platform import Storage
from stages.common.storage import Credentials, Place, client, get_body, told

ATTEMPTS = 5
"""Tries of a request to an S3 server."""

SMALL = 1 << 20
"""Bytes up to which a file is read before it is sent, since it may grow meanwhile."""

CHUNK = 1 << 20


class Bucket(Protocol):
    """Objects below one URI; keys are relative to it, and no call leaves half an object behind."""

    @property
    def uri(self) -> str:
        """Of all of them, without a slash at its end."""

    def put(self, path: Path, key: str) -> None:
        """Keep a file as an object."""

    def read(self, key: str) -> bytes | None:
        """An object's bytes, or None."""

    def fetch(self, key: str, path: Path) -> bool:
        """Copy an object to a file; False when there is none."""

    def keys(self) -> list[str]:
        """Of all objects, sorted."""

    def delete(self) -> None:
        """Remove all objects."""


def base_uri(storage: Storage, aws: Aws | None, project: Path) -> str:
    """Where an emulated job's files lie: in the bucket, or beside the data in the local remote.

    Args:
        storage: which remote.
        aws: names another bucket, and the project's prefix in it.
        project: top of the repository.
    """
    if storage.kind == "s3":
        bucket = (aws.bucket if aws else "") or storage.bucket
        return f"s3://{bucket}/{aws.project if aws else 'sim-to-cloud'}"
    folder = (main_checkout(project) / Path(storage.folder).expanduser()).resolve()
    return (folder / "sagemaker").as_uri()


def open_bucket(uri: str, endpoint: str = "", region: str = "us-east-1") -> Bucket:
    """The objects below a URI.

    Args:
        uri: ``s3://bucket/prefix`` or ``file:///folder``.
        endpoint: address of an S3 server other than AWS.
        region: of the bucket.

    Raises:
        StorageError: when the address or the URI cannot be used.
    """
    parts = urlsplit(uri.rstrip("/"))
    if parts.scheme == "file":
        return FolderBucket(Path(unquote(parts.path)))
    if parts.scheme != "s3" or not parts.netloc:
        raise StorageError(f"'{uri}' is no place for objects: give s3://bucket/prefix or file:///folder")
    place = Place(parts.netloc, parts.path.strip("/"), endpoint.rstrip("/"), region)
    return S3Bucket(place, client(place, Credentials(), ATTEMPTS))


@dataclass(frozen=True)
class FolderBucket:
    """A folder."""

    folder: Path

    @property
    def uri(self) -> str:
        """``file:///folder``."""
        return self.folder.as_uri()

    def put(self, path: Path, key: str) -> None:
        """Copy a file, whole or not at all."""
        with open(path, "rb") as source, atomic_write(self.folder / key, "wb") as target:
            shutil.copyfileobj(source, target, CHUNK)

    def read(self, key: str) -> bytes | None:
        """A file's bytes, or None."""
        try:
            return (self.folder / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def fetch(self, key: str, path: Path) -> bool:
        """Copy a file; False when there is none."""
        if not (self.folder / key).is_file():
            return False
        FolderBucket(path.parent).put(self.folder / key, path.name)
        return True

    def keys(self) -> list[str]:
        """Of all files but those that are being written."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(path.relative_to(self.folder).as_posix() for path in files)

    def delete(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class S3Bucket:
    """A prefix of an S3 bucket."""

    place: Place
    s3: Any

    @property
    def uri(self) -> str:
        """``s3://bucket/prefix``."""
        return self.place.uri

    def put(self, path: Path, key: str) -> None:
        """Send a file in one request."""
        with told(self.place), open(path, "rb") as stream:
            small = path.stat().st_size <= SMALL
            self.s3.put_object(Bucket=self.place.bucket, Key=self._key(key), Body=stream.read() if small else stream)

    def read(self, key: str) -> bytes | None:
        """An object's bytes, or None."""
        content: bytes | None = self._get(key, lambda body: bytes(body.read()))
        return content

    def fetch(self, key: str, path: Path) -> bool:
        """Copy an object; False when there is none."""

        def save(body: Any) -> bool:
            with atomic_write(path, "wb") as stream:
                for chunk in body.iter_chunks(CHUNK):
                    stream.write(chunk)
            return True

        return bool(self._get(key, save))

    def keys(self) -> list[str]:
        """Of all objects below the prefix."""
        top = self._key("")
        with told(self.place):
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.place.bucket, Prefix=top)
            return sorted(item["Key"].removeprefix(top) for page in pages for item in page.get("Contents", ()))

    def delete(self) -> None:
        """Remove all objects below the prefix."""
        for key in self.keys():
            with told(self.place):
                self.s3.delete_object(Bucket=self.place.bucket, Key=self._key(key))

    def _get(self, key: str, take: Callable[[Any], Any]) -> Any:
        return get_body(self.s3, self.place, self._key(key), take, ATTEMPTS)

    def _key(self, key: str) -> str:
        return f"{self.place.prefix}/{key}".lstrip("/")
