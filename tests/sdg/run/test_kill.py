"""Runs that are killed, and disks that are full: what the next run makes of them."""

from __future__ import annotations

import errno
import functools
import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from stages.common.errors import StageError
from stages.common.settings import Settings
from stages.sdg.run import store
from stages.sdg.run.job import Report
from stages.sdg.run.store import work_folder
from tests.sdg.run import flat
from tests.settings import REPOSITORY

Render = Callable[[Settings], Report]
Check = Callable[[Settings], None]

PROGRAM = """
import pickle, sys
from pathlib import Path
from stages.common.errors import StageError
from stages.sdg.run.job import render_frames
from tests.sdg.run import flat
try:
    render_frames(pickle.loads(bytes.fromhex(sys.argv[1])), Path(sys.argv[2]), factory=flat.FACTORY)
except StageError as error:
    sys.exit(f"error: {error}")
"""


def start(settings: Settings, folder: Path, **options: object) -> subprocess.Popen[str]:
    """A run in a process of its own, with workers of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, pickle.dumps(settings).hex(), str(folder)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def kill(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Kill -9; returns the workers that it had."""
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    return workers


@pytest.mark.parametrize("done", [1, 6], ids=["in the first shard", "after a shard"])
def test_a_killed_run_leaves_no_workers_and_goes_on_to_the_same_bytes(
    done: int, folder: Path, render: Render, assert_whole: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = flat.settings(count=12, test_count=2, shard_size=4, workers=2)
    monkeypatch.setenv("DELAY", "0.15")
    record = folder.parent.parent / "record"
    monkeypatch.setenv("RECORD", str(record))
    process = start(wanted, folder)
    wait_for(lambda: record.exists() and len(record.read_text().splitlines()) >= done + 2)
    workers = kill(process)
    assert workers
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    started = len(record.read_text().splitlines())
    monkeypatch.setenv("DELAY", "0")
    report = render(wanted)
    assert 14 - started <= report.rendered <= 14 - done
    assert_whole(wanted)


class Killed(BaseException):
    """Nothing in the run catches it, so what follows is as after a kill."""


def test_a_run_may_be_killed_before_any_change_of_the_disk(
    folder: Path, tmp_path: Path, render: Render, assert_whole: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(flat.settings())
    made = shutil.copytree(folder, tmp_path / "made")
    wanted = flat.settings(count=5, shard_size=2)  # every shard is taken apart, a frame is dropped
    steps = 0
    while True:
        left = iter(range(steps))

        def step(change, *arguments, left=left, **options):  # type: ignore[no-untyped-def]
            if next(left, None) is None:
                raise Killed
            return change(*arguments, **options)

        with monkeypatch.context() as patch:
            for name in ("replace", "unlink", "rmdir"):
                patch.setattr(os, name, functools.partial(step, getattr(os, name)))
            try:
                render(wanted)
                break
            except Killed:
                steps += 1
        assert render(wanted).rendered == 0, f"frames were lost by a kill before step {steps}"
        assert_whole(wanted)
        shutil.rmtree(folder)
        shutil.copytree(made, folder)
    assert steps > 30


def test_leftovers_of_a_killed_writer_are_removed(folder: Path, render: Render, assert_whole: Check) -> None:
    (folder / "shards").mkdir(parents=True)
    (folder / "shards" / ".train-00000.tar.77.partial").write_bytes(b"half")
    (folder / ".manifest.json.77.partial").write_bytes(b"half")
    old = work_folder(folder) / "0123456789abcdef"
    old.mkdir(parents=True)
    (old / "0000000.frame").write_bytes(b"of other settings")
    render(flat.settings(count=2, test_count=0))
    assert_whole(flat.settings(count=2, test_count=0))


def test_a_stopped_run_leaves_no_workers(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DELAY", "300")
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    process = start(flat.settings(workers=2), folder, start_new_session=True)
    wait_for((tmp_path / "record").exists)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: the whole group gets it
    _, text = process.communicate(timeout=120)
    assert "KeyboardInterrupt" in text
    assert psutil.wait_procs(workers, timeout=5)[1] == []


def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(
    folder: Path, render: Render, assert_whole: Check
) -> None:
    wanted = flat.settings(count=6, test_count=0)
    frames = [flat.frame(number) for number in range(6)]
    limit = max(len(frame.plan) + sum(map(len, frame.members.values())) for frame in frames) + (8 << 10)
    # so there is room for a frame, but not for a shard of four

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(wanted, folder, preexec_fn=small_disk)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 1
    last = text.splitlines()[-1]
    assert last.startswith(f"error: cannot write {folder}: the file size limit is reached; ")
    assert last.endswith("make room there and run the same command again, which goes on from the frames that are done")
    assert "Traceback" not in text
    assert list(folder.rglob("*.partial")) == []
    assert render(wanted).rendered < 6
    assert_whole(wanted)


@pytest.fixture
def small_disk(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A real file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small disk is not permitted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_without_room_for_a_frame(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(200 << 10))
    process = start(flat.settings(), small_disk / "frames")
    _, text = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the disk is full; make room there and run the same command again" in text.splitlines()[-1]
    assert "Traceback" not in text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_more_while_packing(
    number: int, folder: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, blocks: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(store, "write_shard", full)
    with pytest.raises(StageError, match=r"^cannot write .*/shards/train-00000\.tar: .*; make room there and run"):
        render(flat.settings(count=1, test_count=0))
