"""What goes wrong midway: clients that are killed, a bucket that fails, credentials that expire."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from mlflow import MlflowClient

from stages.common.aws.objects import Objects
from stages.common.errors import StageError
from stages.common.files import sha256_of
from stages.common.mlflow_store import local_uri
from stages.common.settings.platform import Storage
from stages.train.contract import METRICS, log_line, metrics_line
from stages.train.sagemaker.clients import Services
from stages.train.sagemaker.trainer import train_in_sagemaker
from stages.train.types import Epoch
from stages.train.weights import Weights
from tests.train.sagemaker.cloud import (
    BUCKET,
    SECRET,
    Cloud,
    Machine,
    Step,
    epoch_of,
    epochs_to,
    figures,
    finish,
    forget_jobs,
    prepare,
    train,
)
from tests.train.sagemaker.conftest import Client
from tests.weather import Weather

KILLED = 9
READS = ("Describe", "Get", "List", "Head")


class FileRun:
    """A run in a file: what it was told outlives a kill, in the order in which it was told."""

    run_id = "run"

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def told(self) -> list[list[Any]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []

    def _tell(self, *what: Any) -> None:
        with open(self._path, "a") as stream:
            stream.write(json.dumps(what) + "\n")

    def tag(self, name: str) -> str:
        return next((entry[1][name] for entry in reversed(self.told) if entry[0] == "tags" and name in entry[1]), "")

    def log_tags(self, values: dict[str, str]) -> None:
        self._tell("tags", values)

    def log_metrics(self, values: dict[str, float], step: int = 0, time_ms: int | None = None) -> None:
        assert time_ms is not None, "a number without its moment would be another point each time"
        self._tell("metrics", step, time_ms, dict(values))


def quick(cloud: Cloud, machine: Machine) -> Iterator[Step]:
    """All of a job in few looks."""
    digest, checkpoints = prepare(cloud, machine)
    lines = b""
    for number in (1, 2, 3):
        lines += metrics_line(epoch_of(number)).encode()
        cloud.put(checkpoints + METRICS, lines)
        cloud.log(machine.job.training_job_name, f"{machine.job.training_job_name}/algo-1", log_line(epoch_of(number)))
        yield "InProgress", "Training"
    finish(cloud, machine, digest, epochs_to(3))
    yield "Completed", "Completed"


def in_child(work: Callable[[], None], log: Path) -> int:
    """Run in a forked process, which shares all that is imported and made; returns its exit status."""

    def body() -> None:
        try:
            work()
        except BaseException:
            log.write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=body)
    process.start()
    process.join(120)
    assert process.exitcode is not None, "the child hangs"
    return process.exitcode


@pytest.fixture
def services(client: Client, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Clients that all children share, so that each needs no second to make them."""
    made = Services(client.cloud.aws, Storage(name="local", kind="local"))
    for name in ("sts", "ecr", "sagemaker", "logs"):
        assert made[name]
    objects = made.objects
    monkeypatch.setattr("stages.train.sagemaker.trainer.Services", lambda *_: made)
    monkeypatch.setattr("stages.push.channel.Objects", lambda *_: objects)
    return made


def hook(services: Services, event: str, handler: Callable[..., Any]) -> None:
    for service in ("sts", "ecr", "sagemaker", "logs"):
        services[service].meta.events.register(event, handler)
    services.objects._client.meta.events.register(event, handler)


