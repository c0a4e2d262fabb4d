"""What a smaller or larger input would do, without another network.

An exported network takes one size. A smaller input is a picture that fills only a part of it: on a grey field the
objects are as small as the smaller input would show them. A larger one is several windows, each filling the input, that
overlap and cover the picture, and the whole picture once more for what is larger than a window; boxes that an inner
edge of a window cuts are left to its neighbour. Weights stay those learnt at the model's own size: the figures say
how many pixels the objects need, not what training at another size would reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import Detections, Detector
from stages.common.detection.detector import CLASS_OFFSET, MAX_DETECTIONS, PADDING, suppress
from stages.evaluate.inference import LEAST_SCORE, Model, PictureResult, detect_pictures, match_picture
from stages.evaluate.truth import LabelledSet

OVERLAP = 0.25
"""Of neighbouring windows, as a share of their width, at least."""

EDGE = 2.0
"""Pixels of the picture within which a box counts as cut by a window."""

Picture = NDArray[np.uint8]


def scaled_results(model: Model, labelled: LabelledSet, scale: float) -> list[PictureResult]:
    """Detect and match with the objects ``scale`` times as large at the input as they usually are.

    Args:
        model: that is asked, or whose kept answers are taken.
        labelled: the set.
        scale: of the input size.
    """

    def look(pixels: Picture) -> Detections:
        return detect_scaled(model.detector, pixels, scale)

    title = f"evaluate {labelled.name} at {scale:g} times the input size"
    found, _ = detect_pictures(model, labelled.pictures, title, f"scale {scale:g}", look)
    pairs = zip(labelled.pictures, found, strict=True)
    return [match_picture(picture, boxes, labelled.scored) for picture, boxes in pairs if boxes is not None]


def detect_scaled(detector: Detector, picture: Picture, scale: float) -> Detections:
    """Objects of a picture (H, W, 3) as an input ``scale`` times the size would show them, in picture pixels."""
    if scale == 1:
        return detector.detect(picture, LEAST_SCORE)
    height, width = picture.shape[:2]
    gain = min(detector.input_size[0] / width, detector.input_size[1] / height)
    window = tuple(math.ceil(side / (gain * scale)) for side in detector.input_size)
    if scale < 1:
        return _on_grey(detector, picture, (window[0], window[1]))
    parts = [detector.detect(picture, LEAST_SCORE)]
    for left in starts(width, window[0]):
        for top in starts(height, window[1]):
            right, bottom = min(left + window[0], width), min(top + window[1], height)
            found = detector.detect(np.ascontiguousarray(picture[top:bottom, left:right]), LEAST_SCORE)
            shift = np.array([left, top, left, top], np.float32)
            whole = _uncut(found.xyxy + shift, (left, top, right, bottom), (width, height))
            parts.append(Detections((found.xyxy + shift)[whole], found.scores[whole], found.classes[whole]))
    return _merged(parts)


def starts(length: int, window: int) -> list[int]:
    """Where windows begin that cover a side with some overlap."""
    if window >= length:
        return [0]
    count = math.ceil((length - window) / (window * (1 - OVERLAP))) + 1
    return [round(place) for place in np.linspace(0, length - window, count)]


def _on_grey(detector: Detector, picture: Picture, size: tuple[int, int]) -> Detections:
    height, width = picture.shape[:2]
    canvas = np.full((max(size[1], height), max(size[0], width), 3), PADDING, np.uint8)
    left, top = (canvas.shape[1] - width) // 2, (canvas.shape[0] - height) // 2
    canvas[top : top + height, left : left + width] = picture
    found = detector.detect(canvas, LEAST_SCORE)
    shift, most = np.array([left, top, left, top], np.float32), np.array([width, height, width, height], np.float32)
    xyxy = np.clip(found.xyxy - shift, 0, most)
    kept = (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
    return Detections(xyxy[kept], found.scores[kept], found.classes[kept])


def _uncut(xyxy: NDArray[np.float32], window: tuple[int, int, int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(N,) boxes that no inner edge of their window cuts."""
    left, top, right, bottom = window
    cut = (xyxy[:, 0] < left + EDGE) & (left > 0)
    cut |= (xyxy[:, 1] < top + EDGE) & (top > 0)
    cut |= (xyxy[:, 2] > right - EDGE) & (right < size[0])
    cut |= (xyxy[:, 3] > bottom - EDGE) & (bottom < size[1])
    return ~cut


def _merged(parts: Sequence[Detections]) -> Detections:
    xyxy = np.concatenate([part.xyxy for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    classes = np.concatenate([part.classes for part in parts])
    order = np.argsort(-scores, kind="stable")
    shifted = xyxy + (classes * np.float32(CLASS_OFFSET)).astype(np.float32)[:, None]
    kept = order[suppress(shifted[order])][:MAX_DETECTIONS]
    return Detections(xyxy[kept], scores[kept], classes[kept])
