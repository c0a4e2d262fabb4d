"""Take the endpoint down, with all that bears its name."""

from __future__ import annotations

from stages.common.errors import ServiceError
from stages.common.settings import Settings
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.inventory import prune
from stages.deploy.endpoint.lease import Lease
from stages.deploy.endpoint.scaling import unscale
from stages.deploy.endpoint.watch import settle

TAGGED = ["sagemaker:endpoint", "sagemaker:endpoint-config", "sagemaker:model", "cloudwatch:alarm"]
"""Kinds of resources that bear the endpoint's tag and can be removed."""

KEPT = ("history/", "capture/")
"""What is data, not machinery; ``--data`` removes it, too."""


def take_down(settings: Settings, data: bool = False) -> str:
    """Remove everything that costs or answers; what is gone already is no error, so a stopped run can be run again.

    Args:
        settings: of the endpoint.
        data: remove captured data and the history, too.

    Returns:
        A summary line.

    Raises:
        ServiceError: when AWS refuses, or another client is at it.
    """
    account = Account(settings)
    names = account.names
    with Lease(account, "teardown") as lease:
        there = settle(account)
        unscale(account)
        if there is not None:
            account.remove("sagemaker", "delete_endpoint", EndpointName=names.endpoint)
            settle(account)
        prune(account, [], 0, set())
        if names.endpoint in dashboards(account):
            account.remove("cloudwatch", "delete_dashboards", DashboardNames=[names.endpoint])
        removed = _remove_objects(account, data)
        left = tagged(account)
        lease.remove()
    what = f"endpoint '{names.endpoint}' and what belongs to it" if there else f"what was left of '{names.endpoint}'"
    rest = f"; AWS still lists by tag: {', '.join(left)}; run this again in some minutes" if left else ""
    kept = "" if data else "; captured data and the history stay in S3 (--data removes them)"
    return f"deploy: took down {what}{f', with {removed} objects' if removed else ''}{kept}{rest}"


def dashboards(account: Account) -> list[str]:
    """Names of dashboards that start as the endpoint's does."""
    pages = account.pages("cloudwatch", "list_dashboards", DashboardNamePrefix=account.names.endpoint)
    return [one["DashboardName"] for page in pages for one in page.get("DashboardEntries", ())]


def tagged(account: Account) -> list[str]:
    """ARNs of what bears the endpoint's tag; AWS's index follows its changes by minutes."""
    filters = [{"Key": tag["Key"], "Values": [tag["Value"]]} for tag in account.tags() if tag["Key"] in FILTERS]
    pages = account.pages("resourcegroupstaggingapi", "get_resources", TagFilters=filters, ResourceTypeFilters=TAGGED)
    return [one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]]


FILTERS = {"project", "endpoint"}


def _remove_objects(account: Account, data: bool) -> int:
    """Delete the endpoint's objects, but the lease; how many there were."""
    folder = f"{account.names.folder}/"
    pages = account.pages("s3", "list_objects_v2", Bucket=account.bucket, Prefix=folder)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    doomed = [
        key for key in keys if key != f"{folder}lease.json" and (data or not key.removeprefix(folder).startswith(KEPT))
    ]
    for start in range(0, len(doomed), 1000):
        batch = [{"Key": key} for key in doomed[start : start + 1000]]
        done = account.act("s3", "delete_objects", Bucket=account.bucket, Delete={"Objects": batch, "Quiet": True})
        for refused in done.get("Errors", ()):
            raise ServiceError(
                f"'{refused['Key']}' cannot be deleted ({refused['Code']}): check what these credentials may do"
            )
    return len(doomed)
