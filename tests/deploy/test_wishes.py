"""What a client asks for in its headers."""

from __future__ import annotations

import pytest

from stages.deploy.answer import ATTRIBUTES, COCO, JSON
from stages.deploy.wishes import WishError, Wishes, read_wishes


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        (COCO, COCO),
        (f"{JSON}, {COCO}", JSON),  # of equals the first
        (f"{JSON};q=0.5, {COCO}", COCO),
        (f"{COCO};q=0.1, */*;q=0.2", JSON),
        (f"text/csv, {COCO};q=0.001", COCO),
    ],
)
def test_the_best_format_that_there_is(accept: str, expected: str) -> None:
    assert read_wishes({"accept": accept}).content_type == expected


@pytest.mark.parametrize("accept", ["text/csv", f"{JSON};q=0", f"{JSON};q=high", "application/jsonlines"])
def test_a_format_that_there_is_not(accept: str) -> None:
    with pytest.raises(WishError) as caught:
        read_wishes({"accept": accept})
    assert caught.value.status == 406


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Wishes()),
        (" ", Wishes()),
        ("threshold=0", Wishes(threshold=0.0)),
        ("threshold = 0.25", Wishes(threshold=0.25)),
        ("image_id=12", Wishes(image=12)),
        ("threshold=0.5;image_id=12", Wishes(threshold=0.5, image=12)),
        ("image_id=1,, threshold=1e-3", Wishes(threshold=0.001, image=1)),
    ],
)
def test_attributes(text: str, expected: Wishes) -> None:
    assert read_wishes({ATTRIBUTES: text}) == expected


@pytest.mark.parametrize("text", ["threshold=1", "threshold=-0.1", "threshold=", "image_id=1.5", "threshold", "a=1"])
def test_attributes_that_are_none(text: str) -> None:
    with pytest.raises(WishError, match="is not known") as caught:
        read_wishes({ATTRIBUTES: text})
    assert caught.value.status == 400
