"""A data set as SageMaker's channel: a few tars in place of thousands of small files, and a list of them.

A channel is a folder, or a prefix in object storage, that holds ``00000.tar``, ``00001.tar`` and so on, and
``channel.json``. The tars' members are the data set's files under their own names (``images/train/000123.jpg``,
``labels/train/000123.txt``, ``data.yaml``). The list is written last, so a channel that has one is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from stages.common.errors import InputError
from stages.common.files import replaced_folder, sha256_of, write_json

LIST = "channel.json"
"""Name of the list of a channel's tars."""

VERSION = 1
"""Of the list."""

SHARD_BYTES = 64 * 2**20
"""Content of a tar before the next one is begun: enough for one request each, and for eight at a time in memory."""

PICTURES = {".jpg", ".jpeg", ".png", ".bmp"}
"""Suffixes of the files that are counted as frames."""

LEFT_OUT = (".cache",)
"""Suffixes of what Ultralytics writes beside labels; no part of a data set."""

AGAIN = "upload it again with `dvc repro --force push`"


@dataclass(frozen=True)
class ChannelFile:
    """One tar.

    Attributes:
        name: in the channel.
        bytes: its size.
        sha256: of its bytes.
        frames: pictures in it.
    """

    name: str
    bytes: int
    sha256: str
    frames: int


@dataclass(frozen=True)
class Channel:
    """What ``channel.json`` holds.

    Attributes:
        dataset: SHA-256 of the names and contents of all files, see :func:`digest`; names the channel's prefix.
        files: the tars, in order.
        version: of the layout.
    """

    dataset: str
    files: tuple[ChannelFile, ...]
    version: int = VERSION

    @property
    def frames(self) -> int:
        """Pictures in all tars."""
        return sum(file.frames for file in self.files)

    @property
    def bytes(self) -> int:
        """Size of all tars."""
        return sum(file.bytes for file in self.files)


def digest(dataset: Path, sum_of: Callable[[str, str], str] = lambda _, path: sha256_of(path)) -> str:
    """Hex SHA-256 over the sorted names and contents of a data set's files; the same whatever the tars' size.

    Args:
        dataset: top of the YOLO tree.
        sum_of: hex SHA-256 of a file by its name and path; see :class:`~stages.common.sums.Sums`.

    Raises:
        InputError: when there are none.
    """
    return _digest((name, sum_of(name, path)) for name, path in _members(dataset))


def pack(dataset: Path, out: Path, shard_bytes: int = SHARD_BYTES) -> Channel:
    """Write a data set as a channel, whole or not at all; the same files give the same bytes.

    A picture and its labels follow each other. Symbolic links are followed.

    Args:
        dataset: top of the YOLO tree, with ``data.yaml``.
        out: folder to write; what it holds is replaced.
        shard_bytes: content of a tar at which the next one is begun.

    Raises:
        InputError: when the data set has no files.
    """
    members = _members(dataset)
    sums: list[tuple[str, str]] = []
    files: list[ChannelFile] = []
    with replaced_folder(out) as folder:
        for number, part in enumerate(_parts(members, shard_bytes)):
            name = f"{number:05d}.tar"
            with open(folder / name, "wb") as stream:
                hashed = _Hashed(stream)
                with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
                    sums += [(member, _add(tar, member, path)) for member, path in part]
            frames = sum(PurePosixPath(member).suffix.lower() in PICTURES for member, _ in part)
            files.append(ChannelFile(name, hashed.bytes, hashed.hexdigest(), frames))
        channel = Channel(_digest(sorted(sums)), tuple(files))
        write_json(folder / LIST, asdict(channel))
    return channel


def read_channel(folder: Path) -> Channel:
    """Read ``channel.json``.

    Raises:
        InputError: when it is missing or not this version's.
    """
    path = folder / LIST
    try:
        return parse_channel(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"'{folder}' is no channel, it has no {LIST}; {AGAIN}") from None
    except ValueError:
        raise InputError(f"'{path}' is not this version's list of a channel; {AGAIN}") from None


def parse_channel(content: bytes) -> Channel:
    """A channel from the bytes of its list.

    Raises:
        ValueError: when they are no list of this version.
    """
    try:
        known = json.loads(content)
        files = tuple(ChannelFile(**file) for file in known["files"])
        channel = Channel(str(known["dataset"]), files, known["version"])
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from None
    if channel.version != VERSION or not all(re.fullmatch(r"\d+\.tar", file.name) for file in files):
        raise ValueError(f"version {channel.version}")
    return channel


