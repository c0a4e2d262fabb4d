"""An exported detector on ONNX Runtime: picture in, boxes in the picture's own pixels out. No torch."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import InputError

Floats = NDArray[np.float32]

PADDING = 114
"""Grey of the letterbox's border (Ultralytics ``LetterBox``)."""

NMS_IOU = 0.7
"""Overlap above which the lower-scored of two boxes of one class goes (Ultralytics' default ``iou``)."""

MAX_DETECTIONS = 300
"""Most boxes returned for a picture (Ultralytics' default ``max_det``)."""

MAX_CANDIDATES = 30_000
"""Best-scored boxes that enter non-maximum suppression (Ultralytics' ``max_nms``)."""

CLASS_OFFSET = 7680.0
"""Shift in pixels that keeps boxes of different classes apart during suppression (Ultralytics' ``max_wh``)."""

DEFAULT_THRESHOLD = 0.25
"""Operating threshold of a model whose metadata names none (Ultralytics' default ``conf``)."""


@dataclass(frozen=True)
class Detections:
    """What a detector found in one picture, best score first.

    Attributes:
        xyxy: (N, 4) left, top, right, bottom in picture pixels, clipped to the picture.
        scores: (N,) 0 to 1.
        classes: (N,) index into the model's names.
    """

    xyxy: Floats
    scores: Floats
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> Detections:
        """Those that score more than ``threshold``."""
        keep = self.scores > threshold
        return Detections(self.xyxy[keep], self.scores[keep], self.classes[keep])


@dataclass(frozen=True)
class Letterbox:
    """How a picture lies in the network's input.

    Attributes:
        gain: (x, y) input pixels per picture pixel.
        pad: (left, top) border in input pixels.
    """

    gain: tuple[float, float]
    pad: tuple[int, int]

    def to_picture(self, xyxy: Floats, width: int, height: int) -> Floats:
        """Boxes (N, 4) from input pixels to picture pixels, clipped to the picture."""
        pad = np.array([*self.pad, *self.pad], np.float32)
        gain = np.array([*self.gain, *self.gain], np.float32)
        return np.clip((xyxy - pad) / gain, 0, np.array([width, height, width, height], np.float32))


class Detector:
    """A YOLO detection model exported to ONNX by Ultralytics.

    Attributes:
        path: of the file.
        names: class names in the order of their numbers.
        input_size: (width, height) of the network's input in pixels.
        threshold: operating threshold from the metadata key ``threshold``, or :data:`DEFAULT_THRESHOLD`.
        metadata: all metadata as text.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load a model.

        Args:
            path: ONNX file with a raw head (1, 4 + C, N) or an end-to-end one (1, K, 6).
            threads: of ONNX Runtime; 0 takes all cores.

        Raises:
            InputError: when the file is missing, not an ONNX model, lacks the metadata that Ultralytics' export
                writes, or is no detection model.
        """
        self.path = path
        self._session = _open_session(path, threads)
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.names = _names(self.metadata, path)
        self.threshold = _threshold(self.metadata, path)
        model_input = self._session.get_inputs()[0]
        self._input_name: str = model_input.name
        self._dtype = np.float16 if model_input.type == "tensor(float16)" else np.float32
        self.input_size = _input_size(self.metadata, list(model_input.shape), path)
        self._end_to_end = self._head_is_end_to_end()

    def _head_is_end_to_end(self) -> bool:
        """Tell the two kinds of head apart by the shape of the only output."""
        shapes = [list(output.shape) for output in self._session.get_outputs()]
        if len(shapes) == 1 and len(shapes[0]) == 3:
            if self.metadata.get("end2end") == "True" or shapes[0][2] == 6:
                return True
            if shapes[0][1] == 4 + len(self.names):
                return False
        raise InputError(
            f"model '{self.path}' has outputs of shape {shapes}, not a detector's for its {len(self.names)} names; "
            "export a detection model with `yolo export format=onnx`"
        )

    def detect(self, picture_bgr: NDArray[np.uint8], threshold: float | None = None) -> Detections:
        """Find objects in one picture.

        The picture is letterboxed to the full input size, as ``YOLO.predict(rect=False)`` does it; each box gets its
        best class only; suppression is by class.

        Args:
            picture_bgr: (H, W, 3) uint8, as OpenCV reads it.
            threshold: least score, exclusive; None takes the model's own.

        Raises:
            ValueError: when the array is not such a picture.
        """
        if picture_bgr.ndim != 3 or picture_bgr.shape[2] != 3 or picture_bgr.dtype != np.uint8 or not picture_bgr.size:
            raise ValueError(f"a picture is (H, W, 3) uint8, not {picture_bgr.shape} {picture_bgr.dtype}")
        least = self.threshold if threshold is None else threshold
        tensor, letterbox = self._prepare(picture_bgr)
        output = self._session.run(None, {self._input_name: tensor})[0][0].astype(np.float32)
        found = decode_end_to_end(output, least) if self._end_to_end else decode_raw(output, least)
        height, width = picture_bgr.shape[:2]
        return Detections(letterbox.to_picture(found.xyxy, width, height), found.scores, found.classes)

    def _prepare(self, picture_bgr: NDArray[np.uint8]) -> tuple[NDArray[Any], Letterbox]:
        import cv2

        boxed, letterbox = letterbox_picture(picture_bgr, self.input_size)
        scaled = np.empty((1, 3, *boxed.shape[:2]), np.float32)
        for plane, out in zip(reversed(cv2.split(boxed)), scaled[0], strict=True):
            np.divide(plane, np.float32(255), out=out)
        return scaled.astype(self._dtype, copy=False), letterbox