def test_a_client_that_is_killed_at_any_call_loses_and_doubles_nothing(
    client: Client, services: Services, tmp_path: Path
) -> None:
    start = client.root / "start.pt"
    start.parent.mkdir()
    start.write_bytes(b"weights to start from")
    client.weights = Weights("file", start, sha256_of(start))
    log, calls_file = tmp_path / "log", tmp_path / "calls"

    def run(root: Path, die_at: int = -1, moment: str = "before") -> None:
        """As a client does, until the call of that number."""
        client.root = root
        count = 0

        def before(model: Any, **_: Any) -> None:
            nonlocal count
            with open(calls_file, "a") as stream:
                stream.write(f"{model.name}\n")
            if moment == "before" and count == die_at:
                os._exit(KILLED)

        def after(**_: Any) -> None:
            nonlocal count
            if moment == "after" and count == die_at:
                os._exit(KILLED)
            count += 1

        hook(services, "before-call.*.*", before)
        hook(services, "after-call.*.*", after)
        note = FileRun(root / "told")

        def on_epoch(epoch: Epoch) -> None:
            note.log_metrics(dict(epoch.figures), epoch.number, epoch.time)

        trained = train_in_sagemaker(client.job(run=note, on_epoch=on_epoch))
        (root / "model").write_bytes(trained.weights.read_bytes())

    def begin(name: str) -> Path:
        forget_jobs(client.cloud)
        client.cloud.work = quick
        root = tmp_path / name
        (root / ".cache").mkdir(parents=True)
        calls_file.unlink(missing_ok=True)
        return root

    root = begin("whole")
    assert in_child(lambda: run(root), log) == 0, log.read_text()
    calls = calls_file.read_text().split()
    assert len(calls) > 25
    deaths = [(number, "before") for number in range(len(calls))]
    deaths += [(number, "after") for number, call in enumerate(calls) if not call.startswith(READS)]
    for number, moment in deaths:
        where = f"{moment} call {number}, {calls[number]}"
        root = begin(f"{moment}-{number}")
        status = in_child(lambda: run(root, number, moment), log)  # noqa: B023 - at once
        assert status == KILLED, f"{where}: {log.read_text() if log.exists() else status}"
        assert in_child(lambda: run(root), log) == 0, f"{where}: {log.read_text()}"  # noqa: B023
        assert len(client.cloud.machines) == 1, where
        assert (root / "model").read_bytes() == b"weights", where
        told = [entry for entry in FileRun(root / "told").told if entry[0] == "metrics"]
        points = {(name, step, moment_ms) for _, step, moment_ms, values in told for name in values}
        expected = {(name, number, epoch_of(number).time) for number in (1, 2, 3) for name in figures(number)}
        bill = {(name, step, moment_ms) for name, step, moment_ms in points if step == 0}
        assert points - bill == expected, where
        assert {name for name, _, _ in bill} == {"seconds/billable", "cost/usd"}, where
        assert len(bill) == 2, where
        assert len(client.cloud.list("sim-to-cloud/channels/")) == 2, where


