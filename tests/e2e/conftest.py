"""A project whose pipeline has run once."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project import Answer, Project, make_project


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Answer]:
    """The project after its first ``dvc repro``, and what that printed; made once for all test processes."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):  # one process of pytest-xdist
        shared = shared.parent
    folder, printed = shared / "first run", shared / "first run.txt"
    with open(shared / "first run.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            shutil.rmtree(folder, ignore_errors=True)
            project = make_project(folder)
            answer = project.dvc("repro")
            project.commit("first results")
            printed.write_text(answer.text, encoding="utf-8")
    return Project(folder), Answer(printed.read_text(encoding="utf-8"))


@pytest.fixture
def project(first_run: tuple[Project, Answer], tmp_path: Path) -> Iterator[Project]:
    """A copy of that project, in a path with spaces."""
    folder = tmp_path / "sim to cloud"
    shutil.copytree(first_run[0].folder, folder, symlinks=True)
    copied = Project(folder)
    yield copied
    copied.stop()
