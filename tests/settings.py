"""Settings for tests, as a user would compose them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from stages.common.settings import Settings
from stages.compose.compose import compose_settings

REPOSITORY = Path(__file__).resolve().parents[1]
SMALL = ("dataset=tiny", "renderer=fake", "tracking=off", "real=none")


@cache
def compose(*overrides: str) -> Settings:
    """Settings of the fake renderer and the tiny data set, changed by Hydra overrides such as ``train.epochs=1``."""
    return compose_settings((*SMALL, *overrides), REPOSITORY / "conf")
