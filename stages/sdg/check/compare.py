"""Labels of the same plans by two renderers: how far they agree, and what a disagreement looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isaac.capture.read import chosen_class
from stages.sdg.label.types import FrameLabel, InstanceLabel

MEAN_IOU, LEAST_IOU, LARGE = 0.99, 0.95, 20.0
"""Boxes agree when their mean IoU, and the least one of boxes over so many pixels, is at least this."""

MEAN_MASK, LEAST_MASK = 0.95, 0.8
"""The same of their masks. A renderer that decides half a pixel further out changes the whole rim of a mask and not its
extent, and all of what is thin: a fork five pixels wide."""

SHIFT = 1.0
"""Pixels that boxes must be off in common to speak of a shift."""

FAR = 0.02
"""Share by which distances must differ in common to speak of a scale."""


@dataclass(frozen=True)
class Side:
    """A frame by one renderer.

    Attributes:
        label: its labels.
        instance: (H, W) ids.
        says: what Isaac Sim itself told; empty of other renderers.
    """

    label: FrameLabel
    instance: NDArray[np.uint16]
    says: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """One object in both renders.

    Attributes:
        frame, id, name: which one.
        box_iou, mask_iou: 0 to 1.
        large: its box is over :data:`LARGE` pixels on both sides.
        shift: of the box's centre, pixels.
        occlusion: difference of the hidden shares.
        distance: ratio.
    """

    frame: int
    id: int
    name: str
    box_iou: float
    mask_iou: float
    large: bool
    shift: tuple[float, float]
    occlusion: float
    distance: float


@dataclass
class Agreement:
    """All objects of all frames.

    Attributes:
        pairs: in both.
        missing: seen by the reference alone: frame, id, class, visible pixels.
        extra: seen by the other renderer alone.
        notes: what else is worth saying.
    """

    pairs: list[Pair] = field(default_factory=list)
    missing: list[tuple[int, int, str, int]] = field(default_factory=list)
    extra: list[tuple[int, int, str, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def mean_iou(self) -> float:
        """Mean box IoU of the larger boxes, 0 when there are none."""
        large = [pair.box_iou for pair in self.pairs if pair.large]
        return float(np.mean(large)) if large else 0.0

    @property
    def least_iou(self) -> float:
        """Least box IoU of the larger boxes."""
        return min((pair.box_iou for pair in self.pairs if pair.large), default=0.0)

    @property
    def mean_mask(self) -> float:
        """Mean mask IoU of the objects with larger boxes, 0 when there are none."""
        large = [pair.mask_iou for pair in self.pairs if pair.large]
        return float(np.mean(large)) if large else 0.0

    @property
    def least_mask(self) -> float:
        """Least mask IoU of the objects with larger boxes."""
        return min((pair.mask_iou for pair in self.pairs if pair.large), default=0.0)

    @property
    def is_good(self) -> bool:
        """Whether both agree as far as two renderers do, in boxes and in masks."""
        lost = [item for item in (*self.missing, *self.extra) if item[3] >= LARGE]
        boxes = self.mean_iou >= MEAN_IOU and self.least_iou >= LEAST_IOU
        return boxes and self.mean_mask >= MEAN_MASK and self.least_mask >= LEAST_MASK and not lost


def compare(reference: Sequence[Side], other: Sequence[Side]) -> Agreement:
    """Compare frames of the same plans, in the same order."""
    found = Agreement()
    for mine, theirs in zip(reference, other, strict=True):
        one = {item.id: item for item in mine.label.instances}
        two = {item.id: item for item in theirs.label.instances}
        for number in sorted(one.keys() | two.keys()):
            if number not in two:
                found.missing.append(_told(mine.label.frame, one[number]))
            elif number not in one:
                found.extra.append(_told(mine.label.frame, two[number]))
            else:
                found.pairs.append(_pair(mine, theirs, one[number], two[number]))
        found.notes += _engine_notes(theirs)
    return found


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes with exclusive maxima."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inside = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return inside / max(sum(areas) - inside, 1e-9)


def _told(frame: int, item: InstanceLabel) -> tuple[int, int, str, int]:
    return frame, item.id, item.class_name, item.visible_pixels


def _pair(mine: Side, theirs: Side, one: InstanceLabel, two: InstanceLabel) -> Pair:
    a, b = one.xyxy, two.xyxy
    first, second = mine.instance == one.id, theirs.instance == two.id
    union = int((first | second).sum())
    return Pair(
        mine.label.frame,
        one.id,
        one.class_name,
        box_iou(a, b),
        int((first & second).sum()) / max(union, 1),
        min(a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1]) > LARGE,
        ((b[0] + b[2] - a[0] - a[2]) / 2, (b[1] + b[3] - a[1] - a[3]) / 2),
        two.occlusion - one.occlusion,
        two.distance / one.distance,
    )


def _engine_notes(side: Side) -> Iterator[str]:
    """What the engine's own annotators say against its mask."""
    frame = side.label.frame
    facts = side.says.get("facts", {})
    for attempt in facts.get("attempts", []):
        yield f"frame {frame} was tried again: {attempt}"
    if facts.get("box_max_is_inclusive") == 0:
        yield (
            f"frame {frame}: x_max and y_max of the engine's tight boxes are exclusive here; set BOX_MAX_IS_INCLUSIVE "
            "in isaac/capture/read.py to 0 (labels come from masks and do not change)"
        )
    known = {item.class_name for item in side.label.instances}
    for item in side.label.instances:
        box = side.says.get("boxes", {}).get("tight", {}).get(str(item.id))
        if box is None:
            if side.says:
                yield f"frame {frame}: the engine has no tight box for instance {item.id}, which its mask shows"
        elif chosen_class(",".join(box["class"]), known) != item.class_name:
            yield f"frame {frame}: the engine calls instance {item.id} {box['class']}, the plan {item.class_name}"


