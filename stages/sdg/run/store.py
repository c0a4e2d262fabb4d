"""Finished frames on their way into shards, and the lock that keeps runs apart.

Beside the folder of frames lies a work folder, ``data/.frames.work``. A worker puts each frame there as one file of
its own, so nothing that was rendered is lost when the run is killed. Once all frames of a shard are there, they are
copied into it. When the layout of shards changes, frames go the other way first.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stages.common.errors import StageError
from stages.common.files import atomic_write
from stages.sdg.shards.manifest import PLANS, Shard, Span, shard_path
from stages.sdg.shards.writer import frame_name, write_shard

SUFFIX = ".frame"


def work_folder(folder: Path) -> Path:
    """Where the frames of ``folder`` wait until their shard is complete."""
    return folder.with_name(f".{folder.name}.work")


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep every other run out of ``folder``; the lock ends with this process, however it ends.

    Raises:
        StageError: when another run holds it.
    """
    path = work_folder(folder) / "lock"
    descriptor = _lock(path, folder)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path, folder: Path) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The run before may have removed the file between our open and our lock.
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except BlockingIOError:
            holder = path.read_text().strip() or "unknown"
            os.close(descriptor)
            raise StageError(
                f"{folder} is being rendered by another run (process {holder}); wait until it ends or stop it, "
                "then run the same command again"
            ) from None
        os.close(descriptor)


class Store:
    """The work folder of one content key.

    Args:
        folder: of the frames; the work folder lies beside it.
        key: content key; what other keys left behind is removed.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        self.root = work_folder(folder)
        self.work = self.root / key[:16]
        for other in self.root.iterdir() if self.root.is_dir() else ():
            if other.is_dir() and other != self.work:
                shutil.rmtree(other)
        self.work.mkdir(parents=True, exist_ok=True)
        for partial in [*self.work.glob(".*.partial"), *folder.rglob(".*.partial")]:
            partial.unlink()

    def frames(self) -> set[int]:
        """Numbers of the frames that wait here."""
        return {int(path.stem) for path in self.work.glob(f"*{SUFFIX}")}

    def pack(self, span: Span) -> Shard:
        """Write a shard from the frames that wait for it; they stay until :meth:`forget`."""
        lines: list[str] = []

        def blocks() -> Iterator[bytes]:
            for number in span.numbers:
                line, block = read_fragment(self.work, number)
                lines.append(line)
                yield block

        sha256, size = write_shard(shard_path(self.folder, span), blocks())
        with atomic_write(self.work / f"{span.name}.jsonl") as stream:
            stream.writelines(f"{line}\n" for line in lines)
        return Shard(span.name, span.first, span.frames, sha256, size, self.key)

    def forget(self, span: Span) -> None:
        """Remove the frames of a shard that the manifest now names."""
        for number in span.numbers:
            fragment_path(self.work, number).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the whole work folder."""
        shutil.rmtree(self.root)


class PlanLines:
    """Lines of plans by frame number, found in files without keeping them in memory."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[Path, int, int]] = {}

    def index(self, path: Path) -> None:
        """Learn where each line of a file lies; one that holds no plan is passed over."""
        offset = 0
        with open(path, "rb") as lines:
            for line in lines:
                with suppress(ValueError, KeyError, TypeError):
                    self._places[int(json.loads(line)["frame"])] = (path, offset, len(line))
                offset += len(line)

    def get(self, frame: int) -> str | None:
        """The line of a frame without its newline, or None."""
        if frame not in self._places:
            return None
        path, offset, length = self._places[frame]
        with open(path, "rb") as stream:
            stream.seek(offset)
            return stream.read(length).decode().rstrip("\n")


def plan_lines(store: Store, *, trusted: bool) -> PlanLines:
    """Lines of the shards packed in this run, and those of ``plan.jsonl`` when it is ``trusted``."""
    lines = PlanLines()
    if trusted:
        lines.index(store.folder / PLANS)
    for path in sorted(store.work.glob("*.jsonl")):
        lines.index(path)
    return lines


def fragment_path(work: Path, frame: int) -> Path:
    """File in which a finished frame waits."""
    return work / f"{frame_name(frame)}{SUFFIX}"


def write_fragment(work: Path, frame: int, line: str, block: bytes) -> None:
    """Keep a frame: its plan's line, then its tar entries; whole or not at all."""
    with atomic_write(fragment_path(work, frame), "wb") as stream:
        stream.write(f"{line}\n".encode())
        stream.write(block)


def read_fragment(work: Path, frame: int) -> tuple[str, bytes]:
    """Inverse of :func:`write_fragment`."""
    line, _, block = fragment_path(work, frame).read_bytes().partition(b"\n")
    return line.decode(), block
