"""Crashes, hangs and refusals of renderers, and what a run makes of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.common.errors import InputError, MissingDependencyError, RenderError
from stages.common.settings import Settings
from stages.sdg.plan.types import FramePlan
from stages.sdg.run import job
from stages.sdg.run.job import Report
from stages.sdg.shards import read_frames
from tests.sdg.run import flat

Render = Callable[[Settings], Report]
Check = Callable[[Settings], None]


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    return lambda **what: monkeypatch.setenv("FAULTS", json.dumps({key[1:]: value for key, value in what.items()}))


def tries(tmp_path: Path) -> dict[int, list[str]]:
    """Processes that tried each frame."""
    found: dict[int, list[str]] = {}
    for line in (tmp_path / "record").read_text().splitlines():
        process, frame = line.split()
        found.setdefault(int(frame), []).append(process)
    return found


def test_a_frame_whose_worker_was_killed_gets_a_second_try(
    faults: Callable[..., None], render: Render, assert_whole: Check, tmp_path: Path
) -> None:
    faults(_2="crash once")
    assert render(flat.settings(workers=2)).rendered == 7
    order = [line.split() for line in (tmp_path / "record").read_text().splitlines()]
    first, second = [process for process, frame in order if frame == "2"]
    assert first != second
    assert next(frame for process, frame in order if process == second) == "2"  # it was fresh
    assert_whole(flat.settings())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("crash", r"its worker crashed \(SIGSEGV\)"),
        ("refuse", "frame 2 is too hard; take another"),
        ("bug", r"ZeroDivisionError: 1 / 0"),
    ],
)
def test_a_frame_that_fails_twice_is_reported_and_the_rest_is_rendered(
    fault: str,
    reason: str,
    faults: Callable[..., None],
    render: Render,
    assert_whole: Check,
    folder: Path,
    log: io.StringIO,
    tmp_path: Path,
) -> None:
    faults(_2=fault)
    with pytest.raises(RenderError, match=rf"^frame 2 could not be rendered \({reason}\); see why with "):
        render(flat.settings())
    assert {frame: len(processes) for frame, processes in tries(tmp_path).items()} == {
        0: 1, 1: 1, 2: 2, 3: 1, 4: 1, 5: 1, 1_000_000: 1,
    }  # fmt: skip
    text = log.getvalue()
    assert "sdg: lost train frame 2 of seed 0: scenario " in text
    assert "`python -m stages.sdg --frame 2` renders it again" in text
    if fault != "refuse":
        assert {"crash": "  | about to crash", "bug": "  | ZeroDivisionError: 1 / 0"}[fault] in text
    with pytest.raises(InputError, match="is unfinished"):
        list(read_frames(folder))
    # once it is mended, only this frame is missing
    faults()
    assert render(flat.settings()).rendered == 1
    assert_whole(flat.settings())


def test_a_frame_that_cannot_even_be_planned_is_reported(
    faults: Callable[..., None], render: Render, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan_frame(settings: Settings, frame: int) -> FramePlan:
        raise ZeroDivisionError("nothing to divide")

    monkeypatch.setattr(job, "plan_frame", plan_frame)
    faults(_0="refuse")
    with pytest.raises(RenderError, match="frame 0 could not be rendered"):
        render(flat.settings(count=2, test_count=0))
    assert "sdg: lost frame 0, for which there is no plan (ZeroDivisionError: nothing to divide)" in log.getvalue()


def test_a_frame_that_hangs_is_given_up(faults: Callable[..., None], render: Render) -> None:
    faults(_1="hang")
    with pytest.raises(RenderError, match=r"frame 1 could not be rendered \(it took longer than 0\.7 s"):
        render(flat.settings(count=3, test_count=0, frame_timeout=0.7))


def test_a_run_in_which_nothing_works_stops_early(
    faults: Callable[..., None], render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "HOPELESS", 2)
    faults(**{f"_{number}": "refuse" for number in range(20)})
    with pytest.raises(RenderError, match=r"^frames 0, 1 could not be rendered"):
        render(flat.settings(count=20))
    assert len(tries(tmp_path)) < 4


def test_noise_of_the_renderer_does_not_reach_the_log(
    faults: Callable[..., None], render: Render, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    faults(_0="noise", _1="noise")
    assert render(flat.settings(count=2, test_count=0)).rendered == 2
    assert capfd.readouterr().out == ""
    assert "Fra:" not in log.getvalue()
    assert log.getvalue().startswith("sdg: 2 of 2 frames")


def test_workers_are_replaced_after_some_shards(
    faults: Callable[..., None], render: Render, tmp_path: Path, assert_whole: Check
) -> None:
    faults()
    wanted = flat.settings(count=5, test_count=0, shard_size=2, shards_per_worker=1)
    render(wanted)
    order = [line.split()[0] for line in (tmp_path / "record").read_text().splitlines()]
    assert [order.count(process) for process in dict.fromkeys(order)] == [2, 2, 1]
    assert_whole(wanted)


def test_a_missing_library_is_told_at_once(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("START", "missing")
    with pytest.raises(MissingDependencyError, match="a library is missing; install it"):
        render(flat.settings())


def test_a_renderer_that_dies_at_its_start_is_told_with_its_last_words(
    render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("START", "crash")
    with pytest.raises(
        RenderError, match=r"does not start: its worker crashed \(SIGABRT\), after 'cannot open the display'"
    ):
        render(flat.settings())
