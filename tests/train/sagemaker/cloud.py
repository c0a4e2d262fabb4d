"""An AWS of this process: moto, what it lacks, and machines that do a training job's work step by step.

Each DescribeTrainingJob lets the job's machine take one step, so that a test needs no waiting and knows what was there
at each look. The work is a stand-in for the container: it unpacks the channel, writes figures, log lines and a model,
as :mod:`stages.train.contract` has them.
"""

from __future__ import annotations

import copy
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse
from moto.sagemaker.models import FakeTrainingJob
from moto.sagemaker.responses import SageMakerResponse
from moto.server import ThreadedMotoServer
from moto.servicequotas.responses import ServiceQuotasResponse

from stages.common.channel import unpack
from stages.common.settings.aws import Aws
from stages.train.contract import METRICS, log_line, metrics_line, write_result
from stages.train.data import read_data
from stages.train.sagemaker.logs import GROUP
from stages.train.types import Epoch, Trained

REPOSITORY = Path(__file__).resolve().parents[3]
BUCKET, REGION, PROJECT = "frames", "us-east-1", "sim-to-cloud"
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"size": 1},
    "layers": [{"size": 5, "digest": f"sha256:{'a' * 64}"}],
}
START_MS = 1_790_000_000_000
KEY, SECRET, TOKEN = "AKIATESTKEY012345678", "not-a-word-of-this-may-leak", "nor-of-this-session-token"

Step = tuple[str, str]
"""Status and secondary status that a step ends with."""


@dataclass
class Machine:
    """A job on a machine.

    Attributes:
        job: moto's own.
        environment: of the request, which moto forgets.
        steps: still to be taken.
    """

    job: FakeTrainingJob
    environment: dict[str, str]
    steps: Iterator[Step]


@dataclass
class Cloud:
    """Everything in the account.

    Attributes:
        endpoint: of the server.
        machines: jobs by name, in the order in which they were made.
        weights: bytes of the model that jobs train.
        work: of a job; replace it for one that goes another way.
        denied: error code that all calls but those to S3 are answered with, or empty.
        valid_key: the only access key that SageMaker takes; empty: any.
        no_quota: kinds of machine of which the account may have none.
        image: address of the one that is there.
        forbidden: actions that IAM says nobody may do.
        quotas: by their names.
    """

    endpoint: str
    machines: dict[str, Machine] = field(default_factory=dict)
    weights: bytes = b"weights"
    work: Callable[[Cloud, Machine], Iterator[Step]] = field(default=lambda cloud, machine: train(cloud, machine))
    denied: str = ""
    valid_key: str = ""
    no_quota: set[str] = field(default_factory=set)
    image: str = ""
    forbidden: set[str] = field(default_factory=set)
    quotas: dict[str, float] = field(default_factory=dict)

    @property
    def aws(self) -> Aws:
        return Aws(name="test", region=REGION, endpoint=self.endpoint, bucket=BUCKET)

    @property
    def s3(self) -> Any:
        return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]

    def admin(self, service: str) -> Any:
        return boto3.client(
            *(service, REGION),
            endpoint_url=self.endpoint,
            aws_access_key_id="admin",
            aws_secret_access_key="admin",
        )

    def list(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self.s3.buckets[BUCKET].keys if key.startswith(prefix))

    def get(self, key: str) -> bytes:
        return bytes(self.s3.get_object(BUCKET, key).value)

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(BUCKET, key, content)

    def log(self, job: str, stream: str, *lines: str) -> None:
        logs = get_backend("logs")[DEFAULT_ACCOUNT_ID][REGION]
        if GROUP not in logs.groups:
            logs.create_log_group(GROUP, {})
        if stream not in logs.groups[GROUP].streams:
            logs.create_log_stream(GROUP, stream)
        moment = int(time.time() * 1000)
        logs.put_log_events(GROUP, stream, [{"timestamp": moment, "message": line} for line in lines])


def key_of(uri: str) -> str:
    return uri.removeprefix(f"s3://{BUCKET}/")


def figures(number: int) -> dict[str, float]:
    return {"train/box_loss": round(2 / number, 6), "val/ap50": round(1 - 1 / (number + 1), 6)}


def epoch_of(number: int) -> Epoch:
    return Epoch(number, figures(number), START_MS + number * 60_000)


def epochs_to(last: int) -> list[Epoch]:
    return [epoch_of(number) for number in range(1, last + 1)]


def prepare(cloud: Cloud, machine: Machine) -> tuple[str, str]:
    """Read the channel as a container does; returns the data set's sum and the checkpoints' key."""
    job = machine.job
    channels = {item["ChannelName"]: item["DataSource"]["S3DataSource"]["S3Uri"] for item in job.input_data_config}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "training")
        source.mkdir()
        for key in cloud.list(key_of(channels["training"])):
            (source / Path(key).name).write_bytes(cloud.get(key))
        digest = read_data(unpack(source, Path(folder, "data"))).sha256
    if "weights" in channels:
        assert len(cloud.list(key_of(channels["weights"]))) == 1
    return digest, key_of(job.checkpoint_config["S3Uri"])


