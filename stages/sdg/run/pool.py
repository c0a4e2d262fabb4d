"""Worker processes: started, fed, timed, replaced, and buried when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Pipe, wait
from pathlib import Path

from stages.common.errors import RenderError
from stages.common.processes import python_path
from stages.sdg.run.key import STAGES
from stages.sdg.run.messages import Done, Failed, Job, Ready, Refused, Reply

START_TIMEOUT = 600.0
"""Seconds until a worker must have its renderer; a GPU's first start compiles kernels."""

STOP_TIMEOUT = 5.0
"""Seconds that a worker which was told to stop gets for it."""

START_TRIES = 2
"""Workers that may die before they are ready, one after the other, until the run gives up."""

LOG_LINES = 12
"""Last lines of a worker's log that are shown when it dies."""


@dataclass(frozen=True)
class Lost:
    """A frame that failed twice.

    Attributes:
        frame: its number.
        reason: what happened the second time.
        log: last lines that its worker wrote.
    """

    frame: int
    reason: str
    log: tuple[str, ...]


class Worker:
    """One worker process as its parent sees it.

    Args:
        job: sent to it at once.
        log: file that takes what it and its renderer print.
        gpu: the one GPU that it sees, as ``CUDA_VISIBLE_DEVICES`` names it; None hides nothing.
    """

    def __init__(self, job: Job, log: Path, gpu: str | None = None) -> None:
        self.log, self.gpu = log, gpu
        self.ready = False
        self.frame: int | None = None
        self.done = 0
        self.deadline = time.monotonic() + START_TIMEOUT
        self.channel, theirs = Pipe()
        threads = str(job.settings.renderer.runtime.threads)
        environment = os.environ | {"PYTHONPATH": python_path(STAGES.parent), "OMP_NUM_THREADS": threads}
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stages.sdg.run.worker", str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env=environment,
            )
        theirs.close()
        self._send(job)

    def give(self, frame: int, timeout: float) -> None:
        """Ask for a frame within so many seconds."""
        self.frame, self.deadline = frame, time.monotonic() + timeout
        self._send(frame)

    def receive(self) -> Reply | None:
        """Its next message, or None when it is gone."""
        try:
            reply: Reply = self.channel.recv()
        except (EOFError, OSError):
            return None
        return reply

    def dismiss(self) -> None:
        """Tell it to stop once it is done."""
        self._send(None)

    def bury(self, patience: float = 0.0) -> None:
        """Wait for its end, and bring it about after ``patience`` seconds."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.channel.close()

    def epitaph(self) -> str:
        """How it ended, in words."""
        self.bury(STOP_TIMEOUT)
        code = self.process.returncode
        if code == -signal.SIGKILL:
            return "its worker was killed, perhaps for want of memory"
        if code < 0:
            return f"its worker crashed ({signal.Signals(-code).name})"
        return f"its worker ended with status {code}"

    def last_lines(self) -> tuple[str, ...]:
        """The end of its log."""
        return tuple(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    def _send(self, message: object) -> None:
        with suppress(OSError):  # it died, which the next receive() tells
            self.channel.send(message)


class Pool:
    """Renders frames in worker processes.

    Args:
        job: what every worker gets.
        size: workers at the same time.
        timeout: seconds after which a frame counts as hung.
        lifetime: frames after which a worker is replaced.
        gpus: names of the GPUs among which workers are spread; empty: workers see what there is.
    """

    def __init__(self, job: Job, *, size: int, timeout: float, lifetime: int, gpus: Sequence[str] = ()) -> None:
        self._gpus = gpus
        self._job, self._size, self._timeout, self._lifetime = job, size, timeout, lifetime
        self._workers: list[Worker] = []
        self._leaving: list[Worker] = []
        self._queue: deque[int] = deque()
        self._again: deque[int] = deque()
        self._failed: set[int] = set()
        self._started = self._stillborn = 0
        self.start_seconds = 0.0

    def render(self, frames: Iterable[int]) -> Generator[Done | Lost, None, None]:
        """Render frames, about in their order, and tell of each when it is done or lost.

        A frame whose worker fails, crashes or hangs gets a second chance in a fresh worker.

        Raises:
            StageError: when no worker can go on: bad settings, missing package, full disk.
            RenderError: when workers die before they can take a frame.
        """
        self._queue.extend(frames)
        try:
            while self._queue or self._again or any(worker.frame is not None for worker in self._workers):
                self._staff()
                for worker in self._next_events():
                    yield from self._handle(worker)
            # Those that idle now may still have something to tidy up.
            for worker in [worker for worker in self._workers if worker.ready]:
                self._retire(worker)
        finally:
            self._disband()

    def _staff(self) -> None:
        """Start workers that are wanted, feed those that idle, dismiss those with nothing left to do."""
        busy = sum(worker.frame is not None for worker in self._workers)
        wanted = min(self._size, len(self._queue) + len(self._again) + busy)
        while len(self._workers) < wanted:
            self._started += 1
            log = self._job.work / f"worker-{self._started:04d}.log"
            self._workers.append(Worker(self._job, log, self._idlest_gpu()))
        for worker in [worker for worker in self._workers if worker.ready and worker.frame is None]:
            # A second try only counts in a process that nothing else has been done in.
            if self._again and worker.done == 0:
                worker.give(self._again.popleft(), self._timeout)
            elif self._queue:
                worker.give(self._queue.popleft(), self._timeout)
            else:
                self._retire(worker)

    def _idlest_gpu(self) -> str | None:
        """GPU with the fewest workers."""
        load = Counter(worker.gpu for worker in self._workers)
        return min(self._gpus, key=lambda gpu: load[gpu], default=None)

    def _next_events(self) -> list[Worker]:
        """Workers that have something to say, are dead, or are overdue."""
        pause = max(0.0, min(worker.deadline for worker in self._workers) - time.monotonic())
        talking = wait([worker.channel for worker in self._workers], pause)
        now = time.monotonic()
        return [worker for worker in self._workers if worker.channel in talking or now >= worker.deadline]

    def _handle(self, worker: Worker) -> Iterator[Done | Lost]:
        if not worker.channel.poll():
            worker.process.kill()
            worker.bury(STOP_TIMEOUT)
            yield from self._mishap(worker, f"it took longer than {self._timeout:g} s (renderer.runtime.frame_timeout)")
            return
        match worker.receive():
            case Ready(seconds):
                worker.ready, worker.deadline = True, float("inf")
                self._stillborn = 0
                self.start_seconds += seconds
            case Done() as done:
                worker.frame, worker.deadline = None, float("inf")
                worker.done += 1
                if worker.done >= self._lifetime:
                    self._retire(worker)
                yield done
            case Failed(_, reason):
                worker.dismiss()
                yield from self._mishap(worker, reason)
            case Refused(error):
                raise error
            case None:
                yield from self._mishap(worker, worker.epitaph())

    def _mishap(self, worker: Worker, reason: str) -> Iterator[Lost]:
        """A worker is of no more use, and neither was what it did last."""
        self._workers.remove(worker)
        self._leaving.append(worker)
        if worker.frame is None:
            self._stillborn += not worker.ready
            if self._stillborn >= START_TRIES:
                lines = " | ".join(worker.last_lines()[-3:]) or "nothing was printed"
                raise RenderError(
                    f"renderer '{self._job.settings.renderer.backend}' does not start: {reason}, after '{lines}'; "
                    f"try `python -m stages.sdg --frame {[*self._again, *self._queue][0]}`"
                )
        elif worker.frame in self._failed:
            yield Lost(worker.frame, reason, worker.last_lines())
        else:
            self._failed.add(worker.frame)
            self._again.append(worker.frame)

    def _retire(self, worker: Worker) -> None:
        worker.dismiss()
        self._workers.remove(worker)
        self._leaving.append(worker)

    def _disband(self) -> None:
        for worker in self._workers:
            worker.bury()
        for worker in self._leaving:
            worker.bury(STOP_TIMEOUT)
        self._workers, self._leaving = [], []
