"""The registry of annotators: a name, the suffix of a frame's member, and what makes its bytes."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stages.common.errors import RenderError, SettingsError
from stages.sdg.label.types import FrameLabel
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.passes import Passes

BUILT_IN = ("pictures", "objects")
"""Modules of this package that register annotators when they are imported."""

ALWAYS = ("boxes", "instance", "rgb")
"""Annotators of every frame, asked for or not: its picture, labels and instance mask."""


@dataclass(frozen=True)
class View:
    """A rendered and labelled frame.

    Attributes:
        plan: what stands where.
        passes: what the renderer made of it.
        label: 2D labels of what is seen.
        classes: names in the order of their numbers.
    """

    plan: FramePlan
    passes: Passes
    label: FrameLabel
    classes: Sequence[str]


class Annotator(Protocol):
    """Makes one member of each frame."""

    def __call__(self, view: View, /) -> bytes:
        """Contents of the member; equal views give equal bytes."""
        ...


@dataclass(frozen=True)
class _Entry:
    suffix: str
    needs: frozenset[str]
    annotator: Annotator


_ANNOTATORS: dict[str, _Entry] = {}


def register_annotator(name: str, suffix: str, needs: Iterable[str] = ()) -> Callable[[Annotator], Annotator]:
    """Decorator: make a function known as the annotator ``name``, whose bytes become the member ``suffix``.

    ``needs`` names passes that a renderer makes only when asked: ``normals``::

        @register_annotator("hidden", "hidden.json")
        def hidden(view: View) -> bytes:
            return json.dumps([item.id for item in view.label.instances if item.occlusion > 0.5]).encode()
    """

    def register(annotator: Annotator) -> Annotator:
        _ANNOTATORS[name] = _Entry(suffix, frozenset(needs), annotator)
        return annotator

    return register


@functools.cache
def _load() -> None:
    for module in BUILT_IN:
        importlib.import_module(f"stages.sdg.annotators.{module}")


def annotator_names() -> list[str]:
    """Names that ``dataset.frames.annotators`` may hold, sorted."""
    _load()
    return sorted(_ANNOTATORS)


def suffixes(names: Iterable[str]) -> tuple[str, ...]:
    """Suffixes of a frame's members, sorted.

    Raises:
        SettingsError: when no such annotator is registered.
    """
    return tuple(sorted({entry.suffix for _, entry in _chosen(names)}))


def passes_needed(names: Iterable[str]) -> frozenset[str]:
    """Passes that must be asked for of the renderer.

    Raises:
        SettingsError: when no such annotator is registered.
    """
    return frozenset().union(*(entry.needs for _, entry in _chosen(names)))


def annotate(view: View, names: Iterable[str]) -> dict[str, bytes]:
    """Contents of a frame's members by suffix: of the annotators asked for, and of :data:`ALWAYS`.

    Raises:
        SettingsError: when no such annotator is registered.
        RenderError: when the renderer gave no such pass.
    """
    members = {}
    for name, entry in _chosen(names):
        for wanted in entry.needs:
            if getattr(view.passes, wanted) is None:
                raise RenderError(
                    f"frame {view.plan.frame} has no {wanted}, which the annotator '{name}' needs; "
                    f"take {name} out of dataset.frames.annotators or use another renderer.backend"
                )
        members[entry.suffix] = entry.annotator(view)
    return members


def _chosen(names: Iterable[str]) -> list[tuple[str, _Entry]]:
    _load()
    wanted = sorted({*ALWAYS, *names})
    for name in wanted:
        if name not in _ANNOTATORS:
            known = ", ".join(sorted(_ANNOTATORS))
            raise SettingsError(
                f"dataset.frames.annotators names '{name}', which is not registered; choose from {known}"
            )
    return [(name, _ANNOTATORS[name]) for name in wanted]
