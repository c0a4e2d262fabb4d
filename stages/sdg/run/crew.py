"""How many workers, with how many threads each."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

from stages.common.settings import Settings
from stages.common.settings.pictures import Runtime

GPU_WORKERS = 8
"""Processes that share one GPU when nothing is said: eight kept an H200 busy, more did not help."""

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""A container's share of the processor (cgroup v2): microseconds of running time, and in how many."""


def cores(quota: Path = QUOTA) -> int:
    """Processor cores that this process may use, within its container's quota."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        running, period = quota.read_text().split()
        allowed = min(allowed, math.ceil(int(running) / int(period)))
    except (OSError, ValueError):
        pass  # no container, or "max"
    return max(1, allowed)


def crew(runtime: Runtime, available: int) -> tuple[int, int]:
    """Workers and threads of each, with the settings' zeros filled in.

    On a CPU one worker per core with one thread each wastes least, since building, reading and encoding a frame do not
    use more than one. The number does not depend on how much is left to render, so that a resumed run renders alike.

    Args:
        runtime: the settings.
        available: cores that may be used.
    """
    if runtime.workers:
        return runtime.workers, runtime.threads or max(1, available // runtime.workers)
    if runtime.device in ("cuda", "optix"):
        workers = min(GPU_WORKERS, available)
    else:
        workers = max(1, available // max(1, runtime.threads))
    return workers, runtime.threads or max(1, available // workers)


def resolved(settings: Settings) -> Settings:
    """Settings in which ``renderer.runtime`` says how many workers and threads this machine gets."""
    workers, threads = crew(settings.renderer.runtime, cores())
    runtime = settings.renderer.runtime.model_copy(update={"workers": workers, "threads": threads})
    renderer = settings.renderer.model_copy(update={"runtime": runtime})
    return settings.model_copy(update={"renderer": renderer})
