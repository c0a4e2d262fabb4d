"""Frames of the fake renderer with all annotators, as they lie in a shard."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from stages.common.settings.pictures import Renderer
from stages.sdg.annotators import View, annotate, annotator_names
from stages.sdg.label.labels import label_frame
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import FramePlan, Placement
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.shards.manifest import Manifest, Shard, layout, shard_path, write_manifest
from stages.sdg.shards.writer import frame_block, write_shard
from tests.sdg.render.scenes import plan

CLASSES = ("small_load_carrier", "pallet", "pallet_truck")
SIZE = (320, 240)


def plan_of(number: int) -> FramePlan:
    """The usual scene, without a truck in every third frame, and with a camera that looks along the floor."""
    base = plan(frame=number, size=SIZE)
    place = (-4.0, 0.1 * (number % 4), 0.9)
    camera = replace(base.camera, camera_to_world=look_along(place, 0.0, 0.0, 0.0))
    placements = (
        *base.placements,
        Placement(12, "electric_pallet_truck", 1, (2.0, 1.5, 0.0), (0.4, 0, 0), "pallet_truck"),
    )
    shown = placements if number % 3 else tuple(item for item in placements if item.label != "pallet_truck")
    return replace(base, camera=camera, placements=shown)


@cache
def view_of(number: int) -> View:
    """A frame, rendered and labelled."""
    frame_plan = plan_of(number)
    passes = FakeRenderer(Renderer(name="test", backend="fake")).render(frame_plan, normals=True)
    return View(frame_plan, passes, label_frame(frame_plan, passes, CLASSES), CLASSES)


def write_frames(folder: Path, count: int = 6, test_count: int = 1, annotators: tuple[str, ...] | None = None) -> Path:
    """A finished folder of such frames."""
    names = annotators if annotators is not None else tuple(annotator_names())
    shards = []
    for span in layout(count, test_count, 4):
        blocks = [frame_block(number, annotate(view_of(number), names)) for number in span.numbers]
        sha256, size = write_shard(shard_path(folder, span), blocks)
        shards.append(Shard(span.name, span.first, span.frames, sha256, size, "key"))
    write_manifest(folder, Manifest(True, "key", "", tuple(shards)))
    return folder
