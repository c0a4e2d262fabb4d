"""Where MLflow runs are kept: a tracking server, or a database file in the main checkout."""

from __future__ import annotations

import fcntl
import logging
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from stages.common.errors import MissingDependencyError

DATABASE = "mlflow.db"
"""The local store, in the main checkout; MLflow's own default name."""

ARTIFACTS = "mlruns"
"""Folder of the local store's artifacts, beside the database."""

UPLOAD_TIMEOUT = 30
"""Seconds that a server may take over an artifact; it has answered a moment before."""

MODEL_TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Lets MLflow's interface open an experiment with tables and charts of runs instead of traces of language models."""

REFUSALS = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST"}
"""MLflow's error codes for a value that would be refused again."""


@dataclass(frozen=True)
class Entry:
    """One thing to log.

    Attributes:
        kind: ``params``, ``tags``, ``metrics``, ``dataset``, ``artifact``, ``image``, ``onnx``, ``span`` or
            ``closing``.
        content: plain values; for metrics with their time, so that sending them twice changes nothing.
    """

    kind: str
    content: dict[str, Any]


class Store:
    """An MLflow tracking store: a server, or a database file.

    Attributes:
        name: how messages call it; without user names and passwords.
    """

    def __init__(self, uri: str, experiment: str, root: Path, timeout: float) -> None:
        """Connect and find or make the experiment.

        Args:
            uri: of a server or database; empty: the local store.
            experiment: by name.
            root: main checkout, where the local store lies.
            timeout: seconds to wait for a server.

        Raises:
            MissingDependencyError: when an ARN is given and the package that knows such addresses is not here.
            Exception: of MLflow, requests or SQLAlchemy, when the store cannot be used.
        """
        self.uri = uri or local_uri(root)
        self.name = shown(self.uri)
        self._timeout = timeout
        if not self.answers():
            raise ConnectionError("no answer")
        _bound_mlflow(timeout)
        if self.uri.startswith("arn:"):
            _use_plugin(self.uri)
        from mlflow import MlflowClient

        for library in ("alembic", "mlflow"):
            logging.getLogger(library).setLevel(logging.ERROR)
        # Two processes that make the tables of a new database at once both fail.
        with _only_one(root / ".cache", self.uri.startswith("sqlite:")):
            self._client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            location = str(root / ARTIFACTS) if not uri else None
            self._experiment: str = _experiment(self._client, experiment, location)

    @property
    def client(self) -> Any:
        """MLflow's own client, for what this class does not wrap."""
        return self._client

    def answers(self) -> bool:
        """Whether a server replies in time; True for what is no HTTP server.

        Asked in a thread, since looking up a host name heeds no timeout.
        """
        if not self.uri.startswith(("http://", "https://")):
            return True
        answers: list[bool] = []
        thread = Thread(target=lambda: answers.append(_is_healthy(self.uri, self._timeout)), daemon=True)
        thread.start()
        thread.join(self._timeout + 1)
        return answers == [True]

    def create(self, name: str) -> str:
        """Start a run and return its id."""
        run = self._client.create_run(self._experiment, run_name=name or None)
        return str(run.info.run_id)

    def reopen(self, run_id: str) -> bool:
        """Mark a run as running again; False when it is not here."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return False
            raise
        self._client.update_run(run_id, status="RUNNING")
        return True

    def end(self, run_id: str, status: str) -> None:
        """Set a run's final status."""
        self._client.set_terminated(run_id, status)

    def recent(self, metric: str, most: int = 50) -> list[Any]:
        """Runs of the experiment that have a metric, the latest first."""
        found = self._client.search_runs(
            [self._experiment],
            filter_string=f"metrics.`{metric}` >= 0",
            order_by=["attributes.start_time DESC"],
            max_results=most,
        )
        return list(found)

    def parameters(self, run_id: str) -> dict[str, str]:
        """Settings that a run has, whoever logged them."""
        return dict(self._client.get_run(run_id).data.params)

    def apply(self, run_id: str, entry: Entry) -> None:
        """Log one entry."""
        getattr(self, f"_log_{entry.kind}")(run_id, **{"content": entry.content})

    def describe(self, error: BaseException) -> str:
        """A short reason without addresses, which may hold passwords."""
        code = getattr(error, "error_code", "")
        if code in REFUSALS:
            return " ".join(str(error).split()).replace(self.uri, self.name)[:160]
        return (
            str(error) if isinstance(error, ConnectionError) and not error.errno else str(code or type(error).__name__)
        )

    def _log_params(self, run_id: str, content: dict[str, str]) -> None:
        from mlflow.entities import Param

        params = [Param(name, value) for name, value in content.items()]
        for start in range(0, len(params), 100):
            self._client.log_batch(run_id, params=params[start : start + 100])

    def _log_tags(self, run_id: str, content: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        self._client.log_batch(run_id, tags=[RunTag(name, value) for name, value in content.items()])

    def _log_metrics(self, run_id: str, content: dict[str, Any]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(name, value, content["time"], content["step"]) for name, value in content["values"].items()]
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(run_id, metrics=metrics[start : start + 1000])

    def _log_dataset(self, run_id: str, content: dict[str, str]) -> None:
        from mlflow.data.dataset_source_registry import resolve_dataset_source
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.entities import DatasetInput, InputTag

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "can be interpreted in multiple ways", both of them the same
            source = resolve_dataset_source(content["source"])
        dataset = MetaDataset(source, name=content["name"], digest=content["digest"])._to_mlflow_entity()
        tags = [InputTag("mlflow.data.context", content["context"])]
        self._client.log_inputs(run_id, datasets=[DatasetInput(dataset, tags)])

    def _log_artifact(self, run_id: str, content: dict[str, str]) -> None:
        path = Path(content["path"])
        if not path.exists():
            raise FileNotFoundError(path.name)
        with self.transferring():
            log = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
            log(run_id, str(path), content["folder"] or None)

    def _log_image(self, run_id: str, content: dict[str, Any]) -> None:
        from PIL import Image

        path = Path(content["path"])
        with self.transferring(), Image.open(path) as picture:
            picture.load()
            self._client.log_image(
                run_id, picture.convert("RGB"), key=content["key"], step=content["step"], timestamp=content["time"]
            )

    def _log_span(self, run_id: str, content: dict[str, Any]) -> None:
        """A run below ``run_id``, found again by its key; sent twice it is still one."""
        from mlflow.entities import Metric, RunTag

        wanted = f"tags.`mlflow.parentRunId` = '{run_id}' and tags.`span` = '{content['key']}'"
        found = self._client.search_runs([self._experiment], filter_string=wanted, max_results=1)
        if found:
            span = str(found[0].info.run_id)
        else:
            made = self._client.create_run(
                self._experiment,
                start_time=content["start"],
                tags={"mlflow.parentRunId": run_id, "span": content["key"]},
                run_name=content["name"],
            )
            span = str(made.info.run_id)
        end = content.get("end")
        metrics = [Metric(name, value, end or content["start"], 0) for name, value in content["metrics"].items()]
        tags = [RunTag(name, value) for name, value in content["tags"].items()]
        if metrics or tags:
            self._client.log_batch(span, metrics=metrics, tags=tags)
        if end:
            self._client.set_terminated(span, content["status"], end)

    def _log_closing(self, _: str, content: dict[str, str]) -> None:
        """End another run, and those below it, that a kill left running."""
        from mlflow.exceptions import MlflowException

        lost = content["run_id"]
        below = f"tags.`mlflow.parentRunId` = '{lost}' and attributes.status = 'RUNNING'"
        with suppress(MlflowException):  # it is in another store
            if self._client.get_run(lost).info.status != "RUNNING":
                return
            for found in self._client.search_runs([self._experiment], filter_string=below):
                self._client.set_terminated(found.info.run_id, "KILLED")
            self._client.set_terminated(lost, "KILLED")

    def _log_onnx(self, run_id: str, content: dict[str, str]) -> None:
        import mlflow
        import onnx

        model = onnx.load(content["path"])
        before = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(self.uri)
        try:
            with self.transferring(), mlflow.start_run(run_id=run_id):
                mlflow.onnx.log_model(
                    onnx_model=model,
                    name=content["name"],
                    signature=_signature(model),
                    pip_requirements=["onnx", "onnxruntime"],
                    save_as_external_data=False,
                )
        finally:
            mlflow.set_tracking_uri(before)

    @contextmanager
    def transferring(self) -> Iterator[None]:
        """Be more patient with a server that has just answered."""
        if not self.answers():
            raise ConnectionError("no answer")
        before = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "")
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(UPLOAD_TIMEOUT)
        try:
            yield
        finally:
            os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = before


