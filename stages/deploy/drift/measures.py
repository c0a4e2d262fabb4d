"""Histograms of answers and pictures, in fixed bins, so that two of them can be compared."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.convert.statistics import BOX_HEIGHT_PIXELS, bin_name

EDGES: dict[str, Sequence[float]] = {
    "score": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "objects": (1, 2, 3, 5, 9, 17),
    "box_size": (0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    "box_shape": (0.25, 0.5, 1, 2, 4),
    "box_height_pixels": BOX_HEIGHT_PIXELS,
    "picture_pixels": (100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000),
    "picture_shape": (0.7, 1.1, 1.4, 1.6, 1.9),
    "brightness": (32, 64, 96, 128, 160, 192, 224),
    "contrast": (16, 32, 48, 64, 80),
    "saturation": (16, 32, 64, 96, 128),
    "sharpness": (1.0, 1.5, 2.0, 2.5, 3.0, 3.5),
}
"""Bin edges. ``objects`` in a picture; ``box_size``: root of the box's share of the picture; shapes: width by height;
``brightness``, ``contrast`` and ``saturation``: mean and standard deviation of grey and mean of saturation, 0 to 255;
``sharpness``: decimal logarithm of the variance of the Laplacian plus one, of grey scaled to :data:`WIDTH`."""

CATEGORY = "category"

OF_PICTURES = ("brightness", "contrast", "saturation", "sharpness")
"""Measured on pixels: there only for requests whose picture was kept."""

WIDTH = 320
"""Pixels to which a picture is scaled before it is measured, so that sharpness does not depend on the camera's size."""


@dataclass
class Histograms:
    """Counts by measure and bin, filled picture by picture.

    Attributes:
        names: of the classes.
        threshold: score above which a detection counts.
        answers: that were counted.
        pictures: whose pixels were.
    """

    names: Sequence[str]
    threshold: float
    answers: int = 0
    pictures: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for measure, edges in EDGES.items():
            self.counts[measure] = {bin_name(edges, value): 0 for value in (min(edges) - 1, *edges)}
        self.counts[CATEGORY] = dict.fromkeys(self.names, 0)

    def add_answer(self, answer: dict[str, Any]) -> None:
        """Count an answer of the service.

        Raises:
            KeyError, TypeError, ValueError: when it is none.
        """
        width, height = float(answer["width"]), float(answer["height"])
        found = [one for one in answer["detections"] if one["score"] > self.threshold]
        values: list[tuple[str, float]] = [
            ("objects", len(found)),
            ("picture_pixels", width * height),
            ("picture_shape", width / height),
        ]
        for one in found:
            _, _, box_width, box_height = (float(number) for number in one["bbox"])
            share = max(box_width * box_height, 0) / (width * height)
            shape = box_width / box_height if box_height > 0 else np.inf
            values += [("score", one["score"]), ("box_size", share**0.5), ("box_shape", shape)]
            values += [("box_height_pixels", box_height)]
        categories = [one["category_name"] for one in found]
        if not set(categories) <= set(self.names):
            raise ValueError("a category that the model does not have")
        self._count(values)
        for name in categories:
            self.counts[CATEGORY][name] += 1
        self.answers += 1

    def add_picture(self, picture_bgr: NDArray[np.uint8]) -> None:
        """Count a picture's pixels: (H, W, 3) uint8."""
        self._count(zip(OF_PICTURES, pixel_measures(picture_bgr), strict=True))
        self.pictures += 1

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "names": list(self.names),
            "threshold": self.threshold,
            "answers": self.answers,
            "pictures": self.pictures,
            "counts": self.counts,
        }

    def _count(self, values: Iterable[tuple[str, float]]) -> None:
        for measure, value in values:
            bins = self.counts[measure]
            bins[list(bins)[bisect_right(EDGES[measure], value)]] += 1


def pixel_measures(picture_bgr: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Brightness, contrast, saturation and sharpness of a picture; see :data:`EDGES`."""
    import cv2

    height, width = picture_bgr.shape[:2]
    small = cv2.resize(picture_bgr, (WIDTH, max(round(height * WIDTH / width), 1)), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    saturation = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)[..., 1]
    laplacian = cv2.Laplacian(grey, cv2.CV_64F)
    return (
        float(grey.mean()),
        float(grey.std()),
        float(saturation.mean()),
        float(np.log10(laplacian.var() + 1)),
    )
