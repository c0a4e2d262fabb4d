"""Folders for work in progress, which do not outlive it for long, however it ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def scratch(beside: Path, what: str) -> Iterator[Path]:
    """A folder in ``beside``, removed at the end.

    Args:
        beside: made when it is not there; on the disk that the result is renamed onto.
        what: is done, part of the name.
    """
    beside.mkdir(parents=True, exist_ok=True)
    sweep(beside, what)
    with tempfile.TemporaryDirectory(prefix=f".{what}-{os.getpid()}-", dir=beside) as place:
        yield Path(place)


def sweep(beside: Path, what: str) -> None:
    """Remove such folders that killed processes left in ``beside``."""
    for old in beside.glob(f".{what}-*"):
        number = old.name.removeprefix(f".{what}-").partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(old, ignore_errors=True)
