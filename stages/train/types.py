"""What a trainer is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.settings.aws import Aws
from stages.common.settings.learning import Compute, Model, Train
from stages.common.settings.platform import Storage, Tracking
from stages.common.tracking import RunLogger
from stages.train.data import YoloData
from stages.train.weights import Weights

Figures = Mapping[str, float]
"""Numbers by name: ``train/box_loss``, ``val/ap50``, ``lr/pg0``."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training pictures.

    Attributes:
        number: from 1.
        figures: losses, measures on the validation pictures, learning rates.
        time: at which it ended, in milliseconds since 1970; None: now.
    """

    number: int
    figures: Figures
    time: int | None = None


@dataclass(frozen=True)
class Transfer:
    """How much of the starting weights fitted the network.

    Attributes:
        taken: tensors that were taken over.
        total: tensors of the network.
    """

    taken: int
    total: int


@dataclass(frozen=True)
class Job:
    """A training to be done.

    Attributes:
        data: to train and validate on.
        model, train, compute: settings.
        augment: checked augmentation settings.
        weights: to start from.
        work: folder for checkpoints, which outlives a kill; nobody else uses it meanwhile.
        on_epoch: called after each epoch, also with those of an interrupted run when it is resumed.
        notify: gets sentences for the user.
        storage, aws: settings of where a remote job's files lie; None in a container.
        tracking: settings of where runs are kept; None in a container.
        run: the MLflow run; None where nothing is logged.
        submit: whether a remote job may be made; False follows one that is there, or fails.
    """

    data: YoloData
    model: Model
    train: Train
    compute: Compute
    augment: Mapping[str, float | int]
    weights: Weights
    work: Path
    on_epoch: Callable[[Epoch], None]
    notify: Callable[[str], None]
    storage: Storage | None = None
    aws: Aws | None = None
    tracking: Tracking | None = None
    run: RunLogger | None = None
    submit: bool = True


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        weights: checkpoint of the best epoch, as Ultralytics loads it.
        epochs: all of them.
        best_epoch: number of the best.
        transfer: of the starting weights; None from scratch.
        device: that it was trained on.
        about: the job that trained it, for ``training.json``; empty here.
    """

    weights: Path
    epochs: tuple[Epoch, ...]
    best_epoch: int
    transfer: Transfer | None
    device: str
    about: Mapping[str, Any] = field(default_factory=dict)
