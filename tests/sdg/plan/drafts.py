"""Scenes as the scenarios arrange them, with what space their things take."""

from __future__ import annotations

from functools import cache

import numpy as np

from stages.common.settings import Settings
from stages.sdg.plan.draft import Draft, scenarios
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.types import FramePlan, Split
from tests.settings import compose

SETTINGS = compose()
SCENARIOS = sorted(SETTINGS.scene.scenarios)


def only(scenario: str, settings: Settings = SETTINGS) -> Settings:
    """Settings that draw from one scenario."""
    scene = settings.scene.model_copy(update={"scenarios": {scenario: 1.0}})
    return settings.model_copy(update={"scene": scene})


def arranged(scenario: str, seed: int, split: Split = "train", settings: Settings = SETTINGS) -> Draft:
    """A scene that a scenario has filled."""
    draft = Draft(settings, np.random.default_rng(seed), split)
    scenarios()[scenario](draft)
    return draft


@cache
def plans(scenario: str, count: int = 12, first: int = 0) -> tuple[FramePlan, ...]:
    """Some frames of a scenario."""
    return tuple(plan_frame(only(scenario), frame) for frame in range(first, first + count))
