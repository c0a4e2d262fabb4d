"""Labels drawn into pictures, for people."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.common.settings.base import CLASSES
from stages.sdg.label.keypoints import SKELETON
from stages.sdg.label.types import FrameLabel, InstanceLabel, Xyxy
from stages.sdg.label.types3d import Box3D, Keypoints

Picture = NDArray[np.uint8]
Bgr = tuple[int, int, int]

COLOURS: tuple[Bgr, ...] = (
    (40, 190, 250), (60, 60, 235), (210, 130, 60), (190, 80, 200), (80, 200, 90), (200, 200, 40), (150, 150, 150),
)  # fmt: skip
"""Blue, green, red of the classes by number; they repeat when there are more."""

CAPTION_SHARE = 0.08
"""Boxes narrower than this share of the picture have no caption; the colour says the class."""

FARTHEST = 20_000
"""Pixels from the corner of the picture beyond which no line is drawn."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def colour_of(class_name: str, classes: Sequence[str] = CLASSES) -> Bgr:
    """Colour in which a class is drawn."""
    return COLOURS[classes.index(class_name) % len(COLOURS)]


def draw_labels(picture: Picture, label: FrameLabel, classes: Sequence[str] = CLASSES, scale: float = 1.0) -> Picture:
    """A copy of the picture with the tight box of every instance, and in words what the larger ones are.

    Args:
        picture: (H, W, 3) uint8, blue, green, red; of any size with the frame's proportions.
        label: of the frame.
        classes: all names, in the order of their numbers.
        scale: of lines and letters.
    """
    drawn = picture.copy()
    ratio = picture.shape[1] / label.width
    # far ones first, so that near ones lie on top
    for instance in sorted(label.instances, key=lambda instance: -instance.distance):
        colour = colour_of(instance.class_name, classes)
        left, top, right, bottom = _pixels(instance.xyxy, ratio)
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, max(1, round(scale)))
        if right - left >= CAPTION_SHARE * drawn.shape[1]:
            _write(drawn, _caption(instance), (left, top), colour, scale)
    return drawn


def mask_overlay(
    picture: Picture,
    instance_image: NDArray[np.uint16],
    label: FrameLabel,
    classes: Sequence[str],
    opacity: float = 0.5,
) -> Picture:
    """A copy of the picture with the visible pixels of every labelled instance tinted in its class' colour.

    Args:
        picture: (H, W, 3) uint8, blue, green, red.
        instance_image: (H, W) ids.
        label: of the frame.
        classes: all names, in the order of their numbers.
        opacity: of the tint, 0 to 1.
    """
    tints = np.zeros((int(instance_image.max(initial=0)) + 1, 3), np.float32)
    shares = np.zeros(len(tints), np.float32)
    for instance in label.instances:
        if instance.id < len(tints):
            tints[instance.id] = colour_of(instance.class_name, classes)
            shares[instance.id] = opacity
    share = shares[instance_image][..., None]
    return np.rint(picture * (1 - share) + tints[instance_image] * share).astype(np.uint8)


def _pixels(xyxy: Xyxy, ratio: float) -> tuple[int, int, int, int]:
    """First and last pixel of a box whose maxima are exclusive."""
    left, top, right, bottom = (round(side * ratio) for side in xyxy)
    return left, top, max(left, right - 1), max(top, bottom - 1)


def _caption(instance: InstanceLabel) -> str:
    hidden = f" {instance.occlusion:.0%} hidden" if instance.occlusion >= 0.005 else ""
    cut = f" {instance.truncation:.0%} cut" if instance.truncation >= 0.005 else ""
    return f"{instance.class_name.replace('_', ' ')}{hidden}{cut}"


def _write(drawn: Picture, text: str, corner: tuple[int, int], colour: Bgr, scale: float) -> None:
    size = 0.38 * scale
    (width, height), below = cv2.getTextSize(text, _FONT, size, 1)
    x = max(0, min(corner[0], drawn.shape[1] - width))
    y = max(height + 2, corner[1] - 2)
    cv2.rectangle(drawn, (x, y - height - 2), (x + width, y + below - 1), colour, cv2.FILLED)
    cv2.putText(drawn, text, (x, y), _FONT, size, (15, 15, 15), 1, cv2.LINE_AA)


def draw_boxes_3d(picture: Picture, boxes: Sequence[Box3D], width: int, classes: Sequence[str] = CLASSES) -> Picture:
    """A copy of the picture with the edges of oriented boxes; edges with an end behind the camera are left out.

    Args:
        picture: (H, W, 3) uint8, blue, green, red; of any size with the frame's proportions.
        boxes: of the frame.
        width: of the frame in pixels.
        classes: all names, in the order of their numbers.
    """
    drawn, ratio = picture.copy(), picture.shape[1] / width
    for box in boxes:
        for corner, axis in itertools.product(range(8), (1, 2, 4)):
            start, end = box.corners[corner], box.corners[corner | axis]
            if not corner & axis and start is not None and end is not None:
                # the sides of the front, +X, are thick
                thick = 2 if corner & 1 and axis != 1 else 1
                _line(drawn, start, end, ratio, colour_of(box.class_name, classes), thick)
    return drawn


def draw_keypoints(picture: Picture, keypoints: Sequence[Keypoints], width: int) -> Picture:
    """A copy of the picture with named points: full where visible, rings where hidden; left is green, right is red.

    Args:
        picture: (H, W, 3) uint8, blue, green, red; of any size with the frame's proportions.
        keypoints: of the frame.
        width: of the frame in pixels.
    """
    drawn, ratio = picture.copy(), picture.shape[1] / width
    for item in keypoints:
        points = {point.name: point for point in item.points if point.visibility}
        for first, second in SKELETON[item.class_name]:
            if first in points and second in points:
                a, b = points[first], points[second]
                _line(drawn, (a.x, a.y), (b.x, b.y), ratio, (255, 255, 255), 1)
        for name, point in points.items():
            side = name.rpartition("_")[2]
            colour = {"left": (60, 200, 60), "right": (60, 60, 235)}.get(side, (40, 220, 250))
            centre = (round(point.x * ratio), round(point.y * ratio))
            cv2.circle(drawn, centre, 3, colour, cv2.FILLED if point.visibility == 2 else 1, cv2.LINE_AA)
    return drawn


def _line(
    drawn: Picture, start: tuple[float, float], end: tuple[float, float], ratio: float, colour: Bgr, thick: int
) -> None:
    # a corner just before the camera's plane may lie millions of pixels away, where OpenCV's whole numbers end
    if max(map(abs, (*start, *end))) * ratio > FARTHEST:
        return
    (x0, y0), (x1, y1) = start, end
    first, last = (round(x0 * ratio), round(y0 * ratio)), (round(x1 * ratio), round(y1 * ratio))
    cv2.line(drawn, first, last, colour, thick, cv2.LINE_AA)