def train(cloud: Cloud, machine: Machine, *, interrupted_after: int = 0) -> Iterator[Step]:
    """A job that goes well; after the epoch ``interrupted_after`` its spot machine is taken back."""
    job = machine.job
    name, epochs = job.training_job_name, int(job.hyper_parameters["train.epochs"])
    yield "InProgress", "Starting"
    digest, checkpoints = prepare(cloud, machine)
    yield "InProgress", "Downloading"
    stream = f"{name}/algo-1-1790000000"
    cloud.log(name, stream, "training starts")
    lines = cloud.get(checkpoints + METRICS) if checkpoints + METRICS in cloud.list() else b""
    for number in range(len(lines.splitlines()) + 1, epochs + 1):
        lines += metrics_line(epoch_of(number)).encode()
        cloud.put(checkpoints + METRICS, lines + b'{"step": 99, "ti')  # the next line, as it is being written
        cloud.log(name, stream, log_line(epoch_of(number)))
        yield "InProgress", "Training"
        if number == interrupted_after:
            cloud.put(checkpoints + METRICS, lines)
            yield "InProgress", "Interrupted"
            yield "InProgress", "Starting"
            stream = f"{name}/algo-1-1790009999"
            cloud.log(name, stream, "training goes on")
    finish(cloud, machine, digest, epochs_to(epochs))
    yield "InProgress", "Uploading"
    yield "Completed", "Completed"


