"""What SageMaker does around a container, with containers of a few lines."""

from __future__ import annotations

import json
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.train.emulator.job import ENDED, JobFolder, Options

PRELUDE = """
import json, os, pathlib, signal, sys, time
ml = pathlib.Path(os.environ["OPT_ML"])
def epoch(number):
    line = json.dumps({"step": number, "time": int(time.time() * 1000), "values": {"loss": 1.0}})
    with open(ml / "checkpoints/metrics.jsonl", "a") as stream:
        stream.write(line + "\\n")
"""


class Runner:
    """A folder for jobs, and their object storage."""

    def __init__(self, folder: Path) -> None:
        self.bucket = folder / "bucket"
        self.job = JobFolder(folder / "job")
        self.job.folder.mkdir()
        (self.bucket / "data").mkdir(parents=True)
        (self.bucket / "data/00000.tar").write_bytes(b"tar")

    def submit(self, script: str, *, limit: int = 600, **options: Any) -> None:
        def uri(name: str) -> str:
            return (self.bucket / name).as_uri()

        request = {
            "TrainingJobName": "job-1",
            "HyperParameters": {"train.epochs": "3"},
            "AlgorithmSpecification": {
                "ContainerEntrypoint": [sys.executable, "-u", "-c", PRELUDE + script],
            },
            "InputDataConfig": [
                {"ChannelName": "training", "DataSource": {"S3DataSource": {"S3Uri": uri("data") + "/"}}}
            ],
            "OutputDataConfig": {"S3OutputPath": uri("output")},
            "CheckpointConfig": {"S3Uri": uri("checkpoints")},
            "StoppingCondition": {"MaxRuntimeInSeconds": limit},
        }
        self.job.create(request, Options(**options))
        self.job.launch()

    def wait(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 90
        while not condition(status := self.job.describe()):
            assert time.monotonic() < deadline, (status, self.said())
            time.sleep(0.02)
        return status

    def end(self) -> dict[str, Any]:
        status = self.wait(lambda status: status.get("TrainingJobStatus") in ENDED)
        deadline = time.monotonic() + 30
        while self.job.is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return status

    def said(self) -> str:
        return (self.job.folder / "supervisor.txt").read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def transitions(status: dict[str, Any]) -> list[str]:
    return [item["Status"] for item in status["SecondaryStatusTransitions"]]


def test_a_job_that_completes(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    runner.submit(
        """
assert sys.argv[1:] == ["train"]
assert "AWS_SECRET_ACCESS_KEY" not in os.environ
assert os.environ["TRAINING_JOB_NAME"] == "job-1"
assert json.loads((ml / "input/config/hyperparameters.json").read_text()) == {"train.epochs": "3"}
assert json.loads((ml / "input/config/resourceconfig.json").read_text())["hosts"] == ["algo-1"]
assert json.loads((ml / "input/config/inputdataconfig.json").read_text())["training"]["TrainingInputMode"] == "File"
assert (ml / "input/data/training/00000.tar").read_bytes() == b"tar"
(ml / "model/best.pt").write_text("weights")
(ml / "output/data/plot.csv").write_text("1,2")
(ml / "checkpoints/.half.partial").write_text("")
epoch(1)
print("a line"); print("another", file=sys.stderr, end="")
"""
    )
    status = runner.end()
    assert status["TrainingJobStatus"] == "Completed", runner.job.log.read_text()
    assert transitions(status) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert runner.job.log.read_text() == "a line\nanother\n"
    assert status["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/job-1/output/model.tar.gz")
    output = runner.bucket / "output/job-1/output"
    with tarfile.open(output / "model.tar.gz") as tar:
        assert tar.getnames() == ["best.pt"]
    with tarfile.open(output / "output.tar.gz") as tar:
        assert tar.getnames() == ["plot.csv"]
    assert [path.name for path in (runner.bucket / "checkpoints").iterdir()] == ["metrics.jsonl"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("(ml / 'output/failure').write_text('x' * 2000); sys.exit(3)", "AlgorithmError: " + "x" * 1008),
        ("sys.exit(4)", "AlgorithmError: the container ended with exit code 4 and left no failure file"),
        ("os.kill(os.getpid(), 9)", "AlgorithmError: the container ended with exit code -9 and left no failure file"),
    ],
    ids=["failure file", "exit code", "killed for memory"],
)
def test_a_job_that_fails(runner: Runner, script: str, reason: str) -> None:
    runner.submit(script)
    status = runner.end()
    assert status["TrainingJobStatus"] == "Failed"
    assert status["FailureReason"] == reason
    assert not (runner.bucket / "output").exists()


def test_a_channel_that_is_empty(runner: Runner) -> None:
    (runner.bucket / "data/00000.tar").unlink()
    runner.submit("")
    assert runner.end()["FailureReason"].startswith("ClientError: channel 'training': nothing lies under file://")


WAITING = """
if not (ml / "checkpoints/metrics.jsonl").exists():
    epoch(1)
marker = ml.parent / "seen"
if not marker.exists():
    marker.touch()
    {on_term}
    time.sleep(600)
epoch(2)
(ml / "model/best.pt").write_text("weights")
"""


@pytest.mark.parametrize(
    ("on_term", "grace"),
    [
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))", 60),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 0.5),  # is killed
        ("pass", 0),  # no warning at all
    ],
)
def test_a_machine_that_is_taken_away(runner: Runner, on_term: str, grace: float) -> None:
    runner.submit(WAITING.format(on_term=on_term), interrupt_after=[1], grace=grace)
    status = runner.end()
    assert status["TrainingJobStatus"] == "Completed", runner.job.log.read_text()
    assert transitions(status) == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    lines = (runner.bucket / "checkpoints/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]


def test_a_job_that_is_stopped_keeps_its_model(runner: Runner) -> None:
    runner.submit(
        """
def stop(*_):
    (ml / "model/best.pt").write_text("so far")
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
print("waiting")
time.sleep(600)
"""
    )
    runner.wait(lambda _: runner.job.log.exists() and "waiting" in runner.job.log.read_text())
    runner.job.stop()
    status = runner.end()
    assert status["TrainingJobStatus"] == "Stopped"
    assert transitions(status)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert (runner.bucket / "output/job-1/output/model.tar.gz").exists()


def test_a_job_that_takes_too_long(runner: Runner) -> None:
    runner.submit("time.sleep(600)", limit=1)
    status = runner.end()
    assert (status["TrainingJobStatus"], status["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_two_supervisors_are_one(runner: Runner) -> None:
    runner.submit("print('once'); time.sleep(1)")
    runner.job.launch()
    assert runner.end()["TrainingJobStatus"] == "Completed"
    time.sleep(3)  # the second one has given up
    assert runner.job.log.read_text() == "once\n"


def test_a_folder_that_is_gone_ends_the_job(runner: Runner, tmp_path: Path) -> None:
    import shutil

    runner.submit(f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(600)")
    runner.wait(lambda _: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    pid = int((tmp_path / "pid").read_text())
    shutil.rmtree(runner.job.folder, ignore_errors=True)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
