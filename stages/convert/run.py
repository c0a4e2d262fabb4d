"""Shards in, training formats out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import InputError, SettingsError
from stages.common.files import replaced_folder, write_json
from stages.common.progress import Progress
from stages.common.settings.pictures import Convert
from stages.convert.filters import sort_out
from stages.convert.forks import without_slivers
from stages.convert.formats import open_writer
from stages.convert.parts import part_of
from stages.convert.real_mix import RealMix, write_photographs
from stages.convert.statistics import Statistics
from stages.convert.types import PARTS, ConvertedFrame
from stages.sdg.shards import ShardFrame, read_frames, read_manifest
from stages.sdg.shards.records import boxes_from_json, camera_from_json, keypoints_from_json

PICTURES = Path("yolo/images")
"""Where pictures lie in the data set, once for all formats."""

REMAKE = "`dvc repro sdg` makes it again"


def convert(
    frames: Path, out: Path, classes: Sequence[str], settings: Convert, real: RealMix | None = None
) -> Statistics:
    """Write all frames in all formats.

    The same frames and settings give the same bytes. ``out`` is replaced as a whole at the end, so an error or a kill
    leaves what was there.

    Args:
        frames: folder of shards.
        out: folder to write: one sub-folder a format, the pictures in ``yolo/images/<part>``, ``statistics.json``.
        classes: names in the order of their numbers.
        settings: formats, validation share and filters.
        real: photographs to add to the training part of the YOLO format, and of no other.

    Returns:
        The statistics, as written.

    Raises:
        InputError: when a shard is damaged, or a frame holds a class that is not in ``classes``.
        SettingsError: when a format is not registered, or no frame is left to train or to validate on.
    """
    real = real or RealMix()
    statistics = Statistics(tuple(classes), real)
    with replaced_folder(out) as folder:
        for part in PARTS:
            (folder / PICTURES / part).mkdir(parents=True)
        writers = [open_writer(name, folder, classes) for name in settings.formats]
        total = sum(shard.frames for shard in read_manifest(frames).shards)
        with Progress("convert", total=total, unit="frames") as progress:
            for shard_frame in read_frames(frames):
                frame = _converted(shard_frame, classes, settings)
                (folder / PICTURES / frame.part / f"{frame.stem}.jpg").write_bytes(shard_frame.files["jpg"])
                for writer in writers:
                    writer.add(frame)
                statistics.add(frame)
                progress.advance()
        for writer in writers:
            writer.close()
        _check_parts(statistics)
        write_photographs(real, folder / "yolo")
        write_json(folder / "statistics.json", statistics.as_json())
    return statistics


def _converted(frame: ShardFrame, classes: Sequence[str], settings: Convert) -> ConvertedFrame:
    label = frame.label
    for instance in label.instances:
        if instance.class_name not in classes:
            raise InputError(
                f"frame {label.frame} holds the class '{instance.class_name}', which scene.classes "
                f"({', '.join(classes)}) does not name; add it there or render the frames again with `dvc repro sdg`"
            )
    instances, masks = without_slivers(label.instances, _decode_masks(frame), settings)
    kept, dropped = sort_out(instances, settings)
    return ConvertedFrame(
        number=label.frame,
        part=part_of(label.frame, settings.val_share),
        width=label.width,
        height=label.height,
        kept=kept,
        dropped=dropped,
        masks=masks,
        scenario=label.scenario,
        tags=label.tags,
        files=frame.files,
        **_in_space(frame),
    )


def _in_space(frame: ShardFrame) -> dict[str, Any]:
    """What the frame's annotators wrote of camera and objects in space, as fields of :class:`ConvertedFrame`."""
    files, number = frame.files, frame.label.frame
    found: dict[str, Any] = {}
    if "camera.json" in files:
        found["camera"] = camera_from_json(files["camera.json"], f"the camera of frame {number}")
    if "boxes3d.json" in files:
        boxes = boxes_from_json(files["boxes3d.json"], f"the 3D boxes of frame {number}")
        found["boxes3d"] = {box.id: box for box in boxes}
    if "keypoints.json" in files:
        keypoints = keypoints_from_json(files["keypoints.json"], f"the keypoints of frame {number}")
        found["keypoints"] = {item.id: item for item in keypoints}
    return found


def _decode_masks(frame: ShardFrame) -> NDArray[np.uint16]:
    """(H, W) instance ids."""
    import cv2

    label = frame.label
    data = np.frombuffer(frame.files.get("instance.png", b""), np.uint8)
    masks = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if masks is None or masks.shape != (label.height, label.width) or "jpg" not in frame.files:
        raise InputError(f"frame {label.frame} has no whole picture and instance mask of its size; {REMAKE}")
    return np.asarray(masks, np.uint16)


def _check_parts(statistics: Statistics) -> None:
    for part in ("train", "val"):
        if not statistics.frames[part]:
            raise SettingsError(
                f"there are {sum(statistics.frames.values())} frames and none of them falls to {part}; "
                "raise dataset.frames.count or change dataset.convert.val_share"
            )
