"""How what is in the renders differs from what is in the photographs: sizes, places, numbers, overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import iou_matrix
from stages.evaluate.metrics import rounded
from stages.evaluate.slices import input_scale, span
from stages.evaluate.truth import LabelledPicture

EDGES: Mapping[str, tuple[float, ...]] = {
    "box_height": (0, 20, 40, 60, 80, 120, 160, 240, 320, 480, np.inf),
    "aspect_ratio": (0, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, np.inf),
    "position_x": tuple(np.linspace(0, 1, 9)),
    "position_y": tuple(np.linspace(0, 1, 9)),
    "count": (0, 1, 2, 3, 4, 6, 8, 12, np.inf),
    "overlap": (0, 0.01, 0.1, 0.2, 0.3, 0.5, np.inf),
}
"""Bins of the histograms. ``box_height`` in pixels at the network's input, ``aspect_ratio`` width by height,
positions of box centres as a share of the picture, ``count`` objects in a picture, ``overlap`` the largest IoU with
another object."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """One measure in renders and photographs, side by side.

    Attributes:
        measure: a key of :data:`EDGES`.
        edges: of the bins; the last may be infinite.
        sim, real: share of each domain in each bin.
        sim_count, real_count: values in all.
        sim_quantiles, real_quantiles: at :data:`QUANTILES`.
        wasserstein: mean distance that values must move to turn one into the other, in the measure's unit.
        total_variation: share of one histogram that lies elsewhere in the other, 0 to 1.
    """

    measure: str
    edges: tuple[float, ...]
    sim: tuple[float, ...]
    real: tuple[float, ...]
    sim_count: int
    real_count: int
    sim_quantiles: tuple[float, ...]
    real_quantiles: tuple[float, ...]
    wasserstein: float
    total_variation: float

    @property
    def labels(self) -> list[str]:
        """Names of the bins."""
        return [_whole(low, high) if self.measure == "count" else span(low, high) for low, high in pairwise(self.edges)]

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        return {
            "bins": self.labels,
            "sim": [rounded(value) for value in self.sim],
            "real": [rounded(value) for value in self.real],
            "sim_count": self.sim_count,
            "real_count": self.real_count,
            "quantiles": list(QUANTILES),
            "sim_quantiles": [rounded(value) for value in self.sim_quantiles],
            "real_quantiles": [rounded(value) for value in self.real_quantiles],
            "wasserstein": rounded(self.wasserstein),
            "total_variation": rounded(self.total_variation),
        }


def content_gap(
    sim: Sequence[LabelledPicture],
    real: Sequence[LabelledPicture],
    classes: Sequence[int],
    input_size: tuple[int, int],
) -> list[Contrast]:
    """Compare the labels of two sets; measures without a value in one of them are left out.

    Args:
        sim: rendered frames, those that the model learns from.
        real: photographs.
        classes: numbers of the classes that both label.
        input_size: (width, height) of the network's input.
    """
    from scipy.stats import wasserstein_distance

    ours, theirs = content(sim, classes, input_size), content(real, classes, input_size)
    made = []
    for measure, edges in EDGES.items():
        mine, other = ours[measure], theirs[measure]
        if not len(mine) or not len(other):
            continue
        sim_share, real_share = (_histogram(values, edges) for values in (mine, other))
        made.append(
            Contrast(
                measure=measure,
                edges=edges,
                sim=sim_share,
                real=real_share,
                sim_count=len(mine),
                real_count=len(other),
                sim_quantiles=_quantiles(mine),
                real_quantiles=_quantiles(other),
                wasserstein=float(wasserstein_distance(mine, other)),
                total_variation=sum(abs(a - b) for a, b in zip(sim_share, real_share, strict=True)) / 2,
            )
        )
    return made


def content(
    pictures: Sequence[LabelledPicture], classes: Sequence[int], input_size: tuple[int, int]
) -> dict[str, Floats]:
    """All values of each measure in a set; ignore regions do not count."""
    columns: dict[str, list[Floats]] = {measure: [np.zeros(0)] for measure in EDGES}
    for picture in pictures:
        truth = picture.truth
        boxes = truth.xyxy[np.isin(truth.classes, classes) & ~truth.ignore]
        sides = boxes[:, 2:] - boxes[:, :2]
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / np.array([picture.width, picture.height])
        pairs = iou_matrix(boxes, boxes)
        np.fill_diagonal(pairs, 0)
        columns["box_height"].append(sides[:, 1] * input_scale(picture, input_size))
        columns["aspect_ratio"].append(sides[:, 0] / sides[:, 1])
        columns["position_x"].append(np.clip(centres[:, 0], 0, 1))
        columns["position_y"].append(np.clip(centres[:, 1], 0, 1))
        columns["count"].append(np.array([float(len(boxes))]))
        columns["overlap"].append(pairs.max(axis=1, initial=0))
    return {measure: np.concatenate(parts) for measure, parts in columns.items()}


def _histogram(values: Floats, edges: Sequence[float]) -> tuple[float, ...]:
    counts, _ = np.histogram(values, np.asarray(edges))
    return tuple((counts / len(values)).tolist())


def _quantiles(values: Floats) -> tuple[float, ...]:
    return tuple(np.quantile(values, QUANTILES).tolist())


def _whole(low: float, high: float) -> str:
    """A bin of whole numbers."""
    return f"{low:g}" if high == low + 1 else f"{low:g} to {high - 1:g}" if np.isfinite(high) else f"{low:g} and more"
