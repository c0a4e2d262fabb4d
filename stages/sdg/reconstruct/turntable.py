"""The picture of a finished object: ``python -m stages.sdg.reconstruct.turntable JOB``, started by ``job``.

In a process of its own, since Blender must not meet usd-core.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import FramePlan, Placement

ANGLES = (25, 70, 115, 160, 205, 250, 295, 340)
"""Degrees about Z from which it is seen, in two rows; 0 is from the front."""

FLOOR = 9000
"""Id of the floor in these plans."""

SAMPLES = 24

BRIGHTER = 1.7
"""Against the light of the check of own objects, where nothing is around the object."""


def on_floor(plan: FramePlan, radius: float) -> FramePlan:
    """A plan with a dark floor under the object, so that one sees whether it stands, in brighter light."""
    grey = {f"{of}_{name}": 0.12 for of in ("floor", "wall") for name in ("red", "green", "blue")}
    side = 60 * radius
    parameters: dict[str, float | str | bool] = {
        "length": side,
        "width": side,
        "height": 0.001 * radius,
        "roughness": 0.9,
        **grey,
    }
    floor = Placement(FLOOR, "plain_hall", 0, (0.0, 0.0, -0.002 * radius), parameters=parameters)
    lamps = tuple(replace(lamp, power=BRIGHTER * lamp.power) for lamp in plan.lamps)
    red, green, blue = (BRIGHTER * value for value in plan.sky)
    return replace(plan, placements=(*plan.placements, floor), lamps=lamps, sky=(red, green, blue))


def views(
    name: str, content: str, meta: dict[str, Any], classes: Sequence[str], backend: str
) -> list[NDArray[np.uint8]]:
    """An object in the cache from all :data:`ANGLES`, blue, green, red, with its labels drawn in."""
    from stages.common.settings.pictures import Renderer
    from stages.sdg.picture import drawn_view, turntable_plan
    from stages.sdg.render.registry import create_renderer

    renderer = create_renderer(backend, Renderer(name=backend, backend=backend, samples=SAMPLES))
    radius = float(np.linalg.norm(np.subtract(meta["facts"]["high"], meta["facts"]["low"]))) / 2
    try:
        plans = [on_floor(turntable_plan(name, content, meta, math.radians(angle)), radius) for angle in ANGLES]
        return [drawn_view(plan, renderer, classes) for plan in plans]
    finally:
        renderer.close()


def sheet(pictures: Sequence[NDArray[np.uint8]], photo: Path | None) -> NDArray[np.uint8]:
    """Views in two rows, with the object as it was photographed, blue, green, red, on the left of them."""
    half = len(pictures) // 2
    rows = np.concatenate([np.concatenate(pictures[:half], 1), np.concatenate(pictures[half:], 1)])
    if photo is None:
        return rows
    import cv2

    image = cv2.imread(str(photo))
    scale = min(rows.shape[0] / image.shape[0], rows.shape[0] / image.shape[1])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left = np.full((rows.shape[0], rows.shape[0], 3), 255, np.uint8)
    top, side = (rows.shape[0] - size[1]) // 2, (rows.shape[0] - size[0]) // 2
    left[top : top + size[1], side : side + size[0]] = small
    return np.concatenate([left, rows], 1)


def main(job: dict[str, Any]) -> None:
    """Draw one object."""
    from stages.sdg.assets.imports.store import read_meta
    from stages.sdg.preview import write_jpeg

    pictures = views(job["name"], job["content"], read_meta(job["content"]), job["classes"], job["backend"])
    write_jpeg(Path(job["out"]), sheet(pictures, Path(job["photo"]) if job["photo"] else None))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    sys.stdout.flush()
    os._exit(0)
