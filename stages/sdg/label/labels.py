"""Labels from passes: pure numpy, the same for every renderer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import RenderError
from stages.sdg.assets.types import PARTS
from stages.sdg.label.types import FrameLabel, InstanceLabel, Xyxy
from stages.sdg.plan.types import FramePlan, Placement
from stages.sdg.render.passes import Amodal, Passes, ids_in

FORKS = PARTS.index("forks")


def label_frame(plan: FramePlan, passes: Passes, classes: Collection[str]) -> FrameLabel:
    """Label every visible instance of the wanted classes.

    Args:
        plan: of the frame.
        passes: what a renderer made of it.
        classes: names of the classes to label; other placements are part of the scene only.

    Returns:
        The frame's labels; an instance without a visible pixel has none.

    Raises:
        RenderError: when the passes do not belong to the plan: another size, ids that it does not hold, or a
            labelled instance without depth.
    """
    size = (plan.camera.height, plan.camera.width)
    if passes.instance.shape != size or passes.depth.shape != size:
        raise RenderError(_foreign(plan, f"has passes of {passes.instance.shape[::-1]} pixels, not {size[::-1]}"))
    placements = {placement.id: placement for placement in (*plan.placements, *passes.inside)}
    seen = [number for number in ids_in(passes.instance) if number]
    unknown = [number for number in seen if number not in placements]
    if unknown:
        raise RenderError(_foreign(plan, f"shows instance {unknown[0]}, which its plan does not hold"))
    labels = ((number, placements[number].label) for number in seen)
    ids = [number for number, name in labels if name is not None and name in classes]
    rows, columns, slots = _occupied(passes.instance, ids)
    boxes = _boxes(rows, columns, slots, len(ids), size)
    visible = np.bincount(slots, minlength=len(ids))
    nearest = np.full(len(ids), np.inf, np.float32)
    np.minimum.at(nearest, slots, passes.depth[rows, columns])
    instances = []
    for slot, number in enumerate(ids):
        if not np.isfinite(nearest[slot]):
            raise RenderError(_foreign(plan, f"has no depth where instance {number} is seen"))
        amodal = passes.amodal.get(number)
        label = _instance(placements[number], boxes[slot], int(visible[slot]), float(nearest[slot]), amodal, size)
        instances.append(_with_forks(label, passes, amodal))
    return FrameLabel(
        frame=plan.frame,
        split=plan.split,
        scenario=plan.scenario,
        width=plan.camera.width,
        height=plan.camera.height,
        instances=tuple(instances),
        tags=dict(plan.tags),
    )


def _foreign(plan: FramePlan, what: str) -> str:
    return f"frame {plan.frame} {what}; the renderer and the plan disagree, render it again with `--frame {plan.frame}`"


def _occupied(
    instance: NDArray[np.uint16], ids: Sequence[int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Rows, columns and places in ``ids`` of all pixels that show one of them."""
    slot_of = np.full(1 << 16, -1, np.intp)
    slot_of[np.array(ids, np.intp)] = np.arange(len(ids))
    rows, columns = np.nonzero((slot_of >= 0).take(instance))
    return rows, columns, slot_of.take(instance[rows, columns])


def _boxes(
    rows: NDArray[np.intp], columns: NDArray[np.intp], slots: NDArray[np.intp], count: int, size: tuple[int, int]
) -> list[Xyxy]:
    """Exact extent of each slot's pixels."""
    in_row, in_column = np.zeros((count, size[0]), bool), np.zeros((count, size[1]), bool)
    in_row[slots, rows] = True
    in_column[slots, columns] = True
    left, top = in_column.argmax(1), in_row.argmax(1)
    right, bottom = size[1] - in_column[:, ::-1].argmax(1), size[0] - in_row[:, ::-1].argmax(1)
    boxes = np.stack([left, top, right, bottom], 1)
    return [(float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in boxes]


def _instance(
    placement: Placement, tight: Xyxy, visible: int, distance: float, amodal: Amodal | None, size: tuple[int, int]
) -> InstanceLabel:
    # A renderer that samples within a pixel may show a few that the outline lacks: what is seen is part of it.
    full = amodal or Amodal(visible, visible, tight)
    pixels = max(full.pixels, visible)
    total = max(full.total_pixels + pixels - full.pixels, pixels)
    height, width = size
    return InstanceLabel(
        id=placement.id,
        class_name=placement.label or "",
        family=placement.family,
        variant=placement.variant,
        xyxy=tight,
        xyxy_loose=(
            max(0.0, min(full.xyxy[0], tight[0])),
            max(0.0, min(full.xyxy[1], tight[1])),
            min(float(width), max(full.xyxy[2], tight[2])),
            min(float(height), max(full.xyxy[3], tight[3])),
        ),
        visible_pixels=visible,
        occlusion=1 - visible / pixels,
        truncation=1 - pixels / total,
        distance=distance,
    )


def _with_forks(label: InstanceLabel, passes: Passes, amodal: Amodal | None) -> InstanceLabel:
    """The label, and how much of its forks is seen and the box of the rest, where it has forks in the picture."""
    if passes.parts is None or amodal is None or not amodal.parts or not amodal.parts[FORKS]:
        return label
    left, top, right, bottom = (int(side) for side in label.xyxy)
    window = (slice(top, bottom), slice(left, right))
    mine = passes.instance[window] == label.id
    is_fork = mine & (passes.parts[window] == FORKS)
    share = min(1.0, int(is_fork.sum()) / amodal.parts[FORKS])
    rest = mine & ~is_fork
    rows, columns = np.flatnonzero(rest.any(1)), np.flatnonzero(rest.any(0))
    if not len(rows):
        return replace(label, forks_visible=share)
    body = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
    x0, y0, x1, y1 = (float(side) for side in body)
    return replace(label, forks_visible=share, xyxy_body=(x0, y0, x1, y1))
