"""Ultralytics' training loop with our own state, so that an epoch depends on the checkpoint and its number alone.

Imports torch and Ultralytics; import it inside :func:`stages.train.library.ultralytics`.

What is ours, and why:

* Each epoch begins with fresh random numbers from (seed, epoch) and a fresh loader. Ultralytics' own depend on how
  the epochs before went, so a resumed run would differ from an uninterrupted one.
* The checkpoint holds the model and its moving average in full precision. Ultralytics' own holds the average alone, in
  half precision, and is written in place, so a kill tears it.
* The optimizer steps after each batch. Ultralytics gathers gradients of 64 pictures and drops what is left at the
  end, so a short run would hardly learn, and a resumed one would step at other times.
* Integrations (MLflow, TensorBoard, ...) are never called; nothing is downloaded for the check of mixed precision.
* A loss that is no number, or memory that runs out, ends the run: going on would quietly train something else.
"""

from __future__ import annotations

import io
import random
import re
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import ultralytics
from ultralytics.engine import trainer as engine
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.torch_utils import ModelEMA

from stages.common.errors import TrainingError
from stages.common.files import atomic_write
from stages.common.progress import Progress
from stages.train.checkpoints import State, save_state
from stages.train.data import make_view
from stages.train.types import Epoch, Job

BEST = "best.pt"
"""Weights of the best epoch so far, in the work folder."""

UNSOUND_AMP = re.compile(r"1660|1650|1630|T400|T550|T600|T1000|T1200|T2000|K40m", re.IGNORECASE)
"""GPUs on which mixed precision gives wrong results (``check_amp`` of Ultralytics 8.4)."""

LEAST_TRANSFER = 0.1
"""Share of a network's tensors that starting weights must fit; a few fit any architecture by chance."""

NAMES = {
    "metrics/precision": "val/precision",
    "metrics/recall": "val/recall",
    "metrics/mAP50": "val/ap50",
    "metrics/mAP50-95": "val/ap50_95",
}
"""Our names for Ultralytics' measures."""


class EpochTrainer(DetectionTrainer):  # type: ignore[misc]
    """Trains a detector; see the module's own description."""

    def __init__(self, job: Job, device: str, state: State | None, progress: Progress) -> None:
        """Prepare.

        Args:
            job: what to train.
            device: ``cpu`` or the number of a GPU.
            state: to go on from.
            progress: advanced by each batch.
        """
        self._job, self._state, self._progress = job, state, progress
        self._best_epoch = self._pipelines = 0
        self.finished_epochs: list[Epoch] = []
        self.transfer: tuple[int, int] | None = None
        super().__init__(overrides=_arguments(job, device))

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch so far."""
        return self._best_epoch

    def run_callbacks(self, event: str) -> None:
        """Do our part at an event, and nobody else's."""
        if event == "on_train_epoch_start":
            self._begin_epoch()
        elif event == "on_train_batch_end":
            self._progress.advance()
        elif event == "on_fit_epoch_end":
            self._job.on_epoch(self.finished_epochs[-1])

    def get_dataset(self) -> dict[str, Any]:
        """Describe the data, seen through a folder in which Ultralytics may write."""
        return make_view(self._job.data, self._job.work / "view")

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = False) -> Any:  # noqa: ARG002
        """Build the network and take over what fits of the starting weights."""
        model = super().get_model(cfg, None, verbose=False)
        if weights is not None:
            model.load(weights, verbose=False)
            given, own = weights.float().state_dict(), model.state_dict()
            taken = sum(name in given and torch.equal(given[name], tensor) for name, tensor in own.items())
            if taken < LEAST_TRANSFER * len(own):
                raise TrainingError(
                    f"only {taken} of {len(own)} tensors of '{self._job.weights.path}' fit "
                    f"model.architecture={self._job.model.architecture}; choose the architecture that it was trained "
                    "with, or model.weights=scratch"
                )
            self.transfer = taken, len(own)
        return model

    def _setup_train(self) -> None:
        with mock.patch.object(engine, "check_amp", _amp_is_sound):
            super()._setup_train()

    def _build_train_pipeline(self) -> None:
        self._pipelines += 1
        if self._pipelines > 1:  # Ultralytics would go on with half the batch
            raise MemoryError
        super()._build_train_pipeline()
        for name, loader in (("train", self.train_loader), ("val", self.test_loader)):
            part = self._job.data.train if name == "train" else self._job.data.val
            if len(loader.dataset) < len(part.pictures):
                raise TrainingError(
                    f"{len(part.pictures) - len(loader.dataset)} of {len(part.pictures)} pictures in '{part.folder}' "
                    "cannot be read as pictures; make them again with `dvc repro convert`"
                )

    def resume_training(self, ckpt: Any) -> None:  # noqa: ARG002
        """Go on from our state instead of Ultralytics' checkpoint."""
        state = self._state
        if state is None:
            return
        self.model.load_state_dict(state.model)
        self.optimizer.load_state_dict(state.optimizer)
        self.scaler.load_state_dict(state.scaler)
        self.ema = ModelEMA(self.model, updates=state.ema_updates)
        self.ema.ema.load_state_dict(state.ema)
        self.stopper.__dict__.update(state.stopper)
        self.best_fitness, self._best_epoch = state.best_fitness, state.best_epoch
        self.finished_epochs = epochs_of(state)
        self.start_epoch = state.epoch
        if getattr(self.model.model[-1], "one2one_cv2", None) is not None:
            # its loss shifts its weights from epoch to epoch (BaseTrainer.resume_training)
            self.model.criterion = self.model.init_criterion()
            self.model.criterion.updates = self.start_epoch - 1
            self.model.criterion.update()

    def _begin_epoch(self) -> None:
        seed = (self.args.seed * 100_003 + self.epoch) % 2**32
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.train_loader.reset()
        self.train_loader.generator.manual_seed(seed)
        dataset = self.train_loader.dataset
        for index in dataset.buffer:  # pictures kept for mosaics
            dataset.ims[index], dataset.im_hw0[index], dataset.im_hw[index] = None, None, None
        dataset.buffer.clear()

    def _handle_nan_recovery(self, epoch: int) -> bool:
        if not (torch.isfinite(self.loss).all() and np.isfinite(self.fitness)):
            rate = self._job.train.learning_rate or self.args.lr0
            raise TrainingError(
                f"the loss is no longer a number in epoch {epoch + 1}; set train.learning_rate below {rate:g}"
            )
        return False

    def save_metrics(self, metrics: dict[str, float]) -> None:
        """Keep the epoch's figures, under our names."""
        figures = {}
        for key, value in metrics.items():
            plain = re.sub(r"\(B\)$", "", key)
            figures[NAMES.get(plain, plain)] = round(float(value), 6)
        self.finished_epochs.append(Epoch(self.epoch + 1, figures))

    def save_model(self) -> bool:
        """Write the weights when they are the best, then the state."""
        if self.fitness == self.best_fitness:
            self._best_epoch = self.epoch + 1
            save_weights(self._job.work / BEST, self.ema.ema, self._job.model.input_size)
        save_state(self._job.work, self._current_state())
        return True

    def _current_state(self) -> State:
        return State(
            epoch=self.epoch + 1,
            stopped=bool(self.stop),
            best_epoch=self._best_epoch,
            best_fitness=float(self.best_fitness),
            model=self.model.state_dict(),
            ema=self.ema.ema.state_dict(),
            optimizer=self.optimizer.state_dict(),
            scaler=self.scaler.state_dict(),
            stopper={key: _plain(value) for key, value in vars(self.stopper).items()},
            ema_updates=self.ema.updates,
            epochs=[{"number": float(epoch.number), **epoch.figures} for epoch in self.finished_epochs],
            transfer=self.transfer,
        )

    def final_eval(self) -> None:
        """Nothing: the best epoch was measured when it was the last, and its weights are stripped already."""


