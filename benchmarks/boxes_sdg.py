"""The equal scene for ``stages.sdg``: a scenario, an asset family, and the settings to render them with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks import boxes
from benchmarks.settings import on_cpu
from stages.common.settings import Settings
from stages.common.settings.pictures import Renderer
from stages.sdg.assets.catalogue import Parameters, register_asset
from stages.sdg.assets.mesh import Builder, box
from stages.sdg.assets.types import Asset, Material
from stages.sdg.plan.draft import Draft, register_scenario
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.space import View
from stages.sdg.plan.types import Lamp, Placement
from stages.sdg.render.passes import RendererBackend
from stages.sdg.render.registry import create_renderer

FACTORY = "benchmarks.boxes_sdg:create"
"""Makes the renderer in a worker, which learns of the scenario and the family by importing this module."""

BACKGROUND = 1
"""Id of the floor; the boxes follow, so that a box's variant is its place in the list."""


SEED = "boxes_seed"
"""Tag of a plan that says which boxes it has."""


@register_asset("benchmark_box")
def _box(rng: np.random.Generator, parameters: Parameters) -> Asset:
    size = np.array([parameters["length"], parameters["width"], parameters["height"]])
    colour = (parameters["red"], parameters["green"], parameters["blue"])
    builder = Builder()
    builder.add("box", box(-size / 2, size / 2), Material("plain", colour, seed=int(rng.integers(1 << 16))))
    return builder.build()


def _placement(number: int, item: boxes.Box, label: str | None) -> Placement:
    names = ("length", "width", "height", "red", "green", "blue")
    values: dict[str, Any] = dict(zip(names, (*item.size, *item.colour), strict=True))
    return Placement(number, "benchmark_box", number, item.middle, (item.yaw, 0.0, 0.0), label, 1.0, values)


@register_scenario("benchmark_boxes")
def _arrange(draft: Draft) -> None:
    x, y, z = boxes.CAMERA
    half_angle = math.atan(boxes.WIDTH / 2 / boxes.FOCAL)
    draft.view = View(x, y, z, 0.0, boxes.PITCH, half_angle)
    floor = boxes.Box((boxes.FLOOR, boxes.FLOOR, 0.1), (0.0, 0.0, -0.05), 0.0, (0.3, 0.3, 0.3))
    draft.placements.append(_placement(BACKGROUND, floor, None))
    seed = int(draft.rng.integers(1 << 20))
    draft.tags[SEED] = seed
    for number, item in enumerate(boxes.boxes(seed), BACKGROUND + 1):
        draft.placements.append(_placement(number, item, "small_load_carrier"))
    lamp = Lamp("area", boxes.LAMP_POSITION, (0.0, 0.0, 0.0), boxes.LAMP_WATTS, (1.0, 1.0, 1.0), boxes.LAMP_SIZE)
    draft.lamps.append(lamp)
    draft.sky = boxes.SKY


def settings(count: int) -> Settings:
    """Settings for so many frames of the equal scene on the CPU, with depth."""
    composed = on_cpu(
        count,
        boxes.SAMPLES,
        boxes.BOUNCES,
        f"dataset.frames.sizes=[{boxes.WIDTH}x{boxes.HEIGHT}]",
        "dataset.frames.annotators=[rgb,boxes,instance,depth]",
        # the other side's lens is a pinhole
        "randomization.sensor.distortion=0",
    )
    scene = composed.scene.model_copy(update={"scenarios": {"benchmark_boxes": 1.0}})
    return composed.model_copy(update={"scene": scene})


def seeds(asked: Settings) -> list[int]:
    """Which boxes each frame has."""
    return [int(plan_frame(asked, frame).tags[SEED]) for frame in range(asked.dataset.frames.count)]


def create(backend: str, renderer: Renderer) -> RendererBackend:
    """As :func:`stages.sdg.render.registry.create_renderer`."""
    return create_renderer(backend, renderer)
