"""Plans and labels as JSON, exact and in a stable order of keys."""

from __future__ import annotations

import dataclasses
import json
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from stages.common.errors import InputError
from stages.sdg.label.types import FrameLabel
from stages.sdg.plan.types import FramePlan

T = TypeVar("T")


_PLAN = TypeAdapter(FramePlan)
_LABEL = TypeAdapter(FrameLabel)


def _dump(value: FramePlan | FrameLabel) -> str:
    # json writes the shortest decimal that reads back as the same float; NaN and infinity are refused as bugs.
    return json.dumps(dataclasses.asdict(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _load(adapter: TypeAdapter[T], text: str | bytes, source: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole text"
        raise InputError(f"{source} cannot be read ({place}: {first['msg']}); make the frames again") from error


def plan_to_line(plan: FramePlan) -> str:
    """One line of ``plan.jsonl``, without its newline; floats read back bit for bit.

    Raises:
        ValueError: when a number is not finite.
        TypeError: when a field holds what JSON does not know, such as a numpy integer.
    """
    return _dump(plan)


def plan_from_line(line: str | bytes, source: str = "the plan") -> FramePlan:
    """Inverse of :func:`plan_to_line`.

    Raises:
        InputError: naming ``source`` when the line does not hold a plan.
    """
    return _load(_PLAN, line, source)


def label_to_json(label: FrameLabel) -> bytes:
    """A label as it is stored in a shard.

    Raises:
        ValueError: when a number is not finite.
        TypeError: when a field holds what JSON does not know, such as a numpy integer.
    """
    return _dump(label).encode()


def label_from_json(text: bytes, source: str = "the label") -> FrameLabel:
    """Inverse of :func:`label_to_json`.

    Raises:
        InputError: naming ``source`` when the text does not hold a label.
    """
    return _load(_LABEL, text, source)