def in_container(cloud: Cloud, machine: Machine) -> Iterator[Step]:
    """The image's own entry point, as a process in a made-up ``/opt/ml``."""
    job = machine.job
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "ml")
        for item in job.input_data_config:
            channel = root / "input/data" / item["ChannelName"]
            channel.mkdir(parents=True)
            for key in cloud.list(key_of(item["DataSource"]["S3DataSource"]["S3Uri"])):
                (channel / Path(key).name).write_bytes(cloud.get(key))
        config = root / "input/config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(json.dumps(job.hyper_parameters))
        resources = {"hosts": ["algo-1"], "current_instance_type": job.resource_config["InstanceType"]}
        (config / "resourceconfig.json").write_text(json.dumps(resources))
        yield "InProgress", "Training"
        done = subprocess.run(
            [sys.executable, "-u", "-m", "container", "train"],
            cwd=REPOSITORY,
            env={**os.environ, **machine.environment, "OPT_ML": str(root), "CONTAINER_SCRATCH": f"{folder}/scratch"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        cloud.log(job.training_job_name, f"{job.training_job_name}/algo-1-1790000000", *done.stdout.splitlines())
        for path in (root / "checkpoints").iterdir():
            cloud.put(key_of(job.checkpoint_config["S3Uri"]) + path.name, path.read_bytes())
        if done.returncode:
            failure = root / "output/failure"
            machine.job.failure_reason = f"AlgorithmError: {failure.read_text() if failure.exists() else done.stdout}"
            yield "Failed", "Failed"
            return
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for path in sorted((root / "model").iterdir()):
                tar.add(path, path.name)
        cloud.put(key_of(job.model_artifacts["S3ModelArtifacts"]), buffer.getvalue())
    yield "Completed", "Completed"


def finish(
    cloud: Cloud, machine: Machine, digest: str, epochs: Sequence[Epoch], *, best: int = 0, finished: bool = True
) -> None:
    """Put the model where SageMaker does."""
    with tempfile.TemporaryDirectory() as folder:
        weights, model = Path(folder, "trained.pt"), Path(folder, "model")
        weights.write_bytes(cloud.weights)
        done = Trained(weights, tuple(epochs), best or len(epochs), None, "Tesla T4")
        write_result(model, done, digest, finished=finished)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for path in sorted(model.iterdir()):
                tar.add(path, f"./{path.name}")
    cloud.put(key_of(machine.job.model_artifacts["S3ModelArtifacts"]), buffer.getvalue())


def refusal(code: str, message: str) -> JsonRESTError:
    error = JsonRESTError(code, message)
    error.code = 400
    return error


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    """Serve an account with a bucket, a registry with one image, and a role."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    cloud = Cloud(f"http://{host}:{port}")
    with patched(cloud):
        try:
            reset(cloud)
            yield cloud
        finally:
            server.stop()


def reset(cloud: Cloud) -> None:
    """An account as new."""
    forget_jobs(cloud)
    ecr, iam = (cloud.admin(service) for service in ("ecr", "iam"))
    for name in ("iam", "ecr"):
        backend = get_backend(name)[DEFAULT_ACCOUNT_ID]
        for region in list(backend):
            backend[region].reset()
    ecr.create_repository(repositoryName=PROJECT)
    answer = ecr.put_image(repositoryName=PROJECT, imageManifest=json.dumps(MANIFEST), imageTag="latest")
    digest = answer["image"]["imageId"]["imageDigest"]
    cloud.image = f"{DEFAULT_ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{PROJECT}@{digest}"
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
    iam.create_role(RoleName=f"{PROJECT}-execution", AssumeRolePolicyDocument=json.dumps(trust))


def forget_jobs(cloud: Cloud) -> None:
    """An account with a bucket that is empty, and no job yet."""
    for name in ("s3", "sagemaker", "logs"):
        backend = get_backend(name)[DEFAULT_ACCOUNT_ID]
        for region in list(backend):
            backend[region].reset()
    cloud.machines.clear()
    cloud.weights, cloud.denied, cloud.valid_key = b"weights", "", ""
    for changed in (cloud.no_quota, cloud.forbidden, cloud.quotas):
        changed.clear()
    cloud.work = lambda cloud, machine: train(cloud, machine)
    cloud.s3.create_bucket(BUCKET, REGION)


@contextmanager
def patched(cloud: Cloud) -> Iterator[None]:
    """moto without its gaps: names are unique, jobs take time and can be stopped, metric definitions stay."""
    original = SageMakerResponse.create_training_job
    made = FakeTrainingJob.__init__

    def init(self: FakeTrainingJob, *arguments: Any, **named: Any) -> None:
        kept = copy.deepcopy((named.get("algorithm_specification") or {}).get("MetricDefinitions"))
        made(self, *arguments, **named)
        if kept is not None:
            self.algorithm_specification["MetricDefinitions"] = kept

    def create(self: SageMakerResponse) -> ActionResult:
        name = self._get_param("TrainingJobName")
        if name in cloud.machines:
            raise refusal("ResourceInUse", f"Job name {name} is in use")
        resources = self._get_param("ResourceConfig")
        if resources.get("InstanceType") in cloud.no_quota:
            raise refusal("ResourceLimitExceeded", "The account-level service limit is 0 Instances")
        answer = original(self)
        job = self.sagemaker_backend.training_jobs[name]
        job.training_job_status, job.secondary_status = "InProgress", "Starting"
        machine = Machine(job, self._get_param("Environment") or {}, iter(()))
        cloud.machines[name] = machine
        machine.steps = cloud.work(cloud, machine)
        return answer

    def describe(self: SageMakerResponse) -> ActionResult:
        name = self._get_param("TrainingJobName")
        found = dict(self.sagemaker_backend.describe_training_job(name))
        machine = cloud.machines[name]
        found |= {"TrainingJobStatus": machine.job.training_job_status}
        found |= {"SecondaryStatus": machine.job.secondary_status, "Environment": machine.environment}
        if machine.job.training_job_status in ("InProgress", "Stopping"):
            for unknown in ("TrainingEndTime", "TrainingTimeInSeconds", "BillableTimeInSeconds"):
                found.pop(unknown, None)
        else:
            reason = getattr(machine.job, "failure_reason", "")
            found |= {"TrainingTimeInSeconds": 600, "BillableTimeInSeconds": 240}
            found |= {"FailureReason": reason} if reason else {}
            found["TrainingEndTime"] = datetime.fromtimestamp(START_MS / 1000 + 3600, UTC)
        status = next(machine.steps, None)
        if status is not None and machine.job.training_job_status == "InProgress":
            machine.job.training_job_status, machine.job.secondary_status = status
        return ActionResult(found)

    def stop(self: SageMakerResponse) -> ActionResult:
        job = self.sagemaker_backend.training_jobs[self._get_param("TrainingJobName")]
        if job.training_job_status != "InProgress":
            raise refusal("ValidationException", f"the training job is in status {job.training_job_status}")
        job.training_job_status = job.secondary_status = "Stopped"
        return ActionResult({})

    def simulate(self: IamResponse) -> ActionResult:
        asked = self._get_param("ActionNames")
        decisions = {action: "implicitDeny" if action in cloud.forbidden else "allowed" for action in asked}
        results = [{"EvalActionName": action, "EvalDecision": decision} for action, decision in decisions.items()]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def quotas(self: ServiceQuotasResponse) -> str:
        found = [{"QuotaName": name, "Value": value} for name, value in cloud.quotas.items()]
        return json.dumps({"Quotas": found})

    dispatch = SageMakerResponse.call_action

    def call(self: SageMakerResponse) -> Any:
        expired = cloud.valid_key and cloud.valid_key not in self.headers.get("Authorization", "")
        if cloud.denied or expired:
            raise refusal(
                cloud.denied or "ExpiredTokenException", f"The security token {KEY} included in the request is expired"
            )
        return dispatch(self)

    with (
        mock.patch.object(FakeTrainingJob, "__init__", init),
        mock.patch.object(SageMakerResponse, "create_training_job", create),
        mock.patch.object(SageMakerResponse, "describe_training_job", describe),
        mock.patch.object(SageMakerResponse, "stop_training_job", stop, create=True),
        mock.patch.object(SageMakerResponse, "call_action", call),
        mock.patch.object(IamResponse, "simulate_principal_policy", simulate, create=True),
        mock.patch.object(ServiceQuotasResponse, "list_service_quotas", quotas, create=True),
    ):
        yield
