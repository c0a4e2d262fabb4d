"""What Replicator's annotators hand over, made regular: pure numpy, no Isaac Sim.

Layouts are those of omni.replicator.core 1.12.27 (Isaac Sim 5.1). Where two versions or two code paths differ, both
are taken: keys of ``idToLabels`` as numbers or text, payloads flat or below ``info``, labels joined by commas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

BACKGROUND, UNLABELLED = 0, 1
"""Ids of an instance segmentation that belong to no prim."""

BOX_MAX_IS_INCLUSIVE = 1
"""What is added to ``x_max`` and ``y_max`` to make them exclusive: the documents do not say which they are, and users
report inclusive pixel indices. Each capture measures it against the mask; ``isaac check`` prints what it found."""

SCENERY = "scenery"
"""Label of instances without a class: only labelled prims have ids in a segmentation."""


class CaptureError(Exception):
    """A frame's data cannot be used; the message says why."""


def info_of(payload: Any) -> Mapping[str, Any]:
    """The facts beside an annotator's array: below ``info``, or flat as fast annotators give them to a writer."""
    if not isinstance(payload, Mapping):
        return {}
    info = payload.get("info")
    return info if isinstance(info, Mapping) else payload


def data_of(payload: Any) -> NDArray[Any]:
    """The array of an annotator, which some give bare and others below ``data``."""
    data = payload.get("data") if isinstance(payload, Mapping) else payload
    return np.asarray(data) if data is not None else np.zeros(0)


def by_number(table: Any) -> dict[int, Any]:
    """An id table with whole numbers for keys; those of colours and other texts are left out.

    Raises:
        CaptureError: when all keys are colours: the segmentation was asked for with ``colorize``.
    """
    made, others = {}, 0
    for key, value in dict(table or {}).items():
        try:
            made[int(key)] = value
        except (TypeError, ValueError):
            others += 1
    if others and not made:
        raise CaptureError("the segmentation has colours for ids; ask for it with colorize False")
    return made


def classes_of(entry: Any) -> tuple[str, ...]:
    """Labels of one id: ``{"class": "pallet,scenery"}``, that text alone, or a list of labels; inherited ones first."""
    text = entry.get("class", "") if isinstance(entry, Mapping) else entry
    if isinstance(text, (list, tuple)):
        text = ",".join(map(str, text))
    return tuple(part for part in (part.strip() for part in str(text).split(",")) if part)


def chosen_class(entry: Any, classes: Collection[str]) -> str | None:
    """The class among an id's labels, the last one when several were inherited; None where there is none."""
    return next((label for label in reversed(classes_of(entry)) if label in classes), None)


def picture_of(payload: Any, size: tuple[int, int]) -> NDArray[Any]:
    """(H, W, 3) uint8 or float16 colour.

    Args:
        payload: of ``rgb`` or ``HdrColor``.
        size: wanted height and width.

    Raises:
        CaptureError: when there is no picture of that size.
    """
    data = data_of(payload)
    if data.size == 0:
        raise CaptureError("the picture is empty")
    if data.ndim != 3 or data.shape[:2] != size or data.shape[2] < 3:
        raise CaptureError(f"the picture has the shape {data.shape}, not {(*size, 4)}")
    return np.ascontiguousarray(data[..., :3])


