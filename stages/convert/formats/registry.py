"""The registry of formats: a name, and a class that writes frames."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from stages.common.errors import SettingsError
from stages.convert.types import ConvertedFrame

BUILT_IN = ("yolo", "yolo_segment", "yolo_pose", "coco", "kitti", "basic_writer")
"""Modules of this package that register a format when they are imported."""


class FormatWriter(Protocol):
    """Writes frames in one format, in the order of their numbers."""

    def add(self, frame: ConvertedFrame) -> None:
        """Take one frame."""
        ...

    def close(self) -> None:
        """Finish all files; nothing is added afterwards."""
        ...


Factory = Callable[[Path, Sequence[str]], FormatWriter]

_FORMATS: dict[str, Factory] = {}


def register_format(name: str) -> Callable[[Factory], Factory]:
    """Decorator: make ``Writer(folder, classes)`` known as the format ``name``.

    ``folder`` exists and is the format's own; the pictures lie in ``../yolo/images/<part>/<stem>.jpg``.
    """

    def register(factory: Factory) -> Factory:
        _FORMATS[name] = factory
        return factory

    return register


def registered_formats() -> tuple[str, ...]:
    """Names of all formats."""
    for module in BUILT_IN:
        importlib.import_module(f"stages.convert.formats.{module}")
    return tuple(sorted(_FORMATS))


def open_writer(name: str, root: Path, classes: Sequence[str]) -> FormatWriter:
    """Make the folder ``root/name`` and a writer for it.

    Raises:
        SettingsError: when no such format is registered.
    """
    if name not in registered_formats():
        known = ", ".join(registered_formats())
        raise SettingsError(f"dataset.convert.formats names '{name}', which is not registered; choose from {known}")
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    return _FORMATS[name](folder, classes)
