"""compute=sagemaker against moto: the calls, in their order, and what comes of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import groupby

import pytest

from stages.common.errors import SettingsError, StageError, TrainingError
from stages.common.files import sha256_of
from stages.common.settings.platform import Storage
from stages.train.contract import METRICS, metrics_line
from stages.train.sagemaker.receipt import FILE, read_receipt
from stages.train.sagemaker.trainer import train_in_sagemaker
from stages.train.weights import Weights
from tests.train.sagemaker.cloud import (
    BUCKET,
    KEY,
    SECRET,
    TOKEN,
    Cloud,
    Machine,
    Step,
    epoch_of,
    epochs_to,
    finish,
    prepare,
    train,
)
from tests.train.sagemaker.conftest import Client
from tests.train.sagemaker.recorder import Recorder, invalid

LOOK = ["sagemaker:DescribeTrainingJob", "logs:DescribeLogStreams", "logs:GetLogEvents", "s3:GetObject"]
"""Calls of one look at a running job."""


def fails(reason: str, after: int = 1):
    """A job that ends with a reason."""

    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        yield "InProgress", "Starting"
        _, checkpoints = prepare(cloud, machine)
        lines = "".join(metrics_line(epoch_of(number)) for number in range(1, after + 1))
        if lines:
            cloud.put(checkpoints + METRICS, lines.encode())
        machine.job.failure_reason = reason
        yield "Failed", "Failed"

    return work


def test_the_calls_are_those_of_the_documentation_and_in_order(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = client.root / "start.pt"
    weights.parent.mkdir()
    weights.write_bytes(b"weights to start from")
    client.weights = Weights("file", weights, sha256_of(weights))
    recorder = Recorder().install(monkeypatch)
    trained = client.train()
    looks = [
        *(LOOK[0], LOOK[1], LOOK[3]),  # before there is a log
        *(LOOK[0], LOOK[1], LOOK[3]),
        *[name for _ in range(6) for name in (LOOK[0], LOOK[1], LOOK[2], LOOK[2], LOOK[3])],
    ]
    names = recorder.names()
    assert names[:9] == [
        "sts:GetCallerIdentity",
        "api.ecr:DescribeImages",
        "api.sagemaker:DescribeTrainingJob",  # is it there already?
        "s3:ListObjectsV2",  # the channel: nothing yet
        "s3:PutObject",  # one tar
        "s3:PutObject",  # its list, last
        "s3:ListObjectsV2",  # the starting weights
        "s3:PutObject",
        "api.sagemaker:CreateTrainingJob",
    ]
    followed = [name.removeprefix("api.") for name in names[9:-1]]
    # GetLogEvents is asked until it gives the same token, so once or twice a look
    assert [name for name, _ in groupby(followed)] == [name for name, _ in groupby(looks)]
    assert names[-1] == "s3:GetObject"  # the model
    for name, parameters in recorder.calls:
        service, _, operation = name.removeprefix("api.").partition(":")
        assert not invalid(service, operation, {k: v for k, v in parameters.items() if k != "Body"})
    assert trained.weights.read_bytes() == b"weights"
    assert (trained.best_epoch, trained.device) == (3, "Tesla T4")
    assert client.epochs == [epoch_of(1), epoch_of(2), epoch_of(3)]


def test_the_request_has_all_that_the_settings_say(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.settings = {"spot": True, "max_hours": 2, "max_wait_hours": 3, "volume_gb": 33, "input_mode": "FastFile"}
    aws = client.cloud.aws.model_copy(
        update={
            "kms_key": "1234abcd-12ab-34cd-56ef-1234567890ab",
            "subnets": ["subnet-1"],
            "security_groups": ["sg-1"],
            "isolation": True,
            "tags": {"team": "vision"},
        }
    )
    recorder = Recorder().install(monkeypatch)
    train_in_sagemaker(client.job(aws=aws))
    (request,) = recorder.parameters("api.sagemaker:CreateTrainingJob")
    name = request["TrainingJobName"]
    (channel,) = request["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"] == {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{BUCKET}/sim-to-cloud/channels/{_dataset(client)}/",
        "S3DataDistributionType": "FullyReplicated",
    }
    assert (channel["ChannelName"], channel["InputMode"]) == ("training", "FastFile")
    assert request["AlgorithmSpecification"]["TrainingImage"] == client.cloud.image
    assert request["AlgorithmSpecification"]["MetricDefinitions"][2]["Name"] == "val/ap50"
    assert request["RoleArn"] == "arn:aws:iam::123456789012:role/sim-to-cloud-execution"
    assert request["HyperParameters"]["train.epochs"] == "3"
    assert request["ResourceConfig"] == {"InstanceCount": 1, "InstanceType": "ml.g5.xlarge", "VolumeSizeInGB": 33}
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 10800}
    assert request["CheckpointConfig"]["S3Uri"] == f"s3://{BUCKET}/sim-to-cloud/checkpoints/{name.removesuffix('-1')}/"
    assert request["OutputDataConfig"]["KmsKeyId"] == aws.kms_key
    assert request["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    assert request["EnableManagedSpotTraining"] is request["EnableNetworkIsolation"] is True
    assert {tag["Key"]: tag["Value"] for tag in request["Tags"]} == {
        "project": "sim-to-cloud",
        "team": "vision",
        "training": client.work.name,
        "data": client.job().data.sha256[:32],
    }
    puts = recorder.parameters("s3:PutObject")
    assert all(put["SSEKMSKeyId"] == aws.kms_key and put["ChecksumSHA256"] for put in puts)


def _dataset(client: Client) -> str:
    (prefix,) = {key.split("/")[2] for key in client.cloud.list("sim-to-cloud/channels/")}
    return prefix


def test_without_spot_aws_chooses_among_the_instances_itself(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.settings = {"spot": False, "instances": ["ml.g6.xlarge", "ml.g5.xlarge"]}
    recorder = Recorder().install(monkeypatch)
    client.train()
    (request,) = recorder.parameters("api.sagemaker:CreateTrainingJob")
    assert not invalid("sagemaker", "CreateTrainingJob", request)
    assert request["ResourceConfig"]["InstancePreferences"] == [
        {"InstanceType": "ml.g6.xlarge"},
        {"InstanceType": "ml.g5.xlarge"},
    ]
    assert "InstanceType" not in request["ResourceConfig"]
    assert "MaxWaitTimeInSeconds" not in request["StoppingCondition"]


def test_a_spot_machine_that_is_not_to_be_had_gives_way_to_the_next_kind(client: Client) -> None:
    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        if machine.job.resource_config["InstanceType"] == "ml.g5.xlarge":
            return fails("CapacityError: Unable to provision requested ML compute capacity.", 0)(cloud, machine)
        return train(cloud, machine)

    client.cloud.work = work
    trained = client.train()
    assert [machine.job.resource_config["InstanceType"] for machine in client.cloud.machines.values()] == [
        "ml.g5.xlarge",
        "ml.g4dn.xlarge",
    ]
    assert trained.about["instance"] == "ml.g4dn.xlarge"


def test_a_kind_without_quota_gives_way_to_the_next(client: Client) -> None:
    client.cloud.no_quota = {"ml.g5.xlarge"}
    assert client.train().about["instance"] == "ml.g4dn.xlarge"
    assert len(client.cloud.machines) == 1


def test_no_quota_at_all_says_where_to_ask(client: Client) -> None:
    client.cloud.no_quota = {"ml.g5.xlarge", "ml.g4dn.xlarge"}
    with pytest.raises(
        StageError, match=r"quota has no room for ml\.g4dn\.xlarge \(spot training job usage\): ask for"
    ):
        client.train()
    assert not client.cloud.machines
    client.cloud.no_quota = set()
    assert client.train().about["instance"] == "ml.g5.xlarge"
    assert next(iter(client.cloud.machines)).endswith("-1")


def test_a_failure_is_told_once_and_the_next_job_goes_on_after_it(client: Client) -> None:
    client.cloud.work = fails("AlgorithmError: the loss is no longer a number in epoch 2", after=2)
    with pytest.raises(
        TrainingError, match=r"-1' failed \(AlgorithmError: the loss is no longer .*\): mend that, then run"
    ):
        client.train()
    assert [epoch.number for epoch in client.epochs] == [1, 2]
    client.cloud.work = train
    client.train()
    first, second = client.cloud.machines.values()
    assert first.job.checkpoint_config == second.job.checkpoint_config
    assert second.job.training_job_name == first.job.training_job_name[:-1] + "2"


def test_a_job_that_was_stopped_gives_no_model(client: Client) -> None:
    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        digest, _ = prepare(cloud, machine)
        finish(cloud, machine, digest, epochs_to(2), finished=False)
        yield "Stopped", "MaxRuntimeExceeded"

    client.cloud.work = work
    with pytest.raises(
        TrainingError, match=r"was stopped at compute\.sagemaker\.max_hours: give it more and run it again"
    ):
        client.train()


def test_a_spot_machine_that_is_taken_back_leaves_no_gap_and_nothing_twice(client: Client) -> None:
    client.cloud.work = lambda cloud, machine: train(cloud, machine, interrupted_after=2)
    client.train()
    assert client.epochs == [epoch_of(1), epoch_of(2), epoch_of(3)]


def test_a_complete_job_is_used_and_not_made_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.train()
    (client.work / FILE).unlink()  # as on another machine
    recorder = Recorder().install(monkeypatch)
    assert client.train().weights.read_bytes() == b"weights"
    assert "api.sagemaker:CreateTrainingJob" not in recorder.names()
    assert not recorder.names("s3:Put")


def test_training_anew_makes_a_job_with_checkpoints_of_its_own(client: Client) -> None:
    client.train()
    client.fresh = True
    client.train()
    first, second = client.cloud.machines.values()
    assert first.job.checkpoint_config != second.job.checkpoint_config


def test_a_newer_image_makes_another_job_but_not_while_one_runs(client: Client) -> None:
    client.train()
    receipt = read_receipt(client.work)
    name = receipt.name
    newer = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    layers = {"config": {"size": 2}, "layers": [{"size": 6, "digest": f"sha256:{'b' * 64}"}]}
    ecr = client.cloud.admin("ecr")
    time.sleep(1)  # moto tells by the second when an image was pushed
    ecr.put_image(repositoryName="sim-to-cloud", imageManifest=json.dumps(newer | layers), imageTag="newer")
    client.train()  # its receipt says that the first one is under way still
    assert list(client.cloud.machines) == [name]
    (client.work / FILE).unlink()
    client.train()
    assert len(client.cloud.machines) == 2


def test_following_alone_makes_nothing(client: Client) -> None:
    client.submit = False
    with pytest.raises(TrainingError, match=r"there is no job .*-1' to follow: make it with dvc repro train"):
        client.train()
    assert not client.cloud.machines
    assert not client.cloud.list()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: len(content) // 2], r"model\.tar\.gz' of the job is damaged"),
        (lambda content: b"no archive", r"model\.tar\.gz' of the job is damaged"),
    ],
    ids=["cut off", "no archive"],
)
def test_a_damaged_model_is_refused(client: Client, damage, words: str) -> None:
    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        yield from list(train(cloud, machine))[:-1]
        key = machine.job.model_artifacts["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
        cloud.put(key, damage(cloud.get(key)))
        yield "Completed", "Completed"

    client.cloud.work = work
    with pytest.raises(TrainingError, match=words):
        client.train()


def test_a_model_of_other_data_is_refused(client: Client) -> None:
    def work(cloud: Cloud, machine: Machine) -> Iterator[Step]:
        finish(cloud, machine, "0" * 64, epochs_to(3))
        yield "Completed", "Completed"

    client.cloud.work = work
    with pytest.raises(TrainingError, match="another data set"):
        client.train()


def test_no_model_at_all(client: Client) -> None:
    client.cloud.work = lambda cloud, machine: iter([("Completed", "Completed")])
    with pytest.raises(TrainingError, match=r"has ended, but 's3://.*model\.tar\.gz' is not there: look into its log"):
        client.train()


def test_what_the_account_lacks_is_said(client: Client) -> None:
    with pytest.raises(SettingsError, match=r"aws\.bucket is empty and storage\.kind is no s3: name the bucket"):
        train_in_sagemaker(client.job(aws=client.cloud.aws.model_copy(update={"bucket": ""})))
    other = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sim-to-cloud@sha256:" + "f" * 64
    with pytest.raises(StageError, match=r"image '.*ffff' is not in the registry of us-east-1: build and push it"):
        train_in_sagemaker(client.job(aws=client.cloud.aws.model_copy(update={"image": other})))
    client.cloud.s3.delete_bucket(BUCKET) if not client.cloud.list() else None
    with pytest.raises(StageError, match="bucket 'frames' does not exist"):
        client.train()
    assert not client.cloud.machines


def test_nothing_secret_is_in_what_was_said_noted_or_sent(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    client.tracking = client.tracking.model_copy(update={"enabled": True, "uri": f"http://me:{SECRET}@127.0.0.1:9"})
    client.cloud.work = fails("AlgorithmError: x")
    with pytest.raises(TrainingError) as failed:
        client.train()
    client.cloud.denied = "AccessDeniedException"
    with pytest.raises(StageError) as denied:
        client.train()
    shown = capfd.readouterr()
    (machine,) = client.cloud.machines.values()
    texts = [*client.said, str(failed.value), str(denied.value), shown.out, shown.err, str(machine.environment)]
    texts += [str(machine.job.hyper_parameters), str(machine.job.tags)]
    texts += [path.read_text(errors="replace") for path in client.root.rglob("*") if path.is_file()]
    texts += [client.cloud.get(key).decode(errors="replace") for key in client.cloud.list()]
    for secret in (KEY, SECRET, TOKEN):
        assert not [text for text in texts if secret in text]


def test_a_bucket_of_the_remote_will_do(client: Client) -> None:
    storage = Storage(name="s3", kind="s3", bucket=BUCKET)
    train_in_sagemaker(client.job(aws=client.cloud.aws.model_copy(update={"bucket": ""}), storage=storage))
    assert client.cloud.list("sim-to-cloud/channels/")
