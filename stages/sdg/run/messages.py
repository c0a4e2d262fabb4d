"""What the run and its worker processes say to each other, and the error that a full disk becomes."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from stages.common.errors import StageError
from stages.common.settings import Settings
from stages.sdg.assets.imports.prepare import Prepared

DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file size limit is reached",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "writing there is not permitted",
    errno.EPERM: "writing there is not permitted",
}
"""Failures to write that no retry mends, in words."""


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know, sent to it first; frame numbers follow.

    Attributes:
        settings: with the runtime's zeros resolved.
        work: folder that takes the finished frames.
        factory: ``module:function`` that is called with the backend's name and settings, and makes the renderer.
        own: the user's own objects as the run found them.
    """

    settings: Settings
    work: Path
    factory: str
    own: tuple[Prepared, ...] = ()


@dataclass(frozen=True)
class Ready:
    """The worker has its renderer, after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Done:
    """A frame lies in the work folder; ``seconds`` by what they were spent on."""

    frame: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class Failed:
    """The worker lives, but could not make the frame."""

    frame: int
    reason: str


@dataclass(frozen=True)
class Refused:
    """Nothing that this worker or another one does will help: bad settings, missing package, full disk."""

    error: StageError


Reply = Ready | Done | Failed | Refused


def disk_error(error: OSError, folder: Path) -> StageError | None:
    """The user's sentence for a disk that takes no more, or None when the error is another one."""
    if error.errno not in DISK_ERRORS:
        return None
    return StageError(
        f"cannot write {error.filename or folder}: {DISK_ERRORS[error.errno]}; make room there and run the same "
        "command again, which goes on from the frames that are done"
    )
