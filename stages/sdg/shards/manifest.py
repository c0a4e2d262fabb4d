"""Which shards there are, and what must be in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from stages.common.errors import InputError
from stages.common.files import write_json
from stages.sdg.plan.types import TEST_START, Split

MANIFEST = "manifest.json"
SHARDS = "shards"
PLANS = "plan.jsonl"
REMAKE = "`dvc repro sdg` makes it again"


@dataclass(frozen=True)
class Span:
    """The frames that belong into one shard.

    Attributes:
        name: of the file without its suffix, ``train-00000``.
        first: number of its first frame.
        frames: how many there are.
    """

    name: str
    first: int
    frames: int

    @property
    def numbers(self) -> range:
        """Its frame numbers."""
        return range(self.first, self.first + self.frames)


@dataclass(frozen=True)
class Shard(Span):
    """A finished shard.

    Attributes:
        sha256: of the file, hex.
        bytes: its size.
        key: content key of the settings and sources that made it (see ``stages.sdg.run.key``).
    """

    sha256: str
    bytes: int
    key: str

    @property
    def span(self) -> Span:
        """What it holds."""
        return Span(self.name, self.first, self.frames)


@dataclass(frozen=True)
class Manifest:
    """The record of a folder of frames.

    Attributes:
        complete: every frame asked for is there; False while a run goes on or after it failed.
        key: content key of all shards.
        plans: SHA-256 of ``plan.jsonl``; empty when not written yet.
        shards: in the order of their frames.
    """

    complete: bool
    key: str
    plans: str
    shards: tuple[Shard, ...]

    def with_shard(self, shard: Shard) -> Manifest:
        """The same with one shard more, in its place."""
        others = [other for other in self.shards if other.name != shard.name]
        return replace(self, shards=tuple(sorted([*others, shard], key=lambda item: item.first)))


_ADAPTER = TypeAdapter(Manifest)


def layout(count: int, test_count: int, shard_size: int) -> list[Span]:
    """Shards of ``count`` training frames from 0 on and ``test_count`` test frames from ``TEST_START`` on."""
    return [*_split("train", 0, count, shard_size), *_split("test", TEST_START, test_count, shard_size)]


def _split(split: Split, start: int, count: int, size: int) -> Iterator[Span]:
    for number, first in enumerate(range(0, count, size)):
        yield Span(f"{split}-{number:05d}", start + first, min(size, count - first))


def shard_path(folder: Path, span: Span) -> Path:
    """Where a shard lies in a folder of frames."""
    return folder / SHARDS / f"{span.name}.tar"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``, whole or not at all."""
    write_json(folder / MANIFEST, _ADAPTER.dump_python(manifest, mode="json"))


def holds_other_things(folder: Path) -> bool:
    """Whether a folder has content and no manifest, so that frames in its place would lose what is there."""
    return folder.is_dir() and not (folder / MANIFEST).is_file() and any(folder.iterdir())


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        InputError: when it is missing or not a manifest.
    """
    path = folder / MANIFEST
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path} is missing; {REMAKE}") from None
    except ValidationError as error:
        raise InputError(f"{path} is not a manifest of frames; {REMAKE}") from error
