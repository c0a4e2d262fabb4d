"""Which class each mesh of a file has: by rules on prim paths, by the file's own labels, or all of it the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isaac.stage.rules import matches, upwards
from stages.common.settings.base import CLASSES
from stages.common.settings.imports import DROP, NOTHING

SYNONYMS = {
    "palletjack": "pallet_truck", "pallet_jack": "pallet_truck", "hand_pallet_truck": "pallet_truck",
    "fork_lift": "forklift", "forklift_truck": "forklift", "klt": "small_load_carrier", "klt_bin": "small_load_carrier",
}  # fmt: skip
"""What Isaac Sim's and SimReady's files call LOCO's classes."""


@dataclass(frozen=True)
class Owner:
    """The thing that a mesh is part of: one instance when it is placed.

    Attributes:
        path: of its prim; ``/`` for the whole object.
        label: its class; None for scenery.
    """

    path: str
    label: str | None


@dataclass
class Labelling:
    """Owners of all meshes, and what rules and labels came to.

    Attributes:
        owners: by mesh, None for those that are dropped.
        rules: how many prims each pattern of the settings matched.
        labels: semantic labels that were found in the file, and the class that each stands for.
    """

    owners: list[Owner | None] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str | None] = field(default_factory=dict)


def label_meshes(
    paths: Sequence[str],
    found: Mapping[str, Sequence[str]],
    *,
    whole: str = "",
    rules: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Labelling:
    """Find the owner of each mesh.

    The deepest prim at or above a mesh that a rule matches owns it; of several patterns for one prim, the last counts.
    Where no rule matches, ``whole`` is the class of all the rest; without it, the deepest prim with a semantic label
    that stands for a class owns the mesh. What is left is scenery.

    Args:
        paths: of the meshes.
        found: semantic labels of the file by prim path.
        whole: class of the object, ``none`` or empty.
        rules: class, ``none`` or ``drop`` by pattern.
        labels: class, ``none`` or ``drop`` by semantic label.
    """
    rules = rules or {}
    made = Labelling(labels={label: class_of(label, labels or {}) for names in found.values() for label in names})
    matched: dict[str, set[str]] = {pattern: set() for pattern in rules}
    known: dict[str, str] = {}
    for path in paths:
        choice = _by_rule(path, rules, matched, known)
        if choice is None and not whole:
            choice = _by_label(path, found, made.labels)
        made.owners.append(_owner(choice, whole))
    made.rules = {pattern: len(prims) for pattern, prims in matched.items()}
    return made


def _owner(choice: tuple[str, str] | None, whole: str) -> Owner | None:
    path, label = choice or ("/", whole)
    if label == DROP:
        return None
    # scenery is one thing, however many prims it has
    return Owner("/", None) if label in ("", NOTHING) else Owner(path, label)


def class_of(label: str, labels: Mapping[str, str]) -> str | None:
    """Class, ``none`` or ``drop`` that a semantic label stands for; None when it stands for nothing."""
    if label in labels:
        return labels[label]
    plain = label.strip().lower().replace(" ", "_").replace("-", "_")
    return plain if plain in CLASSES else SYNONYMS.get(plain)


def _by_rule(
    path: str, rules: Mapping[str, str], matched: dict[str, set[str]], known: dict[str, str]
) -> tuple[str, str] | None:
    for prim in upwards(path):
        if prim not in known:
            fitting = [pattern for pattern in rules if matches(prim, pattern)]
            for pattern in fitting:
                matched[pattern].add(prim)
            known[prim] = fitting[-1] if fitting else ""
        if known[prim]:
            return prim, rules[known[prim]]
    return None


def _by_label(
    path: str, found: Mapping[str, Sequence[str]], classes: Mapping[str, str | None]
) -> tuple[str, str] | None:
    for prim in upwards(path):
        for label in found.get(prim, ()):
            stands_for = classes[label]
            if stands_for is not None:
                return prim, stands_for
    return None
