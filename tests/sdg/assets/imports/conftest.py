"""A folder of the test's own, in which the cache lies as well; and no process for files that cannot do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.sdg.assets.imports import child, reader


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own_process() -> None:
    """Asks for a process for every file."""


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read all but USD here, which saves a second each."""
    if "own_process" in request.fixturenames:
        return
    real = reader._process

    def process(job: Path, folder: Path, log: Path, timeout: float) -> int:
        told = json.loads(job.read_text())
        is_usd = Path(told["path"]).suffix.startswith(".usd")
        return real(job, folder, log, timeout) if is_usd else child.main(told, folder)

    monkeypatch.setattr(reader, "_process", process)
