"""Trainers are found by compute.target."""

from __future__ import annotations

import pytest

from stages.common.errors import SettingsError
from stages.train import registry
from stages.train.registry import find_trainer, register_trainer
from stages.train.types import Job, Trained


def test_the_local_trainer_is_built_in() -> None:
    assert find_trainer("local").__name__ == "train_here"


def test_a_trainer_of_ones_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_TRAINERS", {})

    @register_trainer("mine")
    def mine(job: Job) -> Trained:
        raise NotImplementedError

    assert find_trainer("mine") is mine
    with pytest.raises(SettingsError, match=r"compute\.target=yours is no registered trainer: choose from local, mine"):
        find_trainer("yours")
