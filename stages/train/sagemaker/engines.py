"""Two ways to the same CreateTrainingJob: boto3 with our request, or the SageMaker SDK's ModelTrainer making it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from stages.common.aws.session import client, code_of, told
from stages.common.errors import MissingDependencyError, ServiceError
from stages.common.settings.aws import Aws
from stages.common.settings.jobs import TrainingJobs
from stages.train.sagemaker.request import Order, build_request


class QuotaError(ServiceError):
    """The account may not have an instance of this kind."""


def make_request(order: Order, aws: Aws, jobs: TrainingJobs) -> dict[str, Any]:
    """The request by the engine that the settings choose.

    Raises:
        SettingsError: when the settings contradict themselves.
        MissingDependencyError: when the engine is not installed.
    """
    ours = build_request(order, aws, jobs)
    return sdk_request(order, aws, jobs) if jobs.engine == "sdk" else ours


def submit(request: Mapping[str, Any], sagemaker: Any) -> bool:
    """Make the job.

    botocore repeats a request whose answer was lost, and another client may be quicker: a name that is in use already
    is therefore no error.

    Args:
        request: of :func:`make_request`.
        sagemaker: boto3's client.

    Returns:
        False when there is a job of that name already.

    Raises:
        QuotaError: when the account's quota has no room for the instance.
        StageError: when AWS does not take the request.
    """
    from botocore.exceptions import ClientError

    name = request["TrainingJobName"]
    with told(f"training job '{name}'"):
        try:
            sagemaker.create_training_job(**request)
        except ClientError as error:
            match code_of(error):
                case "ResourceInUse":
                    return False
                case "ResourceLimitExceeded":
                    raise QuotaError(_quota(request)) from error
            raise
    return True


def _quota(request: Mapping[str, Any]) -> str:
    resources = request["ResourceConfig"]
    kinds = [
        resources.get("InstanceType"),
        *(item["InstanceType"] for item in resources.get("InstancePreferences", ())),
    ]
    named = " and ".join(kind for kind in kinds if kind)
    usage = "spot training job usage" if request["EnableManagedSpotTraining"] else "training job usage"
    return (
        f"the account's quota has no room for {named} ({usage}): ask for more under Service Quotas, Amazon SageMaker, "
        "or name others in compute.sagemaker.instances"
    )


def sdk_request(order: Order, aws: Aws, jobs: TrainingJobs) -> dict[str, Any]:
    """The request as ``ModelTrainer`` makes it.

    It is not sent by the SDK, whose names end in the second and whose waiting uses a session of its own.

    Raises:
        MissingDependencyError: when the SDK is not installed.
    """
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")  # else it asks IAM for each trainer
    try:
        from sagemaker.core.helper.session_helper import Session
        from sagemaker.core.shapes import MetricDefinition, Tag
        from sagemaker.core.training import configs
        from sagemaker.train import ModelTrainer
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "compute.sagemaker.engine=sdk needs the sagemaker package: pip install 'sim-to-cloud[aws]', or set it "
            "to boto3"
        ) from error
    import boto3

    session = Session(
        boto_session=boto3.Session(region_name=aws.region),
        sagemaker_client=client(aws, "sagemaker"),
        default_bucket=order.output.removeprefix("s3://").partition("/")[0],
    )
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=order.role,
        base_job_name=order.name,
        training_image=order.image,
        compute=_sdk_compute(order, aws, jobs),
        stopping_condition=configs.StoppingCondition(
            max_runtime_in_seconds=jobs.max_seconds,
            **({"max_wait_time_in_seconds": jobs.max_wait_seconds} if jobs.spot else {}),
        ),
        checkpoint_config=configs.CheckpointConfig(s3_uri=order.checkpoints, local_path="/opt/ml/checkpoints"),
        output_data_config=configs.OutputDataConfig(
            s3_output_path=order.output,
            compression_type="GZIP",
            **({"kms_key_id": aws.kms_key} if aws.kms_key else {}),
        ),
        networking=_sdk_networking(aws),
        input_data_config=_sdk_channels(order, jobs),
        training_input_mode=jobs.input_mode,
        environment=dict(order.environment),
        hyperparameters=dict(order.hyperparameters),
        tags=[Tag(key=tag["Key"], value=tag["Value"]) for tag in order.tags],
    ).with_metric_definitions(
        [MetricDefinition(name=metric["Name"], regex=metric["Regex"]) for metric in order.metrics]
    )
    made: dict[str, Any] = _without_nothing(trainer._create_training_job_args(boto3=True))
    return made | {"TrainingJobName": order.name, "Environment": dict(order.environment)}


def _sdk_compute(order: Order, aws: Aws, jobs: TrainingJobs) -> Any:
    from sagemaker.core.shapes import InstancePreference
    from sagemaker.core.training import configs

    from stages.train.sagemaker.request import resources

    ours = resources(order, aws, jobs)
    more: dict[str, Any] = {"volume_kms_key_id": ours["VolumeKmsKeyId"]} if "VolumeKmsKeyId" in ours else {}
    if "InstanceType" in ours:
        more["instance_type"] = ours["InstanceType"]
    else:
        more["instance_preferences"] = [InstancePreference(instance_type=kind) for kind in order.instances]
    return configs.Compute(
        instance_count=ours["InstanceCount"],
        volume_size_in_gb=ours["VolumeSizeInGB"],
        enable_managed_spot_training=jobs.spot,
        **more,
    )


def _sdk_networking(aws: Aws) -> Any:
    from sagemaker.core.training import configs

    vpc = {"subnets": aws.subnets, "security_group_ids": aws.security_groups}
    return configs.Networking(enable_network_isolation=aws.isolation, **(vpc if aws.subnets else {}))


def _sdk_channels(order: Order, jobs: TrainingJobs) -> list[Any]:
    """Whole channels: of an address alone the SDK makes one that copies, whatever the job's mode is."""
    from sagemaker.core.shapes import Channel, DataSource, S3DataSource

    return [
        Channel(
            channel_name=name,
            input_mode=jobs.input_mode,
            data_source=DataSource(
                s3_data_source=S3DataSource(
                    s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated"
                )
            ),
        )
        for name, uri in order.channels.items()
    ]


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value
