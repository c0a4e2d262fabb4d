"""Sums of files that are remembered, so that a file that did not change is not read again."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from stages.common.files import atomic_write, sha256_of

SETTLED_NS = 2_000_000_000
"""Age at which a file's sum is kept: one that changes within its file system's tick keeps size and times (Git's "racy"
entries)."""

Stamp = tuple[int, int, int, int]
"""Size, time of the last change of content and of the file's record in nanoseconds, and number of the file."""


class Sums:
    """SHA-256 of files by name, with the stamp that each file had then.

    Args:
        path: where they are kept; one that is missing or damaged knows nothing.
        top: folder of the files; sums of another one are forgotten.
    """

    def __init__(self, path: Path, top: Path) -> None:
        self._path, self._top = path, str(top.resolve())
        self._old, self._new = self._read(), dict[str, tuple[Stamp, str]]()
        self._now = time.time_ns()

    def of(self, name: str, path: Path | str) -> str:
        """Hex SHA-256 of a file's bytes, from memory when its stamp is the same.

        Args:
            name: that it is remembered by.
            path: of the file; a link is followed.
        """
        about = os.stat(path)  # noqa: PTH116 - of many thousands, by text
        stamp = (about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
        known = self._old.get(name)
        value = known[1] if known is not None and known[0] == stamp else sha256_of(path)
        if max(about.st_mtime_ns, about.st_ctime_ns) < self._now - SETTLED_NS:
            self._new[name] = stamp, value
        return value

    def save(self) -> None:
        """Keep the sums of the files that were asked for, whole or not at all."""
        if self._new != self._old:
            with atomic_write(self._path) as stream:
                json.dump({"top": self._top, "sums": self._new}, stream, separators=(",", ":"))

    def _read(self) -> dict[str, tuple[Stamp, str]]:
        try:
            known: Any = json.loads(self._path.read_bytes())
            sums = known["sums"] if known["top"] == self._top else {}
            return {
                name: ((size, changed, recorded, number), value)
                for name, ((size, changed, recorded, number), value) in sums.items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}
