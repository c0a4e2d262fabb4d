"""Does the service answer as the model does?"""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stages.common.detection.detector import Detector
from stages.common.errors import InputError, ServiceError
from stages.deploy.answer import ATTRIBUTES, answer
from stages.deploy.bundle import Bundle
from stages.deploy.picture import PictureError, decode_upright

TOLERANCE = 1e-6
"""Largest difference of a box in pixels or of a score; the same code on the same machine differs by nothing."""

LOW_THRESHOLD = 0.01
"""Asked for besides the model's own, so that a weak model is compared on some boxes too."""

SECONDS = 60
"""To wait for an answer; SageMaker waits no longer either."""


@dataclass(frozen=True)
class Parity:
    """How the service compares with the model in this process.

    Attributes:
        pictures: that were sent.
        detections: at the model's own threshold.
        detections_low: at :data:`LOW_THRESHOLD`.
        box_difference: largest, in pixels.
        score_difference: largest.
        service: what else the receipt says of the service that was asked.
    """

    pictures: int
    detections: int
    detections_low: int
    box_difference: float
    score_difference: float
    service: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain values."""
        return {key: value for key, value in asdict(self).items() if key != "service"}


def choose(folder: Path, count: int) -> list[Path]:
    """Up to ``count`` pictures, spread evenly over those in ``folder`` by name.

    Raises:
        InputError: when there are none.
    """
    pictures = sorted(path for path in folder.glob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not pictures:
        raise InputError(f"there are no pictures in '{folder}' to check the service with: make them with dvc repro")
    count = min(count, len(pictures))
    return [pictures[index * len(pictures) // count] for index in range(count)]


def compare(url: str, bundle: Bundle, model: Path, pictures: Sequence[Path]) -> Parity:
    """Send pictures to a service and compare its answers with ``model`` run here.

    Raises:
        ServiceError: when the service does not answer, or answers otherwise.
        InputError: when the model or a picture cannot be read.
    """
    detector = Detector(model, threads=1)
    status, _ = _ask(url, "GET", "/ping")
    if status != 200:
        raise ServiceError(f"{url}/ping answers {status}, not 200: look into the server's log")
    counts = {None: 0, LOW_THRESHOLD: 0}
    box = score = 0.0
    for path in pictures:
        data = path.read_bytes()
        for threshold in counts:
            expected = expected_answer(detector, bundle, path, data, threshold)
            served = _served(url, path, data, threshold)
            differences = _differences(expected, served)
            if differences is None or max(differences) > TOLERANCE:
                raise ServiceError(_disagreement(path, expected, served, differences))
            counts[threshold] += len(expected["detections"])
            box, score = max(box, differences[0]), max(score, differences[1])
    return Parity(len(pictures), counts[None], counts[LOW_THRESHOLD], box, score)


def expected_answer(
    detector: Detector, bundle: Bundle, path: Path, data: bytes, threshold: float | None
) -> dict[str, Any]:
    """What the model answers to a picture when it is run in this process.

    Raises:
        InputError: when the service could not use the picture.
    """
    try:
        picture = decode_upright(data, bundle.settings.serving.max_pixels)
    except PictureError as error:
        raise InputError(f"'{path}' cannot be used to check the service ({error})") from None
    height, width = picture.shape[:2]
    found = detector.detect(picture, threshold)
    return answer(found, detector.names, width, height, bundle.settings.model_sha256)


def _served(url: str, path: Path, data: bytes, threshold: float | None) -> dict[str, Any]:
    headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
    if threshold is not None:
        headers[ATTRIBUTES] = f"threshold={threshold}"
    status, body = _ask(url, "POST", "/invocations", data, headers)
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if status != 200 or not isinstance(content, dict):
        reason = content.get("error", "") if isinstance(content, dict) else body[:80].decode(errors="replace")
        raise ServiceError(f"the service answers {status} to {path.name} ({reason}): look into the server's log")
    return content


def _ask(
    url: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
    try:
        connection.request(method, path, body or None, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ServiceError(
            f"{url}{path} does not answer ({type(error).__name__}): look into the server's log"
        ) from error
    finally:
        connection.close()


def _differences(expected: dict[str, Any], served: dict[str, Any]) -> tuple[float, float] | None:
    """Largest difference of boxes and of scores; None when the answers cannot be compared."""
    ours, theirs = expected["detections"], served.get("detections")
    same = all(expected[key] == served.get(key) for key in ("width", "height", "model"))
    if not same or not isinstance(theirs, list) or len(ours) != len(theirs):
        return None
    box = score = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        if mine["category_name"] != other["category_name"]:
            return None
        box = max(box, *(abs(a - b) for a, b in zip(mine["bbox"], other["bbox"], strict=True)))
        score = max(score, abs(mine["score"] - other["score"]))
    return box, score


def _disagreement(
    path: Path, expected: dict[str, Any], served: dict[str, Any], differences: tuple[float, float] | None
) -> str:
    if expected["model"] != served.get("model"):
        what = "it serves another model"
    elif differences is None:
        theirs = served.get("detections")
        count = len(theirs) if isinstance(theirs, list) else "no"
        what = f"{count} detections, not {len(expected['detections'])} of the same classes"
    else:
        what = f"boxes off by {differences[0]:.2g} pixels, scores by {differences[1]:.2g}"
    return (
        f"the service answers {path.name} otherwise than the model ({what}): deploy again with dvc repro --force deploy"
    )
