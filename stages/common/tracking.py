"""MLflow runs that never stop the pipeline.

Every value goes into a journal first and from there to MLflow. When the tracking server does not answer, one notice
says so, the work goes on, and the journal is sent once the server is back. When it is not back at the end, the whole
journal becomes a run in the local store, so that a run is never spread over two.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from stages.common.checkout import main_checkout
from stages.common.mlflow_store import REFUSALS, Entry, Store, local_uri, shown, unusable
from stages.common.settings.platform import Tracking
from stages.common.tensorboard import EventFiles

RETRY_AFTER = 30.0
"""Seconds for which a store that did not take a value is left alone."""

VALUE_LIMIT = 6000
"""Longest parameter value that MLflow takes."""

TENSORBOARD = "tensorboard"
"""Folder of TensorBoard's event files in the main checkout, one folder a run."""

Notify = Callable[[str], None]


def _print_notice(text: str) -> None:
    print(f"notice: {text}", file=sys.stderr, flush=True)


class RunLogger:
    """Logs one run; no call raises or blocks for longer than the server's timeout. Threads may share one.

    Use :func:`open_run` to get one.

    Attributes:
        run_id: of the MLflow run; empty when nothing is logged.
        parameters: that this process logged.
    """

    def __init__(
        self,
        store: Store | None,
        run_id: str,
        journal: Path | None,
        notify: Notify,
        fallback: Callable[[], Store] | None = None,
        events: EventFiles | None = None,
    ) -> None:
        self.run_id = run_id
        self.parameters: dict[str, str] = {}
        self._store, self._journal, self._notify = store, journal, notify
        self._fallback, self._events = fallback, events
        self._lock = threading.RLock()
        self._entries: list[Entry] = _read_journal(journal)
        self._sent = 0
        self._retry_at = 0.0
        self._noticed = False

    def log_params(self, values: Mapping[str, Any]) -> None:
        """Log settings; nested ones as ``train.epochs``, lists as YAML on one line."""
        content = {name: written(value) for name, value in flatten(values).items()}
        self.parameters |= content
        self._record("params", content)

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

    def log_image(self, path: Path, key: str) -> None:
        """Show a picture beside those of the same key in other runs."""
        content = {"path": str(path.resolve()), "key": key, "step": 0, "time": int(time.time() * 1000)}
        self._record("image", content)

    def log_span(
        self,
        name: str,
        key: str,
        start: int,
        *,
        end: int = 0,
        status: str = "FINISHED",
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log a piece of the run's work as a run below it.

        Args:
            name: of the work.
            key: of this piece; a second call with it completes the first.
            start: in milliseconds since 1970.
            end: likewise; 0: it is still going on.
            status: how it ended.
            metrics: numbers of this piece.
            tags: words about it.
        """
        finite = {clean(name): float(value) for name, value in (metrics or {}).items() if math.isfinite(value)}
        words = {clean(name): value[:VALUE_LIMIT] for name, value in (tags or {}).items() if value}
        content = {"name": name, "key": key, "start": start, "end": end, "status": status}
        self._record("span", content | {"metrics": finite, "tags": words})

    def close_other(self, run_id: str) -> None:
        """End another run of the same store that a kill left running, as ``KILLED``."""
        self._record("closing", {"run_id": run_id})

    def recent(self, metric: str) -> list[Any]:
        """MLflow's ``Run`` of earlier runs that have a metric, the latest first; empty when the store cannot tell."""
        found: list[Any] = self._ask(lambda store: store.recent(clean(metric)), [])
        return [run for run in found if run.info.run_id != self.run_id]

    def known_parameters(self) -> dict[str, str]:
        """The run's settings: those in the store too, since a process that goes on with a run may log none."""
        kept: dict[str, str] = self._ask(lambda store: store.parameters(self.run_id), {})
        return kept | self.parameters

    def _ask(self, question: Callable[[Store], Any], otherwise: Any) -> Any:
        """What the store answers once it has all entries; ``otherwise`` when there is none or it cannot tell."""
        try:
            return question(self._store) if self._store is not None and self._send() else otherwise
        except Exception as error:
            if self._store is not None:
                self._lost(self._store, error)
            return otherwise

    def log_onnx(self, path: Path, name: str) -> None:
        """Keep an ONNX file as an MLflow model, with the signature of its inputs and outputs."""
        self._record("onnx", {"path": str(path.resolve()), "name": name})

    def _record(self, kind: str, content: dict[str, Any]) -> None:
        if not content:
            return
        with self._lock:
            entry = Entry(kind, content)
            if self._events is not None:
                self._events.add(entry)
            if self._store is None:
                return
            self._entries.append(entry)
            if self._journal is not None:
                with suppress(OSError), open(self._journal, "a", encoding="utf-8") as stream:
                    stream.write(json.dumps([kind, content]) + "\n")
            self._send()

    def _send(self) -> bool:
        """Send what waits; False when the store does not take it now."""
        with self._lock:
            return self._send_waiting()

    def _send_waiting(self) -> bool:
        if self._store is None or time.monotonic() < self._retry_at:
            return False
        try:
            if self._retry_at and not self._store.answers():
                raise ConnectionError("no answer")
            while self._sent < len(self._entries):
                self._send_one(self._store, self.run_id, self._entries[self._sent])
                self._sent += 1
        except Exception as error:
            self._lost(self._store, error)
            return False
        self._retry_at = 0.0
        return True

    def _send_one(self, store: Store, run_id: str, entry: Entry) -> None:
        try:
            store.apply(run_id, entry)
        except Exception as error:
            if not isinstance(error, FileNotFoundError) and getattr(error, "error_code", "") not in REFUSALS:
                raise
            self._notify(f"MLflow does not take {entry.kind} of the run ({store.describe(error)}); they are left out")

    def _lost(self, store: Store, error: Exception) -> None:
        self._retry_at = time.monotonic() + RETRY_AFTER
        if not self._noticed:
            self._noticed = True
            self._notify(f"{store.name} no longer takes the run ({store.describe(error)}); it is kept here meanwhile")

    def settle(self) -> None:
        """Send what waits now, and move the run to the local store when its own does not take it.

        Afterwards :attr:`run_id` can be written down.
        """
        with self._lock:
            if self._store is not None:
                self._retry_at = min(self._retry_at, time.monotonic())
                if not self._send():
                    self._move()

    def finish(self, status: str) -> None:
        """Send what waits and end the run, in the local store when the server does not take it.

        Args:
            status: ``FINISHED``, ``FAILED`` or ``KILLED``.
        """
        with self._lock:
            if self._events is not None:
                self._events.close()
            self.settle()
            if not self._end(status):
                self._move()
                self._end(status)

    def _end(self, status: str) -> bool:
        if self._store is None:
            return True
        try:
            self._store.end(self.run_id, status)
        except Exception as error:
            self._lost(self._store, error)
            return False
        if self._journal is not None:
            _move_lines(self._journal, _history(self._journal))
        return True

    def _move(self) -> None:
        """Put the whole run into the local store, also what earlier processes logged of it; log there from now on."""
        try:
            store = self._fallback() if self._fallback else None
            if store is None or (self._store is not None and store.uri == self._store.uri):
                raise ConnectionError
            moved = store.create("")
            entries = _read_journal(_history(self._journal)) if self._journal else []
            for entry in (*entries, *self._entries):
                self._send_one(store, moved, entry)
            if self.run_id:
                store.apply(moved, Entry("tags", {"continues": self.run_id}))
        except Exception as error:
            self._store = None
            self._notify(f"the MLflow run could not be kept ({type(error).__name__}); the results are complete without")
            return
        self.run_id, self._store, self._retry_at, self._sent = moved, store, 0.0, len(self._entries)
        self._notify(f"the MLflow run is complete in {store.name} as {moved}")


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
    if journal is not None and not run_id:
        _history(journal).unlink(missing_ok=True)

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
        logger.finish(status)


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
        return RunLogger(None, "", None, notify, events=_events(settings, root, name, run_id, notify))
    openers = [local]
    if settings.uri:
        openers.insert(0, lambda: Store(settings.uri, settings.experiment, root, settings.timeout))
    stores = []
    for opener in openers:
        try:
            store = opener()
            if run_id and store.reopen(run_id):
                events = _events(settings, root, name, run_id, notify)
                return RunLogger(store, run_id, journal, notify, local, events)
            stores.append(store)
            if not run_id:
                break
        except Exception as error:
            place = shown(settings.uri) if opener is not local else shown(local_uri(root))
            instead = f"the run is kept in {shown(local_uri(root))}" if opener is not local else "nothing is logged"
            notify(f"MLflow at {place} cannot be used ({unusable(error)}); {instead}")
    for store in stores:
        with suppress(Exception):
            made = store.create(name)
            return RunLogger(store, made, journal, notify, local, _events(settings, root, name, made, notify))
    return RunLogger(None, "", None, notify, events=_events(settings, root, name, run_id, notify))


def _events(settings: Tracking, root: Path, name: str, run_id: str, notify: Notify) -> EventFiles | None:
    """TensorBoard files of a run, in a folder of its own, when the settings ask for them."""
    if not settings.tensorboard:
        return None
    label = re.sub(r"[^\w.-]+", "-", f"{name or 'run'}-{run_id[:8] or time.strftime('%Y%m%d-%H%M%S')}")
    known = sorted((root / TENSORBOARD).glob(f"*-{run_id[:8]}")) if run_id else []
    return EventFiles(known[0] if known else root / TENSORBOARD / label, notify)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values as ``{"train.epochs": 3}``, with names that MLflow takes; empty ones are left out."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif value not in ("", None):
            flat[clean(prefix + str(key))] = value
    return flat


def written(value: Any) -> str:
    """A setting as it would be typed; one that is too long for MLflow ends in a digest, so that two still differ."""
    text = str(value)
    if isinstance(value, list | tuple | dict):
        text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False).strip()
    text = re.sub(r"//[^/@\s]*@", "//", text)  # user name and password in an address
    if len(text) > VALUE_LIMIT:
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        text = f"{text[: VALUE_LIMIT - 40]}... sha256 {digest}"
    return text


def clean(name: str) -> str:
    """A name that MLflow takes: its own characters stay, a bracketed suffix goes, others become ``_``."""
    return re.sub(r"[^\w\-. /:]", "_", re.sub(r"\([^)]*\)$", "", name)).strip("/ ")[:250] or "_"


def _history(journal: Path) -> Path:
    """File beside a journal with what was sent already, for a move to another store."""
    return journal.with_suffix(".sent.jsonl")


def _move_lines(journal: Path, history: Path) -> None:
    with suppress(OSError):
        if journal.is_file():
            with open(history, "a", encoding="utf-8") as stream:
                stream.write(journal.read_text(encoding="utf-8"))
            journal.unlink()


def _read_journal(path: Path | None) -> list[Entry]:
    """What an interrupted process noted; a torn last line is dropped."""
    entries: list[Entry] = []
    if path is not None and path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                kind, content = json.loads(line)
                entries.append(Entry(kind, content))
    return entries
