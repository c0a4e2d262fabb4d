"""Frames to look at: as a contact sheet with their labels drawn in, or as a page to look through."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, get_args

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import StageError
from stages.common.files import atomic_write
from stages.common.settings import CLASSES, Settings, load
from stages.common.settings.pictures import Annotator
from stages.sdg.gallery import Origin, write_gallery
from stages.sdg.shards.manifest import read_manifest
from stages.sdg.shards.reader import ShardFrame, pick_frames, spread

SHEET = "contact-sheet.jpg"
DRAWN = ("boxes3d", "keypoints")
"""Annotators that a preview draws beside the labels, when they are asked for."""

SHEET_FRAMES = 16
"""Frames on the sheet that is written beside the shards."""

TILE = 480
"""Longer side of a frame on the sheet in pixels."""

QUALITY = 88
"""JPEG quality of the sheet."""

SHEET_SUFFIXES = (".jpg", ".jpeg")
PAGE_SUFFIXES = (".html", ".htm")

SHOWN = ("rgb", "boxes", "instance", "depth", "keypoints")
"""Annotators that the page has a switch for."""


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
    tiles = [draw_frame(frame, classes, TILE) for frame in pick_frames(folder, spread(numbers, limit))]
    write_jpeg(path, arrange(tiles))
    return len(tiles)


def preview(settings: Settings, count: int, path: Path, origin: Origin, *, log: TextIO | None = None) -> int:
    """Render the first ``count`` frames into a folder that does not outlive the call, and show them.

    Args:
        settings: of the pipeline.
        count: frames to render.
        path: of a JPEG for a contact sheet, or of an HTML page.
        origin: of the frames.
        log: stream for progress; standard error when left out.

    Returns:
        How many frames are shown.

    Raises:
        StageError: as :func:`stages.sdg.run.job.render_frames`.
    """
    with rendered(settings, count, log=log) as folder:
        return show(folder, path, count, origin, settings.scene.classes)


@contextmanager
def rendered(settings: Settings, count: int, *, log: TextIO | None = None) -> Iterator[Path]:
    """A folder with the first ``count`` frames of ``settings``, with all that can be shown of them; gone afterwards."""
    import tempfile

    from stages.sdg.run.job import render_frames

    frames = settings.dataset.frames
    annotators = [name for name in get_args(Annotator) if name in SHOWN or name in frames.annotators]
    size = {"count": count, "test_count": 0, "shard_size": min(count, 4096), "annotators": annotators}
    wanted = frames.model_copy(update=size)
    settings = settings.model_copy(update={"dataset": settings.dataset.model_copy(update={"frames": wanted})})
    with tempfile.TemporaryDirectory(prefix="preview-") as place:
        folder = Path(place) / "frames"
        render_frames(settings, folder, log=log)
        yield folder


def show(folder: Path, path: Path, limit: int, origin: Origin, classes: Sequence[str] = CLASSES) -> int:
    """Write the sheet or the page of a folder of frames, whichever the suffix of ``path`` says; see :func:`preview`."""
    if path.suffix.lower() in SHEET_SUFFIXES:
        return write_sheet(folder, path, limit, classes)
    return write_gallery(folder, path, limit, origin, classes)


def stored_origin(folder: Path, params: Path, options: Sequence[str] = ()) -> Origin:
    """Origin of frames that a run left in a folder.

    Args:
        folder: with their manifest.
        params: settings that ``--frame`` reads.
        options: that name both to the command, where they are not the usual ones.

    Raises:
        InputError: when the folder has no manifest.
    """
    from stages.sdg.run.key import content_key

    key, warning = read_manifest(folder).key, ""
    try:
        if content_key(load(params)) != key:
            warning = (
                f"{params} or the sources are no longer what these frames follow from, so the commands give other "
                f"pictures: {folder / 'inputs' / 'settings.json'} holds their settings."
            )
    except StageError as error:
        warning = f"The commands need settings, but {error}."
    return Origin(str(folder), tuple(options), warning)


def stored_classes(folder: Path) -> list[str]:
    """Classes of frames that a run left in a folder, in the order of their numbers."""
    try:
        values = json.loads((folder / "inputs" / "settings.json").read_bytes())
        return [str(name) for name in values["scene"]["classes"]]
    except (OSError, ValueError, KeyError, TypeError):
        # an unfinished run has not written it yet
        return [*CLASSES]


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
