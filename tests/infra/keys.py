"""Which objects a principal may read and write, and whether a call stays within them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.actions import actions
from tests.infra.policies import statements

WORDS = {
    "${Bucket.Arn}": "",
    "${Project}": "[a-z][a-z0-9-]{0,23}",
    "${DataPrefix}": "dvc",
}
"""What stands for the parts of a resource's name."""

JUDGED = {
    "stages/train/sagemaker": "ci",
    "stages/push/channel.py": "ci",
    "stages/deploy/endpoint": "deploy",
    "stages/deploy/drift": "monitor",
}
"""Rooms whose calls of S3 are judged, and by whose policy: where the outermost module of a call lies."""


def judged(module: str) -> str:
    """The principal by whose policy a module's keys are judged; empty for none."""
    return next((who for room, who in JUDGED.items() if f"{module}/".startswith((f"{room}/", f"{room}."))), "")


@cache
def _patterns(principal: str, action: str) -> tuple[re.Pattern[str], ...]:
    found = []
    for statement in statements(principal):
        allowed = statement["Action"]
        if action not in ([allowed] if isinstance(allowed, str) else allowed):
            continue
        resources = statement["Resource"]
        listed = resources if isinstance(resources, list) else [resources]
        names = [item["Fn::Sub"] for item in listed if isinstance(item, dict) and "Fn::Sub" in item]
        found += [_pattern(name) for name in names if name.startswith("${Bucket.Arn}/")]
    return tuple(found)


def _pattern(text: str) -> re.Pattern[str]:
    pattern = re.escape(text)
    for word, means in WORDS.items():
        pattern = pattern.replace(re.escape(word), means)
    return re.compile(pattern.replace(r"\*", ".*"))


def refused(principal: str, operation: str, request: dict[str, Any]) -> str:
    """The key of a call that no statement of the principal's covers; empty when it is granted."""
    key = request.get("Key")
    if not isinstance(key, str):
        return ""
    for action in actions(("s3", operation)):
        if not any(pattern.fullmatch(f"/{key}") for pattern in _patterns(principal, action)):
            return f"{action} {key}"
    return ""


def outermost(frames: list[str], root: Path) -> str:
    """Of the files of a call's stack, from the innermost, the last one of ours before a test's."""
    found = ""
    for name in frames:
        if name.startswith(f"{root}/tests/"):
            break
        if name.startswith(f"{root}/stages/"):
            found = name.removeprefix(f"{root}/")
    return found
