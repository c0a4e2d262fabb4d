"""No evaluated photograph, nor a copy of one, among the pictures that the model learnt from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from stages.common.errors import InputError, TrainingError
from stages.common.fingerprints import find_copies, fingerprints
from stages.evaluate.truth import LabelledSet

LEARNT = ("train", "val")
"""Parts of the data set that training looks at."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


def trained_on(note: Path) -> str:
    """SHA-256 of the data set that ``training.json`` names; empty when it does not."""
    try:
        content = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return ""
    return str(content.get("data_sha256") or "") if isinstance(content, dict) else ""


def doubt(dataset: Path, sha256: str) -> str:
    """Why comparing photographs with a data set says nothing about what a model learnt from; empty when it does.

    Args:
        dataset: folder that ``python -m stages.convert`` wrote.
        sha256: of the data set that the model was trained on, as ``training.json`` has it; empty when that is unknown.
    """
    from stages.train.data import read_data

    if not sha256:
        return f"it is not known whether the model learnt from '{dataset}', since its training.json names no data set"
    try:
        there = read_data(dataset / "yolo").sha256
    except (InputError, TrainingError) as error:
        return f"what the model learnt from cannot be looked through ({error})"
    if there == sha256:
        return ""
    return f"'{dataset}' (sha256 {there[:12]}) is not what the model learnt from (sha256 {sha256[:12]})"


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
