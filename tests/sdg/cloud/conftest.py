"""An account of AWS in this process, by moto's server: clients in other processes reach it, too."""

from __future__ import annotations

import io
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from stages.common.settings import Settings
from stages.sdg.cloud.agent import Agent
from stages.sdg.cloud.box import Box
from stages.sdg.cloud.run import Watch
from tests.settings import compose

BUCKET, REGION = "frames", "us-east-1"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of one server for all tests of a file; each begins with an empty account."""
    pytest.importorskip("moto.server", reason="moto[server] is not installed: run make setup")
    from moto.server import ThreadedMotoServer

    made = ThreadedMotoServer(port=0, verbose=False)
    made.start()
    yield f"http://127.0.0.1:{made.get_host_and_port()[1]}"
    made.stop()


@pytest.fixture
def endpoint(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).read()
    return server


IMAGE = "ami-12c6146b"
"""One of those that moto knows."""


@pytest.fixture
def overrides(endpoint: str) -> list[str]:
    return [f"aws.endpoint={endpoint}", f"aws.bucket={BUCKET}", f"host.image={IMAGE}", "aws.region=us-east-1",
            "host.sync_seconds=0.1"]  # fmt: skip


@pytest.fixture
def settings(overrides: list[str]) -> Settings:
    return compose.__wrapped__(*overrides)


@pytest.fixture
def watch() -> Watch:
    return Watch(pause=0.1, stream=io.StringIO())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.sdg.cloud.instances.WAIT_SECONDS", 1)


@pytest.fixture(autouse=True)
def account(endpoint: str) -> Account:
    return Account(endpoint)


def changed(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update={"host": settings.host.model_copy(update=values)})


class Account:
    """What is in the account, seen without the code under test."""

    def __init__(self, endpoint: str) -> None:
        told: dict[str, Any] = {"endpoint_url": endpoint, "region_name": REGION}
        self.ec2, self.iam, self.s3 = (boto3.client(name, **told) for name in ("ec2", "iam", "s3"))
        self.s3.create_bucket(Bucket=BUCKET)

    def instances(self, *states: str) -> list[dict[str, Any]]:
        found = [item for group in self.ec2.describe_instances()["Reservations"] for item in group["Instances"]]
        return [item for item in found if not states or item["State"]["Name"] in states]

    def left(self) -> dict[str, Any]:
        """Everything that costs or clutters."""
        groups = self.ec2.describe_security_groups()["SecurityGroups"]
        spot = self.ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
        return {
            "instances": [item["InstanceId"] for item in self.instances("pending", "running", "stopped", "stopping")],
            "disks": [item["VolumeId"] for item in self.ec2.describe_volumes()["Volumes"]],
            "groups": [item["GroupName"] for item in groups if item["GroupName"] != "default"],
            "roles": [item["RoleName"] for item in self.iam.list_roles()["Roles"]],
            "profiles": [item["InstanceProfileName"] for item in self.iam.list_instance_profiles()["InstanceProfiles"]],
            "requests": [item for item in spot if item["State"] in ("open", "active")],
        }

    def assert_nothing_left(self) -> None:
        assert {key: value for key, value in self.left().items() if value} == {}

    def interrupt(self, number: str, reason: str = "Server.SpotInstanceTermination") -> None:
        """End an instance as EC2 does."""
        from moto.backends import get_backend

        for region in get_backend("ec2").values():
            for instance in region[REGION].all_instances():
                if instance.id == number:
                    _end_for(instance, reason)
        self.ec2.terminate_instances(InstanceIds=[number])


def _end_for(instance: Any, reason: str) -> None:
    """Have moto give this reason from the moment at which the instance ends."""
    end = instance.terminate

    def terminate(*arguments: Any, **named: Any) -> Any:
        ended = end(*arguments, **named)
        instance.state_reason.code = reason
        return ended

    instance.terminate = terminate


RENDER = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[sys.argv.index("--folder") + 1])
work = folder.with_name(".frames.work") / "0123456789abcdef"
work.mkdir(parents=True, exist_ok=True)
for number in range({count}):
    path = work / f"{{number:07d}}.frame"
    if not path.exists():
        path.write_text(f"frame {{number}}")
        print("rendered", number, flush=True)
        time.sleep({seconds})
{then}
folder.mkdir(exist_ok=True)
(folder / "manifest.json").write_text(json.dumps(
    {{"complete": True, "key": "k", "plans": "p", "shards": [
        {{"name": "train-00000", "first": 0, "frames": {count}, "sha256": "s", "bytes": 3, "key": "k"}}]}}))
(folder / "shards").mkdir(exist_ok=True)
(folder / "shards" / "train-00000.tar").write_text("tar")
for path in work.glob("*"):
    path.unlink()
"""


class Machines:
    """What runs on the instances of the account: the agent, in threads, one an instance."""

    def __init__(self, account: Account, root: Path) -> None:
        self.account, self.root = account, root
        self.notice: Callable[[int, str], bool] = lambda number, instance: False
        self.command: Callable[[int], str] = lambda number: RENDER.format(count=4, seconds=0.05, then="")
        self.idle_seconds = 120.0
        self.ended: list[str] = []
        self.seen: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._boot, daemon=True)
        self._thread.start()

    def _boot(self) -> None:
        while not self._over.is_set():
            for item in self.account.instances("running", "pending"):
                # moto shows an instance before it has its disk, and loses the disk of one that ends then
                filters = [{"Name": "attachment.instance-id", "Values": [item["InstanceId"]]}]
                disks = self.account.ec2.describe_volumes(Filters=filters)["Volumes"]
                if item["InstanceId"] not in self.seen and any(disk.get("Tags") for disk in disks):
                    self.seen.append(item["InstanceId"])
                    name = next(tag["Value"] for tag in item["Tags"] if tag["Key"] == "sdg-host")
                    number = len(self.seen) - 1
                    threading.Thread(target=self._serve, args=(number, item["InstanceId"], name), daemon=True).start()
            time.sleep(0.1)

    def _serve(self, number: int, instance: str, host: str) -> None:
        folder = self.root / instance
        folder.mkdir(parents=True)
        script = folder / "render.py"
        script.write_text(self.command(number))
        import sys

        agent = Agent(
            folder, Box(self.account.s3, BUCKET, f"hosts/{host}/"), self.idle_seconds,
            lambda: self.notice(number, instance) or self._over.is_set(), 0.1, [sys.executable, str(script)],
        )  # fmt: skip
        try:
            self.ended.append(agent.serve())
        except Exception as error:
            if self._over.is_set() or "power" in str(error):  # its account, or its power, is gone
                return
            raise
        if not self._over.is_set():
            gone = {"interrupted": "Server.SpotInstanceTermination", "idle": "Client.InstanceInitiatedShutdown"}
            self.account.interrupt(instance, gone[self.ended[-1]])

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


@pytest.fixture
def machines(account: Account, tmp_path: Path) -> Iterator[Machines]:
    made = Machines(account, tmp_path / "machines")
    yield made
    made.stop()
