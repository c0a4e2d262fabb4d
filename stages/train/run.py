"""From a data set to a model: train, export, choose the threshold, and keep how it went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from stages.common.checkout import main_checkout
from stages.common.files import atomic_write, write_json
from stages.common.mlflow_store import ignored_folder
from stages.common.settings.aws import Aws
from stages.common.settings.learning import Compute, Model, Train
from stages.common.settings.platform import Storage, Tracking
from stages.common.tracking import RunLogger, open_run
from stages.train.augment import augmentations
from stages.train.checkpoints import key_of, work_folder
from stages.train.contract import tracked_figures
from stages.train.curves import write_curves, write_epochs
from stages.train.data import YoloData, read_data
from stages.train.export import Exported, export_model
from stages.train.registry import find_trainer
from stages.train.types import Epoch, Job, Trained
from stages.train.weights import Weights, find_weights

FRAMES = "data/frames"
"""The out whose version is the data revision."""


@dataclass(frozen=True)
class Outcome:
    """What came of a training.

    Attributes:
        content: of ``training.json``.
        out: folder that it lies in.
    """

    content: Mapping[str, Any]
    out: Path

    def summary(self) -> str:
        """One line for the user."""
        content = self.content
        best = content["epochs"][content["best_epoch"] - 1]
        return (
            f"train: {content['architecture']} in {self.out}, best of {len(content['epochs'])} epochs is "
            f"{content['best_epoch']} with AP50 {best.get('val/ap50', 0):.3f} on validation frames; "
            f"threshold {content['threshold']:.3f}, F1 {content['operating_point']['f1']:.3f}"
        )


def train_detector(
    dataset: Path,
    out: Path,
    *,
    model: Model,
    train: Train,
    compute: Compute,
    tracking: Tracking,
    project: Path,
    storage: Storage | None = None,
    aws: Aws | None = None,
    run: RunLogger | None = None,
    submit: bool = True,
) -> Outcome:
    """Train a detector and write ``best.pt``, ``best.onnx`` and ``training.json``.

    An interrupted call with the same settings and data is gone on with. What was in ``out`` stays as it was until the
    new model is complete.

    Args:
        dataset: folder with ``data.yaml`` that ``python -m stages.convert`` wrote.
        out: folder to write into.
        model: settings of the network.
        train: settings of the run.
        compute: where it runs.
        tracking: where it is logged.
        project: top of the repository, where ``.cache`` and ``dvc.lock`` lie.
        storage: where a remote job's files lie.
        aws: the account of a remote job.
        run: to log into; None opens one, as ``tracking`` says, which an interrupted training goes on with.
        submit: whether a remote job may be made; False follows one that is there, or fails.

    Raises:
        SettingsError: when an augmentation is unknown or out of range.
        InputError: when the data set or the starting weights are missing or damaged.
        TrainingError: when training cannot start or go on, or the exported model differs from the trained one.
    """
    augment = augmentations(train.augment)
    trainer = find_trainer(compute.target)
    data = read_data(dataset)
    cache = ignored_folder(project / ".cache")
    # frames of a sweep or a curve are others than those that dvc.lock tells of
    revision = data_revision(project) if dataset.resolve().is_relative_to((project / "data").resolve()) else ""
    weights = find_weights(model, main_checkout(project) / ".cache" / "weights", project)
    if weights.notice:
        notify(weights.notice)
    settings = {"model": model.model_dump(), "train": train.model_dump(), "compute": compute.model_dump()}
    key = key_of(_what_matters(settings) | {"data": data.sha256, "weights": weights.sha256})
    with work_folder(cache / "train", key, fresh=not train.resume) as work:
        with nullcontext(run) if run else _tracked(tracking, project, work, model.name) as run:
            _log_start(run, settings, data, weights, project, revision)
            job = Job(
                *(data, model, train, compute, augment, weights, work),
                on_epoch=lambda epoch: _log_epoch(run, epoch),
                notify=notify,
                storage=storage,
                aws=aws,
                tracking=tracking,
                run=run,
                submit=submit,
            )
            start = time.monotonic()
            trained = trainer(job)
            run.log_metrics({"train/seconds": time.monotonic() - start})
            exported = export_model(
                trained.weights,
                model.input_size,
                out / "best.onnx",
                validate=data.val,
                cache=cache,
                main_class=model.main_class,
                threshold=None if model.threshold == "auto" else model.threshold,
            )
            with atomic_write(out / "best.pt", "wb") as stream:
                stream.write(trained.weights.read_bytes())
            _log_end(run, trained, exported, out, work)
            run.settle()
        content = {
            "run_id": run.run_id,
            "data_revision": revision,
            "data_sha256": data.sha256,
            "settings_sha256": key_of(settings),
            "architecture": model.architecture,
            "names": list(data.names),
            "weights": _about_weights(weights, trained),
            "epochs": [{"epoch": epoch.number, **epoch.figures} for epoch in trained.epochs],
            "best_epoch": trained.best_epoch,
            **_about_export(exported),
            **({"job": dict(trained.about)} if trained.about else {}),
        }
        write_json(out / "training.json", content)
        write_epochs(out / "epochs.csv", trained.epochs)
    return Outcome(content, out)


def notify(text: str) -> None:
    """Tell the user something that is no error."""
    print(f"notice: {text}", file=sys.stderr, flush=True)


def data_revision(project: Path) -> str:
    """Version of the rendered frames, as ``dvc.lock`` has it; empty when it has none."""
    try:
        stages = yaml.safe_load((project / "dvc.lock").read_bytes())["stages"]
        outs = [out for stage in stages.values() for out in stage.get("outs", ())]
        return next(str(out["md5"]) for out in outs if out["path"] == FRAMES)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, StopIteration):
        return ""


@contextmanager
def _tracked(tracking: Tracking, project: Path, work: Path, name: str) -> Iterator[RunLogger]:
    """Log to MLflow, to the same run when an interrupted training is gone on with."""
    note = work / "run.json"
    try:
        before = str(json.loads(note.read_bytes())["run_id"])
    except (OSError, ValueError, KeyError, TypeError):
        before = ""
    opened: list[RunLogger] = []
    journal = work / "journal.jsonl"
    try:
        with open_run(tracking, project, name=name, run_id=before, journal=journal, notify=notify) as run:
            opened.append(run)
            write_json(note, {"run_id": run.run_id})
            yield run
    finally:
        with suppress(OSError):  # at its end the run may have moved to another store
            write_json(note, {"run_id": opened[0].run_id if opened else before})


def _what_matters(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings that a checkpoint depends on, with the versions of what computes it."""
    ignored = {"name", "resume", "workers", "target", "weights", "emulator", "sagemaker"}
    kept = {group: {k: v for k, v in values.items() if k not in ignored} for group, values in settings.items()}
    return kept | {package: version(package) for package in ("torch", "ultralytics-opencv-headless")}