def save_weights(path: Path, model: Any, input_size: int) -> None:
    """Write a network as Ultralytics loads it, in half precision; the same network gives the same bytes.

    Ultralytics' own function also writes the date, the user's paths and the commit.
    """
    plain = deepcopy(model).cpu().to(memory_format=torch.contiguous_format).half().requires_grad_(False)
    plain.criterion = None
    plain.args = {"task": "detect", "imgsz": input_size}
    content = {
        "epoch": -1,
        "best_fitness": None,
        "model": plain,
        "ema": None,
        "updates": None,
        "optimizer": None,
        "train_args": dict(plain.args),
        "version": ultralytics.__version__,
        "license": "AGPL-3.0 (https://ultralytics.com/license)",
        "docs": "https://docs.ultralytics.com",
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_write(path, "wb") as stream:
        stream.write(buffer.getvalue())


def epochs_of(state: State) -> list[Epoch]:
    """The finished epochs of a checkpoint."""
    return [
        Epoch(int(figures["number"]), {key: value for key, value in figures.items() if key != "number"})
        for figures in state.epochs
    ]


def _arguments(job: Job, device: str) -> dict[str, Any]:
    """Ultralytics' settings."""
    train = job.train
    arguments: dict[str, Any] = {
        "task": "detect",
        "mode": "train",
        "model": f"{job.model.architecture}.yaml",
        "pretrained": str(job.weights.path) if job.weights.path else False,
        "data": "data.yaml",
        "imgsz": job.model.input_size,
        "epochs": train.epochs,
        "batch": train.batch,
        "nbs": train.batch,
        "patience": train.patience,
        "freeze": train.freeze or None,
        "workers": train.workers,
        "seed": train.seed,
        "deterministic": True,
        "device": device,
        "amp": device != "cpu",
        "plots": False,
        "verbose": False,
        "save_dir": str(job.work / "run"),
        "exist_ok": True,
        "optimizer": "auto",
    }
    if train.learning_rate:
        arguments |= {"optimizer": train.optimizer, "lr0": train.learning_rate}
        if train.optimizer == "AdamW":  # as Ultralytics sets them when it chooses AdamW itself
            arguments |= {"momentum": 0.9, "warmup_bias_lr": 0.0}
    return arguments | dict(job.augment)


def _amp_is_sound(model: Any) -> bool:
    """Answer Ultralytics' question by the name of the GPU; its own check downloads a model to compare with."""
    device = next(model.parameters()).device
    return device.type == "cuda" and not UNSOUND_AMP.search(torch.cuda.get_device_name(device))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
