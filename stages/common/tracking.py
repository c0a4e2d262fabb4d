"""MLflow runs that never stop the pipeline.

Every value goes into a journal first and from there to MLflow. When the tracking server does not answer, one notice
says so, the work goes on, and the journal is sent once the server is back. When it is not back at the end, the whole
journal becomes a run in the local store, so that a run is never spread over two.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.common.checkout import main_checkout
from stages.common.mlflow_store import REFUSALS, Entry, Store, local_uri, shown
from stages.common.settings.platform import Tracking

RETRY_AFTER = 30.0
"""Seconds for which a store that did not take a value is left alone."""

VALUE_LIMIT = 6000
"""Longest parameter value that MLflow takes."""

Notify = Callable[[str], None]


def _print_notice(text: str) -> None:
    print(f"notice: {text}", file=sys.stderr, flush=True)


class RunLogger:
    """Logs one run; no call raises or blocks for longer than the server's timeout.

    Use :func:`open_run` to get one.

    Attributes:
        run_id: of the MLflow run; empty when nothing is logged.
    """

    def __init__(self, store: Store | None, run_id: str, journal: Path | None, notify: Notify) -> None:
        self.run_id = run_id
        self._store, self._journal, self._notify = store, journal, notify
        self._entries: list[Entry] = _read_journal(journal)
        self._sent = 0
        self._retry_at = 0.0
        self._noticed = False

    def log_params(self, values: Mapping[str, Any]) -> None:
        """Log settings; nested ones as ``train.epochs``."""
        self._record("params", {name: str(value)[:VALUE_LIMIT] for name, value in flatten(values).items()})

    def log_tags(self, values: Mapping[str, str]) -> None:
        """Set tags; empty ones are left out."""
        self._record("tags", {clean(name): value[:VALUE_LIMIT] for name, value in values.items() if value})

    def log_metrics(self, values: Mapping[str, float], step: int = 0, time_ms: int | None = None) -> None:
        """Log numbers of one step; those that are not finite are left out.

        Args:
            values: by name.
            step: such as the epoch.
            time_ms: milliseconds since 1970, None for now; the same numbers of the same moment are logged once.
        """
        finite = {clean(name): float(value) for name, value in values.items() if math.isfinite(value)}
        moment = int(time.time() * 1000) if time_ms is None else time_ms
        self._record("metrics", {"step": step, "time": moment, "values": finite})

    def tag(self, name: str) -> str:
        """A tag of the run, as it was last set here or as the store has it; empty when it is not known."""
        for entry in reversed(self._entries):
            if entry.kind == "tags" and name in entry.content:
                return str(entry.content[name])
        if self._store is not None and self.run_id:
            with suppress(Exception):
                return str(self._store.client.get_run(self.run_id).data.tags.get(name, ""))
        return ""

    def log_dataset(self, name: str, digest: str, source: str, context: str) -> None:
        """Name a data set that the run used.

        Args:
            name: of the data set.
            digest: of its content, 36 characters at most.
            source: where it lies.
            context: what it was used for, as ``training``.
        """
        self._record("dataset", {"name": name, "digest": digest[:36], "source": source, "context": context})

    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Keep a file, or a folder with all it holds, below ``folder`` of the run's artifacts."""
        self._record("artifact", {"path": str(path.resolve()), "folder": folder})

    def log_onnx(self, path: Path, name: str) -> None:
        """Keep an ONNX file as an MLflow model, with the signature of its inputs and outputs."""
        self._record("onnx", {"path": str(path.resolve()), "name": name})

    def _record(self, kind: str, content: dict[str, Any]) -> None:
        if self._store is None or not content:
            return
        entry = Entry(kind, content)
        self._entries.append(entry)
        if self._journal is not None:
            with suppress(OSError), open(self._journal, "a", encoding="utf-8") as stream:
                stream.write(json.dumps([kind, content]) + "\n")
        self._send()

    def _send(self) -> bool:
        """Send what waits; False when the store does not take it now."""
        if self._store is None or time.monotonic() < self._retry_at:
            return False
        try:
            if self._retry_at and not self._store.answers():
                raise ConnectionError("no answer")
            while self._sent < len(self._entries):
                self._send_one(self._store, self._entries[self._sent])
                self._sent += 1
        except Exception as error:
            self._lost(self._store, error)
            return False
        self._retry_at = 0.0
        return True

    def _send_one(self, store: Store, entry: Entry) -> None:
        try:
            store.apply(self.run_id, entry)
        except Exception as error:
            if not isinstance(error, FileNotFoundError) and getattr(error, "error_code", "") not in REFUSALS:
                raise
            self._notify(f"MLflow does not take {entry.kind} of the run ({store.describe(error)}); they are left out")

    def _lost(self, store: Store, error: Exception) -> None:
        self._retry_at = time.monotonic() + RETRY_AFTER
        if not self._noticed:
            self._noticed = True
            self._notify(f"{store.name} no longer takes the run ({store.describe(error)}); it is kept here meanwhile")

    def finish(self, status: str, fallback: Callable[[], Store]) -> None:
        """Send what waits and end the run, in the local store when the server does not take it.

        Args:
            status: ``FINISHED``, ``FAILED`` or ``KILLED``.
            fallback: opens the local store.
        """
        if self._store is None:
            return
        self._retry_at = min(self._retry_at, time.monotonic())
        if self._send():
            try:
                self._store.end(self.run_id, status)
            except Exception as error:
                self._lost(self._store, error)
            else:
                self._forget()
                return
        try:
            self._move(fallback(), status)
        except Exception as error:
            self._notify(f"the MLflow run could not be kept ({type(error).__name__}); the results are complete without")

    def _move(self, store: Store, status: str) -> None:
        lost, self.run_id = self.run_id, store.create("")
        for entry in self._entries:
            self._send_one(store, entry)
        if lost:
            store.apply(self.run_id, Entry("tags", {"continues": lost}))
        store.end(self.run_id, status)
        self._forget()
        self._notify(f"the MLflow run is complete in {store.name} as {self.run_id}")

    def _forget(self) -> None:
        if self._journal is not None:
            self._journal.unlink(missing_ok=True)


