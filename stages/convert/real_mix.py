"""Real photographs among the training pictures: drawn by a seed, and never one that is measured on."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.checkout import main_checkout
from stages.common.coco_checks import check_coco
from stages.common.errors import InputError, SettingsError
from stages.common.fingerprints import Fingerprint, find_copies, fingerprints
from stages.common.photographs import in_folders, load_coco, locate
from stages.common.settings import Settings
from stages.common.settings.learning import RealSet
from stages.common.settings.pictures import RealSource

JPEG = (b"\xff\xd8", b"\xff\xd9")
"""First and last bytes of a JPEG file, the kind that the photographs must be."""


@dataclass(frozen=True)
class Photograph:
    """A real picture to learn from.

    Attributes:
        name: in its set, ``dataset/subset-2/...``.
        path: of the file.
        lines: of its YOLO label file.
        classes: of its boxes.
    """

    name: str
    path: Path
    lines: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class RealMix:
    """What was drawn.

    Attributes:
        photographs: in the order of drawing, so the first 50 of 200 are the 50.
        copies: photographs passed over since they are, or nearly are, ones that are measured on.
        damaged: photographs passed over since they are missing or no whole JPEG.
    """

    photographs: tuple[Photograph, ...] = ()
    copies: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    def as_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """For ``statistics.json``."""
        found = [name for item in self.photographs for name in item.classes]
        return {
            "pictures": len(self.photographs),
            "boxes": {name: found.count(name) for name in classes},
            "names": [item.name for item in self.photographs],
            "passed_over": {"copies_of_evaluated": len(self.copies), "damaged": len(self.damaged)},
        }


def draw_mix(settings: Settings, project: Path) -> RealMix:
    """The photographs that ``dataset.real_mix`` asks for."""
    dataset = settings.dataset
    if not dataset.real_mix:
        return RealMix()
    return draw_photographs(
        dataset.real_mix,
        dataset.real_source,
        settings.scene.classes,
        project,
        min_box=dataset.convert.min_box,
        evaluated=evaluated_photographs(settings.real.sets, dataset.real_source, project),
    )


def draw_photographs(
    count: int,
    source: RealSource,
    classes: Sequence[str],
    project: Path,
    *,
    min_box: float = 0,
    evaluated: Sequence[Path] = (),
) -> RealMix:
    """Draw real photographs to train on.

    The order is that of SHA-256 over seed and name, so it depends on nothing else and smaller draws are parts of larger
    ones. A photograph that is, by content or by perceptual hash, one of those outside of the training subsets or of
    ``evaluated`` is passed over.

    Args:
        count: how many.
        source: settings of where they lie.
        classes: the model's; annotations are matched by name, others are left out.
        project: folder that relative paths start at.
        min_box: least width and height of a box in pixels.
        evaluated: more photographs that are measured on.

    Raises:
        InputError: when the annotations are missing or damaged, or an entry is wrong
            (:func:`~stages.common.coco_checks.check_coco`).
        SettingsError: when there are not so many photographs.
    """
    if not count:
        return RealMix()
    root = main_checkout(project) / Path(source.root).expanduser()
    if not (root / source.annotations).is_file():
        raise InputError(
            f"dataset.real_mix={count} needs the annotations '{root / source.annotations}'; get them with "
            "`python -m stages.evaluate fetch-loco`, set dataset.real_source.root, or set dataset.real_mix=0"
        )
    content = load_coco(root / source.annotations)
    check_coco(content, root / source.annotations)
    entries = {locate(image, root): image for image in content["images"]}
    drawn = sorted((key for key in entries if in_folders(key[0], source.subsets)), key=lambda key: _rank(key, source))
    held_out = [path for name, path in entries if not in_folders(name, source.subsets)] + list(evaluated)
    known = fingerprints((path for path in held_out if path.is_file()), main_checkout(project) / ".cache" / "evaluate")
    labels = _labels(content, classes, min_box)
    kept: list[Photograph] = []
    copies, damaged = [], []
    for name, path in drawn:
        if len(kept) == count:
            break
        if not _whole(path):
            damaged.append(name)
        elif _is_among(path, known):
            copies.append(name)
        else:
            lines, found = labels[entries[name, path]["id"]]
            kept.append(Photograph(name, path, tuple(lines), tuple(found)))
    if len(kept) < count:
        raise SettingsError(
            f"lower dataset.real_mix={count}: only {len(kept)} photographs of {', '.join(source.subsets)} in '{root}' "
            f"can be trained on ({len(copies)} are copies of evaluated ones, {len(damaged)} missing or damaged)"
        )
    return RealMix(tuple(kept), tuple(copies), tuple(damaged))


def evaluated_photographs(sets: Sequence[RealSet], source: RealSource, project: Path) -> list[Path]:
    """Photographs of the real sets that are measured on, as far as they are there; ``source``'s own are known to it."""
    checkout = main_checkout(project)
    found: list[Path] = []
    for item in sets:
        root = checkout / (Path(item.root).expanduser() if item.root else f"data/real/{item.name}")
        if root.resolve() == (checkout / Path(source.root).expanduser()).resolve():
            continue
        pictures = sorted(path for path in root.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".bmp"})
        found += [path for path in pictures if not in_folders(path.relative_to(root).as_posix(), item.training)]
    return found


def _rank(key: tuple[str, Path], source: RealSource) -> str:
    return hashlib.sha256(f"{source.seed}:{key[0].removeprefix('dataset/')}".encode()).hexdigest()


def _whole(path: Path) -> bool:
    if not path.is_file():
        return False
    data = path.read_bytes()
    return (data[:2], data[-2:]) == JPEG


def _is_among(path: Path, known: Mapping[Path, Fingerprint]) -> bool:
    return any(True for _ in find_copies(fingerprints([path]), known))


def _labels(
    content: Mapping[str, Any], classes: Sequence[str], min_box: float
) -> defaultdict[Any, tuple[list[str], list[str]]]:
    """YOLO lines and class names by image id; boxes are cut to the picture, regions of many objects left out."""
    names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
    sizes = {image["id"]: (float(image["width"]), float(image["height"])) for image in content["images"]}
    made: defaultdict[Any, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for entry in content["annotations"]:
        name, (width, height) = names[entry["category_id"]], sizes[entry["image_id"]]
        left, top, wide, high = map(float, entry["bbox"])
        left, right = max(left, 0.0), min(left + wide, width)
        top, bottom = max(top, 0.0), min(top + high, height)
        if name not in classes or entry.get("iscrowd") or min(right - left, bottom - top) < max(min_box, 1):
            continue
        box = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height)
        lines, found = made[entry["image_id"]]
        lines.append(f"{classes.index(name)} " + " ".join(f"{side:.6f}" for side in box))
        found.append(name)
    return made


def write_photographs(mix: RealMix, yolo: Path) -> None:
    """Put the photographs into the training part of a YOLO tree, as ``real-NUMBER.jpg``."""
    for number, item in enumerate(mix.photographs):
        stem = f"real-{number:07d}"
        (yolo / "images" / "train" / f"{stem}.jpg").write_bytes(item.path.read_bytes())
        label = yolo / "labels" / "train" / f"{stem}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(f"{line}\n" for line in item.lines), encoding="utf-8")
