"""SIGTERM, after which SageMaker leaves 120 s until it kills."""

from __future__ import annotations

import os
import signal
import socket
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

    Files are written beside and renamed, so it may strike anywhere. Where it does not, since this thread is held by a
    library's own code, a thread ends the process in time: Python runs handlers only between its own steps.
    """
    pid, started = os.getpid(), False
    unwatch = _watch()

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal started
        if os.getpid() != pid:  # a data loading process has inherited this handler
            os._exit(TERMINATED)
        if not started:
            started = True
            print("SIGTERM: stopping", flush=True)
        _later(AGAIN, lambda: os.kill(pid, signal.SIGTERM))
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if not started:
            signal.signal(signal.SIGTERM, before)
            unwatch()
        else:
            settle()


def settle() -> None:
    """Raise no further :class:`Stopped`, so that what is left to do can be done."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _watch() -> Callable[[], None]:
    """End the process :data:`LIMIT` after SIGTERM, whatever its main thread does; gives what takes that back.

    The interpreter writes a signal's number to a socket at once, even while no Python code can run in the main thread.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    _wakeups.append(writing.fileno())

    def wait() -> None:
        with reading:
            while came := reading.recv(16):
                if signal.SIGTERM in came:
                    _later(LIMIT, lambda: os._exit(TERMINATED))
                    return

    threading.Thread(target=wait, daemon=True).start()

    def unwatch() -> None:
        signal.set_wakeup_fd(before)
        _wakeups.remove(writing.fileno())
        writing.close()

    return unwatch


_wakeups: list[int] = []
"""Sockets that signals are written to, which a forked process must not do: its signals are not ours."""


def _forget() -> None:
    if _wakeups:
        signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget)


def _later(seconds: float, do: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
