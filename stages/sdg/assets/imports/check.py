"""The check of own objects: what was read of each, what it becomes, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.errors import InputError, StageError
from stages.common.settings import Settings, check
from stages.common.settings.imports import NOTHING, ImportedAsset
from stages.sdg.assets.imports.prepare import Prepared, check_placed, check_usable, prepare, remarks, sides_of
from stages.sdg.assets.imports.s3 import SCHEME

SHOWN = 8
"""Prims, labels or files that are named before the rest is only counted."""

WATCHED = Path("assets")
"""Folder that DVC looks at; what lies elsewhere changes unseen by ``dvc repro``."""


@dataclass
class Finding:
    """What the check says of one entry.

    Attributes:
        name: of the entry.
        lines: to print.
        useless: why it cannot be rendered or gives no label, or None.
        prepared: the entry, when its files could be read.
    """

    name: str
    lines: list[str] = field(default_factory=list)
    useless: str | None = None
    prepared: Prepared | None = None


def check_assets(settings: Settings, path: str | None = None, **options: Any) -> list[Finding]:
    """Check all entries of ``assets``, or one file or folder that need not be among them.

    Args:
        settings: of the pipeline.
        path: of the file or folder; the entry that names it is used when there is one.
        options: keys of an entry, such as ``class`` and ``rules``, for the path; they win over those of its entry.

    Raises:
        InputError: when there is nothing to check.
        SettingsError: when the options make no entry.
    """
    entries = list(settings.assets)
    if path is not None:
        entries = [entry for entry in entries if entry.source.rstrip("/") == path.rstrip("/")]
        settings = _with(settings, [_changed(entry, options) for entry in entries] or [_made(path, options)])
        entries = list(settings.assets)
    if not entries:
        raise InputError("assets is empty: name your objects in conf/config.yaml, or give a path to check")
    return [check_entry(entry, settings) for entry in entries]


def _with(settings: Settings, entries: list[dict[str, Any]]) -> Settings:
    """The settings with these entries alone, checked as those of ``conf/`` are."""
    return check({**settings.model_dump(), "assets": entries})


def _changed(entry: ImportedAsset, options: dict[str, Any]) -> dict[str, Any]:
    """An entry with options in place of its own; of unit and size, which exclude each other, the option counts."""
    kept = entry.model_dump()
    kept |= {"unit": "auto"} if "size" in options else {}
    kept |= {"size": None} if "unit" in options else {}
    return {**kept, **options}


def _made(path: str, options: dict[str, Any]) -> dict[str, Any]:
    stem = "".join(c if c.isalnum() and c.isascii() else "_" for c in Path(path).stem.lower()).strip("_")
    name = stem if stem and stem[0].isalpha() else f"object_{stem}"
    return {"name": f"{name[:50]}_checked", "source": path, **options}


def check_entry(entry: ImportedAsset, settings: Settings) -> Finding:
    """Read one entry and say what came of it."""
    found = Finding(entry.name)
    try:
        found.prepared = prepare(entry, settings.storage)
    except StageError as error:
        found.useless = str(error)
        return found
    found.lines += _lines(found.prepared)
    try:
        check_usable(found.prepared)
        check_placed(settings)
    except StageError as error:
        found.useless = str(error)
    return found


def _lines(prepared: Prepared) -> Iterator[str]:
    metas, entry = prepared.metas(), prepared.entry
    for number, (source, meta) in enumerate(zip(prepared.sources, metas, strict=True)):
        if number == SHOWN:
            yield f"... and {len(metas) - SHOWN} files more"
            break
        yield f"{source}: {meta['facts']['format']}"
        for line in _facts(meta, entry):
            yield f"  {line}"
    yield from _remarks(prepared)


def _facts(meta: dict[str, Any], entry: ImportedAsset) -> Iterator[str]:
    facts = meta["facts"]
    x, y, z = sides_of(meta)
    yield f"prims       {facts['prims']}, {facts['meshes']} of them meshes; {len(meta['parts'])} parts"
    yield f"triangles   {_triangles(facts)}"
    yield f"size        {x:.3f} x {y:.3f} x {z:.3f} m (length, width, height), on the floor, its middle at the origin"
    yield f"unit        1 unit = {facts['unit']:.6g} m; {facts['unit_from']}"
    yield f"up          {facts['up']}; {facts['up_from']}"
    yield f"surface     {_surface(facts)}"
    yield f"files       {_some([name for name, _ in meta['files']])}"
    for group, count in _groups(meta):
        yield f"instance    {group['path']}: {group['label'] or 'scenery, no label'} ({count} parts)"
    for pattern, count in facts["rules"].items():
        yield f"rule        {pattern}: {entry.rules.get(pattern)}, {_prims(count)}"
    for label, stands_for in facts["labels"].items():
        yield f"own label   {label}: {stands_for or 'stands for no class; map it with labels'}"
    if facts["dropped"]:
        yield f"dropped     {facts['dropped']} meshes, by rules"
    for name in facts["missing"][:SHOWN]:
        yield f"MISSING     {name}"


def _triangles(facts: dict[str, Any]) -> str:
    text = f"{facts['triangles_before']}"
    if facts["flat"]:
        text += f", {facts['flat']} without an area left out"
    if facts["simplified"]:
        text += (
            f"; simplified to {facts['triangles']}, off by {1000 * facts['error_max']:.1f} mm at most and "
            f"{1000 * facts['error_mean']:.2f} mm on average"
        )
    elif facts["dropped"]:
        text += f"; {facts['triangles']} kept"
    return text


def _surface(facts: dict[str, Any]) -> str:
    text = f"{facts['materials']} materials, {facts['textures']} textures"
    if facts["coloured"] == 0 and facts["materials"] == 0:
        text += "; the file gives no colours, so it becomes grey"
    return text


def _groups(meta: dict[str, Any]) -> Iterator[tuple[dict[str, Any], int]]:
    counts = Counter(part["group"] for part in meta["parts"])
    for number, group in enumerate(meta["groups"][: 4 * SHOWN]):
        yield group, counts[number]


def _prims(count: int) -> str:
    return "MATCHES NO PRIM" if count == 0 else f"{count} prim{'s' * (count > 1)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _remarks(prepared: Prepared) -> Iterator[str]:
    entry, metas = prepared.entry, prepared.metas()
    for remark in remarks(prepared):
        yield f"remark: {remark}"
    if entry.class_name != NOTHING and prepared.labels():
        bare = sorted({part["path"] for meta in metas for part in meta["parts"] if not _label(meta, part)})
        if bare:
            yield f"remark: these prims are scenery and get no label: {_some(bare)}"
    if len(metas) == 1:
        yield "remark: one shape, so training and test frames show the same one; a folder of several is split"
    if entry.source.startswith(SCHEME) or not Path(entry.source).absolute().is_relative_to(WATCHED.absolute()):
        yield "remark: it lies outside assets/, so dvc repro does not see it change; python -m stages.sdg does"


def _label(meta: dict[str, Any], part: dict[str, Any]) -> str | None:
    label = meta["groups"][part["group"]]["label"]
    return None if label is None else str(label)


def report(findings: Sequence[Finding]) -> str:
    """All findings as text."""
    blocks = []
    for found in findings:
        lines = [found.name, *(f"  {line}" for line in found.lines)]
        if found.useless:
            lines.append(f"  USELESS: {found.useless}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
