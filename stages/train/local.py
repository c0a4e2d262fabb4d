"""Training on this machine, with Ultralytics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from stages.common.errors import TrainingError
from stages.common.progress import Progress
from stages.train.checkpoints import State, is_disk_full, load_state
from stages.train.library import ultralytics
from stages.train.registry import register_trainer
from stages.train.types import Epoch, Job, Trained, Transfer

MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
"""How torch and CUDA say that memory ran out."""


@register_trainer("local")
def train_here(job: Job) -> Trained:
    """Train on this machine's GPU, or on its cores.

    A run that was interrupted goes on after its last finished epoch and ends as it would have.

    Raises:
        TrainingError: when there is no GPU though one was asked for, memory or disk is full, or the loss diverges.
    """
    device = choose_device(job.compute.device)
    with ultralytics(job.work.parents[1]):
        state, notice = load_state(job.work)
        if notice:
            job.notify(notice)
        if state is not None:
            job.notify(f"training goes on after epoch {state.epoch} of {job.train.epochs}")
        batches = math.ceil(len(job.data.train.pictures) / min(job.train.batch, len(job.data.train.pictures)))
        done = batches * state.epoch if state else 0
        with Progress("train", total=batches * job.train.epochs, unit="batches", done=done) as progress:
            return _train(job, device, state, progress)


def _train(job: Job, device: str, state: State | None, progress: Progress) -> Trained:
    from dataclasses import replace

    from stages.train.trainer import BEST, EpochTrainer, epochs_of

    def on_epoch(epoch: Epoch) -> None:
        progress.note(describe(epoch, job.train.epochs))
        job.on_epoch(epoch)

    for epoch in epochs_of(state) if state else ():
        job.on_epoch(epoch)
    if state is not None and state.stopped:
        epochs, best, transfer = epochs_of(state), state.best_epoch, state.transfer
    else:
        with _sentences(job):
            trainer = EpochTrainer(replace(job, on_epoch=on_epoch), device, state, progress)
            trainer.train()
        epochs, best, transfer = trainer.finished_epochs, trainer.best_epoch, trainer.transfer
    return Trained(
        weights=job.work / BEST,
        epochs=tuple(epochs),
        best_epoch=best,
        transfer=Transfer(*transfer) if transfer else None,
        device=device_name(device),
    )


def describe(epoch: Epoch, total: int) -> str:
    """One line about an epoch."""
    figures = epoch.figures
    losses = ", ".join(f"{key.removeprefix('train/')} {value:.3f}" for key, value in figures.items() if "train/" in key)
    return f"epoch {epoch.number} of {total}: {losses}, AP50 {figures.get('val/ap50', 0):.3f} on validation frames"


def choose_device(wanted: str) -> str:
    """``cpu`` or ``0``, the first GPU that is visible.

    Raises:
        TrainingError: when a GPU was asked for and there is none.
    """
    import torch

    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if not torch.cuda.is_available():
        raise TrainingError(
            "compute.device=cuda, but torch sees no GPU here; check the driver or set compute.device=auto"
        )
    return "0"


def device_name(device: str) -> str:
    """How people call it."""
    import torch

    return "cpu" if device == "cpu" else str(torch.cuda.get_device_name(0))


@contextmanager
def _sentences(job: Job) -> Iterator[None]:
    """Turn what goes wrong at the user's end into sentences."""
    try:
        yield
    except MemoryError:
        raise TrainingError(_memory(job)) from None
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise TrainingError(
            f"the disk of '{job.work}' is full; make room and run it again, it goes on after the last finished epoch"
        ) from error
    except RuntimeError as error:
        text = str(error).lower()
        if any(words in text for words in MEMORY):
            raise TrainingError(_memory(job)) from error
        if "dataloader worker" in text:
            raise TrainingError(
                f"a data loading process died ({str(error).splitlines()[0]}); lower train.workers={job.train.workers}"
            ) from error
        if "froze the entire model" in text:
            raise TrainingError(f"train.freeze={job.train.freeze} leaves no layer to train; lower it") from error
        raise


def _memory(job: Job) -> str:
    return (
        f"memory ran out with train.batch={job.train.batch} at model.input_size={job.model.input_size}; "
        "lower one of them"
    )
