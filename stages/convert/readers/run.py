"""Folders of Isaac Sim's writers in, shards out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.errors import InputError, SettingsError
from stages.common.files import replaced_folder, write_json
from stages.common.progress import Progress
from stages.common.settings.imports import NOTHING
from stages.convert.readers import basic_writer, coco_writer, kitti_writer
from stages.convert.readers.things import Tally, label_things, things_of
from stages.convert.readers.types import Content, DamagedError, Folder, Listed
from stages.sdg.label.types import FrameLabel
from stages.sdg.plan.types import TEST_START, split_of
from stages.sdg.shards.manifest import (
    MANIFEST,
    Manifest,
    Shard,
    holds_other_things,
    layout,
    read_manifest,
    shard_path,
    write_manifest,
)
from stages.sdg.shards.members import encode_png
from stages.sdg.shards.records import label_to_json
from stages.sdg.shards.writer import frame_block, write_shard

READERS: dict[str, Callable[[Path], Folder | None]] = {
    "coco_writer": coco_writer.find,
    "kitti_writer": kitti_writer.find,
    "basic_writer": basic_writer.find,
}
"""By format, in the order that ``auto`` tries them."""

KEY = "imported"
"""In place of the content key of rendered frames."""

JPEG_QUALITY = 95
SHARD_SIZE = 32
SHOWN = 5


@dataclass
class Imported:
    """What came of a folder.

    Attributes:
        format: that it was read as.
        frames, test_frames: written.
        cameras: names of the cameras or render products.
        skipped: reason by picture.
        tally: over all frames.
        notes: on the folder as a whole.
        masks: frames by where their masks are from.
    """

    format: str
    frames: int = 0
    test_frames: int = 0
    cameras: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    notes: list[str] = field(default_factory=list)
    masks: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """For ``inputs/import.json``."""
        tally = self.tally
        return {
            "format": self.format,
            "frames": self.frames,
            "test_frames": self.test_frames,
            "cameras": self.cameras,
            "skipped": self.skipped,
            "classes": dict(sorted(tally.classes.items())),
            "unknown_labels": dict(sorted(tally.unknown.items())),
            "rows_merged": tally.merged,
            "rows_merged_by_place": tally.guessed,
            "boxes_with_masks": {"compared": tally.compared, "agreeing": tally.agreeing},
            "masks": dict(self.masks),
            "notes": [*self.notes, *(f"{text} ({count} frames)" for text, count in sorted(tally.notes.items()))],
        }

    def summary(self, out: Path) -> str:
        """What the command prints."""
        told = self.as_json()
        lines = [f"remark: {note}" for note in told["notes"]]
        if self.skipped:
            some = "; ".join(f"{name}: {reason}" for name, reason in list(self.skipped.items())[:SHOWN])
            lines.append(f"remark: {len(self.skipped)} frames were left out ({some})")
        if self.tally.unknown:
            some = ", ".join(f"{label} ({count})" for label, count in self.tally.unknown.most_common(SHOWN))
            lines.append(
                f"remark: labels that stand for no class were left out: {some}; map them with --map LABEL=CLASS"
            )
        if self.tally.guessed:
            lines.append(
                f"remark: {self.tally.guessed} boxes lie inside a larger one of their class and were taken for parts "
                "of it, such as labelled child prims: the files name no prims to know it by"
            )
        if self.tally.kept:
            lines.append(
                f"remark: {self.tally.kept} boxes differ from the pixels that are likely theirs, and were kept"
            )
        if differ := self.tally.compared - self.tally.agreeing - self.tally.kept:
            lines.append(f"remark: {differ} of {self.tally.compared} boxes differ from their mask, which was taken")
        if self.masks["boxes"]:
            lines.append(f"remark: {self.masks['boxes']} frames have no masks, so rectangles stand for them")
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.tally.classes.items())) or "no objects"
        lines.append(f"{out}: {self.frames} frames of {self.format} ({self.test_frames} of them test): {counts}")
        return "\n".join(lines)


def import_folder(
    source: Path,
    out: Path,
    classes: Collection[str],
    *,
    form: str = "auto",
    mapping: Mapping[str, str] | None = None,
    test_share: float = 0.0,
    replace: bool = False,
) -> Imported:
    """Read a folder of a writer and write it as shards.

    Args:
        source: folder that the writer wrote.
        out: folder of frames, replaced as a whole at the end.
        classes: that objects may have.
        form: one of :data:`stages.convert.readers.formats.FORMATS`.
        mapping: class, or ``none``, by semantic label; names of the classes and of Isaac Sim's assets are known.
        test_share: share of the moments, the last ones, that become test frames; all cameras of a moment stay together.
        replace: also replace frames that were rendered.

    Raises:
        InputError: when the folder is not there, of no known format, or no frame of it can be used.
        SettingsError: when no label stands for a class, or ``out`` holds rendered frames.
    """
    mapping = dict(mapping or {})
    _check(source, out, classes, mapping, replace=replace)
    found = _found(source, form)
    frames = sorted(found.frames, key=lambda item: (item.moment, item.camera))
    result = Imported(found.format, cameras=sorted({item.camera for item in frames}), notes=list(found.notes))
    moments = list(dict.fromkeys(item.moment for item in frames))
    testing = set(moments[len(moments) - round(test_share * len(moments)) :])
    with replaced_folder(out) as folder:
        blocks = _Blocks(folder)
        with Progress("import", total=len(frames), unit="frames") as progress:
            for item in frames:
                test = item.moment in testing
                try:
                    blocks.add(
                        *_members(item, found.format, blocks.next(test=test), mapping, classes, result), test=test
                    )
                except DamagedError as error:
                    result.skipped[item.name] = str(error)
                progress.advance()
        result.frames, result.test_frames = blocks.count()
        _check_result(source, result)
        write_manifest(folder, Manifest(True, KEY, "", blocks.close()))
        write_json(folder / "inputs" / "import.json", {"source": str(source), **result.as_json()})
    return result


def _check(source: Path, out: Path, classes: Collection[str], mapping: Mapping[str, str], *, replace: bool) -> None:
    if not source.is_dir():
        raise InputError(f"{source} is no folder: name one that an Isaac Sim writer wrote")
    wrong = sorted({*mapping.values()} - {*classes, NOTHING})
    if wrong:
        raise SettingsError(f"--map names the class '{wrong[0]}': choose among {', '.join(classes)} and {NOTHING}")
    if out.resolve() in (source.resolve(), *source.resolve().parents):
        raise SettingsError(f"{out} holds what is to be read: choose another --out")
    if (out / MANIFEST).is_file() and not replace and read_manifest(out).key != KEY:
        raise SettingsError(f"{out} holds rendered frames: choose another --out, or give --replace to lose them")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: choose another --out")
    if holds_other_things(out):
        raise SettingsError(f"{out} holds something else than frames: choose another --out")


def _found(source: Path, form: str) -> Folder:
    names = list(READERS) if form == "auto" else ["basic_writer" if form == "recorder" else form]
    for name in names:
        found = READERS[name](source)
        if found is not None:
            return found
    what = "BasicWriter, KittiWriter or CocoWriter" if form == "auto" else form
    raise InputError(
        f"{source} holds no frames of {what}: it needs pictures with boxes or instance masks beside them, "
        "such as rgb_0000.png with bounding_box_2d_tight_0000.npy"
    )


def _check_result(source: Path, result: Imported) -> None:
    if not result.frames:
        first = next(iter(result.skipped.items()))
        raise InputError(
            f"{source}: none of {len(result.skipped)} frames can be used ({': '.join(first)}): render again"
        )
    if result.tally.unknown and not result.tally.classes:
        labels = ", ".join(label for label, _ in result.tally.unknown.most_common(SHOWN))
        raise SettingsError(f"{source}: no label stands for a class ({labels}): map them with --map LABEL=CLASS")


def _members(
    item: Listed, form: str, number: int, mapping: Mapping[str, str], classes: Collection[str], result: Imported
) -> tuple[int, dict[str, bytes]]:
    """Number and members of one frame, or DamagedError."""
    content = item.read()
    things = things_of(content.rows, mapping, classes, result.tally)
    instances, masks = label_things(things, content, result.tally)
    height, width = masks.shape
    tags: dict[str, float | str] = {"source": form, "picture": item.name, "masks": content.masks}
    if item.camera:
        tags["camera"] = item.camera
    label = FrameLabel(number, split_of(number), KEY, width, height, instances, tags)
    result.masks[content.masks] += 1
    result.tally.notes.update({*content.notes})
    members = {"jpg": _jpeg(content), "json": label_to_json(label), "instance.png": encode_png(masks)}
    return number, members


def _jpeg(content: Content) -> bytes:
    import cv2

    done, data = cv2.imencode(".jpg", content.picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise DamagedError("the picture cannot be stored")
    return bytes(data)


class _Blocks:
    """Shards that fill up, of training and of test frames."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts = {False: 0, True: 0}
        self._open: dict[bool, list[bytes]] = {False: [], True: []}
        self._shards: list[Shard] = []

    def next(self, *, test: bool) -> int:
        """Number of the next frame."""
        return self._counts[test] + (TEST_START if test else 0)

    def add(self, number: int, members: Mapping[str, bytes], *, test: bool) -> None:
        """Take a frame."""
        self._open[test].append(frame_block(number, members))
        self._counts[test] += 1
        if len(self._open[test]) == SHARD_SIZE:
            self._write(test=test)

    def count(self) -> tuple[int, int]:
        """All frames, and test frames."""
        return sum(self._counts.values()), self._counts[True]

    def close(self) -> tuple[Shard, ...]:
        """Write what is left; all shards in the order of their frames."""
        for test in (False, True):
            if self._open[test]:
                self._write(test=test)
        return tuple(sorted(self._shards, key=lambda shard: shard.first))

    def _write(self, *, test: bool) -> None:
        count = self._counts[test]
        span = layout(0, count, SHARD_SIZE)[-1] if test else layout(count, 0, SHARD_SIZE)[-1]
        sha256, size = write_shard(shard_path(self._folder, span), self._open[test])
        self._shards.append(Shard(span.name, span.first, span.frames, sha256, size, KEY))
        self._open[test] = []


def read_mapping(texts: Collection[str]) -> dict[str, str]:
    """``LABEL=CLASS`` of the command line.

    Raises:
        SettingsError: when one is not of this form.
    """
    found = {}
    for text in texts:
        label, mark, name = text.rpartition("=")
        if not (label and mark and name):
            raise SettingsError(
                f"--map {json.dumps(text)} is not of the form LABEL=CLASS, such as palletjack=pallet_truck"
            )
        found[label] = name
    return found
