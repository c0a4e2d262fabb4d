"""What a job can cost, and what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.common.progress import duration
from stages.common.settings.jobs import TrainingJobs


@dataclass(frozen=True)
class Bill:
    """What AWS counted.

    Attributes:
        instance: kind of machine; empty when it is not known.
        training: seconds that training took.
        billable: seconds that are paid for; fewer than ``training`` for a spot machine (SageMaker developer guide,
            "Managed Spot Training").
        dollars: by the settings' prices; None where they name none.
    """

    instance: str
    training: int
    billable: int
    dollars: float | None

    def __str__(self) -> str:
        """A sentence's part."""
        saved = f", {1 - self.billable / self.training:.0%} saved" if 0 < self.billable < self.training else ""
        price = f", about ${self.dollars:.2f}" if self.dollars is not None else ""
        billed = f"{duration(self.billable)} billed of {duration(self.training)}"
        return f"{self.instance or 'the machine'}: {billed}{saved}{price}"


def estimate(instances: Sequence[str], jobs: TrainingJobs) -> str:
    """What a job costs at most, in words."""
    parts = []
    for kind in instances:
        price = jobs.prices.get(kind)
        if price is None:
            parts.append(f"{kind} (no price in compute.sagemaker.prices)")
        else:
            parts.append(f"{kind} at most ${price * jobs.max_hours:.2f} (${price:g} an hour)")
    spot = ", as spot usually far less" if jobs.spot else ""
    return f"{' or '.join(parts)} for {jobs.max_hours:g} h{spot}; approximate prices"


def bill(description: Mapping[str, Any], jobs: TrainingJobs) -> Bill:
    """What a finished job cost, from DescribeTrainingJob."""
    resources = description.get("ResourceConfig", {})
    instance = str(resources.get("SelectedInstanceType") or resources.get("InstanceType", ""))
    training = int(description.get("TrainingTimeInSeconds", 0))
    billable = int(description.get("BillableTimeInSeconds", training))
    price = jobs.prices.get(instance)
    return Bill(instance, training, billable, None if price is None else round(price * billable / 3600, 4))
