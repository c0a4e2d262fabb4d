"""Folders for the passes of a frame on their way between two programs: in memory where there is some, swept by age."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def scratch_folder(prefix: str) -> Path:
    """A new folder that belongs to this process; those of its kind whose processes are gone are removed.

    Args:
        prefix: of the names of such folders; the process id follows.
    """
    memory = memory_folder()
    if memory is not None:
        sweep(Path(memory), prefix)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=memory))


def memory_folder() -> str | None:
    """Memory-backed storage, where the system has it."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and os.access(shared, os.W_OK) else None


def sweep(folder: Path, prefix: str) -> None:
    """Remove what processes that are gone left there: a killed one cannot tidy up."""
    for left in folder.glob(f"{prefix}[0-9]*"):
        owner = left.name.removeprefix(prefix).partition("-")[0]
        if not owner.isdigit() or not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
