"""Labels of a USD file: the tree with them, and a layer with those that rules give; for a process without bpy."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from isaac.stage.semantics import NothingLabelledError, Report, label_stage, labels_of
from stages.common.errors import InputError, SettingsError
from stages.common.settings.base import CLASSES
from stages.sdg.render.usd.files import export

SHOWN = 8
"""Prims that a report names before the rest is only counted."""

ROWS = 400
"""Lines of a tree before the rest is only counted."""

METADATA = ("upAxis", "metersPerUnit", "startTimeCode", "endTimeCode", "timeCodesPerSecond", "framesPerSecond")
"""What a stage has from its root layer alone, and not from the layers below it."""


@dataclass(frozen=True)
class Labelled:
    """A file with its labels.

    Attributes:
        tree: prims and labels, a line each.
        report: what the rules came to; None without rules.
        layer: file that was written; None without rules.
    """

    tree: str
    report: Report | None = None
    layer: Path | None = None


def read_rules(path: Path) -> dict[str, str]:
    """A rule file: YAML or JSON, one class (or ``none``) by pattern.

    Raises:
        InputError: when it cannot be read.
        SettingsError: when it is not such a mapping.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the rules {path} cannot be read ({error}): name a file such as rules.yaml") from error
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise SettingsError(f"the rules {path} are not YAML ({said}): write one 'PATTERN: CLASS' a line") from error
    sound = isinstance(found, dict) and found and all(isinstance(v, str) and v for pair in found.items() for v in pair)
    if not sound:
        raise SettingsError(f"the rules {path} must be lines such as '/World/**/PalletTruck*: pallet_truck'")
    for pattern, name in found.items():
        if any(mark in name for mark in ", \t\n"):
            raise SettingsError(f"the class '{name}' of {pattern} in {path} must be one word: Replicator splits others")
    return dict(found)


def label_file(
    source: Path, rules: Mapping[str, str] | None = None, layer: Path | None = None, *, clear: bool = False
) -> Labelled:
    """Show a USD file's labels, and write a layer over it with those that rules give.

    The file itself is only read: the layer has it as its sublayer, and holds labels alone.

    Args:
        source: any USD file.
        rules: class by pattern; None only looks.
        layer: file to write; ``NAME.labelled.usda`` beside the source when left out.
        clear: take away the labels that the file has first.

    Raises:
        InputError: when the file cannot be opened, or the layer not be written.
        SettingsError: when no prim has a label afterwards; nothing is written.
    """
    target = layer or source.with_name(f"{source.stem}.labelled.usda")
    if target.resolve() == source.resolve():
        raise SettingsError(f"{source} must stay as it is: write the labels to another file")
    if target.suffix not in (".usda", ".usdc", ".usd"):
        raise SettingsError(f"'{target}' is no USD file: let it end in .usda")
    stage = _opened(source)
    if rules is None:
        return Labelled(tree(stage))
    try:
        report = label_stage(stage, rules, clear=clear)
    except NothingLabelledError as error:
        paths = [str(prim.GetPath()) for prim in stage.Traverse() if prim.GetTypeName() == "Xform"]
        raise SettingsError(
            f"{source}: {error}; correct the patterns, its prims are {_some(paths or ['none'])}"
        ) from error
    _save(stage, target)
    return Labelled(tree(stage), report, target)


def _opened(source: Path) -> Any:
    """The file below an empty layer that is the edit target."""
    from pxr import Sdf, Tf, Usd

    if not source.is_file():
        raise InputError(f"{source} is not there: name a USD file")
    try:
        with Tf.DiagnosticTrap() as trap:
            if not Sdf.Layer.FindOrOpen(str(source)):
                raise InputError(f"{source} is no USD file: export it again")
            over = Sdf.Layer.CreateAnonymous(".usda")
            over.subLayerPaths = [str(source.resolve())]
            stage = Usd.Stage.Open(over)
            trap.Clear()
    except Tf.ErrorException:
        raise InputError(f"{source} is no sound USD file: export it again") from None
    below = Usd.Stage.Open(str(source))
    if below.GetDefaultPrim():
        over.defaultPrim = below.GetDefaultPrim().GetName()
    for name in METADATA:
        if below.HasAuthoredMetadata(name):
            stage.SetMetadata(name, below.GetMetadata(name))
    return stage


def _save(stage: Any, target: Path) -> None:
    from pxr import Sdf

    layer = Sdf.Layer.CreateAnonymous(".usda")
    layer.TransferContent(stage.GetRootLayer())
    source = os.path.relpath(layer.subLayerPaths[0], target.resolve().parent)
    layer.subLayerPaths = [source if source.startswith(".") else f"./{source}"]
    try:
        export(layer, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error}): make room or choose another place") from error


def tree(stage: Any, rows: int = ROWS) -> str:
    """Prims that are shown, indented, each with its type and labels.

    Args:
        stage: an open ``Usd.Stage``.
        rows: lines before the rest is only counted.
    """
    from isaac.stage.semantics import prims

    lines = []
    for prim in prims(stage):
        depth = str(prim.GetPath()).count("/") - 1
        found = labels_of(prim)
        marks = [*([f"<- {', '.join(found)}"] if found else []), *(["(instance)"] if prim.IsInstance() else [])]
        lines.append("  " * depth + " ".join([prim.GetName(), f"[{prim.GetTypeName() or 'no type'}]", *marks]))
    more = [f"... and {len(lines) - rows} prims more"] if len(lines) > rows else []
    return "\n".join(lines[:rows] + more)


def describe(report: Report) -> str:
    """What rules came to, in lines."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    for pattern, count in report.rules.items():
        yield f"rule       {pattern}: {'MATCHES NO PRIM' if count == 0 else f'{count} prims'}"
    counts = ", ".join(f"{count} {name}" for name, count in report.classes().items())
    yield f"matched    {len(report.labelled)} prims labelled{f' ({counts})' if counts else ''}"
    foreign = sorted({*report.classes()} - {*CLASSES})
    if foreign:
        yield f"           {_some(foreign)}: none of this project's classes ({', '.join(CLASSES)})"
    yield f"doubly     {len(report.doubled)} prims matched by several rules, the last one counts"
    for path, patterns in list(report.doubled.items())[:SHOWN]:
        yield f"           {path}: {', '.join(patterns)}"
    if report.joined:
        below = [f"{path} (in {above})" for path, above in report.joined.items()]
        yield f"nested     {len(below)} below a prim of another class, Replicator joins both labels: {_some(below)}"
    if report.inside:
        yield f"inside     {len(report.inside)} below a prim of the same class, part of it: {_some(report.inside)}"
    if report.instanced:
        yield (
            f"instanced  {len(report.instanced)} inside an instance cannot have labels, match the instance's own prim: "
            f"{_some(report.instanced)}"
        )
    if report.kept:
        names = Counter(name for found in report.kept.values() for name in found)
        yield f"kept       {len(report.kept)} prims with labels of the file: {_some(sorted(names))}"
    if report.cleared:
        yield f"cleared    {len(report.cleared)} prims lost labels of the file: {_some(report.cleared)}"
    yield f"unmatched  {len(report.unmatched)} surfaces without a label{': ' if report.unmatched else ''}" + _some(
        report.unmatched
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
