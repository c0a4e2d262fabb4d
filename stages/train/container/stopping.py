"""SIGTERM, after which SageMaker leaves 120 s until it kills."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143
"""Exit status of a process that ended because of SIGTERM (128 + 15)."""

LIMIT = 100.0
"""Seconds after SIGTERM at which the process ends, whatever it is doing; SageMaker kills after 120."""

AGAIN = 5.0
"""Seconds after which the stop is raised again, since a library may have swallowed it."""


class Stopped(BaseException):
    """SIGTERM came; no ``except Exception`` of a library swallows it."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise :class:`Stopped` in this thread, the main one, when SIGTERM comes inside the block.

    Files are written beside and renamed, so it may strike anywhere.
    """
    pid, started = os.getpid(), False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal started
        if os.getpid() != pid:  # a data loading process has inherited this handler
            os._exit(TERMINATED)
        if not started:
            started = True
            print("SIGTERM: stopping", flush=True)
            _later(LIMIT, lambda: os._exit(TERMINATED))
        _later(AGAIN, lambda: os.kill(pid, signal.SIGTERM))
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if not started:
            signal.signal(signal.SIGTERM, before)
        else:
            settle()


def settle() -> None:
    """Raise no further :class:`Stopped`, so that what is left to do can be done."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _later(seconds: float, do: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