def reasons(found: Agreement) -> list[str]:
    """Why renders may differ, the likeliest first, each from a sign that is there."""
    said = []
    pairs = [pair for pair in found.pairs if pair.large] or found.pairs
    if not found.pairs:
        return ["no object is in both renders: see whether the picture is blank, and whether the assets were loaded"]
    if found.missing:
        names = ", ".join(sorted({name for _, _, name, _ in found.missing}))
        said.append(
            f"{names}: not seen by this renderer; its file was perhaps not loaded, lies hidden, or has another scale "
            "(look for its prim in the saved .usda)"
        )
    if found.extra:
        said.append("objects that the reference does not see: something that hides them there is missing here")
    shift = np.median([pair.shift for pair in pairs], axis=0)
    if np.abs(shift).max() >= SHIFT:
        said.append(
            f"all boxes are off by about ({shift[0]:+.1f}, {shift[1]:+.1f}) pixels: the camera's aperture offset, or a "
            "picture that was cropped or scaled"
        )
    spread = np.abs(np.asarray([pair.shift for pair in pairs]) - shift)
    if len(pairs) > 2 and np.percentile(spread, 75) >= 2 * SHIFT:
        said.append("boxes are off by different amounts: another focal length, lens distortion, or turned assets")
    distance = float(np.median([pair.distance for pair in pairs]))
    if abs(distance - 1) > FAR:
        said.append(f"all distances are {distance:.3f} times the reference's: units of the stage, or depth along rays")
    thin = [pair for pair in pairs if pair.box_iou >= LEAST_IOU and pair.mask_iou < 0.9]
    if thin:
        said.append(
            f"{len(thin)} masks differ within the same boxes (the least IoU is {min(p.mask_iou for p in thin):.2f}): "
            "thin parts, anti-aliasing, see-through materials, or parts with labels of their own"
        )
    if any(abs(pair.occlusion) > 0.1 for pair in pairs):
        said.append("hidden shares differ by more than 0.1: something in front is missing, or stands elsewhere")
    return said


def table(found: Agreement, worst: int = 20) -> str:
    """Objects of one renderer alone, and so many of those in both, the worst first."""

    def row(pair: Pair) -> str:
        return (
            f"{pair.frame:5d} {pair.id:4d}  {pair.name:20s}  {pair.box_iou:7.4f}  {pair.mask_iou:8.4f}  "
            f"({pair.shift[0]:+5.1f}, {pair.shift[1]:+5.1f})  {pair.occlusion:+6.3f}  {pair.distance:8.4f}"
        )

    ordered = sorted(found.pairs, key=lambda pair: (pair.box_iou, pair.mask_iou))
    rows = ["frame  id  class                 box IoU  mask IoU  shift (px)      hidden  distance"]
    for kind, some in (("missing", found.missing), ("extra", found.extra)):
        rows += [f"{frame:5d} {number:4d}  {name:20s}  {kind} ({size} pixels)" for frame, number, name, size in some]
    rows += [row(pair) for pair in ordered[:worst]]
    if len(ordered) > worst:
        rows.append(f"... and {len(ordered) - worst} that agree as well or better")
    return "\n".join(rows)
