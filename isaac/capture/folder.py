"""The job folder: how the program inside Isaac Sim and the one outside speak to each other.

Files alone, so that it works between two Pythons, into a container, and across a kill of either side::

    job.json           what is the same for all frames
    requests/N.json    a frame to render; asked for in the order of names
    passes/N.npz       what came of it
    geometry/KEY.npz   triangles of assets that only Isaac Sim can read
    assets/KEY.usda    files that bring such assets to metres
    journal.jsonl      one line an event: started, done, failed, with attempts and seconds
    stop               no more requests will come
    manifest.json      written before the app is closed: what was done, and why it ended

Every file but the journal is written beside its name and renamed. A torn last line of the journal is ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

JOB, JOURNAL, MANIFEST, STOP = "job.json", "journal.jsonl", "manifest.json", "stop"
REQUESTS, PASSES, GEOMETRY, ASSETS = "requests", "passes", "geometry", "assets"

STARTED, READY, DONE, FAILED = "started", "ready", "done", "failed"
"""Events of the journal."""

Arrays = Mapping[str, NDArray[Any]]


class JobFolder:
    """One job's folder.

    Args:
        root: made when missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        # all of them at once, by who may hand them over to the user of a container
        for name in (REQUESTS, PASSES, GEOMETRY, ASSETS):
            (root / name).mkdir(parents=True, exist_ok=True)

    @property
    def job(self) -> Path:
        """File with what is the same for all frames."""
        return self.root / JOB

    @property
    def manifest(self) -> Path:
        """File that says how the job ended."""
        return self.root / MANIFEST

    @property
    def stop(self) -> Path:
        """File whose being there ends the job once all requests are met."""
        return self.root / STOP

    def request(self, frame: int) -> Path:
        """File that asks for a frame."""
        return self.root / REQUESTS / f"{frame:07d}.json"

    def passes(self, frame: int) -> Path:
        """File with a frame's passes."""
        return self.root / PASSES / f"{frame:07d}.npz"

    def geometry(self, key: str) -> Path:
        """File with an asset's triangles."""
        return self.root / GEOMETRY / f"{key}.npz"

    @property
    def assets(self) -> Path:
        """Folder for small files about other people's assets."""
        return self.root / ASSETS

    def asked(self) -> dict[int, tuple[int, int]]:
        """Frames that there is a request for, in order, each with what tells it from another request for the frame."""
        found = {}
        for path in sorted((self.root / REQUESTS).glob("[0-9]*.json"), key=lambda path: int(path.stem)):
            with suppress(FileNotFoundError):  # met and removed meanwhile
                status = path.stat()
                found[int(path.stem)] = status.st_ino, status.st_mtime_ns
        return found

    def settled(self) -> set[int]:
        """Frames that the journal calls done, and whose passes are there, or failed."""
        last: dict[int, str] = {}
        for event in self.journal():
            if event.get("event") in (DONE, FAILED):
                last[int(event["frame"])] = event["event"]
        return {frame for frame, event in last.items() if event == FAILED or self.passes(frame).exists()}

    def journal(self) -> Iterator[dict[str, Any]]:
        """Events so far."""
        try:
            lines = (self.root / JOURNAL).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue  # a process was killed while it wrote this one
            if isinstance(event, dict):
                yield event

    def note(self, event: str, **facts: Any) -> None:
        """Add an event to the journal, on disk before this returns."""
        with open(self.root / JOURNAL, "ab+") as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, end - 1))
            torn = end > 0 and stream.read(1) != b"\n"
            stream.write((("\n" if torn else "") + json.dumps({"event": event, **facts}) + "\n").encode())
            stream.flush()
            os.fsync(stream.fileno())


def write_json(path: Path, value: Any) -> None:
    """Write JSON, whole or not at all, on disk before this returns."""
    _replace(path, json.dumps(value).encode())


def read_json(path: Path) -> Any:
    """What :func:`write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays without compression, whole or not at all."""
    partial = _partial(path)
    with open(partial, "wb") as stream:
        np.savez(stream, **arrays)
    partial.replace(path)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """What :func:`write_arrays` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _replace(path: Path, data: bytes) -> None:
    partial = _partial(path)
    with open(partial, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
