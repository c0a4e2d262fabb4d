"""How far a long job is: a bar on a terminal, now and then a plain line in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Never, TextIO

from tqdm import tqdm

LINE_EVERY = 5.0
"""Seconds between two lines in a log, at least."""


class Progress:
    """Counts finished things on a stream; use it in a ``with`` block.

    Example:
        >>> with Progress("render", total=2, unit="frames") as progress:
        ...     progress.advance()
        ...     progress.advance()

    Args:
        name: of the job, in front of each line.
        total: how many things there are.
        unit: what they are, in the plural.
        done: how many were there before; they count as done but not for the rate.
        stream: standard error when left out.
        every: seconds between two lines when the stream is no terminal.
    """

    def __init__(
        self,
        name: str,
        *,
        total: int,
        unit: str,
        done: int = 0,
        stream: TextIO | None = None,
        every: float = LINE_EVERY,
    ) -> None:
        self.name, self.total, self.unit, self.done = name, total, unit, done
        self._already, self._every = done, every
        self._stream = stream or sys.stderr
        self._start = self._last = time.monotonic()
        self._written = -1
        self._bar: tqdm[Never] | None = None
        if self._stream.isatty():
            self._bar = tqdm(
                desc=name, total=total, initial=done, unit=f" {unit}", file=self._stream, dynamic_ncols=True, leave=True
            )

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more things as done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif time.monotonic() - self._last >= self._every:
            self._line()

    def note(self, text: str) -> None:
        """Write a line of text without tearing the bar."""
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._written != self.done and self.done > self._already:
            self._line()

    def _line(self) -> None:
        self._last = time.monotonic()
        self._written = self.done
        rate = (self.done - self._already) / max(self._last - self._start, 1e-9)
        left = f", {duration((self.total - self.done) / rate)} left" if rate > 0 and self.done < self.total else ""
        print(
            f"{self.name}: {self.done} of {self.total} {self.unit}, {rate:.3g}/s{left}", file=self._stream, flush=True
        )


def duration(seconds: float) -> str:
    """Seconds as people read them: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
