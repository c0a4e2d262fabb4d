"""Contact sheets: some frames with their labels drawn in, on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from stages.common.files import atomic_write
from stages.common.settings import CLASSES, Settings
from stages.sdg.shards.manifest import read_manifest
from stages.sdg.shards.reader import ShardFrame, pick_frames

SHEET = "contact-sheet.jpg"
DRAWN = ("boxes3d", "keypoints")
"""Annotators that a preview draws beside the labels, when they are asked for."""

SHEET_FRAMES = 16
"""Frames on the sheet that is written beside the shards."""

TILE = 480
"""Longer side of a frame on the sheet in pixels."""

QUALITY = 88
"""JPEG quality of the sheet."""


def write_sheet(folder: Path, path: Path, limit: int, classes: Sequence[str] = CLASSES) -> int:
    """Write a contact sheet of a folder of frames.

    Args:
        folder: frames with their manifest.
        path: of the JPEG.
        limit: frames on it at most, spread evenly over the set.
        classes: in the order of their numbers.

    Returns:
        How many frames are on it.

    Raises:
        InputError: when the folder holds no readable frames.
    """
    numbers = [number for shard in read_manifest(folder).shards for number in shard.numbers]
    chosen = {numbers[i * len(numbers) // limit] for i in range(limit)} if len(numbers) > limit else set(numbers)
    tiles = [draw_frame(frame, classes, TILE) for frame in pick_frames(folder, chosen)]
    write_jpeg(path, arrange(tiles))
    return len(tiles)


def preview(settings: Settings, count: int, path: Path, *, log: TextIO | None = None) -> int:
    """Render the first ``count`` frames into a folder that does not outlive the call, and draw them.

    Returns:
        How many frames are on the sheet.

    Raises:
        StageError: as :func:`stages.sdg.run.job.render_frames`.
    """
    import tempfile

    from stages.sdg.run.job import render_frames

    drawn = [name for name in settings.dataset.frames.annotators if name in DRAWN]
    size = {"count": count, "test_count": 0, "shard_size": min(count, 4096), "annotators": drawn}
    frames = settings.dataset.frames.model_copy(update=size)
    wanted = settings.model_copy(update={"dataset": settings.dataset.model_copy(update={"frames": frames})})
    with tempfile.TemporaryDirectory(prefix="preview-") as place:
        folder = Path(place) / "frames"
        render_frames(wanted, folder, log=log)
        return write_sheet(folder, path, count, wanted.scene.classes)


def draw_frame(frame: ShardFrame, classes: Sequence[str] = CLASSES, side: int | None = None) -> NDArray[np.uint8]:
    """A stored picture with its labels, (H, W, 3) uint8 BGR; with 3D boxes and keypoints where the frame has them.

    Args:
        frame: from a shard.
        classes: in the order of their numbers, which gives the colours.
        side: longer side of the result in pixels; that of the picture when left out.
    """
    import cv2

    from stages.sdg.label.draw import draw_boxes_3d, draw_keypoints, draw_labels
    from stages.sdg.shards.records import boxes_from_json, keypoints_from_json

    picture = cv2.imdecode(np.frombuffer(frame.files["jpg"], np.uint8), cv2.IMREAD_COLOR)
    if side is not None:
        scale = side / max(picture.shape[:2])
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    drawn = draw_labels(np.asarray(picture, np.uint8), frame.label, classes)
    width = frame.label.width
    if "boxes3d.json" in frame.files:
        drawn = draw_boxes_3d(drawn, boxes_from_json(frame.files["boxes3d.json"]), width, classes)
    if "keypoints.json" in frame.files:
        drawn = draw_keypoints(drawn, keypoints_from_json(frame.files["keypoints.json"]), width)
    return drawn


def arrange(tiles: Sequence[NDArray[np.uint8]], gap: int = 4) -> NDArray[np.uint8]:
    """Tiles of any size side by side, about as many columns as rows, (H, W, 3) uint8."""
    columns = math.ceil(math.sqrt(len(tiles)))
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    rows = math.ceil(len(tiles) / columns)
    page = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 24, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return page


def write_jpeg(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a BGR picture as JPEG, whole or not at all."""
    import cv2

    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    with atomic_write(path, "wb") as stream:
        stream.write(bytes(data))
