from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.common.settings import Settings
from stages.sdg.run.job import Report, render_frames
from tests.sdg.run import flat


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "frames"


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def render(folder: Path, log: io.StringIO) -> Callable[[Settings], Report]:
    """Run in this folder with the flat renderer."""
    return lambda settings: render_frames(settings, folder, log=log, factory=flat.FACTORY)


@pytest.fixture
def assert_whole(folder: Path, tmp_path: Path) -> Callable[[Settings], None]:
    """The folder is, to the byte, what an undisturbed run of these settings leaves."""

    def check(settings: Settings) -> None:
        wanted = flat.expected(settings, tmp_path / "expected")
        found = flat.contents(folder)
        rest = {"manifest.json", "inputs/settings.json", "inputs/assets.json", "contact-sheet.jpg"}
        assert set(found) == set(wanted) | rest
        assert [name for name in wanted if found[name] != wanted[name]] == []
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    return check
