"""The registry of trainers, by ``compute.target``."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from stages.common.errors import SettingsError
from stages.train.types import Job, Trained

Trainer = Callable[[Job], Trained]

BUILT_IN = {
    "local": "stages.train.local:train_here",
    "sagemaker-local": "stages.train.emulator.trainer:train_emulated",
    "sagemaker": "stages.train.sagemaker.trainer:train_in_sagemaker",
}
"""Trainers of this package, ``module:name``; a module is imported when its trainer is first asked for."""

_TRAINERS: dict[str, Trainer] = {}


def register_trainer(target: str) -> Callable[[Trainer], Trainer]:
    """Decorator: make a function known as the trainer of ``compute.target=TARGET``.

    It takes a :class:`~stages.train.types.Job`, goes on from what an interrupted run left in ``job.work``, and raises
    :class:`~stages.common.errors.TrainingError` when it cannot.
    """

    def register(trainer: Trainer) -> Trainer:
        _TRAINERS[target] = trainer
        return trainer

    return register


def find_trainer(target: str) -> Trainer:
    """The trainer of a target.

    Raises:
        SettingsError: when there is none.
    """
    if target in _TRAINERS:
        return _TRAINERS[target]
    if target not in BUILT_IN:
        known = ", ".join(sorted({*BUILT_IN, *_TRAINERS}))
        raise SettingsError(f"compute.target={target} is no registered trainer: choose from {known}")
    module, _, name = BUILT_IN[target].partition(":")
    trainer: Trainer = getattr(importlib.import_module(module), name)
    return trainer
