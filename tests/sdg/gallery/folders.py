"""Folders of frames with pictures that nothing rendered, and what a page says of them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stages.sdg.label.types import FrameLabel, InstanceLabel
from stages.sdg.plan.types import split_of
from stages.sdg.shards.manifest import PLANS, Manifest, Shard, layout, shard_path, write_manifest
from stages.sdg.shards.members import encode_png
from stages.sdg.shards.records import label_to_json, plan_to_line
from stages.sdg.shards.writer import frame_block, write_shard
from tests.sdg import made_up

WIDTH, HEIGHT = 160, 120
NASTY = '</script><script>document.title = "broken"</script>'


@dataclass(frozen=True)
class Thing:
    """An object to draw: what it is, where, and how much of it is hidden."""

    class_name: str
    xyxy: tuple[int, int, int, int]
    occlusion: float = 0.0


def label(frame: int, scenario: str, things: tuple[Thing, ...], **tags: float | str) -> FrameLabel:
    instances = tuple(
        InstanceLabel(
            index, thing.class_name, thing.class_name, 1, thing.xyxy, thing.xyxy, 9, thing.occlusion, 0.0, 3.0
        )
        for index, thing in enumerate(things, 1)
    )
    return FrameLabel(frame, split_of(frame), scenario, WIDTH, HEIGHT, instances, tags)


def members(of: FrameLabel, *, depth: bool = True) -> dict[str, bytes]:
    """A grey picture, masks that fill their boxes (later ones on top), and a floor that comes near at the bottom."""
    ids = np.zeros((HEIGHT, WIDTH), np.uint16)
    for item in of.instances:
        left, top, right, bottom = (int(side) for side in item.xyxy)
        ids[top:bottom, left:right] = item.id
    far = np.linspace(20_000, 1_000, HEIGHT).astype(np.uint16)[:, None].repeat(WIDTH, 1)
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    made = {
        "jpg": cv2.imencode(".jpg", picture)[1].tobytes(),
        "instance.png": encode_png(ids),
        "json": label_to_json(of),
    }
    return {**made, "depth.png": encode_png(far)} if depth else made


def write(folder: Path, labels: list[FrameLabel], *, depth: bool = True, complete: bool = True) -> Path:
    """A folder of training frames 0, 1, ... with these labels, and their plans."""
    blocks = [frame_block(of.frame, members(of, depth=depth)) for of in labels]
    [span] = layout(len(labels), 0, 100)
    shard = Shard(span.name, span.first, span.frames, *write_shard(shard_path(folder, span), blocks), "k")
    plans = "".join(f"{plan_to_line(replace(made_up.plan(of.frame), scenario=of.scenario))}\n" for of in labels)
    (folder / PLANS).write_text(plans)
    write_manifest(folder, Manifest(complete, "k", hashlib.sha256(plans.encode()).hexdigest(), (shard,)))
    return folder


def four() -> list[FrameLabel]:
    """Frames that differ in everything there is a filter for."""
    pallet, truck, small = (
        Thing("pallet", (10, 10, 60, 40), 0.5),
        Thing("pallet_truck", (70, 20, 110, 100)),
        (0, 0, 5, 5),
    )
    return [
        label(0, "aisle", (pallet, truck), kelvin=3000, preset="dim", note=NASTY),
        label(1, "aisle", (pallet, Thing("pallet", small, 0.9)), kelvin=5000, preset="bright"),
        label(2, "dock", (truck,), kelvin=6000, preset="dim"),
        label(3, "dock", (), kelvin=4000, preset="bright"),
    ]


def data_of(path: Path) -> dict[str, Any]:
    """The JSON in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found
    return json.loads(found[1])