def local_uri(root: Path) -> str:
    """Address of the local store: absolute, so that it is found from every folder."""
    return f"sqlite:///{root.resolve() / DATABASE}"


def shown(uri: str) -> str:
    """An address as messages show it: without user name and password."""
    if uri.startswith("sqlite:///"):
        return uri.removeprefix("sqlite:///")
    if uri.startswith("arn:"):
        return uri.rpartition(":")[2]
    parts = urlsplit(uri)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else parts.scheme or uri


def unusable(error: BaseException) -> str:
    """Why a store could not be opened, in words that hold no address."""
    if isinstance(error, MissingDependencyError):
        return str(error)
    if isinstance(error, ConnectionError):
        return "no answer"
    return str(getattr(error, "error_code", "") or type(error).__name__)


def _use_plugin(arn: str) -> None:
    """Make an ARN known to ``sagemaker-mlflow``, which reads the process's tracking address and not the client's."""
    from importlib.metadata import entry_points

    if not any(point.name == "arn" for point in entry_points(group="mlflow.tracking_store")):
        raise MissingDependencyError(
            "sagemaker-mlflow, by which MLflow reaches an ARN, is not installed: run make setup, or pip install "
            "sagemaker-mlflow"
        )
    import mlflow

    mlflow.set_tracking_uri(arn)


