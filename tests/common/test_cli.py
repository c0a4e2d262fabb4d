"""How a stage's command line ends."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

import pytest

from stages.common.cli import add_debug, run
from stages.common.errors import InputError, SettingsError, StageError
from tests.settings import REPOSITORY

QUIET = Namespace(debug=False)


def failing(error: BaseException) -> Callable[[Namespace], str]:
    def main(args: Namespace) -> str:
        raise error

    return main


def test_the_summary_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda args: "3 frames", QUIET) == 0
    assert run(lambda args: None, QUIET) == 0
    assert capsys.readouterr().out == "3 frames\n"


@pytest.mark.parametrize(
    ("error", "status", "printed"),
    [
        (InputError("photo 'a' is\n  missing: fetch it"), 3, "error: photo 'a' is missing: fetch it\n"),
        (SettingsError("a is 0: give 1", "b is 0: give 2"), 2, "error: a is 0: give 1\nerror: b is 0: give 2\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "error: a file cannot be used (No space left on device): make room on the disk, then run it again\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "params.yaml"),
            1,
            "error: 'params.yaml' cannot be used (Permission denied): mend its permissions, then run it again\n",
        ),
    ],
)
def test_errors_of_the_user_are_sentences(
    error: BaseException, status: int, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(failing(error), QUIET) == status
    assert capsys.readouterr().err == printed


@pytest.mark.parametrize("error", [ValueError("a bug"), FileNotFoundError(errno.ENOENT, "No such file", "x")])
def test_bugs_show_their_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        run(failing(error), QUIET)


@pytest.mark.parametrize("error", [InputError("a"), OSError(errno.ENOSPC, "No space left on device")])
def test_debug_shows_the_traceback(error: Exception) -> None:
    parser = ArgumentParser()
    add_debug(parser)
    with pytest.raises(type(error)):
        run(failing(error), parser.parse_args(["--debug"]))


def test_a_reader_that_went_away_is_no_error() -> None:
    program = (
        "import argparse, sys; from stages.common.cli import run;"
        "sys.exit(run(lambda args: [print('x' * 99, flush=True) for _ in range(9999)] and None, argparse.Namespace()))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.read(10)
    process.stdout.close()
    printed = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), printed) == (141, b"")


def test_exit_statuses_differ() -> None:
    kinds = StageError.__subclasses__()
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    assert all(kind.exit_code > 1 for kind in kinds)
