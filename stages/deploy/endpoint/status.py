"""What the endpoint is doing, and what is there of it."""

from __future__ import annotations

import time
from typing import Any

from stages.common.errors import UnwellError
from stages.common.settings import Settings
from stages.deploy.endpoint import history
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.inventory import container_of, inventory, model_of
from stages.deploy.endpoint.names import ROLLOUT
from stages.deploy.endpoint.scaling import scaled
from stages.deploy.endpoint.teardown import tagged

SHOWN = 5
"""Deployments of the history that are shown."""


def look(settings: Settings) -> dict[str, Any]:
    """Everything about the endpoint, as plain values; changes nothing.

    Raises:
        StageError: when AWS refuses or does not answer.
    """
    account = Account(settings)
    there, made = account.endpoint(), inventory(account)
    found: dict[str, Any] = {"endpoint": account.names.endpoint, "region": settings.aws.region, "status": "absent"}
    if there is not None:
        variant = there["ProductionVariants"][0]
        model = model_of(account.configuration(there["EndpointConfigName"]))
        container = container_of(account, model)
        found |= {
            "status": there["EndpointStatus"],
            "why": there.get("FailureReason", ""),
            "configuration": there["EndpointConfigName"],
            "model": model,
            "image": container.get("Image", ""),
            "data": container.get("ModelDataUrl", ""),
            "changed": there["LastModifiedTime"].isoformat(timespec="seconds"),
            "instances": [variant.get("CurrentInstanceCount"), variant.get("DesiredInstanceCount")],
        }
        target = scaled(account)
        found["range"] = [target["MinCapacity"], target["MaxCapacity"]] if target else None
    alarms = account.pages("cloudwatch", "describe_alarms", AlarmNamePrefix=f"{account.names.endpoint}-")
    found["alarms"] = {
        one["AlarmName"]: one["StateValue"]
        for page in alarms
        for one in page["MetricAlarms"]
        if one["AlarmName"] in made.alarms
    }
    found["configurations"] = made.configs
    found["history"] = [
        {"at": entry.at, "configuration": entry.config, "sha256": entry.sha256, "why": entry.why}
        for entry in history.entries(account)[:SHOWN]
    ]
    found["left_over"] = _left_over(account, there, made.configs)
    return found


def _left_over(account: Account, there: Any, configs: list[str]) -> list[str]:
    """What bears the endpoint's tag and belongs to nothing: of an endpoint that is gone, everything."""
    arns = tagged(account)
    if there is None:
        return arns
    models = {model_of(account.configuration(name)) for name in configs}
    known = {account.names.endpoint, *configs, *models}
    return [arn for arn in arns if ":alarm:" not in arn and arn.rpartition("/")[2] not in known]


def in_words(found: dict[str, Any]) -> str:
    """The same for people, a line a thing."""
    lines = [f"endpoint        {found['endpoint']} in {found['region']}: {found['status']}"]
    if found["status"] != "absent":
        now, wanted = found["instances"]
        machines = "by the request" if now is None and wanted is None else f"{now} of {wanted} wanted"
        span = f", scaled from {found['range'][0]} to {found['range'][1]}" if found["range"] else ""
        lines += [f"why             {found['why']}"] if found["why"] else []
        lines += [
            f"configuration   {found['configuration']}, since {found['changed']}",
            f"model           {found['model']}, {found['data']}",
            f"image           {found['image']}",
            f"instances       {machines}{span}",
        ]
    lines += [f"alarm           {name}: {state}" for name, state in sorted(found["alarms"].items())]
    lines += [f"kept            {name}" for name in found["configurations"]]
    lines += [
        f"deployed        {one['at']} {one['configuration']} model {one['sha256'][:10]} ({one['why']})"
        for one in found["history"]
    ]
    lines += [f"left over       {arn}: python -m stages.deploy teardown removes it" for arn in found["left_over"]]
    return "\n".join(lines)


def verdict(found: dict[str, Any]) -> str:
    """What is wrong with the endpoint as :func:`look` found it; empty when it serves and no rollout alarm is on."""
    name = found["endpoint"]
    if found["status"] != "InService":
        why = f" ({found['why']})" if found.get("why") else ""
        return f"endpoint '{name}' is {found['status']}{why}"
    watching = [f"{found['configuration']}-{what}" for what in ROLLOUT]
    loud = [alarm for alarm in watching if found["alarms"].get(alarm) == "ALARM"]
    return f"endpoint '{name}' serves with {', '.join(loud)} in ALARM" if loud else ""


def check(settings: Settings, minutes: float = 0.0) -> dict[str, Any]:
    """Look at the endpoint, and again until ``minutes`` have passed.

    Returns:
        What the last look found.

    Raises:
        UnwellError: at the first look that finds it other than in service, or a rollout alarm of the configuration in
            use in ALARM.
        ServiceError: when AWS refuses or does not answer, which says nothing about the endpoint.
    """
    end = time.monotonic() + minutes * 60
    while True:
        found = look(settings)
        if wrong := verdict(found):
            raise UnwellError(f"{wrong}: go back with python -m stages.deploy rollback, or look into its log")
        if time.monotonic() >= end:
            return found
        time.sleep(min(settings.endpoint.poll_seconds, max(end - time.monotonic(), 0)))
