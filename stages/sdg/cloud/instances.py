"""A host's instances: started within limits, found by their tag, ended with all that they had."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stages.common.aws.session import code_of, told
from stages.common.errors import ServiceError
from stages.common.settings import Settings
from stages.sdg.cloud.access import make_group, tag_filters
from stages.sdg.cloud.clients import client
from stages.sdg.cloud.names import TAG, Names, host_tags

ALIVE = ("pending", "running", "stopping", "stopped")
"""States in which an instance, or its disk, costs something; ``shutting-down`` is on its way out."""

NO_ROOM = {
    "InsufficientInstanceCapacity", "InsufficientHostCapacity", "MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow",
    "InstanceLimitExceeded", "VcpuLimitExceeded", "Unsupported", "InsufficientReservedInstanceCapacity",
}  # fmt: skip
"""Errors of RunInstances that another instance type may not have (EC2 API reference, "Error codes")."""

PROFILE_TRIES, PROFILE_PAUSE = 15, 2.0
"""Tries until EC2 knows a new instance profile, and seconds between them."""

LEAST_HOURS = 0.25
"""A spend limit must buy at least so much time: starting alone takes some ten minutes."""

INTERRUPTED = ("Server.SpotInstanceTermination", "Server.SpotInstanceShutdown", "Server.InsufficientInstanceCapacity")
"""Reasons for an instance's end that are EC2's own."""


@dataclass(frozen=True)
class Instance:
    """One of a host's instances.

    Attributes:
        id: of EC2.
        host: that it is.
        kind: instance type.
        state: ``pending``, ``running``, ``shutting-down``, ``terminated``, ``stopping`` or ``stopped``.
        since: its launch.
        deadline: when it ends by itself, at the latest.
        price: US dollars an hour at most.
        reason: why it ended, as EC2 says it; empty while it runs.
        spot: id of its spot request; empty for on demand.
        source: SHA-256 of the sources that it renders with.
    """

    id: str
    host: str
    kind: str
    state: str
    since: datetime
    deadline: datetime
    price: float
    reason: str = ""
    spot: str = ""
    source: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether it can still work."""
        return self.state in ALIVE

    @property
    def was_interrupted(self) -> bool:
        """Whether EC2 took it away."""
        return self.reason in INTERRUPTED

    def spent(self, now: datetime) -> float:
        """US dollars that it cost at most so far."""
        hours = max(0.0, (min(now, self.deadline) - self.since).total_seconds()) / 3600
        return hours * self.price


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def hours_for(settings: Settings, kind: str, spent: float = 0.0) -> float:
    """Hours that an instance may live, by its own limit and what is left of the spend limit.

    Raises:
        ServiceError: when that is too little to be of use.
    """
    host = settings.host
    hours = min(host.max_hours, (host.spend_limit - spent) / host.instances[kind])
    if hours < min(LEAST_HOURS, host.max_hours):
        raise ServiceError(
            f"host.spend_limit={host.spend_limit:g} leaves {max(0.0, host.spend_limit - spent):.2f} dollars, which is "
            f"less than a quarter of an hour of {kind}: raise it, or choose cheaper host.instances"
        )
    return hours


def boot_script(settings: Settings, names: Names, hours: float) -> str:
    """User data: what the instance does by itself; no secret is in it."""
    host, aws = settings.host, settings.aws
    login = "true"
    if host.ngc_parameter:
        code = (
            f"import boto3; print(boto3.client('ssm', region_name={aws.region!r}).get_parameter("
            f"Name={host.ngc_parameter!r}, WithDecryption=True)['Parameter']['Value'])"
        )
        login = f"python -c {shlex.quote(code)} | docker login nvcr.io -u '$oauthtoken' --password-stdin"
    values = {
        "bucket": shlex.quote(names.bucket),
        "prefix": shlex.quote(names.prefix),
        "region": shlex.quote(aws.region),
        "endpoint": shlex.quote(aws.endpoint),
        "deadline_seconds": str(max(60, round(hours * 3600))),
        "idle_seconds": str(round(host.idle_minutes * 60)),
        "ngc_login": login,
        "objects": Path(__file__).with_name("objects.py").read_text(encoding="utf-8").rstrip(),
    }
    text = Path(__file__).with_name("boot.sh").read_text(encoding="utf-8")
    return re.sub(r"@([a-z_]+)@", lambda found: values[found[1]], text)


