"""What SageMaker does around a training container (developer guide, "Run Training with SageMaker AI")."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

from stages.common.buckets import Bucket, open_bucket
from stages.common.errors import StageError
from stages.common.files import write_json
from stages.train.contract import METRICS, read_metrics
from stages.train.emulator.job import ENDED, REPOSITORY, SECRETS, JobFolder

LOOK = 0.1
"""Seconds between two looks at container, stop request and metrics."""

TRIES = 20
"""To become the one who works on a job."""

SYNC = 0.2
"""Seconds between two copies of changed checkpoints."""

FAILURE_LENGTH = 1024
"""Characters of ``FailureReason``."""

INSTANCE = "local_cpu"
"""In ``resourceconfig.json``, as SageMaker's own local mode writes it."""

End = Literal["exited", "interrupted", "stopped", "late"]


def supervise(folder: Path) -> None:
    """Run the job of a folder to its end; return at once when somebody else does."""
    job = JobFolder(folder)
    for _ in range(TRIES):  # a client that looks whether the job is alive holds it for a moment
        try:
            with job.held():
                if job.describe().get("TrainingJobStatus") not in ENDED:
                    _Supervisor(job).run()
            return
        except BlockingIOError:
            time.sleep(LOOK)


class _Supervisor:
    def __init__(self, job: JobFolder) -> None:
        self.job, self.request, self.options = job, job.request(), job.options()
        self.name = str(self.request["TrainingJobName"])
        self.status: dict[str, Any] = {
            "TrainingJobName": self.name,
            "TrainingJobStatus": "InProgress",
            "SecondaryStatusTransitions": [],
            "TrainingTimeInSeconds": 0,
            "BillableTimeInSeconds": 0,
        }
        self.checkpoints = self._open(self.request["CheckpointConfig"]["S3Uri"])
        self.synced: dict[str, tuple[int, int]] = {}
        self.to_interrupt = sorted(self.options.interrupt_after)
        self.seconds = 0.0

    def run(self) -> None:
        """Start the container again as often as its machine is taken away."""
        try:
            while True:
                self._say("Starting", "Launching the requested machine")
                self._fill()
                end, code = self._train()
                if end != "interrupted":
                    break
                self._say("Interrupted", "The spot machine was taken away")
            self._finish(end, code)
        except StageError as error:
            self._end("Failed", f"ClientError: {error}")
        except Exception as error:
            self._end("Failed", f"InternalServerError: {type(error).__name__}: {error}")
            raise
        finally:
            shutil.rmtree(self.job.scratch, ignore_errors=True)

    def _open(self, uri: str) -> Bucket:
        return open_bucket(uri, self.options.endpoint, self.options.region)

    def _fill(self) -> None:
        """Make ``/opt/ml`` anew, with the channels and the checkpoints in it."""
        self._say("Downloading", "Downloading input data")
        tree = self.job.tree
        shutil.rmtree(tree, ignore_errors=True)
        shutil.rmtree(self.job.scratch, ignore_errors=True)
        for name in ("input/config", "input/data", "model", "output/data", "checkpoints"):
            (tree / name).mkdir(parents=True)
        self.job.scratch.mkdir()
        channels = {item["ChannelName"]: item for item in self.request.get("InputDataConfig", ())}
        config = tree / "input" / "config"
        write_json(config / "hyperparameters.json", self.request.get("HyperParameters", {}))
        write_json(
            config / "resourceconfig.json",
            {
                "current_host": "algo-1",
                "hosts": ["algo-1"],
                "network_interface_name": "eth0",
                "current_instance_type": INSTANCE,
            },
        )
        write_json(config / "inputdataconfig.json", {name: _as_config(item) for name, item in channels.items()})
        for name, item in channels.items():
            uri = item["DataSource"]["S3DataSource"]["S3Uri"]
            if not _copy(self._open(uri), tree / "input" / "data" / name):
                raise StageError(f"channel '{name}': nothing lies under {uri}; upload it again")
        _copy(self.checkpoints, tree / "checkpoints")
        self.synced = self._stamps()

    def _train(self) -> tuple[End, int]:
        self._say("Training", "Training image is running")
        started = time.monotonic()
        environment = {key: value for key, value in os.environ.items() if key not in SECRETS}
        environment |= {
            **self.request.get("Environment", {}),
            "OPT_ML": str(self.job.tree),
            "CONTAINER_SCRATCH": str(self.job.scratch),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": f"arn:aws:sagemaker:{self.options.region}:000000000000:training-job/{self.name}",
            "AWS_REGION": self.options.region,
        }
        container = subprocess.Popen(
            self._command(),
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        assert container.stdout is not None
        pump = threading.Thread(target=_deliver, args=(container.stdout, self.job.log))
        pump.start()
        try:
            end = self._watch(container, started)
        finally:
            _kill(container)
            pump.join(10)
            self.seconds += time.monotonic() - started
            self.status["TrainingTimeInSeconds"] = self.status["BillableTimeInSeconds"] = round(self.seconds)
        if end != "interrupted" or self.options.grace:
            self._sync()  # what the container wrote after SIGTERM
        return end, container.returncode

    def _command(self) -> list[str]:
        """The image's entry point with ``train``, unless the request has its own."""
        about = self.request.get("AlgorithmSpecification", {})
        entry = about.get("ContainerEntrypoint") or [sys.executable, "-u", "-m", "container"]
        return [*entry, *(about.get("ContainerArguments") or ["train"])]

    def _watch(self, container: subprocess.Popen[bytes], started: float) -> End:
        """Look after the container until it ends or has to."""
        limit = float(self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400)) - self.seconds
        next_sync = 0.0
        while container.poll() is None:
            now = time.monotonic()
            if now >= next_sync:
                self._sync()
                next_sync = time.monotonic() + SYNC
            if self.job.is_stopped or self.job.is_gone(self.options):
                self._say("Stopping", "Stopping the training job")
                self._terminate(container)
                return "stopped"
            if now - started > limit:
                self._terminate(container)
                return "late"
            if self._is_to_interrupt():
                self._terminate(container)
                return "interrupted"
            time.sleep(LOOK)
        return "exited"

    def _is_to_interrupt(self) -> bool:
        """Half an epoch after the one that was chosen."""
        if not self.to_interrupt:
            return False
        path = self.job.tree / "checkpoints" / METRICS
        epochs = read_metrics(path.read_bytes()) if path.exists() else []
        if not epochs or epochs[-1].number < self.to_interrupt[0]:
            return False
        times = [epoch.time or 0 for epoch in epochs[-2:]]
        since = time.time() * 1000 - times[-1]
        if since < min((times[-1] - times[0]) / 2, 60_000):
            return False
        self.to_interrupt.pop(0)
        return True

    def _terminate(self, container: subprocess.Popen[bytes]) -> None:
        if not self.options.grace:
            return _kill(container)
        container.terminate()
        deadline = time.monotonic() + self.options.grace
        while container.poll() is None and time.monotonic() < deadline:
            time.sleep(LOOK)
        return _kill(container)

    def _stamps(self) -> dict[str, tuple[int, int]]:
        """Size and time of each checkpoint; those being written begin with a dot."""
        top = self.job.tree / "checkpoints"
        found = {}
        for path in sorted(top.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                about = path.stat()
                found[path.relative_to(top).as_posix()] = about.st_size, about.st_mtime_ns
        return found

    def _sync(self) -> None:
        """Copy checkpoints that changed; a server that does not answer now is asked again the next time."""
        for name, stamp in self._stamps().items():
            if self.synced.get(name) != stamp:
                try:
                    self.checkpoints.put(self.job.tree / "checkpoints" / name, name)
                except (StageError, FileNotFoundError) as error:
                    print(f"checkpoint {name} is not copied yet: {error}", flush=True)
                else:
                    self.synced[name] = stamp

    def _finish(self, end: End, code: int) -> None:
        if self.job.is_gone(self.options):
            return
        if end == "exited" and code != 0:
            self._end("Failed", self._reason(code))
            return
        self._say("Uploading", "Uploading generated training model")
        output = self._open(f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output")
        for name, folder in (("model.tar.gz", "model"), ("output.tar.gz", "output/data")):
            self._upload(self.job.tree / folder, output, name)
        self.status["ModelArtifacts"] = {"S3ModelArtifacts": f"{output.uri}/model.tar.gz"}
        if end == "exited":
            self._end("Completed")
        elif end == "late":
            self._end("Stopped", secondary="MaxRuntimeExceeded")
        else:
            self._end("Stopped")

    def _reason(self, code: int) -> str:
        try:
            text = (self.job.tree / "output" / "failure").read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        what = text.strip() or f"the container ended with exit code {code} and left no failure file"
        return f"AlgorithmError: {what}"[:FAILURE_LENGTH]

    def _upload(self, folder: Path, bucket: Bucket, name: str) -> None:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        if not files:
            return
        with tempfile.TemporaryDirectory(dir=self.job.folder) as place:
            archive = Path(place) / name
            with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
                for path in files:
                    tar.add(path, path.name)
            bucket.put(archive, name)

    def _say(self, secondary: str, message: str = "") -> None:
        self.status["SecondaryStatus"] = secondary
        self.status["SecondaryStatusTransitions"].append(
            {"Status": secondary, "StartTime": time.time(), "StatusMessage": message}
        )
        if not self.job.is_gone(self.options):
            self.job.write_status(self.status)

    def _end(self, status: str, reason: str = "", secondary: str = "") -> None:
        self.status["TrainingJobStatus"] = status
        if reason:
            self.status["FailureReason"] = reason
        self._say(secondary or status, reason)


def _as_config(channel: Mapping[str, Any]) -> dict[str, str]:
    """A channel as ``inputdataconfig.json`` has it."""
    return {
        "TrainingInputMode": str(channel.get("InputMode", "File")),
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }


def _copy(bucket: Bucket, folder: Path) -> int:
    """Copy all objects into a folder; returns how many there were."""
    keys = bucket.keys()
    for key in keys:
        bucket.fetch(key, folder / key)
    return len(keys)


def _deliver(stream: IO[bytes], log: Path) -> None:
    """Write the container's lines into the log as they come."""
    with open(log, "ab", buffering=0) as target:
        for line in stream:
            target.write(line if line.endswith(b"\n") else line + b"\n")


def _kill(container: subprocess.Popen[bytes]) -> None:
    """End the container with all its processes, as the end of a machine does."""
    with suppress(ProcessLookupError):
        os.killpg(container.pid, signal.SIGKILL)
    container.wait()


def _die_with_parent() -> None:
    """Have the kernel end the container when its supervisor is killed (``prctl(2)``, ``PR_SET_PDEATHSIG``)."""
    if sys.platform == "linux":
        prctl: Callable[..., int] = ctypes.CDLL(None).prctl
        prctl(1, signal.SIGKILL)
