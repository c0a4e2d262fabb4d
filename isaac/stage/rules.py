"""Patterns of prim paths. Standard library alone."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator


def upwards(path: str) -> Iterator[str]:
    """A prim path and all above it, the deepest first; the root last."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield "/"


def matches(path: str, pattern: str) -> bool:
    """Whether a prim path fits a pattern: ``*``, ``?`` and ``[...]`` within a name, ``**`` over any number of names."""
    return _fits(path.strip("/").split("/"), pattern.strip("/").split("/"))


def _fits(names: list[str], wanted: list[str]) -> bool:
    if not wanted:
        return not names
    if wanted[0] == "**":
        return any(_fits(names[skip:], wanted[1:]) for skip in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], wanted[0]) and _fits(names[1:], wanted[1:])
