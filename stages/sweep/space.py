"""From a search space to settings: which values a trial tries, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.common.errors import SettingsError
from stages.common.settings import Settings
from stages.common.settings.messages import find, unknown
from stages.common.settings.sweep import Hole, Sweep, holes, is_hole
from stages.compose.compose import compose_settings

if TYPE_CHECKING:
    import optuna

DIGITS = 4
"""Significant digits of a tried number, so that it can be typed."""

Fill = Callable[[Hole], Any]


def filled(key: str, value: Any, fill: Fill, place: str = "") -> Any:
    """A setting's value with every hole filled."""
    if is_hole(value):
        return fill(Hole(key + place, value[0], tuple(value[1:])))
    if isinstance(value, list):
        return [filled(key, item, fill, f"{place}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, dict):
        return {name: filled(key, item, fill, f"{place}[{name}]") for name, item in value.items()}
    return value


def overrides(space: Mapping[str, Any], fill: Fill) -> list[str]:
    """``key=value`` in Hydra's grammar for all settings of a space; ``dvc exp run -S`` takes the same."""
    return [f"{key}={hydra(filled(key, value, fill))}" for key, value in space.items()]


def suggested(trial: optuna.trial.BaseTrial) -> Fill:
    """Fills holes with what a trial's sampler suggests, the same again when it was suggested before."""

    def fill(hole: Hole) -> Any:
        if hole.kind == "search_one":
            # Optuna keeps words and numbers alone, so choices of other kinds go in as JSON
            return json.loads(trial.suggest_categorical(hole.name, [json.dumps(item) for item in hole.body]))
        if hole.kind == "search_whole":
            return trial.suggest_int(hole.name, *hole.body)
        value = trial.suggest_float(hole.name, *map(float, hole.body), log=hole.kind == "search_log")
        return float(f"{value:.{DIGITS}g}")

    return fill


def check_space(sweep: Sweep, given: list[str], conf: Path) -> None:
    """Compose the corners of the space, so that a trial's settings are as they must be.

    Lower and upper ends are tried together and against each other, all settings at once.

    Args:
        sweep: the search.
        given: overrides for every trial.
        conf: folder of the groups.

    Raises:
        SettingsError: naming settings that do not exist and values that they do not take.
    """
    groups = {path.name for path in conf.iterdir() if path.is_dir()}
    missing = [
        unknown(key, Settings).replace(key, f"sweep.space.{key}", 1)
        for key in sweep.searched
        if key not in groups and find(Settings, key.split(".")).annotation is None
    ]
    if missing:
        raise SettingsError(*missing)
    mistakes: list[str] = []
    for corner in _corners():
        try:
            compose_settings([*given, *overrides(sweep.searched, corner)], conf)
        except SettingsError as error:
            mistakes += [text for text in error.sentences if text not in mistakes]
    if mistakes:
        raise SettingsError(*(f"at an end of sweep.space {text}" for text in mistakes))


def _corners() -> Iterator[Fill]:
    """Four ways to fill: lower ends, upper ends, and the two in turn."""

    def taking(chosen: Callable[[int], int]) -> Fill:
        count = iter(range(1_000_000))
        return lambda hole: hole.body[chosen(next(count))]

    yield taking(lambda _: 0)
    yield taking(lambda _: -1)
    yield taking(lambda number: -(number % 2))
    yield taking(lambda number: -((number + 1) % 2))


def parameter_names(sweep: Sweep) -> list[str]:
    """Names of all holes, in order."""
    return [hole.name for key, value in sweep.searched.items() for hole in holes(key, value)]


def hydra(value: Any) -> str:
    """A value in Hydra's override grammar."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"[{','.join(map(hydra, value))}]"
        case dict():
            return "{" + ",".join(f"{name}:{hydra(item)}" for name, item in value.items()) + "}"
        case str():
            return value if value and all(letter.isalnum() or letter in "_-./" for letter in value) else f"'{value}'"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
