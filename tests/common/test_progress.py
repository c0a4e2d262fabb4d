from __future__ import annotations

import io
import re

import pytest

from stages.common.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_plain_lines_with_rate_and_time_left() -> None:
    log = io.StringIO()
    with Progress("sdg", total=4, unit="frames", stream=log, every=0) as progress:
        for _ in range(4):
            progress.advance()
    lines = log.getvalue().splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r"sdg: 1 of 4 frames, \S+/s, \d+ s left", lines[0])
    assert re.fullmatch(r"sdg: 4 of 4 frames, \S+/s", lines[-1])
    assert "\r" not in log.getvalue()
    assert "\x1b" not in log.getvalue()


def test_a_log_is_not_flooded() -> None:
    log = io.StringIO()
    with Progress("sdg", total=1000, unit="frames", stream=log, every=3600) as progress:
        for _ in range(1000):
            progress.advance()
    assert [line.split(",")[0] for line in log.getvalue().splitlines()] == ["sdg: 1000 of 1000 frames"]


def test_what_was_there_before_counts_as_done() -> None:
    log = io.StringIO()
    with Progress("sdg", total=10, unit="frames", done=7, stream=log, every=0) as progress:
        progress.advance(2)
    assert log.getvalue().startswith("sdg: 9 of 10 frames")
    assert len(log.getvalue().splitlines()) == 1


def test_nothing_done_says_nothing() -> None:
    log = io.StringIO()
    with Progress("sdg", total=10, unit="frames", done=7, stream=log):
        pass
    assert log.getvalue() == ""


def test_a_terminal_gets_a_bar_that_notes_do_not_tear() -> None:
    terminal = Terminal()
    with Progress("sdg", total=4, unit="frames", stream=terminal) as progress:
        progress.advance()
        progress.note("sdg: lost frame 3")
        progress.advance(3)
    text = terminal.getvalue()
    assert "4/4" in text
    assert "frames/s" in text
    assert "sdg: lost frame 3\n" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
