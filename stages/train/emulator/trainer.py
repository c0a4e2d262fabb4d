"""The client of an emulated job: what ``compute=sagemaker`` does with AWS, done with a folder."""

from __future__ import annotations

import shutil
import sys
import tarfile
import time
import uuid
from pathlib import Path
from typing import Any

from stages.common.buckets import Bucket, base_uri, open_bucket
from stages.common.channel import LIST, digest, pack
from stages.common.errors import TrainingError
from stages.common.settings.emulator import Emulator
from stages.common.settings.platform import Storage
from stages.train.contract import (
    METRICS,
    TRAINING,
    WEIGHTS,
    hyperparameters,
    metric_definitions,
    read_metrics,
    read_result,
)
from stages.train.emulator.job import ENDED, JobFolder, Options
from stages.train.registry import register_trainer
from stages.train.types import Job, Trained

LOOK = 0.5
"""Seconds between two looks at the job."""

MAX_HOURS = 24
"""After which the job is ended, as SageMaker does by default."""


@register_trainer("sagemaker-local")
def train_emulated(job: Job) -> Trained:
    """Train as a SageMaker job on this machine: data by way of object storage, the container's entry point, spot.

    A client that was killed finds its job again, running or ended; Ctrl-C stops the job, and its checkpoints stay.

    Raises:
        TrainingError: when the job fails or is stopped.
        StorageError: when object storage does not answer.
    """
    return _Client(job).train()


