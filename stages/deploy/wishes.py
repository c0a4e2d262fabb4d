"""What a client asks for besides detections: the format, another threshold, the picture's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stages.deploy.answer import ATTRIBUTES, COCO, JSON

ANY = {"*/*": JSON, "application/*": JSON, "": JSON}
"""What an open wish gets."""


class WishError(Exception):
    """A wish cannot be met; the message is a sentence for the client.

    Attributes:
        status: HTTP status to answer.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Wishes:
    """What was asked for.

    Attributes:
        content_type: of the answer.
        threshold: least score; None for the model's own.
        image: ``image_id`` of COCO's results.
    """

    content_type: str = JSON
    threshold: float | None = None
    image: int = 0


def read_wishes(headers: Mapping[str, str]) -> Wishes:
    """The wishes in a request's headers, with names in small letters.

    Raises:
        WishError: when one is not known or cannot be met.
    """
    threshold, image = _attributes(headers.get(ATTRIBUTES, ""))
    return Wishes(_content_type(headers.get("accept", "*/*")), threshold, image)


def _content_type(accept: str) -> str:
    """The best of what we have, by the client's own weights (RFC 9110, section 12.5.1)."""
    best, weight = "", 0.0
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        ours = name if name in {JSON, COCO} else ANY.get(name, "")
        quality = _quality(parameters)
        if ours and quality > weight:
            best, weight = ours, quality
    if not best:
        raise WishError(406, f"Accept '{accept}' cannot be met: ask for {JSON} or {COCO}")
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _attributes(text: str) -> tuple[float | None, int]:
    """From ``threshold=0.4, image_id=12``; each may be left out."""
    threshold, image = None, 0
    for part in filter(None, (part.strip() for part in text.replace(";", ",").split(","))):
        key, _, value = (word.strip() for word in part.partition("="))
        try:
            if key == "threshold":
                threshold = float(value)
            elif key == "image_id":
                image = int(value)
            else:
                raise ValueError(key)
            if not 0 <= (threshold or 0) < 1 or image < 0:
                raise ValueError(value)
        except ValueError:
            raise WishError(
                400,
                f"{ATTRIBUTES} '{part}' is not known: send threshold= and a number of 0 to 1, or image_id= and a whole "
                "number",
            ) from None
    return threshold, image
