"""Replicator's BasicWriter, which the Synthetic Data Recorder uses, too.

One render product writes ``rgb_0000.png`` and its companions into one folder; several write
``<product>/rgb/rgb_0000.png`` or, with ``use_common_output_dir``, ``rgb/<product>_rgb_0000.png``. A timeline trigger
puts its count in front of the number (``rgb_3_0000.png``). Layout and names follow omni.replicator.core 1.12 (Isaac Sim
5.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isaac.stage.rules import upwards
from stages.convert.readers.masks import extent_of, give_by_class, is_near
from stages.convert.readers.types import INCLUSIVE, Content, DamagedError, Folder, Listed, Row, read_ids, read_picture
from stages.sdg.label.types import Xyxy

PICTURE = re.compile(r"(?:(?P<product>.+)_)?rgb_(?P<number>\d+(?:_\d+)*)\.(?P<suffix>png|jpe?g)", re.IGNORECASE)
NOTHING = {"BACKGROUND", "UNLABELLED"}


@dataclass(frozen=True)
class Place:
    """Where the files of one render product lie.

    Attributes:
        folder: that they share.
        product: prefix of their names, with its underscore, or empty.
        nested: each annotator has a folder of its own.
    """

    folder: Path
    product: str
    nested: bool

    def file(self, annotator: str, name: str, number: str, suffix: str) -> Path:
        """A file, there or not: ``<annotator>/<product>_<name>_<number>.<suffix>``."""
        folder = self.folder / annotator if self.nested else self.folder
        return folder / f"{self.product}{name}_{number}.{suffix}"


def find(root: Path) -> Folder | None:
    """All frames below a folder; None where there are none with boxes or instance masks."""
    frames: list[Listed] = []
    bare = 0
    for path in sorted(root.rglob("*")):
        found = PICTURE.fullmatch(path.name)
        if found is None or not path.is_file():
            continue
        place = _place(path, found["product"])
        number = found["number"]
        tight = place.file("bounding_box_2d_tight", "bounding_box_2d_tight", number, "npy")
        masks = place.file("instance_segmentation", "instance_segmentation", number, "png")
        if not tight.is_file() and not masks.is_file():
            bare += 1
            continue
        frames.append(_listed(root, place, number, path))
    if not frames:
        return None
    notes = [f"{bare} pictures have neither boxes nor instance masks beside them"] if bare else []
    return Folder("basic_writer", frames, notes)


def _place(path: Path, product: str | None) -> Place:
    prefix = f"{product}_" if product else ""
    # a flat folder may be called rgb, too
    nested = (
        path.parent.name == "rgb"
        and not any(path.parent.glob("*_segmentation_*"))
        and not any(path.parent.glob("*bounding_box_*"))
    )
    return Place(path.parent.parent if nested else path.parent, prefix, nested)


def _listed(root: Path, place: Place, number: str, path: Path) -> Listed:
    relative = place.folder.relative_to(root)
    # with a folder for each render product, the frames of one moment have the same number in all of them
    run = relative.parent if place.nested and not place.product else relative
    camera = place.product.rstrip("_") or (relative.name if place.nested else "")
    moment = (run.as_posix(), *map(int, number.split("_")))
    return Listed(moment, camera, path.relative_to(root).as_posix(), lambda: _read(place, number, path))


def _read(place: Place, number: str, path: Path) -> Content:
    picture = read_picture(path)
    size = (picture.shape[0], picture.shape[1])
    rows = list(_rows(place, number))
    content = Content(picture, rows, depth=_depth(place, number, size))
    segments = _segments(place, number, size, "instance_segmentation")
    if segments is not None:
        content.masks = "instances"
        _recover_paths(content.rows, *segments)
        _add_masks(content, *segments)
        return content
    segments = _segments(place, number, size, "semantic_segmentation")
    if segments is not None and give_by_class(content.rows, lambda labels: _shown(labels, *segments)):
        content.masks = "semantics"
    return content


def _shown(
    labels: tuple[str, ...], ids: NDArray[np.int64], told: Mapping[int, tuple[str, list[str]]]
) -> NDArray[np.bool_] | None:
    """Where a semantic segmentation shows these labels."""
    numbers = [number for number, (_, names) in told.items() if tuple(names) == labels]
    return np.isin(ids, numbers) if numbers else None


def _boxes(place: Place, kind: str, number: str) -> Iterator[tuple[list[str], str, Any]]:
    """Labels, prim path and structured row of each box of one kind; none where the file is not there."""
    name = f"bounding_box_2d_{kind}"
    file = place.file(name, name, number, "npy")
    if not file.is_file():
        return
    try:
        boxes = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DamagedError(f"{file.name} cannot be read") from error
    if boxes.dtype.names is None or not {"semanticId", "x_min", "y_min", "x_max", "y_max"} <= {*boxes.dtype.names}:
        raise DamagedError(f"{file.name} holds no boxes")
    labels = {
        int(key): labels_of(value) for key, value in _json(place.file(name, f"{name}_labels", number, "json")).items()
    }
    paths_file = place.file(name, f"{name}_prim_paths", number, "json")
    paths = _json(paths_file, kind=list) if paths_file.is_file() else [""] * len(boxes)
    if len(paths) != len(boxes):
        raise DamagedError(f"{paths_file.name} names {len(paths)} prims for {len(boxes)} boxes")
    for row, path in zip(np.atleast_1d(boxes), paths, strict=True):
        if int(row["semanticId"]) not in labels:
            raise DamagedError(f"{name}_labels lacks the id {int(row['semanticId'])}")
        yield labels[int(row["semanticId"])], str(path), row


def _rows(place: Place, number: str) -> Iterator[Row]:
    loose = {path: _xyxy(row) for _, path, row in _boxes(place, "loose", number) if path}
    for labels, path, row in _boxes(place, "tight", number):
        ratio = float(row["occlusionRatio"]) if "occlusionRatio" in (row.dtype.names or ()) else -1.0
        # -1 and NaN: not known
        yield Row(labels, _xyxy(row), path, loose.get(path), ratio if 0 <= ratio <= 1 else None)


def _xyxy(row: Any) -> Xyxy:
    return float(row["x_min"]), float(row["y_min"]), float(row["x_max"] + INCLUSIVE), float(row["y_max"] + INCLUSIVE)


def labels_of(value: Any) -> list[str]:
    """Labels of a semantic entry: ``{"class": "a,b"}``, or a bare ``"a"`` of old versions.

    Other taxonomies than ``class`` count only where that is missing.
    """
    if isinstance(value, dict):
        value = value.get("class", ",".join(map(str, value.values())))
    return [part.strip() for part in str(value).split(",") if part.strip()]


def _segments(
    place: Place, number: str, size: tuple[int, int], name: str
) -> tuple[NDArray[np.int64], dict[int, tuple[str, list[str]]]] | None:
    """Ids (H, W) of an instance or semantic segmentation, and by id prim path (empty of classes) and labels."""
    file = place.file(name, name, number, "png")
    if not file.is_file():
        return None
    pixels = read_ids(file)
    if pixels.shape[:2] != size:
        raise DamagedError(f"{file.name} is of another size than the picture")
    ids = pixels.astype(np.int64) if pixels.ndim == 2 else pixels.astype(np.int64) @ [1, 1 << 8, 1 << 16, 1 << 24]
    if name == "semantic_segmentation":
        semantics = _json(place.file(name, f"{name}_labels", number, "json"))
        paths = dict.fromkeys(semantics, "")
    else:
        paths = _json(place.file(name, f"{name}_mapping", number, "json"))
        semantics = _json(place.file(name, f"{name}_semantics_mapping", number, "json"))
    told: dict[int, tuple[str, list[str]]] = {}
    for key, path in paths.items():
        labels = labels_of(semantics.get(key, ""))
        if str(path) not in NOTHING and not {label.upper() for label in labels} & NOTHING:
            told[_number(key)] = str(path), labels
    return ids, told


def _number(key: str) -> int:
    """An id, or a colour ``(r, g, b, a)`` as the number that its bytes are."""
    parts = [int(part) for part in re.findall(r"\d+", key)]
    return sum(part << (8 * place) for place, part in enumerate(parts)) if len(parts) > 1 else parts[0]


def _recover_paths(rows: list[Row], ids: NDArray[np.int64], told: Mapping[int, tuple[str, list[str]]]) -> None:
    """Give the rows of old versions, which name no prims, the path of the prim that has their extent."""
    if not rows or any(row.path for row in rows):
        return
    labels = dict(told.values())
    below: dict[str, list[int]] = {}
    for number, (path, _) in told.items():
        for above in upwards(path):
            below.setdefault(above, []).append(number)
    extents = {path: extent_of(np.isin(ids, numbers)) for path, numbers in below.items() if path != "/"}
    for row in rows:
        taken = {other.path for other in rows}
        near = [p for p, extent in extents.items() if extent and p not in taken and is_near(extent, row.xyxy)]
        # of a prim and its only part with a label, the one with the row's own
        row.path = min(near, key=lambda path: (labels.get(path) != row.labels, path.count("/")), default="")


def _add_masks(content: Content, ids: NDArray[np.int64], told: dict[int, tuple[str, list[str]]]) -> None:
    """Give each row its pixels; where there are no boxes at all, make the rows of the masks."""
    if not content.rows:
        content.rows = [row for number, (path, labels) in told.items() if (row := _row(ids == number, path, labels))]
        return
    by_path = {row.path: row for row in content.rows if row.path}
    for number, (path, _) in told.items():
        owner = next((by_path[above] for above in upwards(path) if above in by_path), None)
        if owner is not None:
            pixels = ids == number
            owner.mask = pixels if owner.mask is None else owner.mask | pixels


def _row(mask: NDArray[np.bool_], path: str, labels: list[str]) -> Row | None:
    xyxy = extent_of(mask)
    return None if xyxy is None else Row(labels, xyxy, path, mask=mask)


def _depth(place: Place, number: str, size: tuple[int, int]) -> NDArray[np.float32] | None:
    """Metres along the optical axis; from the distance along the ray where the camera is known, else that."""
    for name in ("distance_to_image_plane", "distance_to_camera"):
        file = place.file(name, name, number, "npy")
        if not file.is_file():
            continue
        try:
            depth = np.load(file, allow_pickle=False).reshape(size).astype(np.float32)
        except (OSError, ValueError, EOFError) as error:
            raise DamagedError(f"{file.name} cannot be read") from error
        # documents say that nothing is 0, the writers' arrays say infinity
        depth = np.where(np.isfinite(depth) & (depth > 0), depth, np.inf).astype(np.float32)
        return depth if name == "distance_to_image_plane" else _along_axis(depth, place, number)
    return None


def _along_axis(depth: NDArray[np.float32], place: Place, number: str) -> NDArray[np.float32]:
    file = place.file("camera_params", "camera_params", number, "json")
    if not file.is_file():
        return depth
    camera = _json(file)
    try:
        focal, aperture = float(camera["cameraFocalLength"]), float(camera["cameraAperture"][0])
    except (KeyError, IndexError, TypeError, ValueError):
        return depth
    height, width = depth.shape
    pixels = focal / aperture * width
    x, y = np.arange(width) + 0.5 - width / 2, np.arange(height)[:, None] + 0.5 - height / 2
    return np.asarray(depth / np.sqrt(1 + (x * x + y * y) / pixels**2), np.float32)


def _json(file: Path, kind: type = dict) -> Any:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedError(f"{file.name} is missing") from None
    except (OSError, ValueError) as error:
        raise DamagedError(f"{file.name} cannot be read") from error
    if not isinstance(value, kind):
        raise DamagedError(f"{file.name} does not hold what it should")
    return value
