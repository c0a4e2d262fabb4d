"""The job folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isaac.capture.folder import DONE, FAILED, JobFolder, read_arrays, write_arrays, write_json


def test_a_frame_is_settled_when_it_failed_or_its_passes_are_there(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    for frame in (3, 1, 2):
        write_json(folder.request(frame), {})
    assert list(folder.asked()) == [1, 2, 3]
    folder.note(DONE, frame=1)
    assert folder.settled() == set()
    write_arrays(folder.passes(1), {"a": np.arange(3)})
    folder.note(FAILED, frame=2, reason="x")
    assert folder.settled() == {1, 2}
    assert read_arrays(folder.passes(1))["a"].tolist() == [0, 1, 2]


def test_a_torn_line_costs_that_line_alone(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.note(DONE, frame=1)
    with open(tmp_path / "journal.jsonl", "a") as stream:
        stream.write('{"event": "do')
    folder.note(FAILED, frame=2)
    assert [event["frame"] for event in folder.journal()] == [1, 2]


def test_nothing_half_written_is_seen(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    (tmp_path / "requests" / ".0000004.json.12.partial").write_text("{")
    assert folder.asked() == {}
    assert list(folder.journal()) == []