def depth_of(payload: Any, size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) float32 metres along the optical axis, +inf wherever the engine gave no positive, finite number.

    Raises:
        CaptureError: when there is no depth of that size.
    """
    data = data_of(payload).astype(np.float32)
    if data.size == 0:
        raise CaptureError("the depth is empty")
    data = data.reshape(data.shape[:2])
    if data.shape != size:
        raise CaptureError(f"the depth has the shape {data.shape}, not {size}")
    return np.where(np.isfinite(data) & (data > 0), data, np.float32(np.inf)).astype(np.float32)


def vectors_of(payload: Any, size: tuple[int, int], channels: int) -> NDArray[np.float32]:
    """(H, W, channels) float32 of ``normals`` or ``motion_vectors``, whose further channels are unused.

    Raises:
        CaptureError: when there is none of that size.
    """
    data = data_of(payload)
    if data.ndim != 3 or data.shape[:2] != size or data.shape[2] < channels:
        raise CaptureError(f"vectors have the shape {data.shape}, not {(*size, 4)}")
    return np.ascontiguousarray(data[..., :channels], np.float32)


def owner_of(path: str, owners: Mapping[str, int]) -> int:
    """Instance that a prim belongs to: its own, or that of its nearest ancestor that is one; 0 where there is none."""
    while path and path != "/":
        if path in owners:
            return owners[path]
        path = path.rpartition("/")[0]
    return 0


def instances_of(payload: Any, owners: Mapping[str, int], size: tuple[int, int]) -> NDArray[np.uint16]:
    """(H, W) instance numbers of the plan, 0 where nothing of it is.

    Args:
        payload: of ``instance_segmentation``.
        owners: instance number by prim path.
        size: wanted height and width.

    Raises:
        CaptureError: when there is no segmentation of that size, or its table of ids does not know what it shows.
    """
    data = data_of(payload)
    if data.size == 0:
        raise CaptureError("the instance segmentation is empty")
    if data.ndim == 3 and data.dtype == np.uint8 and data.shape[2] == 4:
        raise CaptureError("the segmentation has colours for ids; ask for it with colorize False")
    if data.shape != size:
        raise CaptureError(f"the instance segmentation has the shape {data.shape}, not {size}")
    paths = by_number(info_of(payload).get("idToLabels"))
    values, inverse = np.unique(data, return_inverse=True)
    numbers = np.zeros(len(values), np.uint16)
    for place, value in enumerate(values.tolist()):
        if value in (BACKGROUND, UNLABELLED):
            continue
        if value not in paths:
            raise CaptureError(f"the instance segmentation shows id {value}, which its table does not name")
        numbers[place] = owner_of(str(paths[value]), owners)
    return numbers[inverse].reshape(size)


def boxes_of(
    payload: Any, owners: Mapping[str, int], inclusive: int = BOX_MAX_IS_INCLUSIVE
) -> dict[int, dict[str, Any]]:
    """2D boxes by instance, of tight or loose ones.

    Rows of children of one instance (the same object labelled twice) are joined to one box.

    Args:
        payload: of ``bounding_box_2d_tight`` or ``_loose``.
        owners: instance number by prim path.
        inclusive: added to the maxima.

    Returns:
        ``xyxy`` with exclusive maxima in pixels, ``occlusion`` 0 to 1 (nan where the engine does not know), ``class``
        labels.
    """
    data, info = data_of(payload), info_of(payload)
    paths, labels = list(info.get("primPaths") or []), by_number(info.get("idToLabels"))
    found: dict[int, dict[str, Any]] = {}
    if data.dtype.names is None:
        return found
    for row, path in zip(data, paths, strict=False):
        number = owner_of(str(path), owners)
        if not number:
            continue
        left, top = int(row["x_min"]), int(row["y_min"])
        right, bottom = int(row["x_max"]) + inclusive, int(row["y_max"]) + inclusive
        occlusion = float(row["occlusionRatio"])
        if number in found:
            old = found[number]["xyxy"]
            left, top = min(left, old[0]), min(top, old[1])
            right, bottom = max(right, old[2]), max(bottom, old[3])
            occlusion = min(occlusion, found[number]["occlusion"])
        found[number] = {
            "xyxy": [left, top, right, bottom],
            "occlusion": occlusion,
            "class": list(classes_of(labels.get(int(row["semanticId"])))),
        }
    return found


def boxes3d_of(payload: Any, owners: Mapping[str, int]) -> dict[int, dict[str, Any]]:
    """3D boxes by instance: ``low`` and ``high`` corner in the prim's coordinates, ``transform`` to the world.

    Replicator's matrices are row-major for row vectors; here they are turned to act on columns.
    """
    data, info = data_of(payload), info_of(payload)
    if data.dtype.names is None:
        return {}
    found = {}
    for row, path in zip(data, list(info.get("primPaths") or []), strict=False):
        number = owner_of(str(path), owners)
        if number:
            found[number] = {
                "low": [float(row[f"{axis}_min"]) for axis in "xyz"],
                "high": [float(row[f"{axis}_max"]) for axis in "xyz"],
                "transform": np.asarray(row["transform"], float).reshape(4, 4).T.tolist(),
            }
    return found


def focal_of(payload: Any) -> float | None:
    """Focal length in pixels that ``camera_params`` speak of; None when they are empty."""
    try:
        aperture = np.ravel(payload["cameraAperture"])
        width = int(np.ravel(payload["renderProductResolution"])[0])
        return float(payload["cameraFocalLength"]) / float(aperture[0]) * width
    except (KeyError, TypeError, IndexError, ZeroDivisionError):
        return None


def measured_inclusive(boxes: Mapping[int, Mapping[str, Any]], instance: NDArray[np.uint16]) -> int | None:
    """What the maxima of raw tight boxes lack to be those of the mask, where all agree: 0 or 1; None where they do not.

    Args:
        boxes: from :func:`boxes_of` with ``inclusive`` 0.
        instance: numbers of the same frame.
    """
    height, width = instance.shape
    lacks = set()
    for number, box in boxes.items():
        rows, columns = np.nonzero(instance == number)
        if len(rows) and box["xyxy"][2] < width - 1 and box["xyxy"][3] < height - 1:
            lacks.add((int(columns.max()) + 1 - box["xyxy"][2], int(rows.max()) + 1 - box["xyxy"][3]))
    if len(lacks) != 1:
        return None
    across, down = lacks.pop()
    return across if across == down and across in (0, 1) else None
