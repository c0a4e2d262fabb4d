"""Small folders of frames, made by hand."""

from pathlib import Path

import numpy as np

from stages.sdg.label.types import FrameLabel, InstanceLabel
from stages.sdg.plan.types import TEST_START, split_of
from stages.sdg.shards.manifest import Manifest, Shard, layout, shard_path, write_manifest
from stages.sdg.shards.members import encode_png
from stages.sdg.shards.records import label_to_json
from stages.sdg.shards.writer import frame_block, write_shard

WIDTH, HEIGHT = 96, 64
CLASSES = ("small_load_carrier", "forklift", "pallet", "stillage", "pallet_truck")


def instance(number, box, class_name="pallet_truck", occlusion=0.0, truncation=0.0, distance=4.0):
    """A label whose box is an upright ellipse of visible pixels."""
    return InstanceLabel(
        id=number,
        class_name=class_name,
        family=class_name,
        variant=0,
        xyxy=tuple(map(float, box)),
        xyxy_loose=tuple(map(float, box)),
        visible_pixels=int(ellipse(box).sum()),
        occlusion=occlusion,
        truncation=truncation,
        distance=distance,
    )


def ellipse(box):
    """(HEIGHT, WIDTH) bool, an ellipse that touches all sides of the box."""
    left, top, right, bottom = box
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inside = (x - (left + right) / 2) ** 2 / ((right - left) / 2) ** 2 + (y - (top + bottom) / 2) ** 2 / (
        (bottom - top) / 2
    ) ** 2
    return inside <= 1.02


def instances_of(frame):
    """Objects of a frame, side by side; every fourth frame has none."""
    if frame % 4 == 1:
        return ()
    shift = frame % 5
    return (
        instance(3, (4 + shift, 8, 30 + shift, 40), "pallet_truck", occlusion=0.3, distance=3.5),
        instance(4, (40, 10 + shift, 60, 30 + shift), "pallet", truncation=0.25, distance=9.0),
        instance(9, (62, 40, 66, 50), "forklift"),  # narrower than 6 pixels
        instance(11, (70, 4, 92, 24 + shift), "stillage", occlusion=0.95),  # hardly visible
    )


def picture_of(frame):
    """JPEG bytes."""
    import cv2

    pixels = np.random.default_rng(frame).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def masks_of(instances):
    masks = np.zeros((HEIGHT, WIDTH), np.uint16)
    for item in instances:
        masks[ellipse(item.xyxy)] = item.id
    return masks


def members_of(frame, instances):
    label = FrameLabel(frame, split_of(frame), "aisle", WIDTH, HEIGHT, tuple(instances), {})
    return {
        "jpg": picture_of(frame),
        "json": label_to_json(label),
        "instance.png": encode_png(masks_of(instances)),
    }


def write_frames(folder: Path, count=64, test_count=4, shard_size=8, instances=instances_of) -> Path:
    """A finished folder of frames as ``python -m stages.sdg`` leaves it."""
    shards = []
    for span in layout(count, test_count, shard_size):
        blocks = [frame_block(number, members_of(number, instances(number))) for number in span.numbers]
        sha256, size = write_shard(shard_path(folder, span), blocks)
        shards.append(Shard(span.name, span.first, span.frames, sha256, size, "key"))
    write_manifest(folder, Manifest(True, "key", "", tuple(shards)))
    return folder


__all__ = ["CLASSES", "HEIGHT", "TEST_START", "WIDTH", "ellipse", "instance", "instances_of", "write_frames"]
