"""Typed settings: what ``params.yaml`` holds, checked."""

from __future__ import annotations

from pydantic import Field, model_validator

from stages.common.settings.base import CLASSES, Group
from stages.common.settings.learning import Compute, Model, Real, Train
from stages.common.settings.pictures import Dataset, Randomization, Renderer, Scene
from stages.common.settings.platform import Deploy, Storage, Tracking

__all__ = ["CLASSES", "Settings"]


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
            raise ValueError("compute.device=cpu cannot go with a GPU in renderer.runtime.device")
        return self
