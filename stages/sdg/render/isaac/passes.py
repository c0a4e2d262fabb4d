"""Isaac Sim's arrays as passes: cut to the canvas, light made linear, parts and outlines added. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.types import Camera, FramePlan, Placement
from stages.sdg.render.camera import world_to_camera
from stages.sdg.render.meshes import triangle_parts, world_triangles
from stages.sdg.render.passes import Passes, ids_in
from stages.sdg.render.raster import rasterize

STEP = 64
"""Pixels to which a canvas is rounded up: each new size costs a render product, and its first frames are blank."""

Floats = NDArray[np.float64]


def padded(canvas: Camera) -> Camera:
    """The camera of at least the canvas' size, of few different sizes, with the same centre."""

    def side(size: int) -> int:
        whole = -(-size // STEP) * STEP
        # an even margin on both sides keeps the pixels where they are
        return whole + (whole - size) % 2

    return replace(canvas, width=side(canvas.width), height=side(canvas.height))


def cropped(array: NDArray[Any], canvas: Camera) -> NDArray[Any]:
    """The middle of an array (H, W, ...), of the canvas' size."""
    top, left = (array.shape[0] - canvas.height) // 2, (array.shape[1] - canvas.width) // 2
    return array[top : top + canvas.height, left : left + canvas.width]


def to_linear(picture: NDArray[Any]) -> NDArray[np.float32]:
    """(H, W, 3) linear light: float is light already, 8 bit is sRGB (IEC 61966-2-1)."""
    if picture.dtype != np.uint8:
        return np.nan_to_num(picture.astype(np.float32), posinf=1e4)
    steps = np.arange(256) / 255
    curve = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.asarray(curve[picture])


def passes_of(arrays: Mapping[str, NDArray[Any]], canvas: Camera) -> Passes:
    """Passes on the canvas, without amodal extents and parts."""
    instance = cropped(arrays["instance"], canvas).astype(np.uint16)
    depth = cropped(arrays["depth"], canvas).astype(np.float32)
    extra = {
        name.removeprefix("extra_"): cropped(values, canvas) if _is_picture(values, arrays["instance"]) else values
        for name, values in arrays.items()
        if name.startswith("extra_") or name == "motion_vectors"
    }
    return Passes(
        linear=to_linear(cropped(arrays["picture"], canvas)),
        instance=instance,
        depth=np.where(instance == 0, np.float32(np.inf), depth),
        amodal={},
        normals=cropped(arrays["normals"], canvas).astype(np.float32) if "normals" in arrays else None,
        extra=extra,
    )


def _is_picture(values: NDArray[Any], like: NDArray[Any]) -> bool:
    return values.shape[:2] == like.shape[:2]


INSIDE = "inside"
"""Family of things inside other people's files."""


def things_inside(plan: FramePlan, told: Mapping[str, Mapping[str, Any]]) -> tuple[Placement, ...]:
    """Things inside files as placements, where the things that they are in stand.

    Args:
        plan: of the frame.
        told: by their number ``label``, ``of`` (placement id) and ``path``.
    """
    by_id = {placement.id: placement for placement in plan.placements}
    return tuple(
        replace(
            by_id[int(item["of"])], id=int(number), family=INSIDE, variant=0, label=str(item["label"]),
            parameters={"path": str(item["path"])},
        )
        for number, item in told.items()
    )  # fmt: skip


def outlines(
    placements: Iterable[Placement], instance: NDArray[np.uint16], foreign: Mapping[int, Floats]
) -> tuple[dict[int, Floats], dict[int, NDArray[np.uint8]]]:
    """World triangles, and part numbers where there are parts, of the labelled placements that are seen.

    Args:
        placements: of the plan, and things inside files.
        instance: ids.
        foreign: triangles of assets that only Isaac Sim can read, in asset coordinates, by placement id.
    """
    seen = set(ids_in(instance))
    triangles: dict[int, Floats] = {}
    parts: dict[int, NDArray[np.uint8]] = {}
    for placement in placements:
        if placement.label is None or placement.id not in seen:
            continue
        if placement.id in foreign:
            triangles[placement.id] = _placed(foreign[placement.id], placement)
            continue
        triangles[placement.id] = world_triangles(placement)
        numbers = triangle_parts(placement)
        if numbers.any():
            parts[placement.id] = numbers
    return triangles, parts


def _placed(triangles: Floats, placement: Placement) -> Floats:
    matrix = placement_matrix(placement)
    return np.asarray(triangles.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3])


def parts_pass(
    canvas: Camera,
    instance: NDArray[np.uint16],
    triangles: Mapping[int, Floats],
    parts: Mapping[int, NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """(H, W) part number of what each pixel shows, worked out by drawing each such object alone where it is seen."""
    shown = np.zeros(instance.shape, np.uint8)
    for number, numbers in parts.items():
        corners = world_to_camera(canvas, triangles[number])
        drawn, _, _ = rasterize(
            corners, numbers.astype(np.uint16) + 1, canvas.focal, canvas.width / 2, canvas.height / 2,
            canvas.width, canvas.height, canvas.near,
        )  # fmt: skip
        mine = (instance == number) & (drawn > 0)
        shown[mine] = drawn[mine] - 1
    return shown