def launch(settings: Settings, names: Names, source: str, spent: float = 0.0) -> Instance:
    """Start one instance of the first type that is to be had. Its profile must be there.

    Args:
        settings: with the limits.
        names: of the host.
        source: SHA-256 of the sources that it will fetch.
        spent: US dollars of the run so far.

    Raises:
        ServiceError: when none is to be had, or AWS refuses.
    """
    group = make_group(settings, names)
    image = _image(settings)
    refused: dict[str, str] = {}
    for kind in settings.host.instances:
        hours = hours_for(settings, kind, spent)
        answer = _run(settings, names, kind, image, group, hours, source)
        if isinstance(answer, Instance):
            return answer
        refused[kind] = answer
    reasons = ", ".join(f"{kind}: {code}" for kind, code in refused.items())
    raise ServiceError(
        f"EC2 has no {settings.host.market.replace('_', ' ')} instance for host '{names.host}' ({reasons}): try "
        "host.market=on_demand, other host.instances, another aws.region, or ask AWS for a higher quota"
    )


def _image(settings: Settings) -> str:
    if settings.host.image:
        return settings.host.image
    with told(f"host.image_parameter={settings.host.image_parameter}"):
        answer = client(settings.aws, "ssm").get_parameter(Name=settings.host.image_parameter)
    return str(answer["Parameter"]["Value"])


def _run(
    settings: Settings, names: Names, kind: str, image: str, group: str, hours: float, source: str
) -> Instance | str:
    """An instance, or the code that says that there is no room for this type."""
    from botocore.exceptions import ClientError

    ec2 = client(settings.aws, "ec2")
    price = settings.host.instances[kind]
    ends = datetime.fromtimestamp(now().timestamp() + hours * 3600, UTC)
    given = [
        *host_tags(settings, names.host),
        {"Key": f"{TAG}-deadline", "Value": ends.isoformat(timespec="seconds")},
        {"Key": f"{TAG}-price", "Value": f"{price:g}"},
        {"Key": f"{TAG}-source", "Value": source},
    ]
    arguments: dict[str, Any] = {
        "ImageId": image,
        "InstanceType": kind,
        "MinCount": 1,
        "MaxCount": 1,
        "IamInstanceProfile": {"Name": names.role},
        "InstanceInitiatedShutdownBehavior": "terminate",
        "UserData": boot_script(settings, names, hours),
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": settings.host.volume_gb, "VolumeType": "gp3",
                                                "DeleteOnTermination": True, "Encrypted": True}},
        ],
        "TagSpecifications": [
            {"ResourceType": resource, "Tags": given} for resource in ("instance", "volume", "network-interface")
        ],
    }  # fmt: skip
    if settings.aws.subnets:
        interface = {"DeviceIndex": 0, "SubnetId": settings.aws.subnets[0], "Groups": [group],
                     "AssociatePublicIpAddress": True, "DeleteOnTermination": True}  # fmt: skip
        arguments["NetworkInterfaces"] = [interface]
    else:
        arguments["SecurityGroupIds"] = [group]
    if settings.host.market == "spot":
        spot = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate", "MaxPrice": f"{price:g}"}
        arguments["InstanceMarketOptions"] = {"MarketType": "spot", "SpotOptions": spot}
        arguments["TagSpecifications"].append({"ResourceType": "spot-instances-request", "Tags": given})
    with told(f"host '{names.host}'"):
        for attempt in range(PROFILE_TRIES):
            try:
                answer = ec2.run_instances(**arguments)
                return _instance(answer["Instances"][0])
            except ClientError as error:
                if code_of(error) in NO_ROOM:
                    return code_of(error)
                # IAM tells EC2 of a new profile some seconds later
                is_new = code_of(error) == "InvalidParameterValue" and "rofile" in str(error)
                if not is_new or attempt == PROFILE_TRIES - 1:
                    raise
                time.sleep(PROFILE_PAUSE)
    raise AssertionError("the last try raises")


