"""SIGTERM ends a job in time, also one whose main thread is held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from stages.train.container.stopping import LIMIT, TERMINATED, Stopped, stoppable
from tests.settings import REPOSITORY

HELD = {
    # a library that swallows whatever is raised in it
    "swallowed": """
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
    """,
    # a call of C that no signal interrupts, as of a GPU that hangs: no handler of Python's runs any more
    "in a call": """
        import ctypes
        libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
        libc.pthread_mutex_lock(mutex)
        libc.pthread_mutex_lock(mutex)
    """,
}
PROGRAM = """
import time
from stages.train.container import stopping
stopping.LIMIT, stopping.AGAIN = 1.0, 0.3
with stopping.stoppable():
    if True:
        print("held", flush=True)
{}
"""


def test_the_limit_is_below_sagemaker_s() -> None:
    assert LIMIT < 120


@pytest.mark.parametrize("how", HELD)
def test_a_job_that_is_held_ends_at_the_limit(how: str) -> None:
    program = PROGRAM.format(HELD[how])
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(60) == TERMINATED
        finally:
            process.kill()


def test_signals_of_a_forked_process_are_its_own() -> None:
    """Loaders of data are ended by SIGTERM; that says nothing about the job."""
    import stages.train.container.stopping as stopping

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stopping, "LIMIT", 0.2)
        with stoppable():
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            time.sleep(0.2)
            os.kill(child, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == TERMINATED
            time.sleep(0.6)  # this process would be gone by now


def test_what_was_set_before_is_set_again() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before[1])
    with stoppable():
        pass
    assert signal.getsignal(signal.SIGTERM) == before[0]
    now = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(now)
    assert now == before[1]
    assert issubclass(Stopped, BaseException)
