"""Files that are either whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from stages.common.errors import InputError

CHUNK = 1 << 20


@contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file beside ``path`` and rename it onto ``path`` once the block ends without error.

    The data is flushed to disk before the rename, so a power cut leaves the old file or the new one.

    Args:
        path: final place; parent folders are made.
        mode: ``"w"`` for text in UTF-8, ``"wb"`` for bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    encoding = None if "b" in mode else "utf-8"
    try:
        with open(partial, mode, encoding=encoding) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON with sorted keys and a final newline, whole or not at all."""
    with atomic_write(path) as stream:
        json.dump(value, stream, indent=1, sort_keys=True, allow_nan=False)
        stream.write("\n")


def sha256_of(path: Path | str) -> str:
    """Hex SHA-256 of a file's bytes, read in 1 MiB steps."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:  # a buffer costs a small file a third of its time
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Fill a new folder beside ``path`` and put it in its place once the block ends without error.

    What a killed process left there is removed first.

    Args:
        path: final place; what it holds is replaced as a whole. A link stays, and the folder that it names is replaced.

    Raises:
        InputError: when a file is there, or on the way there.
    """
    path = path.resolve()
    taken = next(place for place in (path, *path.parents) if place.exists())
    if not taken.is_dir():
        raise InputError(f"{taken} is a file: choose another folder")
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.exists():
            shutil.rmtree(path)
        partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
