"""Settings of what is learnt and measured: model, train, compute, real, evaluate, gate."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.common.settings.base import ClassName, Group
from stages.common.settings.emulator import Emulator
from stages.common.settings.jobs import TrainingJobs

SLICED = (
    *("class", "box_height", "aspect_ratio", "occlusion", "truncation", "distance"),
    *("scenario", "site", "camera", "brightness", "blur"),
)
"""What sets are cut into slices by, besides ``drawn.NAME``, a value that randomisation drew."""


class Model(Group):
    """The detector.

    Attributes:
        name: of this group file.
        architecture: an Ultralytics detection model.
        weights: ``pretrained`` (downloaded; from scratch with a notice when it cannot be had), ``scratch``,
            or the path of a ``.pt`` file to start from.
        input_size: side of the square network input in pixels, a multiple of 32.
        main_class: class whose F1 on the validation frames decides the operating threshold, or ``all`` together.
        threshold: operating threshold; ``auto`` chooses it on the validation frames, which takes some hundred objects.
    """

    name: str
    architecture: Literal["yolov8n", "yolov8s", "yolo11n", "yolo11s", "yolo26n"]
    weights: str = "pretrained"
    input_size: int = Field(640, ge=64, le=2048, multiple_of=32)
    main_class: ClassName | Literal["all"] = "all"
    threshold: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = "auto"


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
        target: ``local`` trains here; ``sagemaker-local`` in a container's surroundings, here; ``sagemaker`` in AWS.
        device: ``auto`` takes a GPU when there is one.
        emulator: of ``sagemaker-local``.
        sagemaker: the job there.
    """

    name: str
    target: Literal["local", "sagemaker-local", "sagemaker"] = "local"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    emulator: Emulator = Field(default_factory=Emulator)
    sagemaker: TrainingJobs = Field(default_factory=TrainingJobs)


class RemoteFile(Group):
    """A file of a public set.

    Attributes:
        address: where it is fetched from.
        path: where it goes below the set's folder; for an archive the folder that it holds and that it becomes.
        size: in bytes, exactly; 0: not known, so only its content tells whether it is whole.
        kind: ``zip`` is tested and unpacked, ``coco`` must be a COCO file.
    """

    address: str
    path: str
    size: int = Field(0, ge=0)
    kind: Literal["zip", "coco"]


class RealSet(Group):
    """One set of real photographs that the model is measured on, and never trained on.

    Attributes:
        name: of the set in reports, figures and file names; ``none`` measures nothing real.
        root: folder under which LOCO's ``dataset/subset-N`` lies; empty: fetched into ``data/real/NAME``.
        annotations: COCO file; relative paths are looked up in ``root``, then in the repository.
        source: address of the folder that the photographs are fetched from; empty: nothing is fetched.
        checksums: ``sha256sum`` list of the photographs, a path in the repository.
        training: folders of the set, LOCO's subsets, whose photographs may be trained on and so are never measured on.
        files: archives and annotations that ``python -m stages.evaluate fetch-loco`` gets.
    """

    name: str
    root: str = ""
    annotations: str = ""
    source: str = ""
    checksums: str = ""
    training: list[str] = Field([])
    files: list[RemoteFile] = Field([])

    @model_validator(mode="after")
    def _complete(self) -> RealSet:
        if self.name != "none" and not self.annotations:
            key = "real.annotations" if type(self) is Real else f"annotations of '{self.name}' in real.more"
            raise ValueError(f"{key} is empty: name a COCO file, or choose real=none")
        if not SET_NAME.fullmatch(self.name) or self.name in TAKEN_NAMES:
            raise ValueError(
                f"real.name '{self.name}' cannot name a set: write letters, digits, dots, dashes and underscores, "
                f"and not {' or '.join(TAKEN_NAMES)}"
            )
        return self


SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names that are safe in files, metric names and tables."""

TAKEN_NAMES = ("sim", "real")


class Real(RealSet):
    """The real photographs: one set, and where wanted more of them.

    Attributes:
        more: further sets, each measured and reported under its own name.
    """

    more: list[RealSet] = Field([])

    @model_validator(mode="after")
    def _apart(self) -> Real:
        names = [item.name for item in self.sets]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"real.more repeats the name '{repeated[0]}': give each set a name of its own")
        if any(item.name == "none" for item in self.more):
            raise ValueError("real.more has a set named none: leave it out")
        return self

    @property
    def sets(self) -> tuple[RealSet, ...]:
        """All sets to measure, in order; empty for ``real=none`` without others."""
        return tuple(item for item in (self, *self.more) if item.name != "none")


class Evaluate(Group):
    """How deep the measure goes.

    Attributes:
        resamples: of the bootstrap that gives the 95 % intervals; 0 gives none.
        seed: of the resamples and of samples of pictures.
        scales: input sizes to compare, as multiples of the model's own; above 1 the picture is looked at in windows.
        scale_pictures: pictures of a set, at most, that this is measured on; 0 leaves it out.
        appearance_pictures: pictures of a set, at most, whose look is compared; 0 leaves it out.
    """

    name: str
    resamples: int = Field(1000, ge=0, le=100_000)
    seed: int = Field(0, ge=0)
    scales: list[Annotated[float, Field(ge=0.1, le=4)]] = Field([0.5, 0.75, 1.5])
    scale_pictures: int = Field(15, ge=0)
    appearance_pictures: int = Field(500, ge=0)


class Gate(Group):
    """When a challenger becomes champion.

    Attributes:
        registered_model: its name in MLflow's model registry.
        set: real set that decides; empty: the first, ``real.name``.
        measure: figure that is compared: F1 at each model's own threshold, or AP50.
        margin: that the lower end of the difference's 95 % interval must lie above; 0 asks for surely better.
        slice_limit: largest fall of a slice's figure that is let pass, as a difference.
        slice_limits: other limits by the slices' measure, one of :data:`SLICED` or ``drawn.NAME``, such as
            ``{camera: 0.2}``.
        least_objects: of a slice that is judged; smaller ones move by chance.
        least_pictures: of the set; on fewer, equal models pass too often.
        least_set_objects: of the set.
        floor: that the first champion's figure must reach, since there is none to compare it with.
        resamples: of the bootstrap.
    """

    name: str
    registered_model: str = Field("detector", pattern=r"^[^/:.%\"']+$")
    set: str = ""
    measure: Literal["f1", "ap50"] = "f1"
    margin: float = Field(0.0, ge=0, lt=1)
    slice_limit: float = Field(0.1, ge=0, le=1)
    slice_limits: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field({})
    least_objects: int = Field(30, ge=1)
    least_pictures: int = Field(12, ge=2)
    least_set_objects: int = Field(20, ge=1)
    floor: float = Field(0.1, ge=0, le=1)
    resamples: int = Field(2000, ge=100, le=100_000)

    @model_validator(mode="after")
    def _sliced(self) -> Gate:
        for name in self.slice_limits:
            if name not in SLICED and not name.startswith("drawn."):
                raise ValueError(
                    f"gate.slice_limits names '{name}', by which nothing is sliced: choose from {', '.join(SLICED)} "
                    "and drawn.NAME"
                )
        return self
