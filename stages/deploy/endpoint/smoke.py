"""Does the endpoint answer known frames as the model does here?"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.aws.session import code_of, explain
from stages.common.detection.detector import Detector
from stages.common.errors import ServiceError
from stages.deploy.bundle import Bundle
from stages.deploy.check import Parity, expected_answer
from stages.deploy.endpoint.account import Account

BOX_PIXELS = 0.5
"""Largest difference of a box's numbers: another processor adds floating-point numbers in another order."""

SCORE = 0.01
"""Largest difference of a score; a detection so close to the threshold may be missing on one side."""

LOW_THRESHOLD = 0.05
"""Asked for besides the model's own, so that a weak model is compared on some boxes too."""

TRIES = 4
"""Of a request that the endpoint cannot answer at once: it has just started."""

PAUSE = 2.0
"""Seconds before the second try; twice as long before each next one."""

ASYNC_SECONDS = 900
"""For an asynchronous answer: an instance may have to start first."""

FAILING = {
    "InternalDependencyException",
    "InternalFailure",
    "ModelError",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ThrottlingException",
}
"""Error codes of InvokeEndpoint that speak of the endpoint, not of who asks (SageMaker Runtime API reference)."""

TYPE = "application/x-image"


class WrongAnswer(ServiceError):
    """The endpoint does not answer, or otherwise than the model does."""


@dataclass(frozen=True)
class _Case:
    """A request and what the model says to it."""

    name: str
    data: bytes
    threshold: float | None
    least: float
    expected: dict[str, Any]

    @property
    def edge(self) -> float:
        """Score below which a detection may be missing on one side."""
        return self.least + SCORE


class Smoke:
    """Known frames and the model's answers to them.

    Args:
        account: of the endpoint.
        bundle: that it shall serve.
        model: the bundle's model, or the file that it was packed from.
        pictures: to send.

    Raises:
        InputError: when the model or a picture cannot be used.
    """

    def __init__(self, account: Account, bundle: Bundle, model: Path, pictures: Sequence[Path]) -> None:
        self._account = account
        self._sha256 = bundle.settings.model_sha256
        self._cases = list(_cases(bundle, model, pictures))
        self._count = len(pictures)
        self._next = 0

    def probe(self) -> str:
        """Send one frame while two fleets take turns; what is wrong with the new one's answer, if it was the new one's.

        Returns:
            Empty when nothing is known to be wrong.

        Raises:
            StageError: when these credentials may not ask.
        """
        case = self._cases[self._next % len(self._cases)]
        self._next += 1
        try:
            served = _asked(self._account, case, tries=1)
        except WrongAnswer:
            return ""  # whichever fleet it was; its alarm counts errors
        if served.get("model") != self._sha256:
            return ""
        return _compared(case, served)[0]

    def verify(self) -> Parity:
        """Send every frame.

        Raises:
            WrongAnswer: when one is not answered, or otherwise than by the model.
            StageError: when these credentials may not ask.
        """
        counts = {None: 0, LOW_THRESHOLD: 0}
        box = score = 0.0
        for case in self._cases:
            served = _asked(self._account, case, tries=TRIES)
            wrong, boxes_off, scores_off = _compared(case, served)
            if served.get("model") != self._sha256:
                wrong = "it serves another model"
            if wrong:
                raise WrongAnswer(
                    f"endpoint '{self._account.names.endpoint}' answers {case.name} otherwise than the model ({wrong})"
                )
            counts[case.threshold] += len(case.expected["detections"])
            box, score = max(box, boxes_off), max(score, scores_off)
        return Parity(self._count, counts[None], counts[LOW_THRESHOLD], box, score)


def _cases(bundle: Bundle, model: Path, pictures: Sequence[Path]) -> Iterator[_Case]:
    detector = Detector(model, threads=1)
    for path in pictures:
        data = path.read_bytes()
        for threshold in (None, LOW_THRESHOLD):
            expected = expected_answer(detector, bundle, path, data, threshold)
            least = bundle.settings.postprocessing.threshold if threshold is None else threshold
            yield _Case(path.name, data, threshold, least, expected)


