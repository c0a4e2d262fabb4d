"""Files of object storage, fetched once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from stages.common.errors import InputError, StorageError
from stages.common.files import atomic_write, write_json
from stages.common.settings.platform import Storage
from stages.common.storage import Credentials, Place, client, code_of, explain

SCHEME = "s3://"
ATTEMPTS = 3
LISTED = 10_000
"""Objects of a prefix that are looked at."""

ABSENT = {"404", "NoSuchKey", "NotFound"}


class Bucket:
    """A place in object storage, and the folder that keeps what was fetched from it.

    Args:
        uri: ``s3://bucket/key``; with a slash at its end, all that begins with it.
        storage: settings whose endpoint and region are used, whichever kind they are of.
        cache: folder for fetched files.
    """

    def __init__(self, uri: str, storage: Storage, cache: Path) -> None:
        bucket, _, self.key = uri.removeprefix(SCHEME).partition("/")
        if not bucket or not self.key:
            raise InputError(f"{uri} names no object: write s3://bucket/key, with a slash at the end for a folder")
        self.place = Place(bucket, self.key, storage.endpoint, storage.region)
        self._folder = cache / "s3" / bucket
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The boto3 client, made when it is first needed."""
        if self._client is None:
            self._client = client(self.place, Credentials(), ATTEMPTS)
        return self._client

    def keys(self, suffixes: tuple[str, ...]) -> list[str]:
        """Keys below the prefix with one of the suffixes, sorted.

        Raises:
            StorageError: when the server does not answer or refuses.
        """
        found: list[str] = []
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.place.bucket, Prefix=self.key)
            for page in pages:
                found += [item["Key"] for item in page.get("Contents", []) if item["Key"].lower().endswith(suffixes)]
                if len(found) > LISTED:
                    raise InputError(f"{self.place.uri} holds more than {LISTED} files: name a smaller folder")
        except InputError:
            raise
        except Exception as error:
            raise self._explained(error) from error
        return sorted(found)

    def fetch(self, key: str, limit_mb: float) -> Path | None:
        """The file of a key, fetched when it is new or has changed there; None when there is no such object.

        Args:
            key: in the bucket.
            limit_mb: MiB above which it is refused before it is fetched.

        Raises:
            StorageError: when the server does not answer, refuses, or sends something else than it announced.
            InputError: when the object is larger than the limit.
        """
        path = self._path(key)
        try:
            head = self.client.head_object(Bucket=self.place.bucket, Key=key)
        except Exception as error:
            if code_of_any(error) in ABSENT:
                return None
            raise self._explained(error) from error
        size, etag = int(head["ContentLength"]), str(head.get("ETag", ""))
        if size > limit_mb * (1 << 20):
            raise InputError(
                f"s3://{self.place.bucket}/{key} takes {size / (1 << 20):.0f} MiB, above max_file_mb: {limit_mb:g}; "
                "raise that limit, or simplify it first"
            )
        note = path.with_name(f".{path.name}.json")
        if not (path.is_file() and path.stat().st_size == size and _noted(note) == etag):
            self._download(key, path, size)
            write_json(note, {"etag": etag, "size": size})
        return path

    def _download(self, key: str, path: Path, size: int) -> None:
        try:
            with atomic_write(path, "wb") as stream:
                self.client.download_fileobj(self.place.bucket, key, stream)
                if stream.tell() != size:
                    raise StorageError(
                        f"s3://{self.place.bucket}/{key} came with {stream.tell()} of {size} bytes: run it again"
                    )
        except (StorageError, OSError):
            raise
        except Exception as error:
            raise self._explained(error) from error

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if ".." in parts or PurePosixPath(key).is_absolute():
            raise InputError(f"s3://{self.place.bucket}/{key} points out of its bucket: correct the reference")
        return self._folder.joinpath(*parts)

    def beside(self, main: str, written: str) -> str | None:
        """Key of a file that the object ``main`` refers to by a relative path; None for any other reference."""
        if "://" in written or written.startswith("/"):
            return None
        parts: list[str] = list(PurePosixPath(main).parent.parts)
        for part in PurePosixPath(written.replace("\\", "/")).parts:
            if part == "..":
                if not parts:
                    return None
                parts.pop()
            elif part != ".":
                parts.append(part)
        return "/".join(parts)

    def _explained(self, error: Exception) -> StorageError:
        return explain(error, replace(self.place, prefix=self.key))


def code_of_any(error: Exception) -> str:
    """S3's error code, or nothing for an error of another kind."""
    return code_of(error) if hasattr(error, "response") else ""


def _noted(note: Path) -> str | None:
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["etag"])
    except (OSError, ValueError, KeyError):
        return None
