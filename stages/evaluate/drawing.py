"""Boxes drawn into pictures, for pages that cannot draw them themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

HIT, WRONG, MISSED, IGNORED = (60, 180, 75), (60, 60, 230), (0, 150, 255), (160, 160, 160)
"""BGR: green, red, orange, grey."""

MOST_NAMES = 10
"""Boxes beyond which only what the picture is about has its name: more would hide it."""


def draw(
    canvas: Picture,
    objects: Sequence[Mapping[str, Any]],
    detections: Sequence[Mapping[str, Any]],
    scale: float,
    threshold: float,
) -> None:
    """Draw what a threshold gives: hits green, false alarms red, missed objects orange, ignore regions grey.

    Args:
        canvas: (H, W, 3) BGR, drawn into.
        objects: as in :class:`~stages.evaluate.gallery.View`.
        detections: as there.
        scale: of the canvas, in its pixels by those of the boxes.
        threshold: exclusive.
    """
    shown = [item for item in detections if item["score"] > threshold]
    found = {item["hits"] for item in shown}
    few = len(shown) + sum(not item["ignore"] and item["index"] not in found for item in objects) <= MOST_NAMES

    def name(item: Mapping[str, Any], text: str) -> str:
        return text if few or "focus" in item else ""

    for item in objects:
        if item["ignore"]:
            _box(canvas, item["box"], scale, IGNORED, "")
        elif item["index"] not in found:
            _box(canvas, item["box"], scale, MISSED, name(item, f"{item['class']} missed"))
    for item in reversed(shown):
        colour = HIT if item["hits"] >= 0 else IGNORED if item["ignored"] else WRONG
        _box(canvas, item["box"], scale, colour, name(item, f"{item['class']} {item['score']:.2f}"))


def _box(canvas: Picture, xyxy: Sequence[float], scale: float, colour: tuple[int, int, int], text: str) -> None:
    import cv2

    left, top, right, bottom = (round(side * scale) for side in xyxy)
    if right <= 0 or bottom <= 0 or left >= canvas.shape[1] or top >= canvas.shape[0]:
        return
    cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), colour, 2)
    if text:
        (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
        base = top - 4 if top > high + 6 else min(bottom, canvas.shape[0]) - 4
        x = max(min(left, canvas.shape[1] - wide - 2), 0)
        cv2.rectangle(canvas, (x, base - high - 3), (x + wide + 2, base + 3), colour, -1)
        cv2.putText(canvas, text, (x + 1, base), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
