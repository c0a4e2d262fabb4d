"""Hosts in an account of moto: whatever happens, nothing is left behind."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from stages.common.errors import RenderError, ServiceError, SettingsError
from stages.common.settings import Settings
from stages.sdg.cloud import instances as module
from stages.sdg.cloud.access import make_group, make_profile
from stages.sdg.cloud.bill import Bill, work_of
from stages.sdg.cloud.instances import Instance, boot_script, hours_for, instances, now
from stages.sdg.cloud.names import names_of
from stages.sdg.cloud.run import Watch, box_of, down, run, status, up
from tests.sdg.cloud.conftest import BUCKET, RENDER, Account, Machines, changed
from tests.settings import REPOSITORY, compose

pytestmark = pytest.mark.timeout(180)

SOURCE = b"source"


def test_a_host_is_tagged_limited_and_closed(settings: Settings, account: Account, watch: Watch) -> None:
    made = up(settings, "default", SOURCE, watch)
    (instance,) = account.instances()
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert (tags["project"], tags["sdg-host"], tags["sdg-host-price"]) == ("sim-to-cloud", "default", "0.98")
    assert instance["InstanceType"] == "g6.2xlarge"
    assert instance["IamInstanceProfile"]["Arn"].endswith("/sim-to-cloud/sdg-host/sim-to-cloud-host-default")
    assert instance["InstanceLifecycle"] == "spot"
    (volume,) = account.ec2.describe_volumes()["Volumes"]
    assert {tag["Key"] for tag in volume["Tags"]} >= {"project", "sdg-host"}
    group = account.ec2.describe_security_groups(GroupIds=[instance["SecurityGroups"][0]["GroupId"]])
    assert group["SecurityGroups"][0]["IpPermissions"] == []
    behaviour = account.ec2.describe_instance_attribute(
        InstanceId=made.id, Attribute="instanceInitiatedShutdownBehavior"
    )
    assert behaviour["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    assert timedelta(hours=7.9) < made.deadline - made.since < timedelta(hours=8.1)
    assert account.s3.get_object(Bucket=BUCKET, Key="hosts/default/source.tar.gz")["Body"].read() == SOURCE
    assert up(settings, "default", SOURCE, watch).id == made.id  # it is there
    assert "default: " in status(settings)
    assert made.id in status(settings)
    assert "ended 1 instances" in down(settings, "default")
    account.assert_nothing_left()
    assert down(settings, "default") == "nothing is left of host 'default'"
    assert status(settings) == "no host is there"


def test_the_machine_may_do_nothing_but_its_own_work(settings: Settings, account: Account, watch: Watch) -> None:
    up(settings, "default", SOURCE, watch)
    role = "sim-to-cloud-host-default"
    document = account.iam.get_role_policy(RoleName=role, PolicyName="host")["PolicyDocument"]
    by_resource = {json.dumps(entry["Resource"]): entry["Action"] for entry in document["Statement"]}
    assert set(by_resource) == {'"arn:aws:s3:::frames/hosts/default/*"', '"arn:aws:s3:::frames"', '"*"'}
    assert all(action.startswith(("ssm", "ec2messages:")) for action in by_resource['"*"'])
    assert account.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_the_boot_script_ends_the_machine_before_anything_else(settings: Settings) -> None:
    told = changed(settings, idle_minutes=7.0, ngc_parameter="/keys/ngc")
    text = boot_script(told, names_of(told, "default"), 2.5)
    assert "--on-active=9000 " in text
    assert text.index("poweroff") < text.index("apt-get")
    assert "--idle-seconds 420" in text
    assert "/keys/ngc" in text
    assert "testing" not in text  # the credentials of this process
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    assert len(text) < 16_384  # EC2's limit for user data


def test_a_run_brings_frames_and_leaves_nothing(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "frames"
    (folder / "shards").mkdir(parents=True)
    (folder / "shards" / "old.tar").write_text("of other settings")
    (folder / "manifest.json").write_text("{}")
    told = run(settings, "params", folder, SOURCE, watch=watch)
    assert "4 frames from host 'default'" in told
    assert (folder / "shards" / "train-00000.tar").read_text() == "tar"
    assert not (folder / "shards" / "old.tar").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["frames"]
    account.assert_nothing_left()


def test_an_interrupted_machine_is_replaced_and_its_frames_are_kept(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    machines.command = lambda number: RENDER.format(count=6, seconds=0.4, then="")
    first: list[float] = []

    def notice(number: int, instance: str) -> bool:
        frames = list((machines.root / instance).rglob("*.frame"))
        if number == 0 and len(frames) >= 3:
            first.append(len(frames))
            return True
        return False

    machines.notice = notice
    told = run(settings, "params", tmp_path / "frames", SOURCE, watch=watch)
    assert "6 frames" in told
    assert len(account.instances("terminated")) == 2
    rendered = (machines.root / machines.seen[1] / "job.log").read_text()
    assert "rendered 0" not in rendered
    assert "rendered 5" in rendered
    assert isinstance(watch.stream, io.StringIO)
    assert "another machine goes on" in watch.stream.getvalue()
    account.assert_nothing_left()


def test_a_machine_taken_without_notice_is_replaced(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    taken: list[str] = []

    def notice(number: int, instance: str) -> bool:
        if number == 0 and not taken:
            taken.append(instance)
            account.interrupt(instance)
            raise RuntimeError("its power is gone")
        return False

    machines.command = lambda number: RENDER.format(count=2, seconds=3 if number == 0 else 0, then="")
    machines.notice = notice
    run(settings, "params", tmp_path / "frames", SOURCE, watch=watch)
    assert len(account.instances()) == 2
    account.assert_nothing_left()


def test_too_many_interruptions_end_the_run(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    machines.notice = lambda number, instance: True
    with pytest.raises(ServiceError, match=r"EC2 took 2 machines away \(host\.restarts\)"):
        run(changed(settings, restarts=1), "params", tmp_path / "frames", SOURCE, watch=watch)
    account.assert_nothing_left()


def test_a_deadline_ends_the_run_and_the_machine(settings: Settings, account: Account, tmp_path: Path) -> None:
    late = Watch(pause=0.05, stream=io.StringIO(), clock=lambda: now() + timedelta(hours=8.2))
    with pytest.raises(ServiceError, match=r"reached its deadline .* raise host\.max_hours or host\.spend_limit"):
        run(settings, "params", tmp_path / "frames", SOURCE, watch=late)
    account.assert_nothing_left()


def test_a_machine_that_ended_by_itself_at_its_deadline(settings: Settings, account: Account, tmp_path: Path) -> None:
    moment = iter([now()])

    def clock():
        if next(moment, None) is None:
            for item in account.instances("running"):
                account.interrupt(item["InstanceId"], "Client.InstanceInitiatedShutdown")
            return now() + timedelta(hours=8.01)
        return now()

    with pytest.raises(ServiceError, match="reached its deadline"):
        run(settings, "params", tmp_path / "frames", SOURCE, watch=Watch(0.05, io.StringIO(), clock))
    account.assert_nothing_left()


def test_a_machine_that_never_got_ready_is_told_with_its_boot_log(
    settings: Settings, account: Account, watch: Watch, tmp_path: Path
) -> None:
    def clock():
        account.s3.put_object(Bucket=BUCKET, Key="hosts/default/boot.log", Body=b"make: *** [setup] Error 8")
        for item in account.instances("running"):
            account.interrupt(item["InstanceId"], "Client.InstanceInitiatedShutdown")
        return now()

    with pytest.raises(ServiceError, match=r"ended before its work was done .*Error 8"):
        run(settings, "params", tmp_path / "frames", SOURCE, watch=Watch(0.05, io.StringIO(), clock))
    account.assert_nothing_left()


def test_the_spend_limit_is_a_deadline(settings: Settings, account: Account, watch: Watch, tmp_path: Path) -> None:
    assert hours_for(changed(settings, spend_limit=0.98), "g6.2xlarge") == pytest.approx(1.0)
    assert hours_for(settings, "g6.2xlarge", spent=9.02) == pytest.approx(1.0)
    with pytest.raises(ServiceError, match=r"host\.spend_limit=10 leaves 0\.10 dollars"):
        hours_for(settings, "g6.2xlarge", spent=9.9)
    with pytest.raises(ServiceError, match=r"spend_limit=0\.1"):
        run(changed(settings, spend_limit=0.1), "params", tmp_path / "frames", SOURCE, watch=watch)
    account.assert_nothing_left()


def test_what_a_run_before_cost_counts_against_the_limit(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    params = "seed: 3\nhost: {spend_limit: 10}\n"
    made = now()
    # a client that was killed: nobody saw its machine end, which may have lived until its deadline of 8 hours
    since, ends = made - timedelta(hours=20), made - timedelta(hours=12)
    killed = Instance("i-0", "default", "g6.2xlarge", "running", since, ends, 0.98)
    bill = Bill(box_of(settings, names_of(settings, "default")), work_of(params, SOURCE))
    bill.add(killed)
    assert bill.spent(made) == pytest.approx(7.84)
    left: list[timedelta] = []

    def notice(number: int, instance: str) -> bool:
        left.append(instances(settings, "default")[-1].deadline - now())
        return False

    machines.notice = notice
    run(settings, params, tmp_path / "frames", SOURCE, watch=watch)
    assert timedelta(hours=2.1) < left[0] < timedelta(hours=2.21), "of 10 dollars 2.16 were left"
    assert bill.spent(now()) == 0, "a job that is done is paid"
    # an error ends the machine, and its cost stays on the bill, also when the limit is another one then
    moments = iter([now()])
    stop = Watch(0.05, io.StringIO(), lambda: _next(moments))
    with pytest.raises(KeyboardInterrupt):
        run(settings, params, tmp_path / "frames", SOURCE, watch=stop)
    account.assert_nothing_left()
    (entry,) = bill.box.get_json("bill.json")["machines"].values()
    assert "ended" in entry
    assert work_of(params.replace("10", "12"), SOURCE) == bill.work
    assert work_of(params.replace("3", "4"), SOURCE) != bill.work
    spent = changed(settings, spend_limit=0.2)
    bill.add(killed)
    with pytest.raises(ServiceError, match=r"host\.spend_limit=0\.2 leaves 0\.00 dollars"):
        run(spent, params, tmp_path / "frames", SOURCE, watch=watch)
    account.assert_nothing_left()


def _next(moments: Iterator[datetime]) -> datetime:
    """The next of these moments, and Ctrl-C when there is none."""
    for moment in moments:
        return moment
    raise KeyboardInterrupt


def test_the_next_type_is_tried_when_there_is_no_room(
    settings: Settings, account: Account, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module._run

    def full(settings, names, kind, *rest):
        return "InsufficientInstanceCapacity" if kind != "g4dn.2xlarge" else real(settings, names, kind, *rest)

    monkeypatch.setattr(module, "_run", full)
    assert up(settings, "default", SOURCE, watch).kind == "g4dn.2xlarge"
    down(settings, "default")
    monkeypatch.setattr(module, "_run", lambda *_: "VcpuLimitExceeded")
    with pytest.raises(ServiceError, match=r"has no spot instance .*g5\.2xlarge: VcpuLimitExceeded.*higher quota"):
        up(settings, "default", SOURCE, watch)
    account.assert_nothing_left()


def test_a_render_that_fails_there_is_told_with_its_log(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    machines.command = lambda number: RENDER.format(count=1, seconds=0, then="sys.exit('error: no GPU here')")
    with pytest.raises(RenderError, match="no GPU here"):
        run(settings, "params", tmp_path / "frames", SOURCE, watch=watch)
    account.assert_nothing_left()
    assert not (tmp_path / "frames").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_whatever_ends_the_client_ends_the_machine(
    settings: Settings, account: Account, tmp_path: Path, error: type[BaseException]
) -> None:
    def clock():
        raise error

    with pytest.raises(error):
        run(settings, "params", tmp_path / "frames", SOURCE, watch=Watch(0.05, io.StringIO(), clock))
    account.assert_nothing_left()


def test_down_removes_what_was_made_before_there_was_an_instance(settings: Settings, account: Account) -> None:
    make_profile(settings, names_of(settings, "half"))
    make_profile(settings, names_of(settings, "half"))  # and again, by a second try
    make_group(settings, names_of(settings, "half"))
    account.iam.create_role(RoleName="theirs", AssumeRolePolicyDocument="{}")
    tags = [{"Key": "project", "Value": "sim-to-cloud"}, {"Key": "sdg-host", "Value": "half"}]
    account.ec2.create_volume(
        AvailabilityZone="us-east-1a", Size=8, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )
    theirs = account.ec2.create_volume(AvailabilityZone="us-east-1a", Size=8)["VolumeId"]
    assert "half: no instance, but" in status(settings)
    assert down(settings, None) == "ended 0 instances; removed 1 disks, 1 security groups, 1 profiles"
    left = account.left()
    assert (left.pop("roles"), left.pop("disks")) == (["theirs"], [theirs])
    assert not any(left.values())


def test_what_is_left_of_a_killed_client_is_found_and_ended(
    settings: Settings, overrides: list[str], account: Account, machines: Machines, tmp_path: Path
) -> None:
    machines.command = lambda number: RENDER.format(count=3, seconds=60, then="")
    common = ["renderer=fake", "dataset=tiny", "real=none", *overrides]
    command = [sys.executable, "-m", "stages.sdg", "cloud"]
    client = subprocess.Popen(
        [*command, "run", "--to", str(tmp_path / "frames"), *common], cwd=REPOSITORY, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 120
    while not machines.seen and time.monotonic() < deadline:
        assert client.poll() is None, client.stderr.read()
        time.sleep(0.1)
    client.kill()
    client.communicate()
    left = account.left()
    assert len(left["instances"]) == len(left["profiles"]) == len(left["groups"]) == 1
    done = subprocess.run([*command, "down", *common], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ended 1 instances" in done.stdout
    account.assert_nothing_left()


def test_a_run_after_a_killed_client_goes_on_with_its_machine(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    # what a killed client leaves: a machine that works
    machines.command = lambda number: RENDER.format(count=3, seconds=0.3, then="")
    from stages.sdg.cloud import run as room

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "down", lambda *_: "killed before it could")
        stop = Watch(0.1, io.StringIO(), lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(settings, "params", tmp_path / "frames", SOURCE, watch=stop)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        news = room.box_of(settings, names_of(settings, "default")).get_json("status.json") or {}
        if news.get("state") == "running":
            break
        time.sleep(0.05)
    with pytest.raises(ServiceError, match="renders another job"):
        run(settings, "other", tmp_path / "frames", SOURCE, watch=watch)
    assert "3 frames" in run(settings, "params", tmp_path / "frames", SOURCE, watch=watch)
    assert len(account.instances()) == 1
    account.assert_nothing_left()


def test_an_idle_machine_ends(account: Account, machines: Machines, settings: Settings, watch: Watch) -> None:
    machines.idle_seconds = 0.5
    up(settings, "default", SOURCE, watch)
    deadline = time.monotonic() + 60
    while any(item.is_alive for item in instances(settings)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert machines.ended == ["idle"]
    assert [item.state for item in instances(settings)] == ["terminated"]
    down(settings, "default")
    account.assert_nothing_left()


def test_work_that_comes_as_the_machine_goes_idle_gets_another_one(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    real, machines.idle_seconds = machines.notice, 120.0

    def goes(number: int, instance: str) -> bool:
        if number == 0:
            account.s3.put_object(Bucket=BUCKET, Key="hosts/default/status.json", Body=b'{"state": "idle"}')
            account.interrupt(instance, "Client.InstanceInitiatedShutdown")
            raise RuntimeError("its power is gone")
        return real(number, instance)

    machines.notice = goes
    assert "4 frames" in run(settings, "params", tmp_path / "frames", SOURCE, watch=watch)
    account.assert_nothing_left()


def test_a_bucket_and_a_name_are_needed(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"aws\.bucket is empty"):
        run(compose(), "params", tmp_path / "frames", SOURCE)
    with pytest.raises(SettingsError, match="cannot be a host's name"):
        names_of(settings, "../other")