def _is_healthy(uri: str, timeout: float) -> bool:
    import requests

    try:
        return requests.get(f"{uri.rstrip('/')}/health", timeout=timeout).status_code < 500
    except requests.RequestException:
        return False


def _experiment(client: Any, name: str, location: str | None) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        with suppress(MlflowException):  # somebody else made it in between
            return str(client.create_experiment(name, artifact_location=location, tags=MODEL_TRAINING))
        found = client.get_experiment_by_name(name)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _signature(model: Any) -> Any:
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def schema(values: Any) -> Any:
        specs = []
        for value in values:
            tensor = value.type.tensor_type
            shape = tuple(side.dim_value or -1 for side in tensor.shape.dim)
            specs.append(
                TensorSpec(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape, value.name)
            )
        return Schema(specs)

    return ModelSignature(inputs=schema(model.graph.input), outputs=schema(model.graph.output))


def _bound_mlflow(timeout: float) -> None:
    """Bound MLflow's own patience (minutes by default) and keep it from phoning home; read when it is imported."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(math.ceil(timeout)))
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


@contextmanager
def _only_one(folder: Path, wanted: bool) -> Iterator[None]:
    """Keep other processes of this repository out while the block lasts."""
    if not wanted:
        yield
        return
    with open(ignored_folder(folder) / "mlflow.lock", "a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def ignored_folder(folder: Path) -> Path:
    """Make a folder that Git leaves alone, whatever the project's own rules say."""
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), open(folder / ".gitignore", "x") as stream:
        stream.write("*\n")
    return folder
