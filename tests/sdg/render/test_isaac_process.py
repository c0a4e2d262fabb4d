"""The journal as this side follows it, without an Isaac Sim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isaac.capture.folder import DONE, FAILED, READY, JobFolder
from stages.sdg.render.isaac.launch import Launch
from stages.sdg.render.isaac.process import IsaacProcess


@pytest.fixture
def process(tmp_path: Path) -> Iterator[IsaacProcess]:
    made = IsaacProcess(JobFolder(tmp_path / "job"), Launch(("/bin/sleep", "60")), tmp_path / "log")
    yield made
    made.end()


def test_events_of_one_read_are_all_found(process: IsaacProcess) -> None:
    """A process that takes up a request which waits for it is ready and done within one look into the journal."""
    process.folder.note(READY)
    process.folder.note(FAILED, frame=0, reason="x")
    process.folder.note(DONE, frame=1)
    assert process.wait_for((READY,), None, 5) == {"event": READY}
    assert process.wait_for((DONE, FAILED), 0, 0.5) == {"event": FAILED, "frame": 0, "reason": "x"}
    assert process.wait_for((DONE, FAILED), 1, 0.5) == {"event": DONE, "frame": 1}
    with pytest.raises(TimeoutError):
        process.wait_for((DONE, FAILED), 1, 0.1)


def test_the_last_event_of_a_process_that_has_ended_is_found(tmp_path: Path) -> None:
    process = IsaacProcess(JobFolder(tmp_path / "job"), Launch(("/bin/true",)), tmp_path / "log")
    process.folder.note(READY)
    process.folder.note(DONE, frame=0)
    process.end()
    assert process.wait_for((READY,), None, 5) == {"event": READY}
    assert process.wait_for((DONE, FAILED), 0, 5) == {"event": DONE, "frame": 0}
    assert process.wait_for((DONE, FAILED), 0, 5) is None
