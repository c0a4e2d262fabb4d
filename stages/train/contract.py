"""What a client and the training container agree on, wherever the container runs.

channel `training`      the data set, as :mod:`stages.common.channel` packs it
channel `weights`       one .pt file to start from; left out from scratch
hyperparameters         settings as `train.epochs: "3"`, see :func:`hyperparameters`
checkpoints/metrics.jsonl   figures of each epoch, the truth about the run, see :func:`metrics_line`
model.tar.gz            best.pt and trained.json, see :func:`write_result`
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stages.common.errors import SettingsError, TrainingError
from stages.common.files import sha256_of, write_json
from stages.common.settings.base import Group
from stages.common.settings.learning import Compute, Model, Train
from stages.common.settings.messages import sentences
from stages.train.types import Epoch, Trained, Transfer

TRAINING, WEIGHTS = "training", "weights"
"""Names of the channels."""

METRICS = "metrics.jsonl"
"""Of the checkpoints: one line an epoch."""

BEST, RESULT = "best.pt", "trained.json"
"""Files of ``model.tar.gz``."""

NOT_SENT = {"weights", "resume"}
"""Settings of the client alone; the container starts from its channel and resumes whenever it can."""

SHOWN = ("train/box_loss", "train/cls_loss", "val/ap50", "val/ap50_95", "val/precision", "val/recall")
"""Figures that CloudWatch gets by regular expressions over the log."""


class Sent(Group):
    """The settings that a container gets.

    Attributes:
        model, train, compute: groups of the client's settings.
    """

    model: Model
    train: Train
    compute: Compute


def hyperparameters(model: Model, train: Train, compute: Compute) -> dict[str, str]:
    """Settings as SageMaker takes them: flat, each value a string of JSON.

    Args:
        model: the network; the path of its weights is left out.
        train: the run.
        compute: of which only the device is sent.
    """
    groups: dict[str, Group] = {"model": model, "train": train, "compute": compute}
    sent: dict[str, str] = {}
    for name, group in groups.items():
        kept = {"name", "device"} if name == "compute" else set(type(group).model_fields) - NOT_SENT
        values = group.model_dump(mode="json", include=kept)
        sent |= {
            f"{name}.{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
        }
    return sent


def read_hyperparameters(content: Mapping[str, Any]) -> Sent:
    """Settings from ``hyperparameters.json``.

    Keys of other groups, such as those that SageMaker's toolkits add, are passed over; what is missing has its default.

    Raises:
        SettingsError: with one sentence for each mistake.
    """
    groups: dict[str, dict[str, Any]] = {
        "model": {"name": "sent", "architecture": "yolo11n", "weights": "scratch"},
        "train": {"name": "sent", "epochs": 1},
        "compute": {"name": "sent"},
    }
    for key, value in content.items():
        group, dot, field = str(key).partition(".")
        if dot and group in groups:
            groups[group][field] = _value(value)
    try:
        return Sent.model_validate(groups)
    except ValidationError as error:
        raise SettingsError(*(f"hyperparameter {text}" for text in sentences(error, Sent))) from None


def _value(value: Any) -> Any:
    """SageMaker's values are strings; others may come from a test's hand."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def metrics_line(epoch: Epoch) -> str:
    """One line of ``metrics.jsonl``, with its end: ``{"step": 3, "time": 1760000000000, "values": {...}}``."""
    content = {"step": epoch.number, "time": epoch.time, "values": dict(epoch.figures)}
    return json.dumps(content, sort_keys=True) + "\n"


def tracked_figures(epoch: Epoch) -> dict[str, float]:
    """Figures under their names in MLflow, whose charts are grouped by what stands before the slash."""
    return {name.replace("lr/", "train/learning_rate_"): value for name, value in epoch.figures.items()}


def read_metrics(content: bytes) -> list[Epoch]:
    """Epochs from the bytes of ``metrics.jsonl``, in order; a torn last line is left for later.

    Where an epoch was done twice, the later one counts. Each has the moment at which it ended, so logging it to MLflow
    again changes nothing.
    """
    found: dict[int, Epoch] = {}
    whole, _, _ = content.rpartition(b"\n")
    for line in whole.splitlines():
        try:
            value = json.loads(line)
            values = {str(key): float(figure) for key, figure in value["values"].items()}
            found[int(value["step"])] = Epoch(int(value["step"]), values, int(value["time"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return [found[number] for number in sorted(found)]


def log_line(epoch: Epoch) -> str:
    """What the log says of an epoch; :func:`metric_definitions` reads it."""
    return f"epoch={epoch.number} " + " ".join(f"{name}={value:.6g}" for name, value in sorted(epoch.figures.items()))


def metric_definitions() -> list[dict[str, str]]:
    """``AlgorithmSpecification.MetricDefinitions`` of CreateTrainingJob: names as in MLflow, regular expressions."""
    return [{"Name": name, "Regex": rf"epoch=\d+ .*\b{re.escape(name)}=([0-9.eE+-]+)"} for name in SHOWN]


def write_result(folder: Path, trained: Trained, data_sha256: str, *, finished: bool = True) -> None:
    """Write what becomes ``model.tar.gz``: the weights first, then ``trained.json``, which has their sum.

    Args:
        folder: ``/opt/ml/model``.
        trained: with weights that lie elsewhere.
        data_sha256: of the data set, as :func:`stages.train.data.read_data` has it.
        finished: False when the job was stopped before its last epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BEST).write_bytes(trained.weights.read_bytes())
    content = {
        "weights_sha256": sha256_of(folder / BEST),
        "data_sha256": data_sha256,
        "epochs": [{"epoch": epoch.number, **epoch.figures} for epoch in trained.epochs],
        "best_epoch": trained.best_epoch,
        "transfer": [trained.transfer.taken, trained.transfer.total] if trained.transfer else None,
        "device": trained.device,
        "finished": finished,
    }
    write_json(folder / RESULT, content)


def read_result(folder: Path, data_sha256: str = "") -> Trained:
    """Read and check what :func:`write_result` wrote.

    Args:
        folder: that ``model.tar.gz`` was unpacked in.
        data_sha256: of the data set that was sent; empty: not compared.

    Raises:
        TrainingError: when it is incomplete, damaged, unfinished, or of another data set.
    """
    try:
        content = json.loads((folder / RESULT).read_bytes())
        epochs = tuple(Epoch(int(item.pop("epoch")), item) for item in content["epochs"])
        transfer = Transfer(*content["transfer"]) if content["transfer"] else None
        trained = Trained(folder / BEST, epochs, int(content["best_epoch"]), transfer, str(content["device"]))
        whole = sha256_of(folder / BEST) == content["weights_sha256"]
        finished, trained_on = bool(content["finished"]), str(content["data_sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise TrainingError(
            f"'{folder}' is not what a training job leaves; train again with `dvc repro train`"
        ) from None
    if not whole:
        raise TrainingError(f"'{folder / BEST}' is damaged, its sum is another; train again with `dvc repro train`")
    if not finished:
        raise TrainingError(
            f"the job was stopped after epoch {len(epochs)}; go on with `dvc repro train`, or give it more time"
        )
    if data_sha256 and trained_on != data_sha256:
        raise TrainingError("the job trained on another data set than this; train again with `dvc repro train`")
    return trained
