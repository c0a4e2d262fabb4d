"""COCO's average precision and recall, for a set as it is and for any weights on its pictures at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.evaluate.table import COCO_IOUS, COCO_MOST, Table

RECALLS = np.linspace(0, 1, 101)
"""Recall points that precision is averaged over (pycocotools' ``recThrs``)."""

MOST_CELLS = 4_000_000
"""Weights times detections worked on at once; keeps a chunk near 32 MB."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sampled:
    """Figures of one class for B weightings of the pictures, NaN where a weighting leaves no object.

    Attributes:
        at_50: (B,) average precision at IoU 0.5.
        at_50_95: (B,) its mean over IoU 0.5 to 0.95 in steps of 0.05.
        recall: (B,) AR, the mean over the same overlaps of the share of objects found at all.
    """

    at_50: Floats
    at_50_95: Floats
    recall: Floats


def weighted_precision(found: Table, number: int, weights: NDArray[np.floating[Any]]) -> Sampled:
    """Figures of one class where picture p counts ``weights[b, p]`` times.

    The detections stay sorted by score; a weighting only changes how much each adds to the running sums of hits and
    alarms, so nothing is sorted or matched again. Ignore regions are COCO's crowds. COCO knows one box an object: where
    other extents are accepted, the one that the matched detection overlaps most stands for the object, its own box when
    nothing is matched with it.

    Args:
        found: the set.
        number: of the class.
        weights: (B, P) whole numbers of 0 or more.
    """
    mine = np.flatnonzero((found.classes == number) & (found.place < COCO_MOST))
    objects = weights @ found.objects(number)
    curves, recalls = np.zeros((len(COCO_IOUS), len(weights))), np.zeros((len(COCO_IOUS), len(weights)))
    step = max(1, MOST_CELLS // max(len(mine), 1))
    for start in range(0, len(weights), step):
        part = slice(start, start + step)
        weight = weights[part][:, found.picture[mine]]
        totals = weight.cumsum(axis=1)
        for level in range(len(COCO_IOUS)):
            hits = np.flatnonzero(found.coco_hit[level, mine])
            right = weight[:, hits].cumsum(axis=1)
            counted = totals[:, hits] - _before(weight, np.flatnonzero(found.coco_ignored[level, mine]), hits)
            curves[level, part] = _areas(right, counted, objects[part])
            recalls[level, part] = (right[:, -1] if len(hits) else 0) / np.maximum(objects[part], 1)
    none = objects == 0
    curves[:, none] = recalls[:, none] = np.nan
    return Sampled(curves[0], curves.mean(axis=0), recalls.mean(axis=0))


def _areas(
    right: NDArray[np.floating[Any]], counted: NDArray[np.floating[Any]], objects: NDArray[np.floating[Any]]
) -> Floats:
    """Mean precision over :data:`RECALLS`, (B,).

    Args:
        right: (B, H) running sum of hits, taken at each hit, by falling score.
        counted: (B, H) running sum of all that counts there.
        objects: (B,) true ones.
    """
    precision = np.divide(right, counted, out=np.zeros_like(right), where=counted > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = right / np.maximum(objects, 1)[:, None]
    padded = np.concatenate([envelope, np.zeros((len(envelope), 1), envelope.dtype)], axis=1)
    # one search for all rows: each is shifted above the one before; the first, the set as it is, stays exact
    shift = 2.0 * np.arange(len(recall))[:, None]
    places = np.searchsorted((recall + shift).ravel(), (RECALLS + shift).ravel()).reshape(len(recall), -1)
    columns = np.minimum(places - recall.shape[1] * np.arange(len(recall))[:, None], recall.shape[1])
    means: Floats = np.take_along_axis(padded, columns, axis=1).mean(axis=1, dtype=np.float64)
    return means


def _before(
    weight: NDArray[np.floating[Any]], ignored: NDArray[np.int64], hits: NDArray[np.int64]
) -> NDArray[np.floating[Any]]:
    """(B, H) weight of the ignored detections that score more than each hit; columns by falling score."""
    sums = np.concatenate([np.zeros((len(weight), 1), weight.dtype), weight[:, ignored].cumsum(axis=1)], axis=1)
    return sums[:, np.searchsorted(ignored, hits)]