def letterbox_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> tuple[NDArray[np.uint8], Letterbox]:
    """Scale a picture into ``size`` (width, height), keeping its proportions, centred on grey.

    The rounding is that of Ultralytics' ``LetterBox(auto=False)`` and ``scale_boxes``.
    """
    import cv2

    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    new_width, new_height = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = round((size[0] - new_width) / 2 - 0.1), round((size[1] - new_height) / 2 - 0.1)
    if (new_width, new_height) != (width, height):
        resized = cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    else:
        resized = picture
    boxed = np.full((size[1], size[0], 3), PADDING, np.uint8)
    boxed[top : top + new_height, left : left + new_width] = resized
    return boxed, Letterbox((new_width / width, new_height / height), (left, top))


def decode_raw(output: Floats, threshold: float) -> Detections:
    """Boxes of a raw head in input pixels.

    Args:
        output: (4 + C, N): centre x, centre y, width, height and C class scores of N anchors.
        threshold: least score, exclusive.
    """
    best = output[4:].max(axis=0)
    candidates = np.flatnonzero(best > threshold)
    candidates = candidates[np.argsort(-best[candidates], kind="stable")][:MAX_CANDIDATES]
    x, y, width, height = output[:4, candidates]
    xyxy = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
    classes = output[4:, candidates].argmax(axis=0).astype(np.int64)
    kept = suppress(xyxy + (classes * np.float32(CLASS_OFFSET)).astype(np.float32)[:, None])
    return Detections(xyxy[kept], best[candidates][kept], classes[kept])


def decode_end_to_end(output: Floats, threshold: float) -> Detections:
    """Boxes of an end-to-end head in input pixels.

    Args:
        output: (K, 6): left, top, right, bottom, score, class.
        threshold: least score, exclusive.
    """
    rows = output[output[:, 4] > threshold][:MAX_DETECTIONS]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    return Detections(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64))


def suppress(xyxy: Floats, iou: float = NMS_IOU, most: int = MAX_DETECTIONS) -> NDArray[np.int64]:
    """Greedy non-maximum suppression.

    Args:
        xyxy: (N, 4), best score first.
        iou: a box goes when it overlaps a kept one by more than this.
        most: boxes kept.

    Returns:
        Indices of the boxes kept, in order.
    """
    areas = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    alive = np.arange(len(xyxy))
    kept: list[int] = []
    while len(alive) and len(kept) < most:
        first, alive = int(alive[0]), alive[1:]
        kept.append(first)
        sides = np.minimum(xyxy[first, 2:], xyxy[alive, 2:]) - np.maximum(xyxy[first, :2], xyxy[alive, :2])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        alive = alive[shared <= iou * (areas[first] + areas[alive] - shared)]
    return np.asarray(kept, np.int64)


def _open_session(path: Path, threads: int) -> Any:
    # read at import: without it ONNX Runtime reports usage and writes a device id into the home folder
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    if not path.is_file():
        raise InputError(f"model '{path}' does not exist; train one with `dvc repro train` or correct the path")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no public base
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"'{path}' is not an ONNX model ({reason}); give the exported .onnx file") from None


def _names(metadata: dict[str, str], path: Path) -> tuple[str, ...]:
    try:
        names = ast.literal_eval(metadata["names"])
        ordered = [names[number] for number in range(len(names))]
    except (KeyError, ValueError, SyntaxError, TypeError, IndexError):
        ordered = []
    if not ordered or not all(isinstance(name, str) for name in ordered):
        raise InputError(f"model '{path}' has no class names in its metadata; export it with `yolo export format=onnx`")
    return tuple(ordered)


def _threshold(metadata: dict[str, str], path: Path) -> float:
    text = metadata.get("threshold", str(DEFAULT_THRESHOLD))
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1.0
    if not 0 <= threshold < 1:
        raise InputError(
            f"model '{path}' has the threshold '{text}' in its metadata, not one of 0 to 1; train it again"
        )
    return threshold


def _input_size(metadata: dict[str, str], shape: list[int | str], path: Path) -> tuple[int, int]:
    """(width, height) of the input's fixed shape, or where that is dynamic of ``imgsz``, which is [height, width]."""
    if len(shape) != 4 or shape[1] != 3 or (isinstance(shape[0], int) and shape[0] != 1):
        raise InputError(f"model '{path}' takes {shape}, not one picture of three channels; export it with batch=1")
    if isinstance(shape[2], int) and isinstance(shape[3], int):
        return shape[3], shape[2]
    try:
        sides = ast.literal_eval(metadata["imgsz"])
        height, width = (sides, sides) if isinstance(sides, int) else sides
        return int(width), int(height)
    except (KeyError, ValueError, SyntaxError, TypeError):
        raise InputError(
            f"model '{path}' has no input size in its metadata; export it with `yolo export format=onnx`"
        ) from None
