"""Tar archives whose bytes depend on nothing but their members.

A frame is a run of tar entries (its *block*), and a shard is the blocks of its frames, one after the other, with the
end-of-archive mark. So frames move from one shard to another by copying bytes.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from stages.common.files import atomic_write

DIGITS = 7
"""Width of a frame number in a member's name; test frames start at a million."""


def frame_name(frame: int) -> str:
    """Stem of a frame's members, ``0000012``."""
    return f"{frame:0{DIGITS}d}"


def frame_block(frame: int, members: Mapping[str, bytes]) -> bytes:
    """A frame's tar entries: uncompressed ustar, sorted by name, times and owners zero.

    Args:
        frame: its number.
        members: contents by suffix (``jpg``, ``instance.png``, ...).
    """
    block = bytearray()
    for suffix, data in sorted(members.items()):
        entry = tarfile.TarInfo(f"{frame_name(frame)}.{suffix}")
        entry.size = len(data)
        entry.mode = 0o644
        block += entry.tobuf(tarfile.USTAR_FORMAT)
        block += data
        block += bytes(-len(data) % tarfile.BLOCKSIZE)
    return bytes(block)


def write_shard(path: Path, blocks: Iterable[bytes]) -> tuple[str, int]:
    """Write a shard, whole or not at all.

    Args:
        path: of the shard; the data is on disk before the file gets this name.
        blocks: of its frames in rising order.

    Returns:
        Hex SHA-256 and size in bytes of the file.
    """
    digest, size = hashlib.sha256(), 0
    with atomic_write(path, "wb") as stream:
        for block in blocks:
            stream.write(block)
            digest.update(block)
            size += len(block)
        # Two empty blocks end an archive, and its size is a whole number of records.
        end = bytes(2 * tarfile.BLOCKSIZE + -(size + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE)
        stream.write(end)
        digest.update(end)
    return digest.hexdigest(), size + len(end)
