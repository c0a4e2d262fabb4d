"""The one way a stage's command line ends: a summary line, or one sentence and an exit status."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable

from stages.common.errors import StageError

PIPE_CLOSED = 141
"""Exit status when the reader of our output went away (128 + SIGPIPE)."""

INTERRUPTED = 130
"""Exit status after Ctrl-C (128 + SIGINT)."""

ADVICE = {
    errno.ENOSPC: "make room on the disk, then run it again",
    errno.EDQUOT: "make room within your quota, then run it again",
    errno.EACCES: "mend its permissions, then run it again",
    errno.EPERM: "mend its permissions, then run it again",
    errno.EROFS: "work on a disk that can be written",
}
"""What to do about an error of the operating system that is the user's to mend and may strike anywhere."""


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the ``--debug`` switch that :func:`run` looks at."""
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run(main: Callable[[argparse.Namespace], str | None], args: argparse.Namespace) -> int:
    """Call ``main`` and turn its outcome into printed text and an exit status.

    Args:
        main: does the work and returns the summary line, or None to print nothing.
        args: parsed arguments; ``args.debug`` lets exceptions through with their traceback.

    Returns:
        0, the error's own ``exit_code``, or 130 after Ctrl-C.
    """
    try:
        summary = main(args)
        if summary:
            print(summary, flush=True)
    except StageError as error:
        if getattr(args, "debug", False):
            raise
        for sentence in getattr(error, "sentences", [str(error)]):
            print(f"error: {_on_one_line(sentence)}", file=sys.stderr, flush=True)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return PIPE_CLOSED
    except OSError as error:
        if getattr(args, "debug", False) or error.errno not in ADVICE:
            raise
        what = f"'{error.filename}'" if error.filename else "a file"
        print(f"error: {what} cannot be used ({error.strerror}): {ADVICE[error.errno]}", file=sys.stderr, flush=True)
        return StageError.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    return 0


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
