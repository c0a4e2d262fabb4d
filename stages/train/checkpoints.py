"""The work folder of a training, and the checkpoint that it is resumed from.

A folder belongs to one combination of settings and data, so a run is never resumed with others. It lies outside of
DVC's outs, which DVC deletes before a stage runs.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from stages.common.errors import TrainingError
from stages.common.files import atomic_write
from stages.common.mlflow_store import ignored_folder

STATE = "state.pt"
PREVIOUS = "state.previous.pt"
KEPT = 3
"""Work folders of other, unfinished trainings that are kept; the oldest go."""


@dataclass
class State:
    """Everything that the next epoch depends on, in full precision.

    Attributes:
        epoch: finished epochs.
        stopped: whether the run is over.
        best_epoch, best_fitness: of the best so far.
        model, ema, optimizer, scaler, stopper: their states.
        ema_updates: of the moving average.
        epochs: figures of all finished epochs.
        transfer: tensors (taken, all) of the starting weights.
    """

    epoch: int
    stopped: bool
    best_epoch: int
    best_fitness: float
    model: dict[str, Any]
    ema: dict[str, Any]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    stopper: dict[str, Any]
    ema_updates: int
    epochs: list[dict[str, float]] = field(default_factory=list)
    transfer: tuple[int, int] | None = None


def key_of(parts: Mapping[str, Any]) -> str:
    """Name of the work folder for these settings and data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def work_folder(cache: Path, key: str, *, fresh: bool) -> Iterator[Path]:
    """Hold the work folder of a training; it stays when the block fails, and goes when it ends well.

    Args:
        cache: folder of all work folders.
        key: from :func:`key_of`.
        fresh: empty it first.

    Raises:
        TrainingError: when another process trains the same.
    """
    folder = ignored_folder(cache) / key
    with _lock(cache / f"{key}.lock"):
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        os.utime(folder)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    _drop_old(cache)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with open(path, "a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise TrainingError(
                f"process {stream.read().strip() or 'unknown'} trains with the same settings and data already; "
                "wait for it or stop it"
            ) from None
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        yield


def _drop_old(cache: Path) -> None:
    folders = sorted((path for path in cache.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for folder in folders[: max(len(folders) - KEPT, 0)]:
        with suppress(TrainingError), _lock(folder.with_name(f"{folder.name}.lock")):
            shutil.rmtree(folder, ignore_errors=True)


def save_state(folder: Path, state: State) -> None:
    """Write the checkpoint, whole or not at all; the one before stays beside it."""
    import torch

    current, previous = folder / STATE, folder / PREVIOUS
    with atomic_write(current, "wb") as stream:
        torch.save({item.name: getattr(state, item.name) for item in fields(State)}, stream)
        with suppress(FileNotFoundError):
            previous.unlink()
        with suppress(FileNotFoundError):
            os.link(current, previous)


def load_state(folder: Path) -> tuple[State | None, str]:
    """Read the last checkpoint that can be read.

    Returns:
        The state, or None when there is none; and a sentence about checkpoints that could not be read.
    """
    import torch

    damaged: list[str] = []
    for name in (STATE, PREVIOUS):
        try:
            content = torch.load(folder / name, map_location="cpu", weights_only=True)
            return State(**content), _about(damaged, f"goes on from {name}")
        except FileNotFoundError:
            continue
        except Exception:  # torch raises nearly anything on a damaged file
            damaged.append(name)
    return None, _about(damaged, "begins anew")


def _about(damaged: list[str], instead: str) -> str:
    return f"the checkpoint {' and '.join(damaged)} is damaged, so training {instead}" if damaged else ""


def is_disk_full(error: OSError) -> bool:
    """Whether no more could be written."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
