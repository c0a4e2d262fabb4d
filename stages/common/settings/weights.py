"""Names with weights, as they are written in the settings."""

from __future__ import annotations

from typing import Any


def weighted(value: Any) -> Any:
    """``[a, [b, 3]]`` as ``{a: 1, b: 3}``; anything else is left for the type check.

    A list, because Hydra replaces lists but merges mappings.
    """
    if not isinstance(value, list):
        return value
    pairs = [item if isinstance(item, list) else [item, 1.0] for item in value]
    if any(len(pair) != 2 or not isinstance(pair[0], str) for pair in pairs):
        raise ValueError("write a list of names, or of [name, weight]")
    return dict(pairs)