def _log_start(
    run: RunLogger, settings: Mapping[str, Any], data: YoloData, weights: Weights, project: Path, revision: str
) -> None:
    run.log_params(settings)
    run.log_metrics({"train/pictures": len(data.train.pictures), "val/pictures": len(data.val.pictures)})
    run.log_tags(
        {
            "git.commit": _commit(project),
            "dvc.experiment": os.environ.get("DVC_EXP_NAME", ""),
            "data.revision": revision,
            "data.sha256": data.sha256,
            "weights.origin": weights.origin,
            "weights.sha256": weights.sha256,
            "weights.notice": weights.notice,
            **{package: version(package) for package in ("torch", "ultralytics-opencv-headless", "onnxruntime")},
        }
    )
    run.log_dataset("frames", revision or data.sha256, FRAMES, "training")


def _log_epoch(run: RunLogger, epoch: Epoch) -> None:
    run.log_metrics(tracked_figures(epoch), epoch.number, epoch.time)


def _log_end(run: RunLogger, trained: Trained, exported: Exported, out: Path, work: Path) -> None:
    about = _about_export(exported)
    run.log_tags({"device": trained.device})
    run.log_metrics({"train/best_epoch": trained.best_epoch, "train/threshold": about["threshold"]})
    run.log_metrics({f"val/chosen_{name}": value for name, value in about["operating_point"].items()})
    run.log_metrics({f"train/parity_{name}": value for name, value in about["parity"].items()})
    write_curves(work / "curves", trained.epochs, exported.curve)
    run.log_artifact(work / "curves", "curves")
    run.log_image(work / "curves" / "curves.png", "curves")
    run.log_artifact(out / "best.pt", "weights")
    run.log_onnx(exported.path, "detector")


def _about_export(exported: Exported) -> dict[str, Any]:
    point = exported.point
    return {
        "threshold": point.threshold,
        "operating_point": {name: round(getattr(point, name), 5) for name in ("precision", "recall", "f1")},
        "parity": exported.parity.as_json(),
    }


def _about_weights(weights: Weights, trained: Trained) -> dict[str, Any]:
    about: dict[str, Any] = {"origin": weights.origin, "sha256": weights.sha256, "notice": weights.notice}
    if trained.transfer is not None:
        about |= {"tensors_taken": trained.transfer.taken, "tensors": trained.transfer.total}
    return about


def _commit(project: Path) -> str:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
