"""No evaluated photograph, nor a copy of one, among the pictures that the model learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stages.common.errors import InputError
from stages.common.fingerprints import find_copies, fingerprints
from stages.evaluate.truth import LabelledSet

LEARNT = ("train", "val")
"""Parts of the data set that training looks at."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


def check_leaks(dataset: Path, sets: Mapping[str, LabelledSet], cache: Path | None = None) -> None:
    """Compare every picture of training and validation with every photograph of the real sets.

    Args:
        dataset: folder that ``python -m stages.convert`` wrote.
        sets: photographs to measure on, by name.
        cache: folder that keeps the pictures' hashes.

    Raises:
        InputError: naming both files, at the first photograph that is, by content or by perceptual hash, among the
            pictures that were learnt from.
    """
    if not sets:
        return
    folders = [dataset / "yolo" / "images" / part for part in LEARNT]
    learnt = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    photographs = {item.name: [picture.path for picture in item.pictures] for item in sets.values()}
    known = fingerprints([*learnt, *(path for paths in photographs.values() for path in paths)], cache)
    among = {path: known[path] for path in learnt}
    for name, paths in photographs.items():
        for match in find_copies({path: known[path] for path in paths}, among):
            kind = "the same picture as" if match.same else "a near duplicate of"
            raise InputError(
                f"photograph '{match.picture}' of {name} is {kind} the training picture '{match.other}', so nothing "
                "measured on it would count; take it out of one of the two (dataset.real_mix draws anew with "
                "`dvc repro --force convert`) and train again"
            )
