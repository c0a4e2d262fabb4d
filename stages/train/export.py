"""A checkpoint as ONNX: with its operating threshold, and proof that it answers as the torch model does."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import Detector, OperatingPoint, Truth, best_f1_threshold, match, read_picture
from stages.common.detection.detector import letterbox_picture
from stages.common.detection.matching import precision_recall_f1
from stages.common.errors import InputError, TrainingError
from stages.common.files import atomic_write
from stages.train.compact import halve_weights
from stages.train.data import Part
from stages.train.library import ultralytics

if TYPE_CHECKING:
    import onnx

OPSET = 17
"""ONNX operator set: the oldest that all operators of the supported networks are in, so that old runtimes load it."""

EVERY_CLASS = "all"
"""In place of a class: the threshold is best for all classes together."""

CANDIDATE_SCORE = 0.001
"""Least score of a detection that takes part in the choice of the threshold (Ultralytics' ``conf`` in validation)."""

MATCH_IOU = 0.5
"""Overlap from which a detection is a hit in the choice of the threshold."""

MAX_BOX_DIFFERENCE = 1.0
"""Pixels of the network's input by which a box may differ between ONNX and torch."""

MAX_SCORE_DIFFERENCE = 1e-3
"""By which a score may differ."""

PARITY_PICTURES = 8
"""Pictures on which ONNX and torch are compared."""


@dataclass(frozen=True)
class Parity:
    """How far ONNX and torch are apart.

    Attributes:
        pictures: compared.
        anchors: boxes and scores compared in all of them; every anchor of the network counts, found or not.
        box: largest difference of a box side in pixels.
        score: largest difference of a class score.
    """

    pictures: int
    anchors: int
    box: float
    score: float

    def as_json(self) -> dict[str, float]:
        """For ``training.json``: bounds instead of digits that differ from machine to machine."""
        return {
            "pictures": self.pictures,
            "boxes_within": round(math.ceil(self.box * 100) / 100, 2),
            "scores_within": round(math.ceil(self.score * 1e4) / 1e4, 4),
        }


@dataclass(frozen=True)
class Curve:
    """All detections on the validation pictures, best score first.

    Attributes:
        scores: (N,).
        hits: (N,) which of them are right.
        objects: that there are.
    """

    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    objects: int


NO_DETECTIONS = Curve(np.zeros(0, np.float32), np.zeros(0, bool), 0)


@dataclass(frozen=True)
class Exported:
    """An ONNX model.

    Attributes:
        path: of the file.
        parity: with the torch model.
        curve: detections on the validation pictures; empty without such pictures.
        point: operating point chosen from them; the default threshold without a hit.
    """

    path: Path
    parity: Parity
    curve: Curve
    point: OperatingPoint


def export_model(
    weights: Path,
    input_size: int,
    out: Path,
    *,
    validate: Part | None,
    cache: Path,
    main_class: str = EVERY_CLASS,
    threshold: float | None = None,
    half: bool = False,
) -> Exported:
    """Export a checkpoint for one picture at a time, choose its threshold, and compare it with the original.

    The metadata are Ultralytics' own (``names``, ``imgsz``, ...) and ``threshold``. The same weights give the same
    bytes.

    Args:
        weights: checkpoint of an Ultralytics detector.
        input_size: side of the square input in pixels, a multiple of 32.
        out: ONNX file to write; it appears once it is found right.
        validate: labelled pictures that the threshold is chosen on; without them it is the default, and the models are
            compared on noise.
        cache: folder for Ultralytics' files.
        main_class: class that the threshold is best for; all together when it is ``all``, or not there to be found.
        threshold: operating threshold; without it, it is chosen.
        half: store the weights in half precision once the comparison is done; see :mod:`stages.train.compact`.

    Raises:
        InputError: when the weights are no such checkpoint.
        TrainingError: when ONNX and torch disagree.
    """
    with tempfile.TemporaryDirectory() as folder, ultralytics(cache):
        network = load_network(weights)
        model = _to_onnx(weights, input_size, Path(folder))
        candidate = Path(folder) / "candidate.onnx"
        _save(model, candidate)
        pictures = _some_pictures(validate, input_size)
        parity = compare(network, Detector(candidate), candidate, pictures)
        if half:
            halve_weights(model)
            _save(model, candidate)
        curve = detections_on(Detector(candidate), validate, main_class) if validate else NO_DETECTIONS
        point = operating_point(curve) if threshold is None else point_at(curve, threshold)
        _set_metadata(model, "threshold", repr(point.threshold))
        _save(model, out)
    return Exported(out, parity, curve, point)


def operating_point(curve: Curve) -> OperatingPoint:
    """The threshold with the best F1, rounded to six digits."""
    point = best_f1_threshold(curve.scores, curve.hits, curve.objects)
    return OperatingPoint(round(point.threshold, 6), point.precision, point.recall, point.f1)


def point_at(curve: Curve, threshold: float) -> OperatingPoint:
    """What a given threshold gives."""
    kept = curve.scores > threshold
    hits = int(curve.hits[kept].sum())
    return OperatingPoint(threshold, *precision_recall_f1(hits, int(kept.sum()) - hits, curve.objects))


def detections_on(detector: Detector, part: Part, main_class: str = EVERY_CLASS) -> Curve:
    """Run a detector over labelled pictures and tell which detections are right.

    Args:
        detector: to run.
        part: the pictures.
        main_class: name of the only class that counts; all count when it is ``all``, or no object is of that class.
    """
    number = detector.names.index(main_class) if main_class in detector.names else -1
    scores, hits, classes, objects = [np.zeros(0, np.float32)], [np.zeros(0, bool)], [np.zeros(0, np.int64)], 0
    for path in part.pictures:
        picture = read_picture(path)
        found = detector.detect(picture, CANDIDATE_SCORE)
        truth = _truth(part.label_of(path), picture.shape[1], picture.shape[0])
        scores.append(found.scores)
        hits.append(match(found, truth, MATCH_IOU).hit)
        classes.append(found.classes)
        objects += int((truth.classes == number).sum())
    every, right, of = np.concatenate(scores), np.concatenate(hits), np.concatenate(classes)
    if objects:
        every, right = every[of == number], right[of == number]
    order = np.argsort(-every, kind="stable")
    return Curve(every[order], right[order], objects or part.objects)


def _truth(label: Path, width: int, height: int) -> Truth:
    """Objects of a YOLO label file in picture pixels."""
    lines = label.read_text().splitlines() if label.is_file() else []
    rows = np.array([line.split() for line in lines if line.strip()], np.float64).reshape(-1, 5)
    centre, half = rows[:, 1:3], rows[:, 3:5] / 2
    xyxy = np.concatenate([centre - half, centre + half], axis=1) * np.array([width, height, width, height], float)
    return Truth(xyxy, rows[:, 0].astype(np.int64), np.zeros(len(rows), bool))


def compare(network: Any, detector: Detector, path: Path, pictures: Sequence[NDArray[np.uint8]]) -> Parity:
    """Compare all anchors of the torch network and its ONNX export.

    Args:
        network: torch module that gives (1, 4 + C, N).
        detector: the export, for its input size.
        path: of the export.
        pictures: (H, W, 3) BGR each.

    Raises:
        TrainingError: when they are further apart than a pixel or a thousandth of score.
    """
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    box, score, anchors = 0.0, 0.0, 0
    for picture in pictures:
        boxed, _ = letterbox_picture(picture, detector.input_size)
        planes = np.ascontiguousarray(boxed[:, :, ::-1].transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        ours = session.run(None, {session.get_inputs()[0].name: planes})[0]
        with torch.inference_mode():
            theirs = network(torch.from_numpy(planes))
        difference = np.abs(ours - (theirs[0] if isinstance(theirs, tuple) else theirs).numpy())
        # a side lies half a width from the centre
        box = max(box, float((difference[:, 0:2] + difference[:, 2:4] / 2).max()))
        score = max(score, float(difference[:, 4:].max()))
        anchors += ours.shape[2]
    if not (box <= MAX_BOX_DIFFERENCE and score <= MAX_SCORE_DIFFERENCE):
        raise TrainingError(
            f"the ONNX model differs from the torch model by {box:.3g} pixels and {score:.3g} of score; report it with "
            "the versions of torch, ultralytics and onnxruntime from `pip list`"
        )
    return Parity(len(pictures), anchors, box, score)


def load_network(weights: Path) -> Any:
    """The torch network in full precision on the CPU."""
    from ultralytics.nn.tasks import load_checkpoint

    advice = "give a .pt file of an Ultralytics detector"
    if not weights.is_file():
        raise InputError(f"weights '{weights}' do not exist; {advice}")
    try:
        network, _ = load_checkpoint(weights)
    except Exception as error:  # unpickling raises nearly anything
        raise InputError(f"'{weights}' is not an Ultralytics checkpoint ({type(error).__name__}); {advice}") from error
    if network.task != "detect":
        raise InputError(f"'{weights}' is a model for the task '{network.task}'; {advice}")
    return network


def _to_onnx(weights: Path, input_size: int, folder: Path) -> onnx.ModelProto:
    """Ultralytics' export, less the date."""
    import onnx
    from ultralytics import YOLO

    copy = folder / "weights.pt"
    shutil.copyfile(weights, copy)
    # without simplify, which needs one more package; ONNX Runtime folds the same constants when it loads the model
    path = YOLO(copy).export(format="onnx", imgsz=input_size, opset=OPSET, simplify=False, device="cpu", verbose=False)
    model = onnx.load(path)
    kept = {item.key: item.value for item in model.metadata_props if item.key != "date"}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)
    return model


def _set_metadata(model: onnx.ModelProto, key: str, value: str) -> None:
    item = model.metadata_props.add()
    item.key, item.value = key, value


def _save(model: onnx.ModelProto, path: Path) -> None:
    with atomic_write(path, "wb") as stream:
        stream.write(model.SerializeToString(deterministic=True))


def _some_pictures(part: Part | None, input_size: int) -> list[NDArray[np.uint8]]:
    """Evenly chosen pictures, or noise."""
    if part is None:
        rng = np.random.default_rng(0)
        return [rng.integers(0, 256, (input_size, input_size, 3), np.uint8) for _ in range(2)]
    step = max(len(part.pictures) // PARITY_PICTURES, 1)
    return [read_picture(path) for path in part.pictures[::step][:PARITY_PICTURES]]
