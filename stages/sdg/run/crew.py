"""How many workers, with how many threads each."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.common.settings import Settings
from stages.common.settings.pictures import Runtime

GPU_WORKERS = 8
"""Processes that share one GPU at most when nothing is said: eight kept an H200 busy, more did not help."""

GPU_SHARE_MIB = 3000
"""GPU memory that one of them needs."""

LEAST_THREADS = 2
"""Threads of a worker at least."""

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


def gpu_memories_mib(program: str = "nvidia-smi") -> list[int]:
    """Memory of each NVIDIA GPU here that ``CUDA_VISIBLE_DEVICES`` does not hide; empty when there is none.

    Args:
        program: NVIDIA's management tool, which comes with the driver.
    """
    path = shutil.which(program)
    if path is None:
        return []
    query = [path, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
        memories = [int(line) for line in done.stdout.split()]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return memories if visible is None else memories[: len([name for name in visible.split(",") if name.strip()])]


def gpu_names(count: int) -> list[str]:
    """What ``CUDA_VISIBLE_DEVICES`` is for a process that gets one of ``count`` GPUs, for each of them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(n) for n in range(count)] if visible is None else [name.strip() for name in visible.split(",")][:count]


def crew(runtime: Runtime, available: int, gpus_mib: Sequence[int] = ()) -> tuple[int, int]:
    """Workers and threads of each, with the settings' zeros filled in.

    On a CPU there is one worker per core, since building, reading and encoding a frame use one core only, and each has
    two threads: with a single one, Cycles' main thread and its worker thread take turns by spinning, which took 1.9
    times the processor time. The number does not depend on how much is left to render, so that a resumed run renders
    alike.

    Args:
        runtime: the settings.
        available: cores that may be used.
        gpus_mib: memory of each GPU that may be used.
    """
    if runtime.workers:
        return runtime.workers, runtime.threads or max(LEAST_THREADS, available // runtime.workers)
    if runtime.device != "cpu" and gpus_mib:
        wanted = sum(max(1, min(GPU_WORKERS, memory // GPU_SHARE_MIB)) for memory in gpus_mib)
        workers = max(1, min(wanted, available))
    else:
        workers = max(1, available // max(1, runtime.threads))
    return workers, runtime.threads or max(LEAST_THREADS, available // workers)


def resolved(settings: Settings) -> Settings:
    """Settings in which ``renderer.runtime`` says how many workers and threads this machine gets."""
    runtime = settings.renderer.runtime
    gpus = gpu_memories_mib() if runtime.device != "cpu" and not runtime.workers else []
    workers, threads = crew(runtime, cores(), gpus)
    filled = runtime.model_copy(update={"workers": workers, "threads": threads})
    return settings.model_copy(update={"renderer": settings.renderer.model_copy(update={"runtime": filled})})
