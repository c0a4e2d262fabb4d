"""What is served: a model with all that is needed to use it right, checked by its sums."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.common.detection.detector import MAX_DETECTIONS, NMS_IOU, PADDING, Detector
from stages.common.errors import InputError
from stages.common.files import sha256_of, write_json

MODEL = "model.onnx"
SETTINGS = "bundle.json"
LABELS = "labels.txt"
CARD = "README.md"
REFERENCE = "reference.json"
SUMS = "SHA256SUMS"
VERSION = 1
"""Of the bundle's layout."""

REMAKE = "make it again with python -m stages.deploy"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Serving(_Part):
    """Limits of the service.

    Attributes:
        queue: requests that may wait for each inference thread before 503 is answered.
        max_body_mb: largest request body in MiB.
        max_pixels: largest picture, width times height.
    """

    queue: int = Field(3, ge=1)
    max_body_mb: float = Field(6, gt=0)
    max_pixels: int = Field(40_000_000, ge=1)


class Preprocessing(_Part):
    """From a picture to the network's input, as ``Detector`` does it; written down for other runtimes."""

    orientation: str = "EXIF orientation is applied: boxes are in the upright picture"
    resize: str = "letterbox: scaled by one factor to fit, bilinear, centred"
    padding: int = PADDING
    colour: str = "RGB"
    scale: str = "1/255"
    layout: str = "NCHW"


class Postprocessing(_Part):
    """From the network's output to boxes, as ``Detector`` does it; written down for other runtimes."""

    threshold: float
    suppression_iou: float = NMS_IOU
    max_detections: int = MAX_DETECTIONS


class Settings(_Part):
    """``bundle.json``."""

    version: int
    model_sha256: str
    names: tuple[str, ...]
    input_size: tuple[int, int]
    preprocessing: Preprocessing
    postprocessing: Postprocessing
    serving: Serving
    training: dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """A checked bundle.

    Attributes:
        folder: where it lies.
        settings: all that is known of it.
    """

    folder: Path
    settings: Settings

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.folder / MODEL


def pack(model: Path, folder: Path, serving: Serving, reference: dict[str, Any] | None = None) -> Bundle:
    """Write a bundle, whole or not at all; the same model and limits give the same bytes.

    Args:
        model: ONNX file with the metadata that :class:`~stages.common.detection.Detector` needs.
        folder: of the bundle; what is there is replaced.
        serving: limits of the service.
        reference: histograms for the drift job; None leaves them out.

    Raises:
        InputError: when the model is missing or no detector.
    """
    detector = Detector(model, threads=1)
    settings = Settings(
        version=VERSION,
        model_sha256=sha256_of(model),
        names=detector.names,
        input_size=detector.input_size,
        preprocessing=Preprocessing(),
        postprocessing=Postprocessing(threshold=detector.threshold),
        serving=serving,
        training=_training(model.parent / "training.json"),
    )
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        shutil.copyfile(model, partial / MODEL)
        write_json(partial / SETTINGS, settings.model_dump(mode="json"))
        (partial / LABELS).write_text("".join(f"{name}\n" for name in settings.names))
        if reference is not None:
            write_json(partial / REFERENCE, reference)
        (partial / CARD).write_text(_card(settings))
        sums = [f"{sha256_of(path)}  {path.name}\n" for path in sorted(partial.iterdir())]
        (partial / SUMS).write_text("".join(sums))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Bundle(folder, settings)


def open_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every file by its sum.

    Raises:
        InputError: when it is missing, incomplete, or a file is not what it was.
    """
    try:
        lines = (folder / SUMS).read_text().splitlines()
    except OSError:
        raise InputError(f"'{folder}' is no bundle, it has no {SUMS}: {REMAKE}") from None
    for line in lines:
        expected, _, name = line.partition("  ")
        path = folder / Path(name).name
        if not path.is_file():
            raise InputError(f"'{path}' is missing: {REMAKE}")
        if sha256_of(path) != expected:
            raise InputError(f"'{path}' is not what it was when the bundle was made: {REMAKE}")
    try:
        settings = Settings.model_validate_json((folder / SETTINGS).read_bytes())
    except (OSError, ValidationError):
        raise InputError(f"'{folder / SETTINGS}' is not this version's: {REMAKE}") from None
    if settings.version != VERSION:
        raise InputError(f"'{folder}' is a bundle of version {settings.version}, not {VERSION}: {REMAKE}")
    return Bundle(folder, settings)


def _training(path: Path) -> dict[str, str]:
    """What tells where the model comes from, as far as training wrote it down beside it."""
    try:
        known: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    wanted = ("run_id", "data_revision")
    return {key: known[key] for key in wanted if isinstance(known, dict) and isinstance(known.get(key), str)}


def _card(settings: Settings) -> str:
    width, height = settings.input_size
    origin = "".join(f"- {key.replace('_', ' ')}: `{value}`\n" for key, value in settings.training.items())
    return f"""# Warehouse object detector

An object detection model in ONNX, trained on rendered pictures.

- classes: {", ".join(settings.names)}
- input: {width}x{height} pixels, RGB, letterboxed (`{SETTINGS}` has every step)
- operating threshold: {settings.postprocessing.threshold:g}
- SHA-256 of `{MODEL}`: `{settings.model_sha256}`
{origin}
It finds these classes in warehouse scenes and nothing else. Measure it on photographs of the place where it will
work before anything depends on it. It is not made for decisions about the safety of people.

Serve it with `python -m stages.deploy serve --bundle FOLDER`; `sha256sum --check {SUMS}` tells whether it is whole.
"""