class _Client:
    def __init__(self, job: Job) -> None:
        self.job = job
        storage = job.storage or Storage(name="local", kind="local")
        project = job.work.resolve().parents[2]
        self.base = base_uri(storage, job.aws, project)
        self.endpoint, self.region = storage.endpoint, storage.region
        self.name = f"{job.aws.project if job.aws else 'sim-to-cloud'}-{job.work.name}"
        self.folder = JobFolder(job.work / "job")
        self.checkpoints = self._open(f"jobs/{self.name}/checkpoints")
        self.seen = 0
        self.log_read = 0

    def train(self) -> Trained:
        """Start or find the job, follow it, fetch what it left."""
        if self.folder.folder.exists() and self.folder.is_alive():
            self.job.notify(f"job {self.name} is running already and is followed from here")
        elif self._status().get("TrainingJobStatus") != "Completed":
            self._start()
        try:
            status = self._follow()
        except KeyboardInterrupt:
            self.job.notify(f"job {self.name} is stopped; the same command goes on from its last finished epoch")
            self._stop()
            raise
        self._judge(status)
        try:
            return self._fetch()
        except TrainingError:
            shutil.rmtree(self.folder.folder, ignore_errors=True)  # the same command trains again
            raise

    def _open(self, key: str) -> Bucket:
        return open_bucket(f"{self.base}/{key}", self.endpoint, self.region)

    def _status(self) -> dict[str, Any]:
        return self.folder.describe()

    def _start(self) -> None:
        job, emulator = self.job, self.job.compute.emulator
        if not job.train.resume:
            self.checkpoints.delete()
        channels = {TRAINING: self._send_data()}
        if job.weights.path is not None:
            channels[WEIGHTS] = self._send_weights(job.weights.path)
        self.folder.folder.mkdir(exist_ok=True)
        self.folder.create(self._request(channels), _options(emulator, self.endpoint, self.region))
        self.folder.launch()
        job.notify(f"job {self.name} runs on this machine; its log is {self.folder.log}")

    def _request(self, channels: dict[str, str]) -> dict[str, Any]:
        """The part of CreateTrainingJob that the emulator heeds."""
        job = self.job
        return {
            "TrainingJobName": self.name,
            "HyperParameters": hyperparameters(job.model, job.train, job.compute),
            "AlgorithmSpecification": {"TrainingInputMode": "File", "MetricDefinitions": metric_definitions()},
            "InputDataConfig": [
                {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": {"S3Uri": uri}}}
                for name, uri in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": f"{self.base}/jobs"},
            "CheckpointConfig": {"S3Uri": self.checkpoints.uri, "LocalPath": "/opt/ml/checkpoints"},
            "StoppingCondition": {"MaxRuntimeInSeconds": MAX_HOURS * 3600},
            "EnableManagedSpotTraining": bool(job.compute.emulator.interrupt_after),
        }

    def _send_data(self) -> str:
        """Bring the channel into object storage, unless it is there; its list goes last."""
        dataset = next(path for path in self.job.data.train.folder.parents if (path / "data.yaml").is_file())
        bucket = self._open(f"channels/{digest(dataset)}")
        if bucket.read(LIST) is None:
            packed = self.job.work / "channel"
            channel = pack(dataset, packed)
            for file in channel.files:
                bucket.put(packed / file.name, file.name)
            bucket.put(packed / LIST, LIST)
            shutil.rmtree(packed)
        return f"{bucket.uri}/"

    def _send_weights(self, path: Path) -> str:
        bucket = self._open(f"weights/{self.job.weights.sha256}")
        if not bucket.keys():
            bucket.put(path, "start.pt")
        return f"{bucket.uri}/"

    def _follow(self) -> dict[str, Any]:
        """Hand on epochs and lines until the job has ended."""
        started = time.monotonic()
        while True:
            alive = self.folder.is_alive()
            status = self._status()
            ended = status.get("TrainingJobStatus") in ENDED
            self._hand_on()
            if ended:
                return status
            if not alive and (status or time.monotonic() - started > 60):
                raise TrainingError(
                    f"job {self.name} is no longer running and left no result; the same command goes on from its last "
                    f"finished epoch, and '{self.folder.folder / 'supervisor.txt'}' has what was said"
                )
            time.sleep(LOOK)

    def _hand_on(self) -> None:
        """Pass on epochs that were not passed on yet, from object storage as a client of AWS must, and new lines."""
        for epoch in read_metrics(self.checkpoints.read(METRICS) or b""):
            if epoch.number > self.seen:
                self.seen = epoch.number
                self.job.on_epoch(epoch)
        if self.folder.log.exists():
            with open(self.folder.log, "rb") as stream:
                stream.seek(self.log_read)
                whole, end, _ = stream.read().rpartition(b"\n")
            self.log_read += len(whole) + len(end)
            for line in whole.splitlines():
                print(line.decode(errors="replace"), file=sys.stderr, flush=True)

    def _stop(self) -> None:
        """Stop the job and wait for its end."""
        self.folder.stop()
        deadline = time.monotonic() + self.job.compute.emulator.grace + 30
        while self.folder.is_alive() and time.monotonic() < deadline:
            time.sleep(LOOK)

    def _judge(self, status: dict[str, Any]) -> None:
        if status["TrainingJobStatus"] == "Failed":
            raise TrainingError(
                f"job {self.name} failed ({status.get('FailureReason', 'without a reason')}); its log is "
                f"'{self.folder.log}'"
            )
        if status["TrainingJobStatus"] == "Stopped":
            raise TrainingError(
                f"job {self.name} was stopped ({status['SecondaryStatus']}); the same command goes on from its last "
                "finished epoch"
            )

    def _fetch(self) -> Trained:
        output = self._open(f"jobs/{self.name}/output")
        archive = self.job.work / "model.tar.gz"
        if not output.fetch("model.tar.gz", archive):
            raise TrainingError(f"job {self.name} left no model.tar.gz in {output.uri}; train again")
        folder = self.job.work / "fetched"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise TrainingError(f"'{archive}' is damaged ({type(error).__name__}); train again") from error
        trained = read_result(folder, self.job.data.sha256)
        self.checkpoints.delete()  # the same training again begins anew, as it does with compute=local
        return trained


def _options(emulator: Emulator, endpoint: str, region: str) -> Options:
    return Options(endpoint, region, list(emulator.interrupt_after), emulator.grace, uuid.uuid4().hex)
