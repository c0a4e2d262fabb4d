"""Is the remote whole? Nothing is sent, and nothing here is changed but DVC's choice of its remote."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.errors import InputError, StorageError
from stages.common.settings.platform import Storage
from stages.push.data import Output, files_of, open_with_remote, outputs
from stages.push.push import FRAMES
from stages.push.remotes import Remote

WORKERS = 16
"""Objects that are looked at side by side."""


@dataclass(frozen=True)
class Verified:
    """What was found in a remote.

    Attributes:
        url: of the remote.
        outputs: that are whole there.
        objects: how many were looked at.
    """

    url: str
    outputs: tuple[Output, ...]
    objects: int

    def __str__(self) -> str:
        """A summary line."""
        size = sum(output.bytes for output in self.outputs) / 2**20
        return f"push: {self.url} holds all of dvc.lock ({self.objects} objects, {size:.1f} MiB)"


def verify(root: Path, storage: Storage) -> Verified:
    """Look for everything that ``dvc.lock`` names, and see that its size is what ``dvc.lock`` says.

    Args:
        root: top of the repository; it becomes DVC's default remote, as after a push.
        storage: which remote.

    Raises:
        InputError: when ``dvc.lock`` names no frames.
        StorageError: when the remote does not answer, or something in it is missing or cut short.
    """
    with open_with_remote(root, storage) as (repo, remote):
        wanted = outputs(repo)
        if FRAMES not in wanted:
            raise InputError(f"{FRAMES} is not in dvc.lock: run dvc repro, and commit dvc.lock")
        store = repo.cloud.get_remote(remote.name).odb
        remote.tune(store.fs)
        try:
            found = [_look(output, out, repo.cache.local, store) for output, out in wanted.values()]
        except Exception as error:  # of fsspec, botocore, the file system: whatever the remote is made of
            raise remote.explain(error) from error
    _judge(found, remote)
    return Verified(
        remote.receipt["url"], tuple(output for output, _ in wanted.values()), sum(item.objects for item in found)
    )


@dataclass(frozen=True)
class _Found:
    output: Output
    objects: int
    missing: tuple[str, ...]
    bytes: int


def _look(output: Output, out: Any, cache: Any, store: Any) -> _Found:
    files = files_of(out, cache, store)
    if files is None:
        return _Found(output, 0, ("its listing",), 0)
    with ThreadPoolExecutor(WORKERS) as pool:
        sizes = dict(zip(files, pool.map(lambda info: _size(store, info.value), files.values()), strict=True))
    missing = tuple(name or output.path for name, size in sizes.items() if size is None)
    listing = int(out.hash_info.isdir)
    if listing and _size(store, out.hash_info.value) is None:
        missing = (*missing, "its listing")
    return _Found(output, len(files) + listing, missing, sum(size or 0 for size in sizes.values()))


def _size(store: Any, oid: str) -> int | None:
    """Bytes of an object; None when it is not there."""
    try:
        return int(store.fs.info(store.oid_to_path(oid))["size"])
    except FileNotFoundError:
        return None


def _judge(found: Iterable[_Found], remote: Remote) -> None:
    url = remote.receipt["url"]
    for item in found:
        if item.missing:
            raise StorageError(
                f"{url} lacks {len(item.missing)} objects of {item.output.path} ({item.missing[0]} among them): send "
                "them with python -m stages.push from where they are in the DVC cache"
            )
        if item.bytes != item.output.bytes:
            raise StorageError(
                f"{item.output.path} has {item.bytes} bytes in {url} where dvc.lock says {item.output.bytes}: remove "
                "what was cut short there, and send it again with python -m stages.push"
            )
