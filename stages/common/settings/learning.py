"""Settings of what is learnt and measured: model, train, compute, real."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stages.common.settings.base import ClassName, Group


class Model(Group):
    """The detector.

    Attributes:
        name: of this group file.
        architecture: an Ultralytics detection model.
        weights: ``pretrained`` (downloaded; from scratch with a notice when it cannot be had), ``scratch``,
            or the path of a ``.pt`` file to start from.
        input_size: side of the square network input in pixels, a multiple of 32.
        main_class: class whose F1 on the validation frames decides the operating threshold, or ``all`` together.
    """

    name: str
    architecture: Literal["yolov8n", "yolov8s", "yolo11n", "yolo11s", "yolo26n"]
    weights: str = "pretrained"
    input_size: int = Field(640, ge=64, le=2048, multiple_of=32)
    main_class: ClassName | Literal["all"] = "all"


class Train(Group):
    """The training run.

    Attributes:
        epochs: passes over the training frames.
        batch: pictures a step.
        learning_rate: initial learning rate; 0 lets Ultralytics choose rate and optimizer.
        optimizer: used when ``learning_rate`` is given.
        patience: epochs without gain before training stops.
        freeze: number of leading layers kept as they start.
        augment: Ultralytics augmentation settings by name (mosaic, hsv_h, degrees, ...).
        workers: data loading processes.
        seed: of weights and augmentation.
        resume: go on from the last checkpoint of an interrupted run with the same settings.
    """

    name: str
    epochs: int = Field(ge=1, le=10_000)
    batch: int = Field(8, ge=1, le=4096)
    learning_rate: float = Field(0.0, ge=0, lt=1)
    optimizer: Literal["SGD", "AdamW"] = "AdamW"
    patience: int = Field(100, ge=1)
    freeze: int = Field(0, ge=0)
    augment: dict[str, float] = Field({})
    workers: int = Field(2, ge=0, le=64)
    seed: int = Field(0, ge=0)
    resume: bool = True


class Compute(Group):
    """Where training runs.

    Attributes:
        target: ``local``.
        device: ``auto`` takes a GPU when there is one.
    """

    name: str
    target: Literal["local"] = "local"
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Real(Group):
    """Real photographs that the model is measured on, and never trained on.

    Attributes:
        name: of the set in the report; ``none`` measures nothing real.
        root: folder under which LOCO's ``dataset/subset-N`` lies; empty: fetched into ``data/real/NAME``.
        annotations: COCO file; relative paths are looked up in ``root``, then in the repository.
        source: address of the folder that the photographs are fetched from; empty: nothing is fetched.
        checksums: ``sha256sum`` list of the photographs, a path in the repository.
    """

    name: str
    root: str = ""
    annotations: str = ""
    source: str = ""
    checksums: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Real:
        if self.name != "none" and not self.annotations:
            raise ValueError("real.annotations is empty: name a COCO file, or choose real=none")
        return self