def instances(settings: Settings, host: str | None = None) -> list[Instance]:
    """All instances of a host, or of all hosts of the project, ended ones as long as EC2 remembers them; by launch."""
    ec2 = client(settings.aws, "ec2")
    found = []
    with told("instances"):
        for page in ec2.get_paginator("describe_instances").paginate(Filters=tag_filters(settings, host)):
            found += [_instance(item) for group in page["Reservations"] for item in group["Instances"]]
    return sorted(found, key=lambda item: item.since)


def _instance(told_of: dict[str, Any]) -> Instance:
    tagged = {item["Key"]: item["Value"] for item in told_of.get("Tags", [])}
    since = told_of["LaunchTime"]
    deadline = tagged.get(f"{TAG}-deadline")
    return Instance(
        id=told_of["InstanceId"],
        host=tagged.get(TAG, ""),
        kind=told_of["InstanceType"],
        state=told_of["State"]["Name"],
        since=since,
        deadline=datetime.fromisoformat(deadline) if deadline else datetime.max.replace(tzinfo=UTC),
        price=float(tagged.get(f"{TAG}-price", 0)),
        reason=told_of.get("StateReason", {}).get("Code", ""),
        spot=told_of.get("SpotInstanceRequestId", ""),
        source=tagged.get(f"{TAG}-source", ""),
    )


def end(settings: Settings, some: Sequence[Instance], host: str | None) -> tuple[int, int]:
    """End instances, withdraw their spot requests, and delete tagged disks that are left.

    Args:
        settings: of the account.
        some: instances to end; gone ones are passed over.
        host: whose leftovers are looked for, None for those of all hosts.

    Returns:
        How many instances and disks there were.
    """
    ec2 = client(settings.aws, "ec2")
    alive = [item.id for item in some if item.state != "terminated"]
    with told(f"the end of {', '.join(alive) or 'what is left'}"):
        requests = [item.spot for item in some if item.spot]
        requests += _open_requests(ec2, settings, host)
        if requests:
            ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=sorted(set(requests)))
        if alive:
            ec2.terminate_instances(InstanceIds=alive)
            ec2.get_waiter("instance_terminated").wait(
                InstanceIds=alive, WaiterConfig={"Delay": WAIT_SECONDS, "MaxAttempts": 120}
            )
        return len(alive), _delete_disks(ec2, settings, host)


WAIT_SECONDS = 5
"""Between two looks whether an instance has ended, or its disk is free."""

DISK_TRIES = 24


def _delete_disks(ec2: Any, settings: Settings, host: str | None) -> int:
    """Delete the tagged disks that did not go with their instances; how many there were.

    Raises:
        ServiceError: when one is still attached to something after a while.
    """
    deleted: set[str] = set()
    for _ in range(DISK_TRIES):
        found = ec2.describe_volumes(Filters=tag_filters(settings, host))["Volumes"]
        left = [item for item in found if item["State"] not in ("deleting", "deleted")]
        if not left:
            return len(deleted)
        for item in left:
            if item["State"] in ("available", "error"):
                ec2.delete_volume(VolumeId=item["VolumeId"])
                deleted.add(item["VolumeId"])
        if all(item["VolumeId"] in deleted for item in left):
            return len(deleted)
        time.sleep(WAIT_SECONDS)
    names = ", ".join(item["VolumeId"] for item in left)
    raise ServiceError(f"disks {names} are still attached: see what uses them, and run `cloud down` again")


def _open_requests(ec2: Any, settings: Settings, host: str | None) -> list[str]:
    filters = [*tag_filters(settings, host), {"Name": "state", "Values": ["open", "active"]}]
    found = ec2.describe_spot_instance_requests(Filters=filters)["SpotInstanceRequests"]
    return [str(item["SpotInstanceRequestId"]) for item in found]
