"""What an endpoint is made of, as AWS has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stages.deploy.endpoint.account import Account


@dataclass(frozen=True)
class Inventory:
    """Names of what is there.

    Attributes:
        configs: the newest first.
        models: in no order.
        alarms: likewise.
        artifacts: keys of packed bundles.
    """

    configs: list[str]
    models: list[str]
    alarms: list[str]
    artifacts: list[str]


def inventory(account: Account) -> Inventory:
    """List what bears the endpoint's name."""
    names = account.names
    contains = {"NameContains": names.endpoint}
    by_time = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    configs = account.pages("sagemaker", "list_endpoint_configs", **contains, **by_time)
    models = account.pages("sagemaker", "list_models", **contains)
    alarms = account.pages("cloudwatch", "describe_alarms", AlarmNamePrefix=f"{names.endpoint}-")
    folder = f"{names.folder}/models/"
    artifacts = account.pages("s3", "list_objects_v2", Bucket=account.bucket, Prefix=folder)
    return Inventory(
        [name for page in configs for one in page["EndpointConfigs"] if names.owns(name := one["EndpointConfigName"])],
        [name for page in models for one in page["Models"] if names.owns(name := one["ModelName"])],
        [name for page in alarms for one in page["MetricAlarms"] if names.owns(name := one["AlarmName"])],
        [one["Key"] for page in artifacts for one in page.get("Contents", ())],
    )


def prune(account: Account, proven: list[str], most: int, alarms: set[str]) -> None:
    """Remove configurations but those to keep, then the models, alarms and bundles that none of them needs.

    What is removed follows from what is there alone, so that the next run goes on where this one was stopped.

    Args:
        account: of the endpoint.
        proven: configurations that may be kept, the one in use first.
        most: of them that are kept.
        alarms: of the endpoint, beside those of the configurations.
    """
    there = inventory(account)
    kept = [name for name in proven if name in there.configs][:most]
    needed = {model_of(account.configuration(name)) for name in kept}
    data = {_data_of(account, name) for name in needed}
    for name in there.configs:
        if name not in kept:
            account.remove("sagemaker", "delete_endpoint_config", EndpointConfigName=name)
    for name in there.models:
        if name not in needed:
            account.remove("sagemaker", "delete_model", ModelName=name)
    watched = [name for name in there.alarms if name not in alarms and name.rpartition("-")[0] not in kept]
    if watched:
        account.remove("cloudwatch", "delete_alarms", AlarmNames=watched)
    for key in there.artifacts:
        if f"s3://{account.bucket}/{key}" not in data:
            account.remove("s3", "delete_object", Bucket=account.bucket, Key=key)


def model_of(configuration: Any) -> str:
    """Name of the model of a described configuration; empty for none."""
    return str(configuration["ProductionVariants"][0]["ModelName"]) if configuration else ""


def container_of(account: Account, model: str) -> dict[str, Any]:
    """The container of a model; empty when it does not exist."""
    described = account.find("sagemaker", "describe_model", ModelName=model) if model else None
    return dict(described["PrimaryContainer"]) if described else {}


def _data_of(account: Account, model: str) -> str:
    return str(container_of(account, model).get("ModelDataUrl", ""))
