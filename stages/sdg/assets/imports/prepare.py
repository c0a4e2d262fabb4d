"""From entries of the settings to objects in the cache, before anything is rendered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.errors import InputError, SettingsError
from stages.common.settings import Settings
from stages.common.settings.imports import NOTHING, ImportedAsset
from stages.common.settings.platform import Storage
from stages.sdg.assets.imports.reader import FORMATS, Missing, read
from stages.sdg.assets.imports.s3 import SCHEME, Bucket
from stages.sdg.assets.imports.store import cache_folder, read_meta

FETCHES = 2000
"""Files that one object of object storage may refer to."""

SHAPES = 2000
"""Files of a folder."""

LEAST, MOST = 0.005, (44.0, 20.0, 9.0)
"""Metres: longest side that can be seen at all, and length, width and height of the largest built-in hall."""

USUAL = {
    "small_load_carrier": (0.1, 1.3),
    "pallet": (0.4, 3.0),
    "stillage": (0.5, 3.0),
    "pallet_truck": (0.6, 3.5),
    "forklift": (1.0, 8.0),
}
"""Metres: the longest side of a thing of each class of LOCO, from the smallest to the largest that are sold."""

ANYTHING = (0.02, 30.0)
"""Metres between which the longest side of a thing in a warehouse lies."""


@dataclass(frozen=True)
class Prepared:
    """An entry whose files lie in the cache.

    Attributes:
        entry: of the settings.
        contents: keys in the cache, one a file.
        sources: the files.
    """

    entry: ImportedAsset
    contents: tuple[str, ...]
    sources: tuple[str, ...]

    def metas(self) -> list[dict[str, Any]]:
        """What was found in each file."""
        return [read_meta(content) for content in self.contents]

    def labels(self) -> set[str]:
        """Classes that the entry gives labels of."""
        return {group["label"] for meta in self.metas() for group in meta["groups"]} - {None}


@dataclass
class _Kept:
    prepared: dict[str, Prepared] = field(default_factory=dict)


_KEPT = _Kept()


def prepare_all(settings: Settings, *, anew: bool = False) -> tuple[Prepared, ...]:
    """Read all entries of ``assets``; what is in the cache already and unchanged is not read again.

    Args:
        settings: of the pipeline.
        anew: look at the files again although this process did so before; a run does it once, when it starts.

    Raises:
        SettingsError: when an entry yields no label and does not say that it is scenery, takes a built-in name, or has
            a size that no scene can show.
        InputError: when a file cannot be used.
        StorageError: when object storage refuses or does not answer.
    """
    return tuple(_prepared(entry, settings, anew=anew) for entry in settings.assets)


def _prepared(entry: ImportedAsset, settings: Settings, *, anew: bool) -> Prepared:
    key = _key(entry, settings)
    if anew or key not in _KEPT.prepared:
        made = prepare(entry, settings.storage)
        check_usable(made)
        _KEPT.prepared[key] = made
    return _KEPT.prepared[key]


def adopt(settings: Settings, prepared: Sequence[Prepared]) -> None:
    """Take over what another process prepared, so that all work on the same files though one changes meanwhile."""
    for made in prepared:
        _KEPT.prepared[_key(made.entry, settings)] = made


def _key(entry: ImportedAsset, settings: Settings) -> str:
    storage = settings.storage
    return json.dumps([entry.model_dump(mode="json"), storage.endpoint, storage.region, str(cache_folder())])


def prepare(entry: ImportedAsset, storage: Storage) -> Prepared:
    """Read one entry, whatever labels it yields; errors as :func:`prepare_all`."""
    from stages.sdg.assets.catalogue import families

    if entry.name in families():
        raise SettingsError(f"assets.{entry.name} has the name of a built-in family: choose another")
    found = _from_bucket(entry, storage) if entry.source.startswith(SCHEME) else _from_disk(entry)
    return Prepared(entry, tuple(content for _, content in found), tuple(name for name, _ in found))


def remarks(made: Prepared) -> list[str]:
    """What the user should know before rendering: rules without a match, missing files, odd sizes."""
    said, metas = [], made.metas()
    for pattern in made.entry.rules:
        if not any(meta["facts"]["rules"].get(pattern) for meta in metas):
            prims = sorted({part["path"] for meta in metas for part in meta["parts"]})
            more = ", ..." if prims[4:] else ""
            said.append(f"the rule {pattern} matches nothing; the prims with meshes are {', '.join(prims[:4])}{more}")
    for source, meta in zip(made.sources, metas, strict=True):
        said += [f"{source} lacks {name}, so it has a plain colour there" for name in meta["facts"]["missing"]]
        said += [f"{source}: {note}" for note in dict.fromkeys([*meta["facts"]["notes"], *_unusual(meta)])]
    return said


def _unusual(meta: Mapping[str, Any]) -> list[str]:
    """Whether a file is of another size than a thing of its class has, or any thing where its class is not known."""
    labels = [group["label"] for group in meta["groups"]]
    alone = labels[0] if len(labels) == 1 and labels[0] in USUAL else None
    least, most = USUAL[alone] if alone else ANYTHING
    longest = max(sides_of(meta))
    if least <= longest <= most:
        return []
    why = f"and that of a {alone} {least:g} to {most:g} m" if alone else "which is odd for a thing in a warehouse"
    return [f"its longest side is {longest:.3g} m, {why}: check the unit"]


def sides_of(meta: Mapping[str, Any]) -> list[float]:
    """Length, width and height in metres."""
    return [float(high - low) for low, high in zip(meta["facts"]["low"], meta["facts"]["high"], strict=True)]


def describe(made: Prepared) -> dict[str, Any]:
    """What the list of assets beside the frames says of an entry: its files, with their SHA-256."""
    shapes = [
        {"content": content, "files": dict(meta["files"])}
        for content, meta in zip(made.contents, made.metas(), strict=True)
    ]
    return {"source": made.entry.source, "classes": sorted(made.labels()), "shapes": shapes}


def check_placed(settings: Settings) -> None:
    """Refuse own objects where none of the scenarios puts any up.

    Raises:
        SettingsError: naming the scenarios.
    """
    from stages.sdg.plan import scenarios as _built_in  # noqa: F401 - registers them
    from stages.sdg.plan.draft import scenarios_without_own

    structure = settings.randomization.content.structure
    weights = (settings.targets.scenarios or settings.scene.scenarios) if structure else {"uniform": 1.0}
    used = {name for name, weight in weights.items() if weight > 0}
    for name, share in settings.presets.shares.items():
        used |= set(settings.presets.cases[name].scenarios) if share > 0 else set()
    if settings.assets and used <= scenarios_without_own():
        raise SettingsError(
            f"assets are not placed by the scenario {', '.join(sorted(used))}, which has things of its own alone: "
            "choose another scene, as scene=warehouse, or assets=[]"
        )


def check_usable(made: Prepared) -> None:
    """Refuse an entry that would be rendered in vain: of a size that no picture shows, or without a label.

    Raises:
        SettingsError: saying what to change.
    """
    check_sizes(made)
    check_labels(made)


def check_sizes(made: Prepared) -> None:
    """Refuse what fits into no hall, or is too small to be seen."""
    name = f"assets.{made.entry.name}"
    for source, meta in zip(made.sources, made.metas(), strict=True):
        sides = sides_of(meta)
        said = f"{name}: {source} measures {' x '.join(f'{side:.4g}' for side in sides)} m"
        if max(sides) < LEAST:
            raise SettingsError(f"{said}, too small to be seen in any picture: give its unit, or one side as its size")
        # it may stand across the hall
        if sides[2] > MOST[2] or max(sides[:2]) > MOST[0] or min(sides[:2]) > MOST[1]:
            hall = " x ".join(f"{side:g}" for side in MOST)
            raise SettingsError(
                f"{said} and fits into no hall (the largest is {hall} m): give its unit, or one side as its size"
            )


def check_labels(made: Prepared) -> None:
    """Refuse an entry that would be rendered and never labelled.

    Raises:
        SettingsError: saying which of its prims could have a rule.
    """
    entry = made.entry
    if entry.class_name == NOTHING or made.labels():
        return
    meta = made.metas()[0]
    paths = sorted({part["path"] for part in meta["parts"]})
    unknown = [label for label, stands_for in meta["facts"]["labels"].items() if stands_for is None]
    hint = f"; its own labels are {', '.join(sorted(unknown)[:5])}" if unknown else ""
    prims = ", ".join(paths[:4]) + (", ..." if paths[4:] else "")
    raise SettingsError(
        f"assets.{entry.name} yields no label (its prims are {prims}{hint}): "
        "give it a class, a rule for its prims, or class: none for scenery"
    )


def _from_disk(entry: ImportedAsset) -> list[tuple[str, str]]:
    source = Path(entry.source).expanduser()
    if not source.is_dir():
        return [(str(source), read(source, entry))]
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in FORMATS and path.is_file())
    files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(source).parts)]
    if not files:
        raise InputError(f"assets.{entry.name}: {source} holds no file of {', '.join(FORMATS)}: correct its source")
    if len(files) > SHAPES:
        raise InputError(f"assets.{entry.name}: {source} holds {len(files)} files, above {SHAPES}: name fewer")
    return _shapes(files, entry)


def _shapes(files: Sequence[Path], entry: ImportedAsset) -> list[tuple[str, str]]:
    """Files of a folder that are objects; those that another one of them is made of are its parts."""
    made: dict[Path, str] = {}
    failed: dict[Path, InputError] = {}
    parts: set[Path] = set()
    for path in files:
        try:
            made[path] = read(path, entry)
        except InputError as error:
            failed[path] = error
            continue
        meta = read_meta(made[path])
        parts |= {(path.parent / name).resolve() for name, _ in meta["files"] if name != meta["main"]}
    for path, refusal in failed.items():
        if path.resolve() not in parts:
            raise refusal
    return [(str(path), content) for path, content in made.items() if path.resolve() not in parts]


def _from_bucket(entry: ImportedAsset, storage: Storage) -> list[tuple[str, str]]:
    bucket = Bucket(entry.source, storage, cache_folder())
    if not entry.source.endswith("/"):
        return [(entry.source, _read_object(bucket, bucket.key, entry))]
    keys = bucket.keys(FORMATS)
    if not keys:
        formats = ", ".join(FORMATS)
        raise InputError(f"assets.{entry.name}: {entry.source} holds no file of {formats}: correct its source")
    paths = [path for key in keys if (path := bucket.fetch(key, entry.max_file_mb)) is not None]
    for key in keys:
        try:
            _read_object(bucket, key, entry)
        except InputError:
            continue  # a part of another may be no object of its own; _shapes tells
    return _shapes(paths, entry)


def _read_object(bucket: Bucket, key: str, entry: ImportedAsset) -> str:
    """Fetch an object and what it refers to, and read it."""
    path = bucket.fetch(key, entry.max_file_mb)
    if path is None:
        raise InputError(f"assets.{entry.name}: s3://{bucket.place.bucket}/{key} is not there: correct its source")
    asked: set[str] = set()
    while True:
        try:
            content = read(path, entry)
            lost = [name for name in read_meta(content)["facts"]["missing"] if name not in asked]
            if not _fetch_beside(bucket, key, lost, entry, asked):
                _refresh(bucket, key, content, entry)
                return read(path, entry)
        except Missing as error:
            lost = [name for name in error.names if name not in asked]
            if not _fetch_beside(bucket, key, lost, entry, asked):
                raise


def _fetch_beside(bucket: Bucket, key: str, names: Sequence[str], entry: ImportedAsset, asked: set[str]) -> bool:
    """Fetch what a file refers to; whether anything came."""
    came = False
    for name in names:
        asked.add(name)
        if len(asked) > FETCHES:
            raise InputError(f"assets.{entry.name} refers to more than {FETCHES} files: flatten it first")
        beside = bucket.beside(key, name)
        came |= beside is not None and bucket.fetch(beside, entry.max_file_mb) is not None
    return came


def _refresh(bucket: Bucket, key: str, content: str, entry: ImportedAsset) -> None:
    """Fetch again what the object was made of where it has changed in the bucket."""
    for name, _ in read_meta(content)["files"]:
        beside = bucket.beside(key, name)
        if beside is not None and beside != key:
            bucket.fetch(beside, entry.max_file_mb)