def _compared(case: _Case, served: dict[str, Any]) -> tuple[str, float, float]:
    """What is wrong, or nothing; and the largest difference of boxes and of scores among what is alike."""
    expected, found = case.expected, served.get("detections")
    if not isinstance(found, list) or any(served.get(key) != expected[key] for key in ("width", "height")):
        return "the picture has another size", 0.0, 0.0
    left = list(found)
    lost = 0
    box = score = 0.0
    for ours in expected["detections"]:
        near = [(_apart(ours, theirs), theirs) for theirs in left if theirs["category_name"] == ours["category_name"]]
        alike = [pair for pair in near if pair[0][0] <= BOX_PIXELS and pair[0][1] <= SCORE]
        if not alike:
            lost += ours["score"] > case.edge
            continue
        best, theirs = min(alike, key=lambda pair: pair[0])
        left.remove(theirs)
        box, score = max(box, best[0]), max(score, best[1])
    lost += sum(theirs["score"] > case.edge for theirs in left)
    total = len(expected["detections"])
    return (f"{lost} of {total} detections differ" if lost else ""), box, score


def _apart(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[float, float]:
    boxes = zip(ours["bbox"], theirs["bbox"], strict=True)
    return max(abs(one - other) for one, other in boxes), abs(ours["score"] - theirs["score"])


def _asked(account: Account, case: _Case, tries: int) -> dict[str, Any]:
    """The endpoint's answer.

    Raises:
        WrongAnswer: when there is none after so many tries.
        StageError: when these credentials may not ask.
    """
    ask = _asked_later if account.settings.endpoint.kind == "async" else _asked_now
    for attempt in range(tries):
        account.guard()  # a slow endpoint must not cost the lease
        reason = ""
        try:
            answer = json.loads(ask(account, case))
            if isinstance(answer, dict):
                return answer
        except ValueError:
            reason = "no JSON"
        except WrongAnswer as error:
            reason = str(error)
        if attempt + 1 < tries:
            time.sleep(min(PAUSE, account.settings.endpoint.poll_seconds) * 2**attempt)
    raise WrongAnswer(f"endpoint '{account.names.endpoint}' does not answer {case.name} ({reason or 'no JSON object'})")


def _asked_now(account: Account, case: _Case) -> bytes:
    with _failures(account):
        answer = account.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=account.names.endpoint, Body=case.data, **_headers(case)
        )
        return bytes(answer["Body"].read())


def _asked_later(account: Account, case: _Case) -> bytes:
    """By way of S3; the picture and the answer are removed again."""
    name = hashlib.sha256(case.data).hexdigest()  # the same each time, so that a killed client leaves one at most
    bucket, key = account.bucket, f"{account.names.folder}/async/in/smoke-{name[:16]}"
    account.act("s3", "put_object", Bucket=bucket, Key=key, Body=case.data)
    try:
        with _failures(account):
            sent = account.client("sagemaker-runtime").invoke_endpoint_async(
                EndpointName=account.names.endpoint, InputLocation=f"s3://{bucket}/{key}", **_headers(case)
            )
        return _fetched(account, sent)
    finally:
        account.remove("s3", "delete_object", Bucket=bucket, Key=key)


def _fetched(account: Account, sent: dict[str, Any]) -> bytes:
    """Wait for what an asynchronous request leads to."""
    deadline = time.monotonic() + ASYNC_SECONDS
    while time.monotonic() < deadline:
        for place, failed in ((sent["OutputLocation"], False), (sent.get("FailureLocation", ""), True)):
            bucket, _, key = place.removeprefix("s3://").partition("/")
            found = account.read(bucket, key) if key else None
            if found is not None:
                body = bytes(found["Body"])
                account.remove("s3", "delete_object", Bucket=bucket, Key=key)
                if failed:
                    raise WrongAnswer(" ".join(body[:200].decode(errors="replace").split()))
                return body
        account.guard()
        time.sleep(min(PAUSE, account.settings.endpoint.poll_seconds))
    raise WrongAnswer(f"no answer in S3 after {ASYNC_SECONDS} s")


def _headers(case: _Case) -> dict[str, str]:
    headers = {"ContentType": TYPE, "Accept": "application/json"}
    if case.threshold is not None:
        headers["CustomAttributes"] = f"threshold={case.threshold}"
    return headers


class _failures:
    """Tells a failing endpoint from refused credentials."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        if isinstance(error, ReadTimeoutError):
            raise WrongAnswer("no answer within 60 s") from error
        if isinstance(error, ClientError) and code_of(error) in FAILING:
            raise WrongAnswer(f"{code_of(error)} {error.response.get('OriginalMessage', '')}".strip()) from error
        if isinstance(error, (ClientError, BotoCoreError)):
            raise explain(error, f"endpoint '{self._account.names.endpoint}'") from error
