"""Autoscaling of an endpoint: on as the settings say, or off."""

from __future__ import annotations

from typing import Any

from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.requests import (
    from_zero_requests,
    policy_request,
    scalable,
    schedule_requests,
    target_request,
)


def scale(account: Account) -> None:
    """Set up autoscaling as the settings say, or take the endpoint out of it."""
    settings, names, service = account.settings, account.names, "application-autoscaling"
    target = target_request(settings, names)
    if target is None:
        if settings.endpoint.kind != "serverless":
            unscale(account)
        return
    account.act(service, "register_scalable_target", **target)
    account.act(service, "put_scaling_policy", **policy_request(settings, names))
    zero = from_zero_requests(settings, names)
    if zero is not None:
        made = account.act(service, "put_scaling_policy", **zero[0])
        alarm = {**zero[1], "AlarmActions": [made["PolicyARN"]]}
        account.act("cloudwatch", "put_metric_alarm", **alarm, Tags=account.tags())
    _schedule(account)


def _schedule(account: Account) -> None:
    names, service = account.names, "application-autoscaling"
    wanted = schedule_requests(account.settings, names)
    for name in _scheduled(account):
        if name not in {action["ScheduledActionName"] for action in wanted}:
            account.remove(service, "delete_scheduled_action", **scalable(names), ScheduledActionName=name)
    for action in wanted:
        account.act(service, "put_scheduled_action", **action)


def unscale(account: Account) -> None:
    """Take the endpoint out of autoscaling, with its policies and schedules.

    SageMaker wants that before the kind of machine changes and before the endpoint is deleted.
    """
    names, service = account.names, "application-autoscaling"
    where = {"ServiceNamespace": "sagemaker", "ResourceId": names.resource_id}
    for name in _scheduled(account):
        account.remove(service, "delete_scheduled_action", **scalable(names), ScheduledActionName=name)
    for page in account.pages(service, "describe_scaling_policies", **where):
        for policy in page["ScalingPolicies"]:
            account.remove(service, "delete_scaling_policy", **scalable(names), PolicyName=policy["PolicyName"])
    if scaled(account) is not None:
        account.remove(service, "deregister_scalable_target", **scalable(names))


def scaled(account: Account) -> Any:
    """The endpoint's scalable target; None when it has none."""
    where = {"ServiceNamespace": "sagemaker", "ResourceIds": [account.names.resource_id]}
    found = account.ask("application-autoscaling", "describe_scalable_targets", **where)["ScalableTargets"]
    return found[0] if found else None


def _scheduled(account: Account) -> list[str]:
    where = {"ServiceNamespace": "sagemaker", "ResourceId": account.names.resource_id}
    pages = account.pages("application-autoscaling", "describe_scheduled_actions", **where)
    return [action["ScheduledActionName"] for page in pages for action in page["ScheduledActions"]]
