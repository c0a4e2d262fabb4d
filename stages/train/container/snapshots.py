"""Checkpoints as one file each, so that object storage never holds half of one.

The work folder's state and best weights belong together, but SageMaker copies files one by one: a spot instance that
goes away in between would leave the state of one epoch beside the weights of another.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from contextlib import suppress
from pathlib import Path

from stages.common.files import atomic_write, sha256_of
from stages.train.checkpoints import STATE
from stages.train.contract import BEST

CURRENT, PREVIOUS = "checkpoint.tar", "checkpoint.previous.tar"
"""The last two, so that one that is damaged costs an epoch and not the run."""

LIST = "checkpoint.json"
"""First member: the epoch and the sums of the others."""

FILES = (STATE, BEST)


def save_snapshot(work: Path, checkpoints: Path, epoch: int) -> None:
    """Keep the work folder's checkpoint, whole or not at all; the one before stays beside it.

    Raises:
        OSError: when the disk is full.
    """
    about = {"epoch": epoch, "sums": {name: sha256_of(work / name) for name in FILES}}
    current, previous = checkpoints / CURRENT, checkpoints / PREVIOUS
    for left in checkpoints.glob(f".{CURRENT}.*"):  # by a killed process
        left.unlink()
    with atomic_write(current, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w") as tar:
            content = json.dumps(about).encode()
            member = tarfile.TarInfo(LIST)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
            for name in FILES:
                tar.add(work / name, name)
        with suppress(FileNotFoundError):
            previous.unlink()
        with suppress(FileNotFoundError):
            os.link(current, previous)


def restore_snapshot(checkpoints: Path, work: Path) -> tuple[int, str]:
    """Empty the work folder and fill it from the last checkpoint that is whole.

    Returns:
        Finished epochs, 0 for none; and a sentence about checkpoints that are damaged.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    damaged: list[str] = []
    for name in (CURRENT, PREVIOUS):
        path = checkpoints / name
        if not path.exists():
            continue
        try:
            epoch = _extract(path, work)
        except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError):
            damaged.append(name)
            continue
        return epoch, _about(damaged, f"goes on from {name}")
    for name in FILES:
        (work / name).unlink(missing_ok=True)
    return 0, _about(damaged, "begins anew")


def _extract(path: Path, work: Path) -> int:
    with tarfile.open(path) as tar:
        listing = tar.extractfile(LIST)
        if listing is None:
            raise ValueError(LIST)
        about = json.load(listing)
        for name in FILES:
            content = tar.extractfile(name)
            if content is None:
                raise ValueError(name)
            (work / name).write_bytes(content.read())
            if sha256_of(work / name) != about["sums"][name]:
                raise ValueError(name)
    return int(about["epoch"])


def _about(damaged: list[str], instead: str) -> str:
    return f"{' and '.join(damaged)} cannot be read, so training {instead}" if damaged else ""
