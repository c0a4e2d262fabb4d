"""Ultralytics' augmentation settings for detection: their names, their ranges, what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from stages.common.errors import SettingsError

RANGES: dict[str, tuple[float, float]] = {
    "hsv_h": (0, 1),
    "hsv_s": (0, 1),
    "hsv_v": (0, 1),
    "degrees": (0, 180),
    "translate": (0, 1),
    "scale": (0, 1),
    "shear": (0, 90),
    "perspective": (0, 0.001),
    "flipud": (0, 1),
    "fliplr": (0, 1),
    "bgr": (0, 1),
    "mosaic": (0, 1),
    "mixup": (0, 1),
    "cutmix": (0, 1),
    "multi_scale": (0, 1),
    "close_mosaic": (0, 10_000),
}
"""Smallest and largest value by name (``cfg/default.yaml`` of Ultralytics 8.4); those of other tasks are left out."""


def augmentations(settings: Mapping[str, float]) -> dict[str, float | int]:
    """Check augmentation settings and return them as Ultralytics takes them.

    Args:
        settings: values by Ultralytics' names; those left out keep its defaults.

    Raises:
        SettingsError: with one sentence for each unknown name and each value out of range.
    """
    mistakes = []
    for name, value in settings.items():
        if name not in RANGES:
            close = get_close_matches(name, RANGES, 1)
            meant = f"did you mean {close[0]}?" if close else f"choose from {', '.join(RANGES)}"
            mistakes.append(f"train.augment.{name} is no augmentation for detection: {meant}")
        elif not RANGES[name][0] <= value <= RANGES[name][1]:
            low, high = RANGES[name]
            mistakes.append(f"train.augment.{name}={value:g} is out of range: give {low:g} to {high:g}")
        elif name == "close_mosaic" and value != int(value):
            mistakes.append(f"train.augment.close_mosaic={value:g} is a number of epochs: give a whole one")
    if mistakes:
        raise SettingsError(*mistakes)
    return {name: int(value) if name == "close_mosaic" else float(value) for name, value in settings.items()}
