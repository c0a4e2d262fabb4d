"""Figures of the epochs: into ``metrics.jsonl``, the log, and as far as it answers MLflow."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.common.mlflow_store import shown
from stages.common.tracking import clean
from stages.train.contract import METRICS, log_line, metrics_line, read_metrics, tracked_figures
from stages.train.types import Epoch

LIVE_TIMEOUT = 5
"""Seconds that MLflow may take over one call."""

LIVE_QUEUE = 1000
"""Epochs that wait for MLflow; what is more is left to the client's replay."""

LIVE_LAST = 30.0
"""Seconds that the end of a training waits for MLflow."""


class Figures:
    """Keeps the figures of each epoch."""

    def __init__(self, checkpoints: Path, live: Live | None) -> None:
        """Look at what an interrupted container kept.

        Args:
            checkpoints: folder of ``metrics.jsonl``.
            live: sender to MLflow.
        """
        self._path = checkpoints / METRICS
        self._live = live
        content = self._path.read_bytes() if self._path.exists() else b""
        self._kept = {epoch.number: epoch for epoch in read_metrics(content)}
        whole = content.rpartition(b"\n")[0]
        if content and len(whole) + 1 != len(content):  # a torn line
            os.truncate(self._path, len(whole) + bool(whole))

    def add(self, epoch: Epoch) -> None:
        """Keep an epoch, unless it is kept already, as those before a resumed one are.

        MLflow gets new ones alone: of what was kept before, and of an epoch done again, the client's replay takes care.
        """
        before = self._kept.get(epoch.number)
        if before is None or dict(before.figures) != dict(epoch.figures):
            epoch = Epoch(epoch.number, epoch.figures, int(time.time() * 1000))
            with open(self._path, "a", encoding="utf-8") as stream:
                stream.write(metrics_line(epoch))
                stream.flush()
                os.fsync(stream.fileno())
            self._kept[epoch.number] = epoch
            print(log_line(epoch), flush=True)
        if before is None and self._live is not None:
            self._live.send(epoch)

    def close(self) -> None:
        """Let MLflow have what waits, for a while."""
        if self._live is not None:
            self._live.close()


class Live:
    """Sends epochs to an MLflow run from a thread of its own; nothing that it meets stops or slows the training.

    What it could not send, the client replays from ``metrics.jsonl``: with the same moments, so nothing is doubled.
    """

    def __init__(self, uri: str, run_id: str) -> None:
        """Start the thread.

        Args:
            uri: of the tracking server, or the ARN of SageMaker's.
            run_id: of a run that the client has opened.
        """
        self._uri, self._run_id = uri, run_id
        self._waiting: queue.Queue[Epoch | None] = queue.Queue(LIVE_QUEUE)
        self._noticed = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def send(self, epoch: Epoch) -> None:
        """Queue an epoch, or leave it out."""
        with suppress(queue.Full):
            self._waiting.put_nowait(epoch)

    def close(self) -> None:
        """Wait for what is queued, but not for long."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(LIVE_LAST)

    def _work(self) -> None:
        client: Any = None
        with self._told():
            client = self._connect()  # takes seconds, so while the first epoch is trained
        while (epoch := self._waiting.get()) is not None:
            with self._told():
                client = client or self._connect()
                self._log(client, epoch)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Mention what goes wrong, once."""
        try:
            yield
        except Exception as error:  # of MLflow, requests, boto3, whatever the address leads to
            if not self._noticed:
                self._noticed = True
                print(
                    f"MLflow at {shown(self._uri)} does not take the figures ({type(error).__name__}); "
                    f"{METRICS} has them",
                    flush=True,
                )

    def _connect(self) -> Any:
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(LIVE_TIMEOUT)
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow

        # the plug-in warns at each request of an address that is no ARN
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        mlflow.set_tracking_uri(self._uri)  # the plug-in for SageMaker's ARNs reads the global one
        return mlflow.MlflowClient()

    def _log(self, client: Any, epoch: Epoch) -> None:
        from mlflow.entities import Metric

        metrics = [
            Metric(clean(name), value, epoch.time, epoch.number) for name, value in tracked_figures(epoch).items()
        ]
        client.log_batch(self._run_id, metrics=metrics)


def live_log() -> Live | None:
    """A sender when the environment names a server and a run; else None."""
    uri, run_id = os.environ.get("MLFLOW_TRACKING_URI", ""), os.environ.get("MLFLOW_RUN_ID", "")
    return Live(uri, run_id) if uri and run_id else None
