"""From rows of a file to labelled objects: classes, parts of one thing, masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isaac.stage.rules import upwards
from stages.common.settings.imports import NOTHING
from stages.convert.readers.masks import area_of, extent_of, is_inside, is_near
from stages.convert.readers.types import Content, Row
from stages.sdg.assets.imports.labels import class_of
from stages.sdg.label.types import InstanceLabel, Xyxy

UNKNOWN_DISTANCE = 0.0
"""Of objects in folders without depth."""


@dataclass
class Tally:
    """What was seen over all frames.

    Attributes:
        classes: objects by class.
        unknown: rows by labels that stand for no class.
        merged: rows of child prims that became part of the thing that they belong to.
        guessed: those of them in files without prim paths: they lie inside a row of their class.
        kept: boxes that have another extent than their pixels, in files that do not say which pixels are whose.
        notes: frames by what is odd about them.
        agreeing, compared: boxes with a mask, and those whose file has the same extent, last pixels included.
    """

    classes: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    guessed: int = 0
    kept: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    agreeing: int = 0
    compared: int = 0


@dataclass
class Thing:
    """An object: a row and all rows that are parts of it, by their places where the file names no prims."""

    class_name: str
    row: Row
    is_guessed: bool = False


def things_of(rows: list[Row], mapping: Mapping[str, str], classes: Collection[str], tally: Tally) -> list[Thing]:
    """Objects of a frame.

    Replicator writes a row for each labelled prim, so a thing whose parts have labels has several rows, and joins the
    labels of prims above: ``forklift,pallet``. A row below another one is a part of it, unless it has a class of its
    own. Where a file names no prims, a row is taken for a part when it lies inside a row of its class, or overlaps one
    whose labels it carries on: boxes of prims hold those of their parts.

    Args:
        rows: of the file.
        mapping: class, or ``none``, by label, before the names that are known.
        classes: that the data set may have.
        tally: is added to.
    """
    by_path = {row.path: row for row in rows if row.path}
    chosen: dict[int, Thing] = {}
    # parents first, so that parts find their thing
    for row in sorted(rows, key=lambda row: (row.path.count("/"), 0 if row.path else -area_of(row.xyxy))):
        above = next((by_path[path] for path in _above(row.path) if path in by_path), None)
        thing = chosen.get(id(above)) if above is not None else None
        own = row.labels if above is None else _without(row.labels, above.labels)
        name = _class(own, mapping, classes)
        if name == NOTHING:
            continue
        if not row.path and name is not None:
            thing = next((other for other in chosen.values() if other.class_name == name and _holds(other, row)), None)
            tally.guessed += thing is not None
        if thing is not None and name in (None, thing.class_name):
            _join(thing, row)
            thing.is_guessed |= not row.path
            chosen[id(row)] = thing
            tally.merged += 1
        elif name is not None:
            chosen[id(row)] = Thing(name, row)
        else:
            tally.unknown[",".join(row.labels)] += 1
    order = {id(row): place for place, row in enumerate(rows)}
    return sorted({id(thing): thing for thing in chosen.values()}.values(), key=lambda thing: order[id(thing.row)])


def _holds(thing: Thing, row: Row) -> bool:
    """Whether a row without a prim's path is likely a part of a thing of its class."""
    (left, top, right, bottom), (a, b, c, d) = thing.row.xyxy, row.xyxy
    if thing.row.path:
        return False
    if is_inside(row.xyxy, thing.row.xyxy):
        return True
    names = thing.row.labels
    carries = len(row.labels) > len(names) and row.labels[: len(names)] == names
    return carries and min(right, c) > max(left, a) and min(bottom, d) > max(top, b)


def _above(path: str) -> list[str]:
    return [name for name in upwards(path) if name not in (path, "/")]


def _without(labels: list[str], inherited: list[str]) -> list[str]:
    left = [label for label in labels if label not in inherited]
    return left or labels[-1:]


