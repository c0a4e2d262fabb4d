"""Data sets of coloured rectangles, and settings that are done with in seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import yaml

from stages.common.settings.learning import Compute, Model, Train

COLOURS = ((40, 40, 220), (40, 200, 60))
"""Of the two classes, blue-green-red."""


def write_tree(folder: Path, train: int = 6, val: int = 3, size: int = 96, objects: int = 1) -> Path:
    """Write a YOLO data set of two classes of rectangles on noise."""
    rng = np.random.default_rng(5)
    for part, count in (("train", train), ("val", val)):
        (folder / "images" / part).mkdir(parents=True)
        (folder / "labels" / part).mkdir(parents=True)
        for number in range(count):
            picture = rng.integers(90, 160, (size, size, 3), np.uint8)
            lines = []
            for _ in range(objects):
                kind = int(rng.integers(2))
                width, height = rng.integers(size // 4, size // 2, 2)
                left, top = rng.integers(0, size - width), rng.integers(0, size - height)
                picture[top : top + height, left : left + width] = COLOURS[kind]
                box = ((left + width / 2) / size, (top + height / 2) / size, width / size, height / size)
                lines.append(f"{kind} " + " ".join(f"{side:.6f}" for side in box))
            cv2.imwrite(str(folder / "images" / part / f"{number:07d}.jpg"), picture)
            (folder / "labels" / part / f"{number:07d}.txt").write_text("".join(f"{line}\n" for line in lines))
    content = {"train": "images/train", "val": "images/val", "names": {0: "crate", 1: "pallet"}}
    (folder / "data.yaml").write_text(yaml.safe_dump(content))
    return folder


def model(**changes: object) -> Model:
    """The smallest network."""
    return Model.model_validate(
        {"name": "test", "architecture": "yolo11n", "weights": "scratch", "input_size": 64, **changes}
    )


def train(**changes: object) -> Train:
    """Two epochs of three steps."""
    return Train.model_validate({"name": "test", "epochs": 2, "batch": 2, "workers": 0, **changes})


def compute() -> Compute:
    """The cores, also where there is a GPU."""
    return Compute.model_validate({"name": "test", "device": "cpu"})
