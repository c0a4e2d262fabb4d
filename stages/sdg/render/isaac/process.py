"""An Isaac Sim process: started, watched, judged by its manifest, and ended however it hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from isaac.capture.folder import JOURNAL, JobFolder, read_json
from stages.common.errors import RenderError
from stages.sdg.render.isaac.launch import Launch

GUARD = """
grace=$1; shift
"$@" </dev/null &
child=$!
exec 3<&0
( cat <&3 >/dev/null; trap '' TERM; sleep "$grace"; ${END:-true} >/dev/null 2>&1; kill -KILL 0 ) &
guard=$!
exec 3<&- </dev/null
wait "$child"; code=$?
kill -TERM "$guard" 2>/dev/null
exit "$code"
"""
"""A shell that ends its process group, Isaac Sim with it, some seconds after standard input does: with the process that
holds its other end, however that dies. A thread inside Isaac Sim could not while native code holds the interpreter."""

LINES = 12
"""Last lines of the log that are shown when it dies."""

PAUSE = 0.02
"""Seconds between looks into the journal."""


class IsaacProcess:
    """One process that serves a job folder.

    Args:
        folder: of the job, ``job.json`` in it.
        how: the command.
        log: file that takes what it prints; appended to.
        grace: seconds that it gets to end when its parent dies.
    """

    def __init__(self, folder: JobFolder, how: Launch, log: Path, grace: float = 10.0) -> None:
        self.folder, self.log, self._how = folder, log, how
        folder.manifest.unlink(missing_ok=True)
        journal = folder.root / JOURNAL
        self._offset = journal.stat().st_size if journal.exists() else 0
        self._unread: deque[dict[str, Any]] = deque()
        environment = {key: value for key, value in os.environ.items() if key not in how.unset} | how.environment
        environment["END"] = " ".join(how.end)
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", f"{grace:g}", *how.command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether the process is there; it may be done for all that, see :meth:`manifest`."""
        return self._process.poll() is None

    def manifest(self) -> dict[str, Any] | None:
        """What it wrote before it closed the app; None as long as it works, or when it died."""
        try:
            told: dict[str, Any] = read_json(self.folder.manifest)
        except FileNotFoundError:
            return None
        return told

    def events(self) -> Iterator[dict[str, Any]]:
        """Events of the journal, each once: whoever stops after one finds the next ones with the next call."""
        self._read()
        while self._unread:
            yield self._unread.popleft()

    def _read(self) -> None:
        try:
            with open(self.folder.root / JOURNAL, "rb") as stream:
                stream.seek(self._offset)
                data = stream.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    self._unread.append(event)

    def wait_for(self, names: tuple[str, ...], frame: int | None, timeout: float) -> dict[str, Any] | None:
        """The next event of some names, of a frame if one is given.

        Returns:
            None when the process has ended, in order or not, without one.

        Raises:
            TimeoutError: when none came in time; the process then still runs.
        """
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.is_running or self.manifest() is not None
            for event in self.events():
                if event["event"] in names and (frame is None or event.get("frame") == frame):
                    return event
            if ended:
                return None
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(PAUSE)

    def stop(self, patience: float, close_timeout: float) -> dict[str, Any] | None:
        """Ask it to end, and see to it that it does.

        Args:
            patience: seconds until its manifest must be there.
            close_timeout: seconds from then on until the process must be gone; it hangs there now and then.

        Returns:
            Its manifest; None when it left none.
        """
        self.folder.stop.touch()
        deadline = time.monotonic() + patience
        while self.is_running and self.manifest() is None and time.monotonic() < deadline:
            time.sleep(PAUSE)
        told = self.manifest()
        if told is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(close_timeout)
        self.end()
        self.folder.stop.unlink(missing_ok=True)
        return told

    def end(self) -> None:
        """End the process and all that it started, at once."""
        if self._how.end and self.is_running:
            with suppress(OSError, subprocess.SubprocessError):
                subprocess.run(self._how.end, capture_output=True, timeout=30, check=False)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def last_lines(self) -> str:
        """The end of its log."""
        try:
            lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines()]
        except FileNotFoundError:
            return ""
        return " | ".join([line for line in lines if line][-LINES:])

    def death(self, doing: str) -> RenderError:
        """The sentence for a process that ended without a manifest."""
        code = self._process.poll()
        how = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"status {code}"
        last = " | ".join(self.last_lines().split(" | ")[-3:]) or "nothing was printed"
        return RenderError(f"Isaac Sim ended ({how}) {doing}, after '{last}'; see {self.log} and try again")
