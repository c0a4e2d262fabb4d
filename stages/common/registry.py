"""MLflow's model registry: versions of the detector, and which of them is champion."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.checkout import main_checkout
from stages.common.errors import GateError
from stages.common.files import atomic_write, sha256_of, write_json
from stages.common.mlflow_store import DATABASE, Store, ignored_folder, local_uri, shown, unusable
from stages.common.settings.platform import Tracking

CHAMPION = "champion"
CHALLENGER = "challenger"
LOGGED = "detector"
"""Name under which training logs its ONNX model to the run."""

SHA256 = "sha256"
"""Tag of a version: of its file in the registry."""

BEFORE = "champions_before"
"""Tag of the registered model: JSON list of earlier champions' versions, the latest last."""

MOST_BEFORE = 100
TAG_LIMIT = 4900
"""Characters of a tag; MLflow takes 5000."""


@dataclass(frozen=True)
class Version:
    """One version of the registered model.

    Attributes:
        number: counts from 1.
        run_id: MLflow run that trained it.
        tags: of the version.
    """

    number: int
    run_id: str
    tags: Mapping[str, str]


class Registry:
    """One registered model; every method raises :class:`GateError` when MLflow refuses."""

    def __init__(self, store: Store, model: str, root: Path) -> None:
        """Use :func:`open_registry` to get one.

        Args:
            store: that holds runs and registry.
            model: name of the registered model.
            root: main checkout, where fetched files are kept.
        """
        self.name = store.name
        self.model = model
        self._store, self._client, self._root = store, store.client, root

    def aliased(self, alias: str) -> Version | None:
        """The version that an alias points to, None when there is none."""
        with self._told():
            found = self._registered()
            number = dict(found.aliases).get(alias) if found else None
            return self._version(number) if number else None

    def versions(self) -> list[Version]:
        """All of them, the newest first."""
        with self._told():
            found = self._client.search_model_versions(f"name='{self.model}'")
            return sorted((_plain(item) for item in found), key=lambda item: -item.number)

    def register(self, run_id: str, model: Path) -> Version:
        """The version of the model that a run logged; made unless it is there, and aliased ``challenger``.

        Args:
            run_id: of training.
            model: ONNX file, which must be what the run logged.

        Raises:
            GateError: when the run or its model is not in this store, or the file is another one.
        """
        with self._told(), self._store.transferring():
            logged = self._logged(run_id)
            file = self._download(logged.artifact_location, self._folder() / f"{logged.model_id}")
            if content_digest(file) != content_digest(model):
                raise GateError(
                    f"'{model}' is not the model that MLflow run {run_id} logged: train again, or name that run's file"
                )
            number = self._number_of(logged.model_id) or self._create(run_id, logged, sha256_of(file))
            champion = self.aliased(CHAMPION)
            if champion is None or champion.number != number:
                self._client.set_registered_model_alias(self.model, CHALLENGER, str(number))
            return self._version(number)

    def fetch(self, version: Version) -> Path:
        """The version's ONNX file, downloaded once, with a ``training.json`` beside it that names its run.

        Raises:
            GateError: when it is gone or not what was registered.
        """
        with self._told(), self._store.transferring():
            folder = self._folder() / (version.tags.get(SHA256) or f"{self.model}-{version.number}")
            kept = folder / "model.onnx"
            if not kept.is_file() or sha256_of(kept) != version.tags.get(SHA256):
                uri = self._client.get_model_version_download_uri(self.model, str(version.number))
                kept = self._download(uri, folder)
            if version.tags.get(SHA256, "") != sha256_of(kept):
                kept.unlink()
                raise GateError(
                    f"version {version.number} of {self.model} is no longer the file that was registered: "
                    "train and promote a new one"
                )
            revision = ""
            with suppress(Exception):  # the run may be deleted; the model is whole without
                revision = self._client.get_run(version.run_id).data.tags.get("data.revision", "")
            about = {"run_id": version.run_id, "data_revision": revision}
            write_json(folder / "training.json", {key: value for key, value in about.items() if value})
            return kept

    def crown(self, number: int) -> None:
        """Make a version champion; the one before is remembered for :meth:`uncrown`."""
        with self._told():
            champion = self.aliased(CHAMPION)
            challenger = self.aliased(CHALLENGER)
            if champion is not None:
                self._remember([*self.before(), champion.number])
            self._client.set_registered_model_alias(self.model, CHAMPION, str(number))
            if challenger is not None and challenger.number == number:
                self._client.delete_registered_model_alias(self.model, CHALLENGER)

    def uncrown(self) -> tuple[Version, Version]:
        """Make the champion before the present one champion again.

        Returns:
            The one that was, and the one that is now.

        Raises:
            GateError: when there is no champion, or none before it.
        """
        with self._told():
            champion = self.aliased(CHAMPION)
            if champion is None:
                raise GateError(f"{self.model} in {self.name} has no champion: python -m stages.evaluate promote")
            there = {item.number for item in self.versions()}
            earlier = [number for number in self.before() if number in there]
            while earlier and earlier[-1] == champion.number:  # left by a promotion that was cut off
                earlier.pop()
            if not earlier:
                raise GateError(
                    f"version {champion.number} of {self.model} is the first champion, so there is none to roll back "
                    "to: promote another one"
                )
            self._client.set_registered_model_alias(self.model, CHAMPION, str(earlier[-1]))
            self._remember(earlier[:-1])
            return champion, self._version(earlier[-1])

    def before(self) -> list[int]:
        """Versions of earlier champions, the latest last."""
        found = self._registered()
        try:
            return [int(number) for number in json.loads(found.tags[BEFORE])]
        except (AttributeError, KeyError, TypeError, ValueError):
            return []

    def note(self, version: Version, tags: Mapping[str, str], description: str, file: Path | None = None) -> None:
        """Tag a version, describe it, and keep a file under ``gate`` of its run's artifacts."""
        with self._told():
            for key, value in tags.items():
                self._client.set_model_version_tag(self.model, str(version.number), key, value[:TAG_LIMIT])
            self._client.update_model_version(self.model, str(version.number), description[:TAG_LIMIT])
            if file is not None:
                with self._store.transferring():
                    self._client.log_artifact(version.run_id, str(file), "gate")

    def _registered(self) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_registered_model(self.model)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _version(self, number: int | str) -> Version:
        return _plain(self._client.get_model_version(self.model, str(number)))

    def _logged(self, run_id: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            run = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                raise GateError(
                    f"MLflow run {run_id} is not in {self.name}: set tracking.uri to where it was logged, or train "
                    "again"
                ) from None
            raise
        outputs = run.outputs.model_outputs if run.outputs else []
        found = [self._client.get_logged_model(item.model_id) for item in outputs]
        found = [item for item in found if item.name == LOGGED]
        if not found:
            raise GateError(f"MLflow run {run_id} in {self.name} holds no model '{LOGGED}': train again")
        return found[-1]

    def _number_of(self, model_id: str) -> int | None:
        found = self._client.search_model_versions(f"name='{self.model}'")
        return next((int(item.version) for item in found if item.tags.get("model_id") == model_id), None)

    def _create(self, run_id: str, logged: Any, digest: str) -> int:
        if self._registered() is None:
            self._client.create_registered_model(self.model)
        tags = {SHA256: digest, "model_id": logged.model_id}
        made = self._client.create_model_version(
            self.model, logged.artifact_location, run_id, tags, model_id=logged.model_id
        )
        return int(made.version)

    def _download(self, uri: str, folder: Path) -> Path:
        """Fetch a logged model's folder and keep its ONNX file alone."""
        from mlflow.artifacts import download_artifacts

        made = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        try:
            got = Path(download_artifacts(artifact_uri=uri, dst_path=str(made), tracking_uri=self._store.uri))
            with atomic_write(folder / "model.onnx", "wb") as stream:
                stream.write((got / "model.onnx").read_bytes())
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return folder / "model.onnx"

    def _folder(self) -> Path:
        return ignored_folder(self._root / ".cache") / "registry"

    def _remember(self, numbers: Sequence[int]) -> None:
        self._client.set_registered_model_tag(self.model, BEFORE, json.dumps(list(numbers)[-MOST_BEFORE:]))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what MLflow raises into a sentence."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, ConnectionError, FileNotFoundError) as error:
            reason = self._store.describe(error)
            raise GateError(
                f"the model registry in {self.name} cannot do it ({reason}): mend that and run it again"
            ) from error


def open_registry(tracking: Tracking, project: Path, model: str) -> Registry:
    """Connect with the registry beside the runs, which is never made here.

    Raises:
        GateError: when tracking is off, nothing was logged yet, or the server does not answer.
    """
    root = main_checkout(project)
    if not tracking.enabled:
        raise GateError("tracking=off keeps no model registry: choose tracking=local and train")
    if not tracking.uri and not (root / DATABASE).is_file():
        raise GateError(f"there is no model registry, as '{shown(local_uri(root))}' does not exist: train first")
    try:
        store = Store(tracking.uri, tracking.experiment, root, tracking.timeout)
    except Exception as error:
        place = shown(tracking.uri or local_uri(root))
        raise GateError(
            f"the model registry at {place} cannot be used ({unusable(error)}): start it or correct tracking.uri"
        ) from error
    return Registry(store, model, root)


def has_registry(tracking: Tracking, project: Path) -> bool:
    """Whether there can be a registry: tracking is on, and a server is named or the local store exists."""
    return tracking.enabled and (bool(tracking.uri) or (main_checkout(project) / DATABASE).is_file())


def content_digest(path: Path) -> str:
    """Digest of an ONNX file's content, the same however it was written.

    Raises:
        GateError: when it is no ONNX file.
    """
    import onnx

    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's DecodeError has no types
        raise GateError(f"'{path}' cannot be read as ONNX ({type(error).__name__}): train again") from error
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


def _plain(item: Any) -> Version:
    return Version(int(item.version), str(item.run_id or ""), dict(item.tags))
