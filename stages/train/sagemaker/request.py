"""The CreateTrainingJob request: a pure function of what is to be trained and where."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.common.aws.machines import has_own_disk
from stages.common.errors import SettingsError
from stages.common.settings.aws import Aws
from stages.common.settings.jobs import TrainingJobs

VALUE_LIMIT = 256
"""Longest value of a tag."""


@dataclass(frozen=True)
class Order:
    """All that a training job is made of.

    Attributes:
        name: of the job.
        image: container image by digest.
        role: ARN that the job takes on.
        channels: prefixes in S3 by channel name, with a slash at their ends.
        checkpoints: prefix in S3 that is kept the same as ``/opt/ml/checkpoints``.
        output: prefix in S3 below which ``NAME/output/model.tar.gz`` is put.
        hyperparameters, environment: texts by name; never a secret, since whoever may describe the job reads them.
        metrics: ``MetricDefinitions``.
        tags: as AWS takes them.
        instances: kinds of machine in their order; more than one only without spot.
    """

    name: str
    image: str
    role: str
    channels: Mapping[str, str]
    checkpoints: str
    output: str
    hyperparameters: Mapping[str, str]
    instances: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, str]] = ()
    tags: Sequence[Mapping[str, str]] = ()


def job_base(project: str, architecture: str, key: str, image: str) -> str:
    """First part of a job's name: the same for the same training in the same image, whoever asks.

    Args:
        project: of the settings, 24 characters at most.
        architecture: as ``yolo11s``.
        key: of the training's work folder: its settings, data and starting weights.
        image: by digest.
    """
    return f"{project.strip('-')}-{architecture}-{hashlib.sha256(f'{key} {image}'.encode()).hexdigest()[:16]}"


def owns(project: str, name: str) -> bool:
    """Is this the name of a job of this project, not of one whose name is a part of it or begins alike?"""
    return bool(re.fullmatch(rf"{re.escape(project.strip('-'))}-[a-z0-9]+-[0-9a-f]{{16}}-\d+", name))


def build_request(order: Order, aws: Aws, jobs: TrainingJobs) -> dict[str, Any]:
    """The request, as boto3's ``create_training_job`` takes it (SageMaker API reference, CreateTrainingJob).

    Raises:
        SettingsError: when half of a network is given: a job outside of it would be no smaller mistake than none.
    """
    if bool(aws.subnets) != bool(aws.security_groups):
        raise SettingsError("aws.subnets and aws.security_groups go together: give both, or neither")
    stopping = {"MaxRuntimeInSeconds": jobs.max_seconds}
    if jobs.spot:
        stopping["MaxWaitTimeInSeconds"] = jobs.max_wait_seconds
    request: dict[str, Any] = {
        "TrainingJobName": order.name,
        "HyperParameters": dict(order.hyperparameters),
        "AlgorithmSpecification": {
            "TrainingImage": order.image,
            "TrainingInputMode": jobs.input_mode,
            "MetricDefinitions": [dict(item) for item in order.metrics],
        },
        "RoleArn": order.role,
        "InputDataConfig": [channel(name, uri, jobs.input_mode) for name, uri in order.channels.items()],
        "OutputDataConfig": {
            "S3OutputPath": order.output,
            "CompressionType": "GZIP",
            **({"KmsKeyId": aws.kms_key} if aws.kms_key else {}),
        },
        "ResourceConfig": resources(order, aws, jobs),
        "StoppingCondition": stopping,
        "CheckpointConfig": {"S3Uri": order.checkpoints, "LocalPath": "/opt/ml/checkpoints"},
        "EnableManagedSpotTraining": jobs.spot,
        "EnableNetworkIsolation": aws.isolation,
        "Environment": dict(order.environment),
        "Tags": [dict(tag) for tag in order.tags],
    }
    if aws.subnets:
        request["VpcConfig"] = {"SecurityGroupIds": list(aws.security_groups), "Subnets": list(aws.subnets)}
    return request


def channel(name: str, uri: str, mode: str) -> dict[str, Any]:
    """One entry of ``InputDataConfig``: all objects below a prefix, to each machine."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": mode}


def resources(order: Order, aws: Aws, jobs: TrainingJobs) -> dict[str, Any]:
    """``ResourceConfig``: one kind of machine, or several in their order, which AWS takes without spot alone."""
    config: dict[str, Any] = {"InstanceCount": 1, "VolumeSizeInGB": jobs.volume_gb}
    if len(order.instances) == 1:
        config["InstanceType"] = order.instances[0]
    else:
        config["InstancePreferences"] = [{"InstanceType": name} for name in order.instances]
    if aws.kms_key and not any(has_own_disk(name) for name in order.instances):
        config["VolumeKmsKeyId"] = aws.kms_key
    return config
