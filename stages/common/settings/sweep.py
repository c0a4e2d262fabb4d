"""Settings of a search over settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from stages.common.settings.base import Group

Objective = Literal["real.f1", "real.ap50", "real.kid", "sim.f1", "sim.ap50"]


@dataclass(frozen=True)
class Hole:
    """A place in a setting's value that is searched.

    Attributes:
        name: the setting's dotted key and, where a value has several holes, the place: ``a.b[1]``.
        kind: ``search``, ``search_log``, ``search_whole`` or ``search_one``.
        body: lower and upper end, or the choices.
    """

    name: str
    kind: str
    body: tuple[Any, ...]


KINDS = ("search", "search_log", "search_whole", "search_one")
FORMS = "[search, low, high], [search_log, low, high], [search_whole, low, high] or [search_one, a, b, ...]"


def is_hole(value: Any) -> bool:
    """Whether a value is a list that begins with a word of :data:`KINDS`."""
    return isinstance(value, list) and bool(value) and value[0] in KINDS


def holes(key: str, value: Any, place: str = "") -> Iterator[Hole]:
    """All holes of a setting's value, in order, each named by its place."""
    if is_hole(value):
        yield Hole(key + place, value[0], tuple(value[1:]))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from holes(key, item, f"{place}[{number}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from holes(key, item, f"{place}[{name}]")


def _mistake(hole: Hole) -> str:
    """What is wrong with a hole, in words; empty when nothing is."""
    where = f"sweep.space.{hole.name}"
    if hole.kind == "search_one":
        return "" if len(hole.body) > 1 else f"{where} offers {len(hole.body)} choices: give two or more"
    number = int if hole.kind == "search_whole" else (int, float)
    if len(hole.body) != 2 or not all(isinstance(end, number) and not isinstance(end, bool) for end in hole.body):
        return f"{where} is no range: write {FORMS}"
    low, high = hole.body
    if not low < high:
        return f"{where} is an empty range, {low} to {high}: put the lower end first"
    if hole.kind == "search_log" and low <= 0:
        return f"{where} begins at {low}: a logarithmic range begins above 0"
    return ""


class Sweep(Group):
    """A search over settings with Optuna; ``python -m stages.sweep`` runs it, no stage reads it.

    Attributes:
        name: of the search, under which it is kept and gone on with.
        space: values by dotted setting, a list since Hydra merges mappings; lists such as ``[search, 0.5, 2]`` in a
            value are what is searched.
        sampler: ``tpe`` learns from earlier trials, ``random`` does not.
        trials: in all, with those of earlier calls and those that failed.
        startup: trials that are drawn at random before ``tpe`` begins to learn.
        seed: of the sampler.
        objective: figure that is searched for: of the model on real photographs or on renders, or the feature distance
            of the renders to the photographs (``real.kid``), for which nothing is trained.
        set: real set of the objective; empty: the first, ``real.name``.
        model: ONNX detector whose backbone sees the distance.
        keep: keep frames, data set and weights of finished trials, not only settings, figures and report.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    space: list[dict[str, Any]] = Field(min_length=1)
    sampler: Literal["tpe", "random"] = "tpe"
    trials: int = Field(20, ge=1, le=100_000)
    startup: int = Field(8, ge=1)
    seed: int = Field(0, ge=0)
    objective: Objective = "real.f1"
    set: str = ""
    model: str = "weights/warehouse-yolo11s.onnx"
    keep: bool = False

    @property
    def searched(self) -> dict[str, Any]:
        """The space as one mapping."""
        return {key: value for item in self.space for key, value in item.items()}

    @model_validator(mode="after")
    def _searchable(self) -> Sweep:
        mistakes = []
        if len(self.searched) < sum(map(len, self.space)):
            mistakes.append("sweep.space names a setting twice: name it once")
        for key, value in self.searched.items():
            found = list(holes(key, value))
            if not found:
                mistakes.append(f"sweep.space.{key} holds nothing to search: write {FORMS}")
            mistakes += filter(None, map(_mistake, found))
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self
