"""What a run keeps of the runs before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from stages.common.errors import InputError
from stages.common.files import sha256_of
from stages.common.settings import Settings
from stages.sdg.plan.planner import plan_frame
from stages.sdg.run.store import Store, fragment_path, plan_lines, write_fragment
from stages.sdg.shards.manifest import (
    MANIFEST,
    PLANS,
    SHARDS,
    Manifest,
    Shard,
    Span,
    read_manifest,
    shard_path,
    write_manifest,
)
from stages.sdg.shards.reader import check_shard, read_blocks
from stages.sdg.shards.records import plan_to_line


def settle(settings: Settings, store: Store, spans: Sequence[Span], say: Callable[[str], None]) -> Manifest:
    """Keep the shards that belong, take the wanted frames out of those that do not, and remove these.

    A kill at any point loses nothing: a shard goes only after its frames lie in the store.

    Args:
        settings: of the pipeline.
        store: takes the frames of shards that do not fit ``spans``.
        spans: shards that there should be.
        say: is told, in a sentence, what could not be kept.

    Returns:
        The manifest of the kept shards, as it now lies on disk unless there is none; complete only when nothing at all
        is to be done.
    """
    folder = store.folder
    old = _old_manifest(folder, store.key, say)
    whole = plans_are_whole(folder, old)
    kept = []
    lines = None
    for shard in old.shards:
        try:
            check_shard(folder, shard)
            if shard.span in spans:
                kept.append(shard)
                continue
            lines = lines or plan_lines(store, trusted=whole)
            _take_apart(settings, store, shard, spans, lines.get)
        except InputError as error:
            say(str(error))
    unchanged = whole and tuple(kept) == old.shards and len(kept) == len(spans)
    manifest = replace(old, complete=old.complete and unchanged, shards=tuple(kept))
    if manifest != old:
        write_manifest(folder, manifest)
    names = {shard_path(folder, shard).name for shard in kept}
    for path in (folder / SHARDS).glob("*"):
        if path.name not in names:
            path.unlink()
    return manifest


def plans_are_whole(folder: Path, manifest: Manifest) -> bool:
    """Whether ``plan.jsonl`` is the one that the manifest was written with."""
    path = folder / PLANS
    return bool(manifest.plans) and path.is_file() and sha256_of(path) == manifest.plans


def _old_manifest(folder: Path, key: str, say: Callable[[str], None]) -> Manifest:
    """The manifest that is there when it has the same key, else an empty one."""
    empty = Manifest(complete=False, key=key, plans="", shards=())
    try:
        old = read_manifest(folder)
    except InputError:
        return empty
    if old.key == key:
        return old
    if old.shards:
        say("settings or sources that determine frames have changed, so all frames are rendered anew")
    (folder / MANIFEST).unlink()
    return empty


def _take_apart(
    settings: Settings, store: Store, shard: Shard, spans: Sequence[Span], line_of: Callable[[int], str | None]
) -> None:
    """Put the wanted frames of a shard into the store, where they are not there yet."""
    for number, block in read_blocks(shard_path(store.folder, shard), shard):
        wanted = any(number in span.numbers for span in spans)
        if wanted and not fragment_path(store.work, number).exists():
            line = line_of(number) or plan_to_line(plan_frame(settings, number))
            write_fragment(store.work, number, line, block)
