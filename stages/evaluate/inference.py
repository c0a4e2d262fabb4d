"""Running a detector over labelled pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stages.common.detection import Detections, Detector, Matches, match, read_picture
from stages.common.errors import InputError
from stages.common.progress import Progress
from stages.evaluate.truth import LabelledPicture, LabelledSet

LEAST_SCORE = 0.001
"""Score below which detections do not enter the average precision (Ultralytics' ``val`` does the same)."""

MATCH_IOU = 0.5
"""Overlap that makes a hit where precision, recall and F1 are counted."""


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


def detect_set(detector: Detector, labelled: LabelledSet) -> tuple[list[PictureResult], list[str]]:
    """Find and match the objects of a set.

    Returns:
        One result for each picture, and a sentence for each that cannot be used, since it is damaged or not of the size
        that the boxes refer to.
    """
    results, unusable = [], []
    with Progress(f"evaluate {labelled.name}", total=len(labelled.pictures), unit="pictures") as progress:
        for picture in labelled.pictures:
            try:
                pixels = read_picture(picture.path)
            except InputError as error:
                unusable.append(str(error))
                continue
            if pixels.shape[:2] != (picture.height, picture.width):
                found, wanted = f"{pixels.shape[1]}x{pixels.shape[0]}", f"{picture.width}x{picture.height}"
                unusable.append(f"'{picture.path}' is {found} where its labels are for {wanted}; get the original")
                continue
            results.append(match_picture(picture, detector.detect(pixels, LEAST_SCORE), labelled.scored))
            progress.advance()
    return results, unusable


def match_picture(picture: LabelledPicture, detections: Detections, scored: tuple[int, ...]) -> PictureResult:
    """Match the detections of the classes that count."""
    counts = np.isin(detections.classes, scored)
    kept = Detections(detections.xyxy[counts], detections.scores[counts], detections.classes[counts])
    return PictureResult(picture, kept, match(kept, picture.truth, MATCH_IOU))
