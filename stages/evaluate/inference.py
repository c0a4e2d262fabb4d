"""Running a detector over labelled pictures, or taking what it said before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stages.common.detection as detection_code
from stages.common.detection import Detections, Detector, Matches, match, read_picture
from stages.common.errors import InputError
from stages.common.files import sha256_of
from stages.common.progress import Progress
from stages.evaluate.cache import Arrays, Cache, code_digest
from stages.evaluate.truth import LabelledPicture, LabelledSet

LEAST_SCORE = 0.001
"""Score below which detections do not enter the average precision (Ultralytics' ``val`` does the same)."""

MATCH_IOU = 0.5
"""Overlap that makes a hit where precision, recall and F1 are counted."""

HERE = "<path>"
"""Stands for a picture's path in kept sentences: the same file may lie elsewhere in another checkout."""

Picture = NDArray[np.uint8]
Look = Callable[[Picture], Detections]
"""From a picture (H, W, 3) BGR to what is in it."""


@dataclass(frozen=True)
class PictureResult:
    """What a model found in a labelled picture, and what of it is right.

    Attributes:
        picture: with its truth.
        detections: of the classes that count, down to :data:`LEAST_SCORE`, best first.
        matches: of all of them at :data:`MATCH_IOU`; those above any threshold are matched the same.
    """

    picture: LabelledPicture
    detections: Detections
    matches: Matches


@dataclass(frozen=True)
class Model:
    """A detector and where its answers are kept."""

    detector: Detector
    cache: Cache = field(default_factory=lambda: Cache(None))

    @cached_property
    def digest(self) -> str:
        """Of the weights, of the code between file and boxes, and of the runtime."""
        import onnxruntime

        folder = Path(detection_code.__file__).parent
        code = code_digest(folder / "detector.py", folder / "pictures.py", Path(__file__))
        return f"{sha256_of(self.detector.path)} {code} {onnxruntime.__version__}"


def picture_digest(pictures: Sequence[LabelledPicture]) -> str:
    """Digest of the content and sizes of pictures, in their order; neither truth nor folder is part of it."""
    total = hashlib.sha256()
    for picture in pictures:
        try:
            content = sha256_of(picture.path)
        except OSError:
            content = "unreadable"
        total.update(f"{content} {picture.width}x{picture.height}\n".encode())
    return total.hexdigest()


def detect_set(model: Model, labelled: LabelledSet) -> tuple[list[PictureResult], list[str]]:
    """Find and match the objects of a set.

    Returns:
        One result for each picture, and a sentence for each that cannot be used, since it is damaged or not of the size
        that the boxes refer to.
    """
    detector = model.detector

    def look(pixels: Picture) -> Detections:
        return detector.detect(pixels, LEAST_SCORE)

    found, unusable = detect_pictures(model, labelled.pictures, f"evaluate {labelled.name}", "as it is", look)
    pairs = zip(labelled.pictures, found, strict=True)
    return [match_picture(picture, boxes, labelled.scored) for picture, boxes in pairs if boxes is not None], unusable


def detect_pictures(
    model: Model, pictures: Sequence[LabelledPicture], title: str, manner: str, look: Look
) -> tuple[list[Detections | None], list[str]]:
    """What a model finds in pictures, from the cache where it was asked before.

    Args:
        model: that is asked.
        pictures: in order.
        title: of the progress line.
        manner: names ``look`` in the cache.
        look: asks the model about one picture.

    Returns:
        Detections of each picture, None for those that cannot be used, and a sentence for each of those.
    """

    def make() -> Arrays:
        answers, sentences = [], []
        with Progress(title, total=len(pictures), unit="pictures") as progress:
            for picture in pictures:
                pixels, sentence = usable_pixels(picture)
                sentences.append(sentence.replace(str(picture.path), HERE))
                answers.append(_nothing() if pixels is None else look(pixels))
                progress.advance()
        return _packed(answers, sentences)

    kept = model.cache.arrays("detections", (model.digest, manner, picture_digest(pictures)), make)
    texts = zip(kept["unusable"], pictures, strict=True)
    sentences = [str(text).replace(HERE, str(picture.path)) for text, picture in texts]
    found = [None if text else boxes for boxes, text in zip(_unpacked(kept), sentences, strict=True)]
    return found, [text for text in sentences if text]


def usable_pixels(picture: LabelledPicture) -> tuple[Picture | None, str]:
    """A picture's pixels and an empty text, or None and why it cannot be used."""
    try:
        pixels = read_picture(picture.path)
    except InputError as error:
        return None, str(error)
    if pixels.shape[:2] != (picture.height, picture.width):
        found, wanted = f"{pixels.shape[1]}x{pixels.shape[0]}", f"{picture.width}x{picture.height}"
        return None, f"'{picture.path}' is {found} where its labels are for {wanted}; get the original"
    return pixels, ""


def match_picture(picture: LabelledPicture, detections: Detections, scored: Sequence[int]) -> PictureResult:
    """Match the detections of the classes that count."""
    counts = np.isin(detections.classes, scored)
    kept = Detections(detections.xyxy[counts], detections.scores[counts], detections.classes[counts])
    return PictureResult(picture, kept, match(kept, picture.truth, MATCH_IOU))


def _nothing() -> Detections:
    return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


def _packed(answers: Sequence[Detections], sentences: Sequence[str]) -> Arrays:
    everything = [_nothing(), *answers]
    return {
        "count": np.asarray([len(item) for item in answers], np.int64),
        "xyxy": np.concatenate([item.xyxy for item in everything]),
        "scores": np.concatenate([item.scores for item in everything]),
        "classes": np.concatenate([item.classes for item in everything]),
        "unusable": np.asarray(sentences, np.str_),
    }


def _unpacked(kept: Arrays) -> list[Detections]:
    ends = np.cumsum(kept["count"])
    columns: list[Any] = [np.split(kept[name], ends)[:-1] for name in ("xyxy", "scores", "classes")]
    return [Detections(*row) for row in zip(*columns, strict=True)]
