"""Wait until an endpoint is no longer being changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from stages.common.errors import ServiceError
from stages.deploy.endpoint.account import Account

BUSY = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
"""States in which SageMaker refuses changes (API reference, ``EndpointStatus``)."""

START_SECONDS = 1800
"""For machines to come, to load the model, and to answer; beside the times that the settings name."""

LOG_GROUP = "/aws/sagemaker/Endpoints"
LINES = 3


def settle(account: Account, seen: Callable[[Any], None] = lambda _: None) -> Any:
    """Describe the endpoint until it is not being changed.

    Args:
        account: of the endpoint; its lease is renewed meanwhile.
        seen: called with each description of an endpoint that is being changed.

    Returns:
        The last description; None when the endpoint does not exist.

    Raises:
        ServiceError: when it takes longer than it may.
    """
    endpoint = account.settings.endpoint
    patience = START_SECONDS + 2 * endpoint.startup_seconds + endpoint.canary.timeout_seconds
    deadline = time.monotonic() + patience
    last = ""
    while (found := account.endpoint()) is not None and found["EndpointStatus"] in BUSY:
        if found["EndpointStatus"] != last:
            last = found["EndpointStatus"]
            print(f"deploy: endpoint '{account.names.endpoint}' is {last}", file=sys.stderr, flush=True)
        if time.monotonic() > deadline:
            raise ServiceError(
                f"endpoint '{account.names.endpoint}' is still {last} after {patience // 60} minutes: look at it with "
                "python -m stages.deploy status, and run this again to go on"
            )
        account.guard()
        seen(found)
        time.sleep(endpoint.poll_seconds)
    return found


def reason(account: Account, described: Any) -> str:
    """Why an endpoint is as it is: SageMaker's own words and the last lines of the container's log."""
    words = " ".join(str(described.get("FailureReason") or "no reason given").split())
    lines = log_lines(account)
    return f"{words}; the log ends with: {' / '.join(lines)}" if lines else words


def log_lines(account: Account) -> list[str]:
    """The last lines of the container that wrote last; none where there is no log."""
    group = f"{LOG_GROUP}/{account.names.endpoint}"
    streams = account.find(
        "logs", "describe_log_streams", logGroupName=group, orderBy="LastEventTime", descending=True, limit=1
    )
    if not streams or not streams["logStreams"]:
        return []
    name = streams["logStreams"][0]["logStreamName"]
    events = account.find("logs", "get_log_events", logGroupName=group, logStreamName=name, limit=LINES)
    return [str(event["message"]).strip() for event in events["events"]][-LINES:] if events else []
