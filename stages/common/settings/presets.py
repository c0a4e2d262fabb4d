"""Settings of corner cases: named changes that a share of the frames is made with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from stages.common.settings.base import Group
from stages.common.settings.messages import nearest, sentences
from stages.common.settings.pictures import Randomization
from stages.common.settings.targets import LARGEST, Measure
from stages.common.settings.weights import weighted


class Preset(Group):
    """One corner case.

    Attributes:
        about: what it shows, in words.
        scenarios: weights that stand in for ``scene.scenarios``, as there or as a list; empty leaves those.
        randomization: what differs from the ``randomization`` settings, with their keys.
        truck: ``measure: [low, high]`` that one truck of the frame keeps to, as in ``occlusion: [0.5, 0.9]``.
    """

    about: str = ""
    scenarios: Annotated[dict[str, float], BeforeValidator(weighted)] = Field(default_factory=dict)
    randomization: dict[str, Any] = Field(default_factory=dict)
    truck: dict[Measure, list[float]] = Field(default_factory=dict)


class Presets(Group):
    """Corner cases, and how often each is mixed in.

    Attributes:
        name: of this group file.
        shares: of all frames, as a list of ``[name, share]``.
        cases: the corner cases by name.
    """

    name: str
    shares: Annotated[dict[str, float], BeforeValidator(weighted)] = Field(default_factory=dict)
    cases: dict[str, Preset] = Field(default_factory=dict)


class _Changed(Group):
    randomization: Randomization


def changed(randomization: Randomization, preset: Preset) -> Randomization:
    """The randomisation with a preset's changes.

    Raises:
        ValidationError: when they are no settings; :func:`preset_mistakes` says which.
    """
    values = randomization.model_dump(mode="json")
    return _Changed.model_validate({"randomization": _merged(values, preset.randomization)}).randomization


def _merged(base: Any, changes: Any) -> Any:
    """``changes`` over ``base``; mappings are merged, all else is replaced."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}


def preset_mistakes(presets: Presets, randomization: Randomization) -> Iterator[str]:
    """One sentence for each mistake in the corner cases and their shares."""
    for name, share in presets.shares.items():
        if name not in presets.cases:
            yield f"presets.shares names {name}, which is no case: {nearest(name, presets.cases)}"
        if not 0 <= share <= 1:
            yield f"presets.shares gives {name} a share of {share:g}: give 0 to 1"
    if sum(presets.shares.values()) > 1 + 1e-9:
        yield f"presets.shares sum up to {sum(presets.shares.values()):g}: give shares of all frames, at most 1"
    for name, preset in presets.cases.items():
        key = f"presets.cases.{name}"
        try:
            changed(randomization, preset)
        except ValidationError as error:
            yield from (f"{key}: {sentence}" for sentence in sentences(error, _Changed))
        weights = preset.scenarios.values()
        if preset.scenarios and (min(weights) < 0 or sum(weights) <= 0):
            yield f"{key}.scenarios cannot be drawn from: give weights of 0 or more, one above 0"
        for measure, limits in preset.truck.items():
            if len(limits) != 2 or not 0 <= limits[0] < limits[1] <= LARGEST[measure]:
                yield f"{key}.truck.{measure} is {limits}: give [low, high] within 0 to {LARGEST[measure]:g}"
