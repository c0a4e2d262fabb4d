"""Frames back from their shards, checked."""

from __future__ import annotations

import tarfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.common.errors import InputError
from stages.common.files import sha256_of
from stages.sdg.label.types import FrameLabel
from stages.sdg.plan.types import FramePlan
from stages.sdg.shards.manifest import PLANS, REMAKE, Manifest, Shard, Span, read_manifest, shard_path
from stages.sdg.shards.members import ALWAYS
from stages.sdg.shards.records import label_from_json, plan_from_line
from stages.sdg.shards.writer import frame_name


@dataclass(frozen=True)
class ShardFrame:
    """One stored frame.

    Attributes:
        label: its labels.
        files: its other members by suffix (``jpg``, ``instance.png``, ``depth.png``, ...).
    """

    label: FrameLabel
    files: dict[str, bytes]


def read_frames(folder: Path) -> Iterator[ShardFrame]:
    """All frames of a finished folder in the order of their numbers, one shard open at a time.

    Raises:
        InputError: when the folder is unfinished, or a shard is missing, altered, truncated or not what the manifest
            says; before any frame of that shard is handed over.
    """
    for shard in finished(folder).shards:
        check_shard(folder, shard)
        yield from _frames(shard_path(folder, shard), shard.numbers)


def pick_frames(folder: Path, frames: Collection[int]) -> Iterator[ShardFrame]:
    """Some frames in the order of their numbers, without comparing checksums; those not there are left out.

    Raises:
        InputError: when the folder has no manifest, or a shard is missing or not readable.
    """
    for shard in read_manifest(folder).shards:
        chosen = [number for number in shard.numbers if number in frames]
        if chosen:
            yield from _frames(shard_path(folder, shard), chosen)


def read_frame(folder: Path, frame: int) -> ShardFrame:
    """One frame by its number.

    Raises:
        InputError: when no shard holds it, or its shard is damaged.
    """
    for shard in read_manifest(folder).shards:
        if frame in shard.numbers:
            check_shard(folder, shard)
            return next(_frames(shard_path(folder, shard), [frame]))
    raise InputError(f"{folder} holds no frame {frame}; raise dataset.frames.count or ask for another one")


def read_plans(folder: Path) -> Iterator[FramePlan]:
    """The plans of a finished folder in the order of their frames.

    Raises:
        InputError: when ``plan.jsonl`` is missing or altered.
    """
    path, manifest = folder / PLANS, finished(folder)
    _check(path, manifest.plans)
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            yield plan_from_line(line, f"line {number} of {path}")


def pick_plans(folder: Path, frames: Collection[int]) -> dict[int, str]:
    """Lines of ``plan.jsonl`` by frame, for some frames; none of an unfinished folder, which has no
    plans yet, or of imported frames.

    Raises:
        InputError: when the folder has no manifest, or the plans of a finished one are missing.
    """
    manifest, path = read_manifest(folder), folder / PLANS
    if not (manifest.complete and manifest.plans):
        return {}
    numbers = [number for shard in manifest.shards for number in shard.numbers]
    try:
        with open(path, encoding="utf-8") as lines:
            return {number: line.rstrip("\n") for number, line in zip(numbers, lines, strict=False) if number in frames}
    except FileNotFoundError:
        raise InputError(f"{path} is missing; {REMAKE}") from None


def spread(numbers: Sequence[int], limit: int) -> set[int]:
    """At most ``limit`` of the frames, from all over the set."""
    return {numbers[i * len(numbers) // limit] for i in range(limit)} if len(numbers) > limit else set(numbers)


def finished(folder: Path) -> Manifest:
    """The manifest of a folder in which no frame is missing.

    Raises:
        InputError: when there is none, or a run has not ended.
    """
    manifest = read_manifest(folder)
    if not manifest.complete:
        raise InputError(f"{folder} is unfinished since its last run was stopped or failed; {REMAKE}")
    return manifest


def check_shard(folder: Path, shard: Shard) -> None:
    """Compare a shard with its checksum.

    Raises:
        InputError: when it is missing or altered.
    """
    _check(shard_path(folder, shard), shard.sha256)


def _check(path: Path, sha256: str) -> None:
    try:
        found = sha256_of(path)
    except FileNotFoundError:
        raise InputError(f"{path} is missing; {REMAKE}") from None
    if found != sha256:
        raise InputError(f"{path} is damaged (its checksum is not the one in the manifest); {REMAKE}")


def _frames(path: Path, numbers: Iterable[int]) -> Iterator[ShardFrame]:
    """The frames of a shard with these rising numbers."""
    groups = _groups(path, {frame_name(number) for number in numbers})
    for number in numbers:
        name = frame_name(number)
        stem, files = next(groups, ("", {}))
        if stem != name or not files.keys() >= set(ALWAYS):
            raise InputError(f"{path} lacks frame {number} or a part of it; {REMAKE}")
        label = label_from_json(files.pop("json"), f"{name}.json in {path}")
        yield ShardFrame(label, files)


def _groups(path: Path, stems: Collection[str]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Stem and members by suffix, frame after frame."""
    last, files = "", dict[str, bytes]()
    try:
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                stem, _, suffix = entry.name.partition(".")
                if stem not in stems:
                    continue
                if stem != last and files:
                    yield last, files
                    files = {}
                data = archive.extractfile(entry)
                last, files[suffix] = stem, data.read() if data else b""
    except FileNotFoundError:
        raise InputError(f"{path} is missing; {REMAKE}") from None
    except tarfile.TarError as error:
        raise InputError(f"{path} is not a readable tar archive; {REMAKE}") from error
    if files:
        yield last, files


def read_blocks(path: Path, span: Span) -> Iterator[tuple[int, bytes]]:
    """Number and tar entries of each frame in a shard, as :func:`stages.sdg.shards.writer.frame_block` made them.

    Raises:
        InputError: when the archive does not hold the frames of ``span``.
    """
    extent: dict[str, tuple[int, int]] = {}
    suffixes: dict[str, set[str]] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                name, _, suffix = entry.name.partition(".")
                end = entry.offset_data + entry.size + -entry.size % tarfile.BLOCKSIZE
                extent[name] = (extent.get(name, (entry.offset, 0))[0], end)
                suffixes.setdefault(name, set()).add(suffix)
    except tarfile.TarError as error:
        raise InputError(f"{path} is not a readable tar archive; {REMAKE}") from error
    wanted = [frame_name(frame) for frame in span.numbers]
    if list(extent) != wanted or not all(found.issuperset(ALWAYS) for found in suffixes.values()):
        raise InputError(f"{path} does not hold frames {wanted[0]} to {wanted[-1]}; {REMAKE}")
    with open(path, "rb") as stream:
        for frame, (start, end) in zip(span.numbers, extent.values(), strict=True):
            stream.seek(start)
            yield frame, stream.read(end - start)
