"""Typed settings: what ``params.yaml`` holds, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from stages.common.errors import SettingsError
from stages.common.settings.base import CLASSES, Group
from stages.common.settings.learning import Compute, Model, Real, Train
from stages.common.settings.messages import sentences
from stages.common.settings.pictures import Dataset, Randomization, Renderer, Scene
from stages.common.settings.platform import Deploy, Storage, Tracking

__all__ = ["CLASSES", "Settings", "check", "load"]


class Settings(Group):
    """All settings of a pipeline run, one attribute for each group in ``conf/``."""

    seed: int = Field(0, ge=0, lt=2**32)
    profile: str
    scene: Scene
    randomization: Randomization
    renderer: Renderer
    dataset: Dataset
    model: Model
    train: Train
    compute: Compute
    storage: Storage
    real: Real
    deploy: Deploy
    tracking: Tracking

    @model_validator(mode="after")
    def _possible(self) -> Settings:
        if self.compute.device == "cpu" and self.renderer.runtime.device in ("cuda", "optix"):
            raise ValueError(
                f"compute.device=cpu cannot go with renderer.runtime.device={self.renderer.runtime.device}: "
                "set both to auto, or both to cpu"
            )
        return self


def load(path: Path = Path("params.yaml")) -> Settings:
    """Read and check composed settings.

    Args:
        path: what ``python -m stages.compose`` wrote.

    Raises:
        SettingsError: when the file is missing, no YAML, or holds mistakes; all of them are named.
    """
    try:
        values = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: write it with python -m stages.compose") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): write it anew with python -m stages.compose") from error
    return check(values)


def check(values: Any) -> Settings:
    """Settings from plain values, as YAML holds them.

    Raises:
        SettingsError: with one sentence for each mistake.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(*sentences(error, Settings)) from error
