"""Bring a bundle to the endpoint, or go on with that where another run stopped.

Every step first looks whether it is done: what can never change is found by its name, which is a sum over what it
holds, and what can change is written anew. A run that is killed anywhere and started again thus ends where an
undisturbed one does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from stages.common.errors import ServiceError
from stages.common.settings import Settings
from stages.deploy.bundle import Bundle
from stages.deploy.check import Parity, choose
from stages.deploy.endpoint import history
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.archive import upload
from stages.deploy.endpoint.history import Entry
from stages.deploy.endpoint.inventory import inventory, prune
from stages.deploy.endpoint.lease import Lease
from stages.deploy.endpoint.requests import (
    Plan,
    dashboard,
    from_zero_requests,
    plan,
    rollout_alarms,
    service_alarms,
    smoke_metric,
    target_request,
    update_request,
)
from stages.deploy.endpoint.scaling import scale, unscale
from stages.deploy.endpoint.smoke import Smoke, WrongAnswer
from stages.deploy.endpoint.watch import reason, settle

SERVING = "InService"


def serve_at_sagemaker(bundle: Bundle, model: Path, pictures: Path, settings: Settings) -> Parity:
    """Serve a bundle at the endpoint of the settings, and compare its answers with the model.

    Raises:
        ServiceError: when AWS refuses, another client is at it, the rollout was turned back, or the answers differ; the
            configuration that served before then serves on.
        InputError: when there are no pictures to check with.
    """
    account = Account(settings)
    smoke = Smoke(account, bundle, model, choose(pictures, settings.deploy.check_frames))
    with Lease(account, "deploy"):
        there = settle(account)
        planned = prepare(account, bundle, there)
        there = _brought(account, planned, there, smoke)
        parity = _checked(account, planned, smoke)
        finish(account, planned, there, bundle.settings.model_sha256, parity, "deploy")
    return parity_at(account, planned, parity)


def parity_at(account: Account, planned: Plan, parity: Parity) -> Parity:
    """The comparison, with what the receipt says of the endpoint; it holds no times."""
    service = {
        "endpoint": account.names.endpoint,
        "region": account.settings.aws.region,
        "configuration": planned.config_name,
        "model": planned.model["ModelName"],
        "image": planned.model["PrimaryContainer"]["Image"],
        "data": planned.model["PrimaryContainer"]["ModelDataUrl"],
    }
    return Parity(**parity.as_json(), service=service)


def prepare(account: Account, bundle: Bundle, there: Any) -> Plan:
    """Make the immutable parts: the packed bundle, the model, the configuration; and the rollout's alarms.

    Raises:
        ServiceError: when the endpoint is of another kind, which an update cannot change.
    """
    settings = account.settings
    role, image = account.role(), account.image()
    model_data = upload(account, bundle)
    planned = plan(settings, account.names, role=role, image=image, model_data=model_data, bucket=account.bucket)
    if there is not None:
        _same_kind(account, planned, there)
    if account.find("sagemaker", "describe_model", ModelName=planned.model["ModelName"]) is None:
        account.create("sagemaker", "create_model", **planned.model, Tags=account.tags())
    if account.configuration(planned.config_name) is None:
        account.create("sagemaker", "create_endpoint_config", **planned.config, Tags=account.tags())
    for alarm in rollout_alarms(settings, planned):
        account.act("cloudwatch", "put_metric_alarm", **alarm, Tags=account.tags())
    return planned


def _same_kind(account: Account, planned: Plan, there: Any) -> None:
    now = account.configuration(there["EndpointConfigName"])
    if now is not None and _kind(now) != _kind(planned.config):
        raise ServiceError(
            f"endpoint '{account.names.endpoint}' is of kind {_kind(now)}, which an update cannot change into "
            f"{_kind(planned.config)}: name another endpoint.service, or take this one down first"
        )


def _kind(config: Any) -> str:
    if "ServerlessConfig" in config["ProductionVariants"][0]:
        return "serverless"
    return "async" if config.get("AsyncInferenceConfig") else "instances"


def _brought(account: Account, planned: Plan, there: Any, smoke: Smoke) -> Any:
    """Create the endpoint or update it, unless it has the configuration; the description of the settled endpoint."""
    endpoint = account.names.endpoint
    if there is not None and there["EndpointStatus"] == "Failed":
        # a first creation that failed can be neither used nor updated
        account.remove("sagemaker", "delete_endpoint", EndpointName=endpoint)
        there = settle(account)
    if there is None:
        request = {"EndpointName": endpoint, "EndpointConfigName": planned.config_name}
        account.create("sagemaker", "create_endpoint", **request, Tags=account.tags())
    elif there["EndpointConfigName"] != planned.config_name:
        if _other_machine(account, planned, there):
            unscale(account)
        account.act("sagemaker", "update_endpoint", **update_request(account.settings, planned, _fleet(there)))
    return arrived(account, planned, smoke)


def arrived(account: Account, planned: Plan, smoke: Smoke) -> Any:
    """Wait for the endpoint to have the configuration, with an eye on what the new fleet answers.

    Raises:
        ServiceError: when it did not get it.
    """
    there = settle(account, lambda seen: _probe(account, planned, smoke, seen))
    if there is not None and there["EndpointStatus"] == SERVING and there["EndpointConfigName"] == planned.config_name:
        return there
    if there is None:
        raise ServiceError(f"endpoint '{account.names.endpoint}' was deleted by somebody else: run this again")
    why = reason(account, there)
    if there["EndpointStatus"] != SERVING:
        raise ServiceError(
            f"endpoint '{account.names.endpoint}' is {there['EndpointStatus']} ({why}): mend that, then run this again"
        )
    tidy(account, there["EndpointConfigName"])
    raise ServiceError(
        f"AWS turned the update of endpoint '{account.names.endpoint}' back ({why}): {there['EndpointConfigName']} "
        "serves on; look at what the new model did, then deploy another one"
    )


def _probe(account: Account, planned: Plan, smoke: Smoke, seen: Any) -> None:
    """While canaries answer some requests: one wrong answer of theirs sets off the alarm that turns them back."""
    watched = rollout_alarms(account.settings, planned)
    if not watched or not seen.get("PendingDeploymentSummary") or seen["EndpointStatus"] != "Updating":
        return
    wrong = smoke.probe()
    if wrong:
        print(f"deploy: the canary answers wrongly ({wrong}): turning back", file=sys.stderr, flush=True)
        metric = smoke_metric(planned)
        data = {"MetricName": metric["MetricName"], "Dimensions": metric["Dimensions"], "Value": 1.0}
        account.act("cloudwatch", "put_metric_data", Namespace=metric["Namespace"], MetricData=[data])


def _other_machine(account: Account, planned: Plan, there: Any) -> bool:
    now = account.configuration(there["EndpointConfigName"])
    machine = planned.config["ProductionVariants"][0].get("InstanceType")
    return now is None or now["ProductionVariants"][0].get("InstanceType") != machine


def _fleet(there: Any) -> int:
    return int(there["ProductionVariants"][0].get("CurrentInstanceCount") or 0)


def _checked(account: Account, planned: Plan, smoke: Smoke) -> Parity:
    """Compare the endpoint's answers; if they are wrong, bring back what served before.

    Raises:
        ServiceError: when they are wrong.
    """
    try:
        return smoke.verify()
    except WrongAnswer as error:
        good = history.last_good(history.entries(account), planned.config_name, set(inventory(account).configs))
        if good is None:
            unscale(account)
            account.remove("sagemaker", "delete_endpoint", EndpointName=account.names.endpoint)
            settle(account)
            raise ServiceError(f"{error}; nothing served before, so it was taken down: look into its log") from error
        switch(account, good.config)
        tidy(account, good.config)
        raise ServiceError(f"{error}; {good.config}, which served before, serves again") from error


def switch(account: Account, config: str) -> None:
    """Move all traffic back to a configuration at once, and wait.

    Raises:
        ServiceError: when the endpoint does not get it.
    """
    there = settle(account)
    request: dict[str, Any] = {"EndpointName": account.names.endpoint, "EndpointConfigName": config}
    if there is not None and there["EndpointConfigName"] != config:
        now, then = account.configuration(there["EndpointConfigName"]), account.configuration(config)
        if now is None or _machine(now) != _machine(then):
            unscale(account)
        excluded = [{"VariantPropertyType": "DataCaptureConfig"}]
        request |= {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": excluded}
        account.act("sagemaker", "update_endpoint", **request)
        there = settle(account)
    if there is None or there["EndpointStatus"] != SERVING or there["EndpointConfigName"] != config:
        why = reason(account, there) if there else "it does not exist"
        raise ServiceError(f"endpoint '{account.names.endpoint}' could not go back to {config} ({why}): deploy again")


def _machine(config: Any) -> str:
    return str(config["ProductionVariants"][0].get("InstanceType", "")) if config else ""


def finish(account: Account, planned: Plan, there: Any, sha256: str, parity: Parity, why: str) -> None:
    """After a passed check: the history, autoscaling, alarms, the dashboard, and away with what is too old."""
    container = planned.model["PrimaryContainer"]
    entry = Entry(
        at=there["LastModifiedTime"].astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ"),
        config=planned.config_name,
        model=planned.model["ModelName"],
        model_data=container["ModelDataUrl"],
        sha256=sha256,
        image=container["Image"],
        check=parity.as_json(),
        why=why,
    )
    past = history.entries(account)
    history.record(account, entry, past[0] if past else None)
    scale(account)
    for alarm in service_alarms(account.settings, account.names):
        account.act("cloudwatch", "put_metric_alarm", **alarm, Tags=account.tags())
    account.act("cloudwatch", "put_dashboard", **dashboard(account.settings, account.names))
    tidy(account, planned.config_name, [entry, *past])


def tidy(account: Account, current: str, past: Sequence[Entry] | None = None) -> None:
    """Keep the configuration in use and the last ones that passed their check; remove all others."""
    past = history.entries(account) if past is None else past
    proven = dict.fromkeys([current, *(entry.config for entry in past)])
    wanted = {alarm["AlarmName"] for alarm in service_alarms(account.settings, account.names)}
    zero = from_zero_requests(account.settings, account.names)
    if zero and target_request(account.settings, account.names):
        wanted.add(zero[1]["AlarmName"])
    prune(account, list(proven), account.settings.endpoint.keep, wanted)