def _class(labels: list[str], mapping: Mapping[str, str], classes: Collection[str]) -> str | None:
    """Class, or ``none``, of the last label, the deepest prim's, that stands for one."""
    for label in reversed(labels):
        name = class_of(label, mapping)
        if name in classes or name == NOTHING:
            return name
    return None


def _join(thing: Thing, part: Row) -> None:
    whole = thing.row
    whole.xyxy = _union(whole.xyxy, part.xyxy)
    if part.xyxy_loose is not None:
        whole.xyxy_loose = _union(whole.xyxy_loose or part.xyxy_loose, part.xyxy_loose)
    if part.mask is not None:
        whole.mask = part.mask if whole.mask is None else whole.mask | part.mask


def _union(first: Xyxy, second: Xyxy) -> Xyxy:
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])


def label_things(
    things: list[Thing], content: Content, tally: Tally
) -> tuple[tuple[InstanceLabel, ...], NDArray[np.uint16]]:
    """Labels of objects, and their mask (H, W), numbered from 1.

    An object without a mask has its box's rectangle, behind all others.
    """
    height, width = content.picture.shape[:2]
    masks = np.zeros((height, width), np.uint16)
    clipped = ((thing, _clipped(thing.row.xyxy, width, height)) for thing in things)
    numbered = [(number, *item) for number, item in enumerate(_inside(clipped), 1)]
    order = sorted(numbered, key=lambda item: (item[1].row.mask is not None, -area_of(item[2])))
    for number, thing, box in order:
        left, top, right, bottom = (int(side) for side in box)
        if thing.row.mask is None:
            masks[top:bottom, left:right] = number
        else:
            masks[thing.row.mask] = number
    labels = []
    for number, thing, box in numbered:
        extent = extent_of(masks == number) if thing.row.mask is not None else None
        if extent is not None:
            tally.compared += 1
            tally.agreeing += extent == box
            if (content.masks == "semantics" or thing.is_guessed) and not is_near(extent, box):
                # pixels of a class may be another object's, and parts may lack theirs; the file's box is this one's
                tally.kept += 1
                extent = None
        # a box without a pixel of its own is hidden by others' rectangles, not in truth
        labels.append(_label(number, thing, extent or box, content, masks))
        tally.classes[thing.class_name] += 1
    return tuple(labels), masks


def _label(number: int, thing: Thing, box: Xyxy, content: Content, masks: NDArray[np.uint16]) -> InstanceLabel:
    height, width = masks.shape
    pixels = masks == number
    loose = _clipped(thing.row.xyxy_loose, width, height) if thing.row.xyxy_loose is not None else None
    loose = _union(loose, box) if loose is not None else box
    visible = int(pixels.sum()) if thing.row.mask is not None else int(area_of(box))
    occlusion = thing.row.occlusion
    if occlusion is None:
        # as Replicator estimates it itself
        occlusion = 1 - area_of(box) / area_of(loose)
    return InstanceLabel(
        id=number,
        class_name=thing.class_name,
        family=thing.class_name,
        variant=0,
        xyxy=box,
        xyxy_loose=loose,
        visible_pixels=max(1, visible),
        occlusion=float(min(max(occlusion, 0.0), 1.0)),
        truncation=0.0,
        distance=_distance(content.depth, pixels),
    )


def _distance(depth: NDArray[np.float32] | None, pixels: NDArray[np.bool_]) -> float:
    if depth is None or not pixels.any():
        return UNKNOWN_DISTANCE
    nearest = float(depth[pixels].min())
    return nearest if np.isfinite(nearest) else UNKNOWN_DISTANCE


def _inside(things: Iterable[tuple[Thing, Xyxy | None]]) -> Iterator[tuple[Thing, Xyxy]]:
    for thing, box in things:
        if box is not None:
            yield thing, box


def _clipped(box: Xyxy, width: int, height: int) -> Xyxy | None:
    left, right = max(0.0, box[0]), min(float(width), box[2])
    top, bottom = max(0.0, box[1]), min(float(height), box[3])
    return (left, top, right, bottom) if right > left and bottom > top else None
