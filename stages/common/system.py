"""What a run takes of the machine, as MLflow's own monitors see it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from stages.common.tracking import RunLogger

PREFIX = "system/"
"""Metrics with it stand under "System metrics" in MLflow's interface."""


class Watch:
    """Logs processor, memory, disk, network and GPUs of the machine while a block lasts; never raises.

    The whole machine is looked at, since stages share the work among processes. The step of a value is the seconds
    since the run began, so that stages follow each other in one chart.
    """

    def __init__(self, run: RunLogger, interval: float, began: int, folder: Path) -> None:
        """Nothing is looked at before the block.

        Args:
            run: to log to.
            interval: seconds between looks; 0: none.
            began: start of the run, in milliseconds since 1970.
            folder: whose process tree and disk are meant.
        """
        self._run, self._interval, self._began, self._folder = run, interval, began, folder
        self._over = threading.Event()
        self._seen: dict[str, list[float]] = {}
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        if self._interval:
            self._thread = threading.Thread(target=self._look_on, name="system metrics", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=self._interval + 5)

    def summary(self) -> dict[str, float]:
        """Mean use of the processors and peak memory, in per cent and megabytes; empty when nothing was seen."""
        made = {}
        if used := self._seen.get("cpu_utilization_percentage"):
            made["cpu_percent_mean"] = round(sum(used) / len(used), 1)
        if memory := self._seen.get("system_memory_usage_megabytes"):
            made["memory_megabytes_peak"] = max(memory)
        for name, values in self._seen.items():
            if name.startswith("gpu_") and name.endswith("_utilization_percentage"):
                made[f"{name.removesuffix('_utilization_percentage')}_percent_mean"] = round(
                    sum(values) / len(values), 1
                )
        return made

    def _look_on(self) -> None:
        with suppress(Exception):
            monitors = _monitors()
            for monitor in monitors:  # the first look at the processors has nothing to compare with
                with suppress(Exception):
                    monitor.collect_metrics()
                    monitor.clear_metrics()
            while not self._over.wait(self._interval):
                self._look(monitors)
            if not self._seen:
                self._look(monitors)

    def _look(self, monitors: list[Any]) -> None:
        values: dict[str, float] = {}
        for monitor in monitors:
            with suppress(Exception):
                monitor.collect_metrics()
                values |= monitor.aggregate_metrics()
                monitor.clear_metrics()
        for name, value in values.items():
            self._seen.setdefault(name, []).append(value)
        step = max(0, round(time.time() - self._began / 1000))
        self._run.log_metrics({PREFIX + name: value for name, value in values.items()}, step)


def _monitors() -> list[Any]:
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    made: list[Any] = []
    for monitor in (CPUMonitor, DiskMonitor, NetworkMonitor, GPUMonitor):
        with suppress(Exception):  # no GPU, or no driver
            made.append(monitor())
    return made