def unpack(folder: Path, out: Path) -> Path:
    """Make a data set of a channel again, whole or not at all, with every tar checked by its sum on the way.

    Args:
        folder: holds the tars and ``channel.json``; only read.
        out: folder to write; what it holds is replaced.

    Returns:
        ``out``.

    Raises:
        InputError: when a tar is missing or damaged.
        OSError: when the disk is full.
    """
    channel = read_channel(folder)
    with replaced_folder(out) as partial:
        for file in channel.files:
            _extract(folder / file.name, file, partial)
    return out


class _Hashed:
    """A file that is summed up while it is read or written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._sum, self.bytes = stream, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._count(data)
        return self._stream.write(data)

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._count(data)
        return data

    def _count(self, data: bytes) -> None:
        self._sum.update(data)
        self.bytes += len(data)

    def hexdigest(self) -> str:
        return self._sum.hexdigest()


def _members(dataset: Path) -> list[tuple[str, str]]:
    """Name and path of each file, a picture beside its labels.

    As text, since a path object for each of many thousands takes longer than to look at the files.
    """
    found: list[tuple[str, str]] = []
    for folder, _, names in os.walk(dataset, followlinks=True):
        within = Path(folder).relative_to(dataset).as_posix()
        prefix = "" if within == "." else f"{within}/"
        found += [(prefix + name, f"{folder}/{name}") for name in names if not name.endswith(LEFT_OUT)]
    if not found:
        raise InputError(f"there is no data set in '{dataset}'; make it with `dvc repro convert`")
    return sorted(found, key=lambda member: (_stem(member[0]), member[0]))


def _stem(name: str) -> str:
    last = name.rpartition("/")[2]
    return last.rpartition(".")[0] or last


def _parts(members: list[tuple[str, str]], limit: int) -> Iterator[list[tuple[str, str]]]:
    part: list[tuple[str, str]] = []
    size = 0
    for member in members:
        if size >= limit and _stem(member[0]) != _stem(part[-1][0]):
            yield part
            part, size = [], 0
        part.append(member)
        size += Path(member[1]).stat().st_size
    yield part


def _add(tar: tarfile.TarFile, name: str, path: str) -> str:
    """Add one file with nothing of its time, owner and mode."""
    with open(path, "rb") as stream:
        about = tarfile.TarInfo(name)
        about.size, about.mode = os.fstat(stream.fileno()).st_size, 0o644
        hashed = _Hashed(stream)
        tar.addfile(about, hashed)
    return hashed.hexdigest()


def _digest(sums: Any) -> str:
    whole = hashlib.sha256()
    for name, value in sorted(sums):
        whole.update(f"{value}  {name}\n".encode())
    return whole.hexdigest()


def _extract(path: Path, file: ChannelFile, out: Path) -> None:
    try:
        with open(path, "rb") as stream:
            hashed = _Hashed(stream)
            with tarfile.open(fileobj=hashed, mode="r|") as tar:  # type: ignore[call-overload]
                for member in tar:
                    _write_member(tar, member, out, path)
            while hashed.read(1 << 20):  # what follows the last member
                pass
    except FileNotFoundError:
        raise InputError(f"'{path}' is missing from its channel; {AGAIN}") from None
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"'{path}' is damaged ({type(error).__name__}); {AGAIN}") from None
    if (hashed.bytes, hashed.hexdigest()) != (file.bytes, file.sha256):
        raise InputError(f"'{path}' is not what was uploaded: {hashed.bytes} bytes of {file.bytes}, or others; {AGAIN}")


def _write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, out: Path, path: Path) -> None:
    name = PurePosixPath(member.name)
    if not member.isfile() or name.is_absolute() or ".." in name.parts:
        raise InputError(f"'{path}' holds '{member.name}', which is no file of a data set; {AGAIN}")
    target = out / name
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None
    with open(target, "wb") as stream:
        shutil.copyfileobj(content, stream, 1 << 20)
    if target.stat().st_size != member.size:
        raise InputError(f"'{path}' is cut off within '{member.name}'; {AGAIN}")
