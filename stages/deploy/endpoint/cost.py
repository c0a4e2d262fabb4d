"""What the endpoint costs: by list prices and the machines that run, and on request what AWS billed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stages.common.settings import Settings
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.names import VARIANT

PRICES = {
    "ml.c5.large": 0.102,
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.g4dn.xlarge": 0.7364,
    "ml.g5.xlarge": 1.408,
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
}
"""US dollars an hour of real-time inference in us-east-1, from tables of third parties: approximate. AWS's price list
(aws.amazon.com/sagemaker/pricing) decides, and ``endpoint.price_hour`` overrides."""

SERVERLESS_GB_SECOND = 0.00002
"""US dollars for a second of a worker with 1 GB: approximate, as above."""

MONTH_HOURS = 730


def cost(settings: Settings, billed: bool = False, now: datetime | None = None) -> str:
    """What it costs now and in a month.

    Args:
        settings: of the endpoint.
        billed: ask AWS Cost Explorer, too, which costs 0.01 US dollars itself.
        now: of the clock.

    Returns:
        A summary line.

    Raises:
        StageError: when AWS refuses.
    """
    account, now = Account(settings), now or datetime.now(UTC)
    there = account.endpoint()
    if there is None:
        said = f"deploy: endpoint '{account.names.endpoint}' does not exist and costs nothing"
    elif settings.endpoint.kind == "serverless":
        said = _by_request(account, now)
    else:
        said = _by_machine(account, there, now)
    return f"{said}{_billed(account, now) if billed else ''}"


def _by_machine(account: Account, there: Any, now: datetime) -> str:
    """The machines that run, and the range that the settings leave to autoscaling, schedules included."""
    endpoint, configuration = account.settings.endpoint, account.configuration(there["EndpointConfigName"])
    running = configuration["ProductionVariants"][0] if configuration else {}
    instance = str(running.get("InstanceType") or endpoint.instance)
    price = endpoint.price_hour or PRICES.get(instance, 0.0)
    count = int(there["ProductionVariants"][0].get("CurrentInstanceCount") or 0)
    scaling, schedules = endpoint.scaling, endpoint.scaling.schedules
    least = min([scaling.least, *(one.least for one in schedules)])
    most = max([scaling.most, *(one.most for one in schedules)])
    low, high = (price * number * MONTH_HOURS for number in (least, most))
    hours = (now - there["CreationTime"]).total_seconds() / 3600
    priced = (
        f"about {price * count:.3f} US dollars an hour, {low:.0f} to {high:.0f} a month (approximate list price of "
        f"{price:g} an instance-hour)"
        if price
        else "what that costs is not known here, until endpoint.price_hour names the price of an instance-hour"
    )
    return (
        f"deploy: endpoint '{account.names.endpoint}' runs {count} x {instance}: {priced}; it is there for "
        f"{hours:.1f} hours"
    )


def _by_request(account: Account, now: datetime) -> str:
    """The last day's worker seconds, from the metrics of the model's own time."""
    seconds = _day_sum(account, "ModelLatency", now) / 1e6  # microseconds
    requests = _day_sum(account, "Invocations", now)
    day = seconds * account.settings.endpoint.memory_mb / 1024 * SERVERLESS_GB_SECOND
    return (
        f"deploy: endpoint '{account.names.endpoint}' answered {requests:.0f} requests in {seconds:.1f} s of workers "
        f"in the last 24 hours: about {day:.4f} US dollars, {day * 30:.2f} in 30 such days (approximate list price), "
        "and nothing while nobody asks"
    )


def _day_sum(account: Account, metric: str, now: datetime) -> float:
    dimensions = {"EndpointName": account.names.endpoint, "VariantName": VARIANT}
    found = account.ask(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(days=1),
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


def _billed(account: Account, now: datetime) -> str:
    """What Cost Explorer has under the endpoint's tag, this month."""
    first, after = now.date().replace(day=1), now.date() + timedelta(days=1)
    found = account.ask(
        "ce",
        "get_cost_and_usage",
        TimePeriod={"Start": first.isoformat(), "End": after.isoformat()},
        Granularity="MONTHLY",
        Metrics=["UnblendedCost"],
        Filter={"Tags": {"Key": "endpoint", "Values": [account.names.endpoint], "MatchOptions": ["EQUALS"]}},
    )
    total = sum(float(month["Total"]["UnblendedCost"]["Amount"]) for month in found["ResultsByTime"] if month["Total"])
    return (
        f"; AWS billed {total:.2f} US dollars this month for its tag (0 until 'endpoint' is activated as a cost "
        "allocation tag)"
    )


__all__ = ["cost"]
