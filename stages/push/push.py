"""The push itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.errors import InputError, StorageError
from stages.common.files import write_json
from stages.common.settings.platform import Storage
from stages.push.channel import Sent
from stages.push.data import Output, Transfer, open_with_remote, outputs, send
from stages.push.remotes import Remote

FRAMES = "data/frames"
"""The output that must reach the remote; the receipt speaks of it alone, since what follows depends on it alone."""


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        url: of the remote.
        frames: the frames as they are there now.
        sent: objects that were not there before.
        channel: of the training job; None where training needs none.
    """

    url: str
    frames: Output
    sent: int
    channel: Sent | None = None

    def __str__(self) -> str:
        """A summary line."""
        done = f"{self.sent} objects sent to" if self.sent else "nothing to send to"
        size = f"{self.frames.files} files, {self.frames.bytes / 2**20:.1f} MiB"
        line = f"push: {done} {self.url}; {FRAMES} at {self.frames.revision[:10]} ({size})"
        if self.channel is None:
            return line
        channel = self.channel.channel
        return (
            f"{line}; {self.channel.sent} of {len(channel.files)} tars sent to the channel {self.channel.uri} "
            f"({channel.frames} pictures, {channel.bytes / 2**20:.1f} MiB)"
        )


def push(root: Path, storage: Storage, receipt: Path, channel: Callable[[], Sent] | None = None) -> Pushed:
    """Bring the remote up to date and write the receipt.

    Args:
        root: top of the repository.
        storage: which remote.
        receipt: of the JSON file to write. It names the frames by content and holds no times, so the same frames in
            the same remote give the same bytes.
        channel: sends the channel of the training job, where there is one to come.

    Raises:
        InputError: when there are no frames yet, or they are lost.
        StorageError: when the remote does not answer, refuses, or is missing; the receipt is left as it was.
    """
    with open_with_remote(root, storage) as (repo, remote):
        wanted = outputs(repo)
        if FRAMES not in wanted:
            raise InputError(f"{FRAMES} is not in dvc.lock yet: render the frames with dvc repro sdg")
        transfer = send(repo, remote, wanted.values())
    _judge(transfer, remote)
    frames = wanted[FRAMES][0]
    sent = channel() if channel else None
    content = _receipt(remote, frames, transfer.checksums[FRAMES])
    write_json(receipt, content | ({"channel": sent.receipt} if sent else {}))
    return Pushed(remote.receipt["url"], frames, transfer.sent, sent)


def _judge(transfer: Transfer, remote: Remote) -> None:
    if FRAMES in transfer.lost:
        raise StorageError(
            f"{FRAMES} is whole neither in the DVC cache nor in {remote.receipt['url']}: put it back with "
            f"dvc commit {FRAMES}, or render it again with dvc repro --force sdg"
        )
    for path in transfer.lost:
        print(f"push: {path} is not in the DVC cache and was left out: dvc repro makes it again", file=sys.stderr)


def _receipt(remote: Remote, frames: Output, checksums: dict[str, str]) -> dict[str, Any]:
    return {
        "remote": remote.receipt,
        "path": frames.path,
        "revision": frames.revision,
        "counts": {
            "files": frames.files,
            "shards": sum(name.endswith(".tar") for name in checksums),
        },
        "bytes": frames.bytes,
        "checksums": checksums,
    }
