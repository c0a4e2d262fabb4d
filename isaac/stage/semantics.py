"""Labels by rules on prim paths, for stages that others made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from isaac.stage.frame import label
from isaac.stage.keys import TAXONOMY
from isaac.stage.rules import matches

NONE = "none"
"""Instead of a class: labels of the prim and of all below it are taken away."""


class NothingLabelledError(ValueError):
    """Rules that label no prim: a render would have no boxes at all."""


@dataclass
class Report:
    """What rules came to on a stage.

    Attributes:
        labelled: class by path of the prims that rules labelled.
        rules: how many prims each pattern matched.
        doubled: patterns by path of prims that several rules match, of one class or of several; the last one counts.
        inside: matched prims below one of the same class, left to it: a thing is one instance.
        joined: labelled prims below one of another class, and that one; Replicator joins both labels.
        instanced: matched prims inside an instance, which cannot have labels of their own.
        kept: labels that were there and stay, by path.
        cleared: paths of prims that lost the labels that they had.
        unmatched: surfaces (meshes and other geometry) without a label on them or above them.
    """

    labelled: dict[str, str] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    doubled: dict[str, list[str]] = field(default_factory=dict)
    inside: list[str] = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=dict)
    instanced: list[str] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)
    cleared: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)

    def classes(self) -> dict[str, int]:
        """How many prims each class was given to."""
        return dict(sorted(Counter(self.labelled.values()).items()))


def label_stage(
    stage: Any,
    rules: Mapping[str, str],
    *,
    clear: bool = False,
    below: str = "/",
    named: Callable[[str], str] = lambda path: path,
) -> Report:
    """Label the prims that rules match, at the stage's edit target.

    Of several patterns for one prim the last counts. Labels that the prims below a labelled one had are taken away,
    since Replicator joins labels along a path.

    Args:
        stage: an open ``Usd.Stage``.
        rules: class, or :data:`NONE`, by pattern (see :func:`isaac.stage.rules.matches`).
        clear: take away all labels that are there first, as NVIDIA's environments need.
        below: path of the prim that is looked at with all that is below it.
        named: path that patterns are compared with, by the path on the stage.

    Raises:
        NothingLabelledError: when no rule matches, or no prim has a label afterwards; the stage is as it was.
    """
    report = Report(rules=dict.fromkeys(rules, 0))
    chosen = dict(_chosen(prims(stage, below), rules, report, named))
    _settle(chosen, report)
    before = {str(prim.GetPath()): found for prim in prims(stage, below) if (found := labels_of(prim))}
    for path, found in before.items():
        owner = nearest(path, chosen)
        if clear or owner is not None:
            report.cleared.append(path)
        else:
            report.kept[path] = found
    if not chosen or not (report.labelled or report.kept):
        raise NothingLabelledError("no rule labels a prim that can have one")
    for path in report.cleared:
        prim = stage.GetPrimAtPath(path)
        if not prim.IsInstanceProxy():
            clear_labels(prim)
    for path, name in report.labelled.items():
        label(stage.GetPrimAtPath(path), name)
    owners = {*report.labelled, *report.kept}
    report.unmatched = [path for path in surfaces(stage, below) if nearest(path, owners) is None]
    return report


def _chosen(
    some: Iterable[Any], rules: Mapping[str, str], report: Report, named: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """Class of each prim that a rule matches."""
    for prim in some:
        path = str(prim.GetPath())
        fitting = [pattern for pattern in rules if matches(named(path), pattern)]
        for pattern in fitting:
            report.rules[pattern] += 1
        if not fitting:
            continue
        if prim.IsInstanceProxy():
            report.instanced.append(path)
            continue
        if len(fitting) > 1:
            report.doubled[path] = fitting
        yield path, rules[fitting[-1]]


def _settle(chosen: dict[str, str], report: Report) -> None:
    """Of nested prims of one class the outermost is the thing."""
    for path, name in chosen.items():
        if name == NONE:
            continue
        above = nearest(path.rpartition("/")[0], chosen)
        if above is not None and chosen[above] == name:
            report.inside.append(path)
            continue
        report.labelled[path] = name
        if above is not None and chosen[above] != NONE:
            report.joined[path] = above


def nearest(path: str, among: Any) -> str | None:
    """The path itself or the deepest one above it that is ``among`` others."""
    while path:
        if path in among:
            return path
        path = path.rpartition("/")[0]
    return None


def prims(stage: Any, below: str = "/") -> Iterator[Any]:
    """All prims that may show something, those inside instances as well; no materials and shaders."""
    from pxr import Usd, UsdGeom

    everything = Usd.TraverseInstanceProxies()
    root = stage.GetPrimAtPath(below)
    for prim in Usd.PrimRange.Stage(stage, everything) if below == "/" else Usd.PrimRange(root, everything):
        if prim.IsA(UsdGeom.Imageable) or not prim.GetTypeName():
            yield prim


def surfaces(stage: Any, below: str = "/") -> Iterator[str]:
    """Paths of all prims with a surface."""
    from pxr import UsdGeom

    for prim in prims(stage, below):
        if prim.IsA(UsdGeom.Gprim):
            yield str(prim.GetPath())


def labels_of(prim: Any) -> list[str]:
    """Class labels on a prim itself, of OpenUSD's schema (as ``token[]`` or ``string[]``) and of Isaac's older one."""
    found: list[str] = []
    for attribute in prim.GetAuthoredAttributes():
        name = attribute.GetName()
        if name == f"semantics:labels:{TAXONOMY}":
            found += [str(value) for value in attribute.Get() or ()]
        elif name.startswith("semantic:") and name.endswith(":params:semanticData"):
            kind = prim.GetAttribute(f"{name.removesuffix('Data')}Type")
            if not kind or kind.Get() in (None, "", TAXONOMY):
                found += [part.strip() for part in str(attribute.Get() or "").split(",")]
    return [name for name in dict.fromkeys(found) if name]


def clear_labels(prim: Any) -> None:
    """Take a prim's class labels away, of whichever schema; stronger layers than the edit target stay as they are."""
    # with those that only Omniverse knows
    for schema in prim.GetPrimTypeInfo().GetAppliedAPISchemas():
        if schema == f"SemanticsLabelsAPI:{TAXONOMY}" or schema.startswith("SemanticsAPI:"):
            prim.RemoveAppliedSchema(schema)
    for attribute in prim.GetAuthoredAttributes():
        name = attribute.GetName()
        if name == f"semantics:labels:{TAXONOMY}" or (name.startswith("semantic:") and ":params:semantic" in name):
            attribute.Block()
