"""Pictures of own objects from four sides, drawn by the fake renderer; labelled things have their class's colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.settings import CLASSES
from stages.common.settings.pictures import Renderer
from stages.sdg.assets.imports.prepare import Prepared
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera, FramePlan, Lamp, Placement, SensorPlan
from stages.sdg.render.passes import RendererBackend

SIDE = 320
"""Pixels of one view, both ways."""

ANGLES = (40, 130, 220, 310)
"""Degrees about Z from which it is seen; 0 is from the front."""

HALF_ANGLE = 0.35
"""Half the field of view in radians."""

MOST = 12
"""Files of an entry that are drawn."""


def draw_turntable(prepared: Sequence[Prepared], path: Path, classes: Sequence[str] = CLASSES) -> int:
    """Write a JPEG with one row of four views for each file.

    Args:
        prepared: entries to draw.
        path: of the picture.
        classes: in the order of their numbers, which gives the colours.

    Returns:
        How many files are on it.
    """
    from stages.sdg.preview import write_jpeg

    rows = []
    for item in prepared:
        for content, meta in list(zip(item.contents, item.metas(), strict=True))[:MOST]:
            views = [_view(item.entry.name, content, meta, math.radians(angle), classes) for angle in ANGLES]
            rows.append(np.concatenate(views, 1))
    write_jpeg(path, np.concatenate(rows))
    return len(rows)


def _view(name: str, content: str, meta: dict[str, Any], angle: float, classes: Sequence[str]) -> NDArray[np.uint8]:
    from stages.sdg.render.fake import FakeRenderer

    plan = turntable_plan(name, content, meta, angle)
    return drawn_view(plan, FakeRenderer(Renderer(name="fake", backend="fake")), classes)


def drawn_view(plan: FramePlan, renderer: RendererBackend, classes: Sequence[str]) -> NDArray[np.uint8]:
    """A plan as a renderer shows it (H, W, 3) sRGB, with its labels drawn in."""
    from stages.sdg.label.draw import draw_labels
    from stages.sdg.label.labels import label_frame
    from stages.sdg.render.sensor import develop

    passes = renderer.render(plan)
    picture = develop(passes.linear, plan.sensor, plan.camera, passes.depth)
    return draw_labels(picture, label_frame(plan, passes, classes), classes)


def turntable_plan(name: str, content: str, meta: dict[str, Any], angle: float) -> FramePlan:
    """An object alone under even light.

    Args:
        name: of its family.
        content: its key in the cache.
        meta: what was found in it.
        angle: about Z from which it is seen, radians.
    """
    low, high = np.array(meta["facts"]["low"]), np.array(meta["facts"]["high"])
    middle, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    distance, pitch = radius / math.sin(HALF_ANGLE) * 1.05, math.radians(-20)
    flat = distance * math.cos(pitch)
    eye = (
        float(middle[0] + flat * math.cos(angle)),
        float(middle[1] + flat * math.sin(angle)),
        float(middle[2] - distance * math.sin(pitch)),
    )
    pose = look_along(eye, angle + math.pi, pitch, 0.0)
    matrix = tuple(tuple(float(value) for value in row) for row in pose)
    focal = SIDE / 2 / math.tan(HALF_ANGLE)
    camera = Camera(SIDE, SIDE, focal, matrix, near=min(0.05, radius / 10))  # type: ignore[arg-type]
    things = tuple(
        Placement(
            number + 1, name, 0, (0.0, 0.0, 0.0), label=group["label"], parameters={"content": content, "group": number}
        )
        for number, group in enumerate(meta["groups"])
    )
    sun = Lamp("sun", (0.0, 0.0, 10.0), (angle + math.pi / 2, 0.6, 0.4), 6.0, (1.0, 1.0, 1.0), (0.1, 0.1))
    return FramePlan(0, 0, "train", "turntable", camera, SensorPlan(enabled=False), things, (sun,), (0.35, 0.35, 0.4))