def test_mlflow_has_each_figure_once_after_two_kills(client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.cloud.work = quick

    def killed_before_the_mark() -> None:
        """After the second epoch is logged, before the run's mark says so."""
        import stages.common.tracking as tracking

        original, marks = tracking.RunLogger.log_tags, []

        def log_tags(self: Any, values: Any) -> None:
            marks.append(values)
            if len(marks) == 2:
                os._exit(KILLED)
            original(self, values)

        tracking.RunLogger.log_tags = log_tags  # type: ignore[method-assign]
        client.train_tracked()

    def killed_at_the_model() -> None:
        import stages.train.sagemaker.trainer as trainer

        trainer.fetch = lambda *_: os._exit(KILLED)
        client.train_tracked()

    assert in_child(killed_before_the_mark, log) == KILLED, log.read_text()
    assert in_child(killed_at_the_model, log) == KILLED, log.read_text()
    assert in_child(lambda: client.train_tracked() and None, log) == 0, log.read_text()
    (machine,) = client.cloud.machines.values()
    mlflow = MlflowClient(local_uri(client.root))
    experiment = mlflow.get_experiment_by_name("sim-to-cloud")
    (run,) = mlflow.search_runs([experiment.experiment_id])
    for name in ("train/box_loss", "val/ap50"):
        history = mlflow.get_metric_history(run.info.run_id, name)
        assert [(point.step, point.value, point.timestamp) for point in history] == [
            (number, figures(number)[name], epoch_of(number).time) for number in (1, 2, 3)
        ]
    assert len(mlflow.get_metric_history(run.info.run_id, "cost/usd")) == 1
    assert run.info.status == "FINISHED"
    assert run.data.tags["sagemaker.job"] == machine.job.training_job_name
    assert int(run.data.tags["replay.offset"]) == sum(len(metrics_line(epoch_of(number))) for number in (1, 2, 3))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bucket_that_fails_every_fifth_request_changes_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    weather = Weather(seed)
    weather.install(monkeypatch)
    assert client.train().weights.read_bytes() == b"weights"
    assert weather.failures > 2
    assert client.epochs == [epoch_of(1), epoch_of(2), epoch_of(3)]
    assert len(client.cloud.machines) == 1
    assert len(client.cloud.list("sim-to-cloud/channels/")) == 2


def test_a_new_login_in_the_middle_is_taken_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        for number, step in enumerate(train(cloud, machine)):
            if number == 3:
                cloud.valid_key = "AKIANEWLOGIN00000000"  # from now on the old one has expired
            yield step

    def notify(text: str) -> None:
        client.said.append(text)
        if "runs on in AWS" in text:  # the user logs in again
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANEWLOGIN00000000")

    client.cloud.work = work
    train_in_sagemaker(client.job(notify=notify))
    (told,) = [text for text in client.said if "runs on in AWS" in text]
    assert "AWS refuses DescribeTrainingJob to these credentials (ExpiredTokenException)" in told
    assert client.epochs == [epoch_of(1), epoch_of(2), epoch_of(3)]


def test_credentials_that_stay_expired_end_the_following_and_not_the_job(client: Client) -> None:
    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        for number, step in enumerate(train(cloud, machine)):
            if number == 3:
                cloud.denied = "ExpiredTokenException"
            yield step

    client.cloud.work = work
    client.settings = {"patience_minutes": 0.002}
    with pytest.raises(
        StageError, match=r"AWS refuses DescribeTrainingJob .* \(ExpiredTokenException\): check"
    ) as caught:
        client.train()
    assert SECRET not in str(caught.value)
    client.cloud.denied = ""
    assert client.train().weights.read_bytes() == b"weights"
    assert len(client.cloud.machines) == 1
    assert [text for text in client.said if "is there already (InProgress); this follows it" in text]


def test_credentials_that_expire_during_the_upload_leave_what_was_sent(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.common.channel import LIST

    puts: list[str] = []

    class Expiring(boto3.Session):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.events.register("before-send.s3.PutObject", refuse)

    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        puts.append(request.url)
        if not request.url.endswith(LIST):
            return None
        body = f"<Error><Code>ExpiredToken</Code><Message>{SECRET}</Message></Error>".encode()
        raw = SimpleNamespace(stream=lambda *_, **__: iter([body]), read=lambda *_, **__: body)
        return AWSResponse(request.url, 400, {"Content-Type": "application/xml"}, raw)

    client.settings = {"patience_minutes": 0}
    with monkeypatch.context() as patch:
        patch.setattr(boto3, "Session", Expiring)
        with pytest.raises(StageError, match=r"refuses these credentials for s3:.*\(ExpiredToken\)"):
            client.train()
    assert not client.cloud.machines
    (sent,) = client.cloud.list("sim-to-cloud/channels/")
    before = client.cloud.s3.get_object(BUCKET, sent).last_modified
    client.train()
    assert client.cloud.s3.get_object(BUCKET, sent).last_modified == before  # not sent again
    assert len(client.cloud.machines) == 1


OPERATIONS = {
    "sts": ("GetCallerIdentity",),
    "ecr": ("DescribeImages",),
    "s3": ("ListObjectsV2", "PutObject", "GetObject"),
    "sagemaker": ("DescribeTrainingJob", "CreateTrainingJob"),
    "logs": ("DescribeLogStreams", "GetLogEvents"),
}


@pytest.mark.parametrize(
    ("service", "operation"), [(service, one) for service, names in OPERATIONS.items() for one in names]
)
def test_credentials_that_expire_at_an_operation_lose_nothing(
    service: str, operation: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends in one sentence, or goes on without the log; after a new login there is one job, and it is whole."""
    told: list[str] = []
    body = json.dumps({"__type": "ExpiredTokenException", "message": SECRET}).encode()
    if service in ("s3", "sts"):
        error = f"<Error><Code>ExpiredToken</Code><Message>{SECRET}</Message></Error>"
        body = (error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>").encode()

    class Expiring(boto3.Session):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.events.register(f"before-send.{service}.{operation}", refuse)

    def refuse(request: Any, **_: Any) -> AWSResponse:
        told.append(request.url)
        raw = SimpleNamespace(stream=lambda *_, **__: iter([body]), read=lambda *_, **__: body)
        return AWSResponse(request.url, 400, {}, raw)

    client.settings = {"patience_minutes": 0}
    with monkeypatch.context() as patch:
        patch.setattr(boto3, "Session", Expiring)
        # the log is a courtesy
        ends = contextlib.nullcontext() if service == "logs" else pytest.raises(StageError, match="refuses")
        with ends as caught:
            client.train()
    if caught is not None:
        client.said.append(str(caught.value))
    assert told
    client.train()
    assert len(client.cloud.machines) == 1
    assert len(client.cloud.list("sim-to-cloud/channels/")) == 2
    assert SECRET not in " ".join(client.said)


def test_two_clients_at_once_make_one_job(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one is quicker, between our look and our request."""
    other = Client(client.root.with_name("another"), client.tree, client.cloud)
    original = Objects.sizes
    raced: list[bool] = []

    def sizes(self: Objects, prefix: str) -> dict[str, int]:
        if not raced:
            raced.append(True)
            other.train()
        return original(self, prefix)

    monkeypatch.setattr(Objects, "sizes", sizes)
    assert client.train().weights.read_bytes() == other.train().weights.read_bytes()
    assert len(client.cloud.machines) == 1
