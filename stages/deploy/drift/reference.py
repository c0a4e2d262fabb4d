"""What the model was made for, in histograms that travel in the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stages.common.detection.detector import Detector
from stages.common.errors import InputError
from stages.deploy.answer import answer
from stages.deploy.bundle import REFERENCE, Bundle
from stages.deploy.check import choose
from stages.deploy.drift.measures import CATEGORY, Histograms
from stages.deploy.picture import PictureError, decode_upright

FRAMES = 200
"""Test frames that are measured, at most."""

TRAINED = "trained"


def make_reference(model: Path, pictures: Path, max_pixels: int) -> dict[str, Any] | None:
    """Histograms of the model's own answers on test frames, of these frames, and of the boxes it was trained with.

    Args:
        model: ONNX file.
        pictures: folder of test frames; the data set's ``statistics.json`` is looked for above it.
        max_pixels: largest picture that the service takes.

    Returns:
        Plain values, or None where there are no frames.

    Raises:
        InputError: when the model cannot be used.
    """
    try:
        chosen = choose(pictures, FRAMES)
    except InputError:
        return None
    detector = Detector(model, threads=1)
    seen = Histograms(detector.names, detector.threshold)
    for path in chosen:
        try:
            picture = decode_upright(path.read_bytes(), max_pixels)
        except PictureError:
            continue
        height, width = picture.shape[:2]
        seen.add_answer(answer(detector.detect(picture), detector.names, width, height, ""))
        seen.add_picture(picture)
    return {**seen.as_json(), TRAINED: _trained(pictures, detector.names)}


def reference_of(bundle: Bundle) -> dict[str, Any]:
    """The histograms in a bundle.

    Raises:
        InputError: when it has none.
    """
    try:
        found: dict[str, Any] = json.loads((bundle.folder / REFERENCE).read_bytes())
    except OSError:
        raise InputError(
            "the deployed bundle has no reference.json to compare with: deploy again where the test frames are"
        ) from None
    return found


def _trained(pictures: Path, names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Labelled boxes by class and by height in pixels, as the data set's statistics have them; empty without these."""
    for folder in pictures.resolve().parents[:4]:
        try:
            statistics = json.loads((folder / "statistics.json").read_bytes())
            boxes, heights = statistics["boxes"]["train"], statistics["box_height_pixels"]
            bins = next(iter(heights.values()))
            return {
                CATEGORY: {name: int(boxes.get(name, 0)) for name in names},
                "box_height_pixels": {
                    key: sum(heights[name][key] for name in names if name in heights) for key in bins
                },
            }
        except (OSError, ValueError, KeyError, TypeError, StopIteration):
            continue
    return {}