@contextmanager
def open_run(
    settings: Tracking,
    project: Path,
    *,
    name: str = "",
    run_id: str = "",
    journal: Path | None = None,
    notify: Notify = _print_notice,
) -> Iterator[RunLogger]:
    """Log a run for as long as the block lasts.

    An exception ends the run as FAILED, Ctrl-C as KILLED. After the block ``run_id`` says where the run is for good.

    Args:
        settings: where to, and how long to wait.
        project: top of the repository; the local store lies in its main checkout.
        name: of a new run.
        run_id: run to go on with; a new one is started when it is nowhere to be found.
        journal: file that keeps what is not sent yet beyond a kill.
        notify: gets the sentences for the user.
    """
    root = main_checkout(project)

    def local() -> Store:
        return Store("", settings.experiment, root, settings.timeout)

    logger = _start(settings, root, local, name, run_id, journal, notify)
    status = "FAILED"
    try:
        yield logger
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        logger.finish(status, local)


@contextmanager
def resume_run(settings: Tracking, run_id: str, project: Path, notify: Notify = _print_notice) -> Iterator[RunLogger]:
    """Go on with a run by its id; logs nothing when the id is empty."""
    on = settings if run_id else settings.model_copy(update={"enabled": False})
    with open_run(on, project, run_id=run_id, notify=notify) as logger:
        yield logger


def _start(
    settings: Tracking,
    root: Path,
    local: Callable[[], Store],
    name: str,
    run_id: str,
    journal: Path | None,
    notify: Notify,
) -> RunLogger:
    """Find the store that holds or shall hold the run."""
    if not settings.enabled:
        return RunLogger(None, "", None, notify)
    openers = [local]
    if settings.uri:
        openers.insert(0, lambda: Store(settings.uri, settings.experiment, root, settings.timeout))
    stores = []
    for opener in openers:
        try:
            store = opener()
            if run_id and store.reopen(run_id):
                return RunLogger(store, run_id, journal, notify)
            stores.append(store)
            if not run_id:
                break
        except Exception as error:
            reason = "no answer" if isinstance(error, ConnectionError) else getattr(error, "error_code", "")
            place = shown(settings.uri) if opener is not local else shown(local_uri(root))
            instead = f"the run is kept in {shown(local_uri(root))}" if opener is not local else "nothing is logged"
            notify(f"MLflow at {place} cannot be used ({reason or type(error).__name__}); {instead}")
    for store in stores:
        with suppress(Exception):
            return RunLogger(store, store.create(name), journal, notify)
    return RunLogger(None, "", None, notify)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values as ``{"train.epochs": 3}``, with names that MLflow takes; empty ones are left out."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif value not in ("", None):
            flat[clean(prefix + str(key))] = value
    return flat


def clean(name: str) -> str:
    """A name that MLflow takes: its own characters stay, a bracketed suffix goes, others become ``_``."""
    return re.sub(r"[^\w\-. /:]", "_", re.sub(r"\([^)]*\)$", "", name)).strip("/ ")[:250] or "_"


def _read_journal(path: Path | None) -> list[Entry]:
    """What an interrupted process noted; a torn last line is dropped."""
    entries: list[Entry] = []
    if path is not None and path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                kind, content = json.loads(line)
                entries.append(Entry(kind, content))
    return entries
