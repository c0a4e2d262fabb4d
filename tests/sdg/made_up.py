"""Plans and folders of frames that nothing rendered."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stages.sdg.label.types import FrameLabel, InstanceLabel
from stages.sdg.plan.types import Camera, FramePlan, Lamp, Placement, SensorPlan, split_of
from stages.sdg.shards.manifest import PLANS, Manifest, Shard, layout, shard_path, write_manifest
from stages.sdg.shards.records import label_to_json, plan_to_line
from stages.sdg.shards.writer import frame_block, write_shard

IDENTITY = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))


def plan(frame: int = 0) -> FramePlan:
    truck = Placement(
        3, "pallet_truck", 7, (1.0, 2.0, 0.0), (0.1, 0.0, 0.0), "pallet_truck", 1.0, {"lift": 0.1, "worn": True}
    )
    wall = Placement(1, "wall", 0, (0.0, 0.0, 0.0), parameters={"colour": "grey"})
    lamp = Lamp("area", (0.0, 0.0, 6.0), (0.0, 0.0, 0.0), 400.0, (1.0, 0.9, 0.8), (1.2, 0.3))
    return FramePlan(
        frame, 5, split_of(frame), "aisle", Camera(160, 120, 140.0, IDENTITY), SensorPlan(), (wall, truck), (lamp,),
        (0.1, 0.1, 0.2), {"exposure": 0.5, "light": "dim"},
    )  # fmt: skip


def label(frame: int = 0) -> FrameLabel:
    truck = InstanceLabel(3, "pallet_truck", "pallet_truck", 7, (1, 2, 30, 40), (1, 2, 33.5, 40), 500, 0.25, 0.0, 3.1)
    return FrameLabel(frame, split_of(frame), "aisle", 160, 120, (truck,), {"exposure": 0.5, "light": "dim"})


def members(frame: int) -> dict[str, bytes]:
    return {
        "jpg": b"picture" * (frame % 200 + 1),
        "instance.png": b"mask",
        "json": label_to_json(label(frame)),
    }


def write_folder(
    folder: Path, count: int = 5, test_count: int = 2, size: int = 3, *, complete: bool = True
) -> Manifest:
    """A finished folder of frames, as a run would leave it."""
    shards, lines = [], []
    for span in layout(count, test_count, size):
        blocks = [frame_block(number, members(number)) for number in span.numbers]
        sha256, length = write_shard(shard_path(folder, span), blocks)
        shards.append(Shard(span.name, span.first, span.frames, sha256, length, "k"))
        lines += [f"{plan_to_line(plan(number))}\n" for number in span.numbers]
    text = "".join(lines)
    (folder / PLANS).write_text(text)
    manifest = Manifest(complete, "k", hashlib.sha256(text.encode()).hexdigest(), tuple(shards))
    write_manifest(folder, manifest)
    return manifest
