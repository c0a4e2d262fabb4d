"""MLflow as SageMaker manages it, by ARN: a real server behind the plug-in's own address for tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from stages.common import mlflow_store
from stages.common.errors import GateError, MissingDependencyError
from stages.common.mlflow_store import Entry, Store, shown
from stages.common.registry import CHAMPION, open_registry
from stages.common.settings.platform import Tracking
from stages.common.tracking import open_run
from stages.train.container.figures import Epoch, Live
from tests.common.mlflow_server import serve
from tests.infra.mlflow_actions import PREFIX, RECORDED, actions_of
from tests.tiny_models import write_constant_model

ARN = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/runs"

TRACKING = Tracking.model_validate({"name": "test", "timeout": 30, "uri": ARN})

Sent = tuple[str, str]
"""Method and path of a request."""


class Wire:
    """What goes to the server, with whose signature."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.unsigned: list[Sent] = []

    def take(self) -> set[Sent]:
        """What was sent since the last time."""
        taken, self.sent = set(self.sent), []
        return taken


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    import mlflow

    wire, folder = Wire(), tmp_path_factory.mktemp("server")
    send = requests.Session.send

    def noted(self: Any, request: Any, **more: Any) -> Any:
        answer = send(self, request, **more)
        path = re.sub(r"^.*/api/[0-9.]+", "", request.url.partition("?")[0])
        if path.startswith("/mlflow/"):
            wire.sent.append((request.method, path))
            # botocore signs while the request is sent
            said = answer.request.headers
            named = said.get("x-mlflow-sm-tracking-server-arn") == ARN
            if not named or "/us-east-1/sagemaker-mlflow/aws4_request" not in str(said.get("Authorization")):
                wire.unsigned.append((request.method, path))
        return answer

    before = mlflow.get_tracking_uri()
    with (
        serve(f"sqlite:///{folder}/server.db", folder, folder, proxied=False) as (uri, _),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(requests.Session, "send", noted)
        patch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", uri)
        patch.setenv("AWS_ACCESS_KEY_ID", "TESTKEY0123456789")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-word-of-this-may-leak")
        patch.setenv("MLFLOW_TRACKING_URI", "")
        yield wire
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def by_ci(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> set[Sent]:
    """All that runs and the registry can ask: what the workflow ``train`` may do."""
    folder = tmp_path_factory.mktemp("project")
    model = write_constant_model(folder / "best.onnx", ["pallet"], (64, 32), [(1, 2, 3, 4, 0.5, 0)])
    page, notices = folder / "page.md", []
    page.write_text("# Report\n")
    picture = folder / "picture.png"
    _paint(picture)
    with open_run(TRACKING, folder, name="first", notify=notices.append) as other:
        pass
    kinds: set[str] = set()
    apply = Store.apply

    def seen(self: Store, run_id: str, entry: Entry) -> None:
        kinds.add(entry.kind)
        apply(self, run_id, entry)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "apply", seen)
        with open_run(TRACKING, folder, name="second", notify=notices.append) as run:
            run.log_params({"train": {"epochs": 3}})
            run.log_tags({"git.commit": "abc"})
            run.log_metrics({"metrics/mAP50": 0.5}, 1)
            run.log_dataset("frames", "ab" * 16, "data/frames", "training")
            run.log_artifact(page, "reports")
            run.log_image(picture, "curve")
            run.log_span("train", "train 1", 1, end=2, metrics={"seconds": 1.0}, tags={"machine": "ml.g5"})
            run.close_other(other.run_id)
            run.log_onnx(model, "detector")
            assert run.recent("metrics/mAP50") == []
    assert notices == []
    assert kinds == {name.removeprefix("_log_") for name in dir(Store) if name.startswith("_log_")}
    with open_run(TRACKING, folder, run_id=run.run_id, notify=notices.append) as again:
        assert again.run_id == run.run_id
    registry = open_registry(TRACKING, folder, "detector")
    first = registry.register(run.run_id, model)
    registry.crown(first.number)
    registry.note(first, {"gate": "passed"}, "better", page)
    with open_run(TRACKING, folder, name="third", notify=notices.append) as run:
        write_constant_model(model, ["pallet"], (64, 32), [(1, 2, 3, 4, 0.9, 0)])
        run.log_onnx(model, "detector")
    second = registry.register(run.run_id, model)
    registry.fetch(second)
    registry.crown(second.number)
    assert [item.number for item in registry.uncrown()] == [second.number, first.number]
    assert notices == []
    return wire.take()


def _paint(path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(path)


def test_runs_and_the_registry_work_and_every_request_is_signed(by_ci: set[Sent], wire: Wire) -> None:
    assert ("POST", "/mlflow/runs/create") in by_ci
    assert wire.unsigned == []


def test_deploy_gets_the_champion(by_ci: set[Sent], wire: Wire, tmp_path: Path) -> None:
    registry = open_registry(TRACKING, tmp_path, "detector")
    champion = registry.aliased(CHAMPION)
    assert champion is not None
    assert registry.fetch(champion).is_file()
    # an experiment that is not there yet is made by whoever trains
    assert actions_of(wire.take()) == RECORDED["deploy"]


def test_the_container_logs_into_the_run(by_ci: set[Sent], wire: Wire, tmp_path: Path) -> None:
    with open_run(TRACKING, tmp_path) as run:
        wire.take()
        live = Live(ARN, run.run_id)
        live.send(Epoch(1, {"loss": 1.0}, 1_700_000_000_000))
        live.close()
        sent = wire.take()
    assert actions_of(sent) == RECORDED["execution"]
    assert wire.unsigned == []


def test_what_is_asked_of_mlflow_is_what_the_policies_are_held_to(by_ci: set[Sent]) -> None:
    wanted = actions_of(by_ci) | {f"{PREFIX}:RestoreExperiment"}  # of one that somebody deleted
    assert wanted == RECORDED["ci"]


def test_without_the_plug_in_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
    with pytest.raises(MissingDependencyError, match=r"sagemaker-mlflow, by which MLflow reaches an ARN, is not"):
        Store(ARN, "test", tmp_path, 1)
    with pytest.raises(GateError, match=r"mlflow-tracking-server/runs cannot be used \(sagemaker-mlflow, by which"):
        open_registry(TRACKING, tmp_path, "detector")
    notices: list[str] = []
    with open_run(TRACKING, tmp_path, notify=notices.append):
        pass
    (notice,) = notices
    assert "is not installed: run make setup" in notice
    assert "the run is kept in" in notice


def test_an_arn_is_shown_without_its_account() -> None:
    assert shown(ARN) == "mlflow-tracking-server/runs"
    assert mlflow_store.unusable(ConnectionError("x")) == "no answer"
