"""Typed settings: what ``params.yaml`` holds, checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from stages.common.errors import SettingsError
from stages.common.settings.aws import Aws
from stages.common.settings.base import CLASSES, Group
from stages.common.settings.custom import Custom
from stages.common.settings.endpoint import Endpoint, endpoint_mistakes
from stages.common.settings.host import Host
from stages.common.settings.imports import Imports
from stages.common.settings.infra import Infra
from stages.common.settings.learning import Compute, Evaluate, Gate, Model, Real, Train
from stages.common.settings.messages import sentences
from stages.common.settings.pictures import Dataset, Randomization, Renderer, Scene
from stages.common.settings.platform import Deploy, Storage, Tracking
from stages.common.settings.presets import Presets, preset_mistakes
from stages.common.settings.sweep import Sweep
from stages.common.settings.targets import Targets, target_mistakes

__all__ = ["CLASSES", "Settings", "check", "load"]


BLOCK = 32
"""Frames are dealt to training and validation in blocks of so many, so that a growing set moves none."""


class Settings(Group):
    """All settings of a pipeline run: one attribute for each group in ``conf/``, the seed, and the user's objects."""

    seed: int = Field(0, ge=0, lt=2**32)
    profile: str
    scene: Scene
    assets: Imports
    randomization: Randomization
    presets: Presets
    targets: Targets
    renderer: Renderer
    dataset: Dataset
    custom: Custom
    model: Model
    train: Train
    compute: Compute
    storage: Storage
    real: Real
    evaluate: Evaluate
    gate: Gate
    deploy: Deploy
    endpoint: Endpoint
    tracking: Tracking
    aws: Aws
    sweep: Sweep
    host: Host
    infra: Infra

    @model_validator(mode="after")
    def _possible(self) -> Settings:
        clashes = "\n".join(_clashes(self))
        if clashes:
            raise ValueError(clashes)
        return self


def validation_frames(count: int, share: float) -> int:
    """How many of the first ``count`` frames validate: the last ``round(share * 32)`` of each block of 32."""
    first = BLOCK - round(share * BLOCK)
    return sum(frame % BLOCK >= first for frame in range(count))


def _evaluated_subsets(settings: Settings) -> Iterator[str]:
    """Subsets of a real set that are measured on are not trained on."""
    if not settings.dataset.real_mix:
        return
    for item in settings.real.sets:
        evaluated = [name for name in settings.dataset.real_source.subsets if name not in item.training]
        if item.training and evaluated:
            yield (
                f"dataset.real_source.subsets holds {evaluated[0]}, on which real={item.name} measures: draw from "
                f"{', '.join(item.training)} alone"
            )


def _clashes(settings: Settings) -> Iterator[str]:
    """One sentence for each pair of settings that cannot go together."""
    yield from preset_mistakes(settings.presets, settings.randomization)
    yield from target_mistakes(
        settings.targets,
        settings.scene.classes,
        settings.dataset.frames.sizes,
        structure=settings.randomization.content.structure,
    )
    compute, runtime = settings.compute.device, settings.renderer.runtime.device
    if compute == "cpu" and runtime in ("cuda", "optix"):
        yield f"compute.device=cpu cannot go with renderer.runtime.device={runtime}: set both to auto, or both to cpu"
    yield from endpoint_mistakes(settings.endpoint, settings.deploy, settings.aws)
    yield from _foreign_assets(settings)
    frames, convert = settings.dataset.frames, settings.dataset.convert
    validating = validation_frames(min(frames.count, BLOCK), convert.val_share)
    if not 0 < validating < min(frames.count, BLOCK):
        few = "validation" if validating == 0 else "training"
        yield (
            f"dataset.frames.count={frames.count} with dataset.convert.val_share={convert.val_share:g} leaves no frame "
            f"for {few}: ask for at least {BLOCK} frames and a share of 0.02 to 0.98"
        )
    if "yolo" not in convert.formats:
        yield "dataset.convert.formats lacks yolo, which training reads: add yolo"
    if "yolo_pose" in convert.formats and "keypoints" not in frames.annotators:
        yield (
            "dataset.convert.formats holds yolo_pose, which is made of the annotator keypoints: "
            "add keypoints to dataset.frames.annotators"
        )
    yield from _evaluated_subsets(settings)
    if frames.test_count == 0 and settings.deploy.target != "none":
        yield (
            f"dataset.frames.test_count=0 cannot go with deploy.target={settings.deploy.target}, which is checked on "
            "test frames: ask for some, or choose deploy=none"
        )


def _foreign_assets(settings: Settings) -> Iterator[str]:
    """One sentence for each entry of ``assets`` whose name or class cannot be."""
    names = [entry.name for entry in settings.assets]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"assets holds two entries of the name '{name}': give each its own"
    for entry in settings.assets:
        for unknown in sorted(entry.classes() - set(settings.scene.classes)):
            yield (
                f"assets.{entry.name} has the class '{unknown}', which is not in scene.classes: choose one of "
                f"{', '.join(settings.scene.classes)}, or none for scenery"
            )


def load(path: Path = Path("params.yaml")) -> Settings:
    """Read and check composed settings.

    Args:
        path: what ``python -m stages.compose`` wrote.

    Raises:
        SettingsError: when the file is missing, no YAML, or holds mistakes; all of them are named.
    """
    try:
        text = path.read_bytes()
        values = yaml.safe_load(text)
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: write it with python -m stages.compose") from None
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path} cannot be read ({reason}): write it anew with python -m stages.compose") from error
    if not isinstance(values, dict):
        kind = "a web page" if text.lstrip().startswith(b"<") else "something else"
        raise SettingsError(f"{path} holds no settings but {kind}: write it anew with python -m stages.compose")
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
