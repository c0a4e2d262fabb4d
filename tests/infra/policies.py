"""The template's policies, read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.infra.conftest import TEMPLATE

PRINCIPALS = {
    "execution": ("ExecutionRole",),
    "host": ("HostRole",),
    "ci": ("CiPolicy",),
    "deploy": ("DeployPolicy",),
    "monitor": ("MonitorRole",),
    "report": ("ReportRole",),
    "mlflow": ("MlflowRole",),
}
"""Who may do something, and the resources that say what."""


@cache
def read_template() -> dict[str, Any]:
    """The template with CloudFormation's short tags in their long form."""
    from cfnlint.decode import cfn_yaml

    return cfn_yaml.load(str(TEMPLATE))


def statements(principal: str) -> Iterator[dict[str, Any]]:
    """Statements of a principal's policies, with those that only some stacks have."""
    for name in PRINCIPALS[principal]:
        properties = read_template()["Resources"][name]["Properties"]
        documents = [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for document in documents:
            for item in document["Statement"]:
                yield item["Fn::If"][1] if "Fn::If" in item else item


def granted(principal: str) -> set[str]:
    """Actions that a principal is allowed."""
    found: set[str] = set()
    for statement in statements(principal):
        actions = statement["Action"]
        found |= {actions} if isinstance(actions, str) else set(actions)
    return found
