"""The real photographs: where they are, and getting them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stages.common.checkout import main_checkout
from stages.common.coco_checks import check_results
from stages.common.detection import Detections
from stages.common.errors import InputError
from stages.common.photographs import in_folders, load_coco, locate
from stages.common.settings.learning import RealSet
from stages.evaluate.fetch import fetch, read_checksums
from stages.evaluate.truth import LabelledSet, read_labelled_set, xyxy_of

REPOSITORY = Path(__file__).resolve().parents[2]

PUBLISHED = "-published-detections.json"
"""End of the names of files beside the annotations with what others found in the same photographs."""

AGAIN = "`dvc repro --force --single-item evaluate` measures again"


@dataclass(frozen=True)
class Unmeasured:
    """Why nothing real was measured, in a sentence."""

    reason: str


def real_set(settings: RealSet, names: Sequence[str], project: Path) -> LabelledSet | Unmeasured:
    """The photographs that the settings name, fetched when they can be.

    Args:
        settings: of the set.
        names: the model's classes.
        project: folder that relative paths start at.

    Returns:
        The set, or why there is none: no folder is named, or its photographs cannot be fetched.

    Raises:
        InputError: when ``real.root`` or ``real.annotations`` is set and wrong.
    """
    root = photographs_folder(settings, project)
    fetched = bool(settings.files) and (root / settings.annotations).is_file()
    if not settings.root and not settings.source and not fetched:
        how = ", or get it with `python -m stages.evaluate fetch-loco`" if settings.files else ""
        return Unmeasured(f"real={settings.name} needs real.root, the folder that holds dataset/subset-1; set it{how}")
    if settings.root and not root.is_dir():
        raise InputError(f"real.root '{root}' is not a folder; set it to the one that holds dataset/subset-1")
    annotations = find_annotations(settings, project)
    if settings.source and not settings.root:
        try:
            _fetch(settings, annotations, root, project)
        except InputError as error:
            return Unmeasured(f"{error}, then {AGAIN}")
    labelled = read_labelled_set(annotations, settings.name, names, lambda image: locate(image, root))
    return _held_out(labelled, settings.training, annotations)


def _held_out(labelled: LabelledSet, training: Sequence[str], annotations: Path) -> LabelledSet:
    """The set without the folders that may be trained on.

    Raises:
        InputError: when nothing is left.
    """
    pictures = tuple(picture for picture in labelled.pictures if not in_folders(picture.name, training))
    if labelled.pictures and not pictures:
        raise InputError(
            f"all pictures of '{annotations}' lie in {', '.join(training)}, which are for training (real.training); "
            "name annotations of other folders"
        )
    missing = tuple(name for name in labelled.missing if not in_folders(name, training))
    return replace(labelled, pictures=pictures, missing=missing)


def photographs_folder(settings: RealSet, project: Path) -> Path:
    """``real.root``, or where fetched photographs lie.

    A relative one starts at the user's own checkout, since experiments run in other folders and photographs are in no
    repository.
    """
    return main_checkout(project) / (
        Path(settings.root).expanduser() if settings.root else f"data/real/{settings.name}"
    )


def find_annotations(settings: RealSet, project: Path) -> Path:
    """The annotation file: looked up in ``real.root``, then in the project, then in the repository of this code.

    Raises:
        InputError: when it is in none of them.
    """
    places = [project / settings.annotations, REPOSITORY / settings.annotations]
    if settings.root or settings.files:
        places.insert(0, photographs_folder(settings, project) / settings.annotations)
    for place in places:
        if place.is_file():
            return place
    tried = " or ".join(f"'{place}'" for place in places[:-1])
    raise InputError(f"annotations {tried} do not exist; set real.annotations to the COCO file of the photographs")


def _fetch(settings: RealSet, annotations: Path, root: Path, project: Path) -> None:
    checksums = project / settings.checksums
    sums = read_checksums(checksums if checksums.is_file() else REPOSITORY / settings.checksums)
    images = load_coco(annotations)["images"]
    fetch(settings.source, {str(image["file_name"]): locate(image, root)[1] for image in images}, sums)


def published_detections(
    annotations: Path, labelled: LabelledSet, names: Sequence[str]
) -> dict[str, dict[int | str, Detections]]:
    """What others published for the same photographs: detections by picture id, by publisher.

    Read from ``PUBLISHER-published-detections.json`` beside the annotations, COCO results by LOCO's numbers.

    Raises:
        InputError: when such a file is not a COCO result list, or an entry of it is wrong.
    """
    categories = {entry["id"]: str(entry["name"]) for entry in load_coco(annotations)["categories"]}
    published = {}
    for path in sorted(annotations.parent.glob(f"*{PUBLISHED}")):
        entries = check_results(_results(path), path, categories)
        known = [entry for entry in entries if categories[entry["category_id"]] in names]
        by_picture = defaultdict(list)
        for entry in known:
            by_picture[entry["image_id"]].append(entry)
        published[path.name.removesuffix(PUBLISHED)] = {
            picture.id: Detections(
                xyxy_of([entry["bbox"] for entry in by_picture[picture.id]]).astype(np.float32),
                np.asarray([entry["score"] for entry in by_picture[picture.id]], np.float32),
                np.asarray(
                    [names.index(categories[entry["category_id"]]) for entry in by_picture[picture.id]], np.int64
                ),
            )
            for picture in labelled.pictures
        }
    return published


def _results(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        InputError: when it is none.
    """
    try:
        text = path.read_bytes()
        return json.loads(text)
    except OSError as error:
        raise InputError(f"'{path}' cannot be read ({error.strerror}); check it, or remove it") from None
    except RecursionError:
        raise InputError(f"'{path}' is nested too deeply for a list of COCO results; check it, or remove it") from None
    except ValueError:
        kind = " but a web page" if text.lstrip().startswith(b"<") else ""
        raise InputError(f"'{path}' is no list of COCO results{kind}; get it again, or remove it") from None
