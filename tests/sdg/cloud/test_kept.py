"""Hosts that are there already, folders that hold something, and buckets that do not answer."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from stages.common.errors import ServiceError, SettingsError
from stages.common.settings import Settings
from stages.sdg.cloud.instances import now
from stages.sdg.cloud.names import names_of
from stages.sdg.cloud.run import Watch, box_of, down, run, status, up
from tests.sdg.cloud.conftest import Account, Machines, changed

pytestmark = pytest.mark.timeout(180)

SOURCE = b"source"


def test_frames_are_not_put_in_place_of_something_else(
    settings: Settings, account: Account, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    thesis = work / "thesis.tex"
    thesis.write_text("years")
    monkeypatch.chdir(work)
    for folder, reason in ((thesis, "is a file"), (work, "holds something else"), (Path(), "holds something else")):
        with pytest.raises(SettingsError, match=f"{reason}.*: choose another --to"):
            run(settings, "params", folder, SOURCE, watch=watch)
    assert thesis.read_text() == "years"
    assert account.instances() == []


def test_a_kept_host_does_the_next_job(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    for params in ("one", "two", "one"):
        run(settings, params, tmp_path / "frames", SOURCE, keep=True, watch=watch)
    run(settings, "two", tmp_path / "frames", SOURCE, watch=watch)
    assert len(account.instances()) == 1
    account.assert_nothing_left()


def test_a_kept_host_that_does_not_fit_is_replaced(
    settings: Settings, account: Account, machines: Machines, watch: Watch, tmp_path: Path
) -> None:
    up(settings, "default", b"old", watch)
    run(settings, "params", tmp_path / "frames", b"new", keep=True, watch=watch)
    assert len(account.instances("terminated")) == 1
    (kept,) = account.instances("running")
    assert {"Key": "sdg-host-source", "Value": hashlib.sha256(b"new").hexdigest()} in kept["Tags"]
    other = changed(settings, instances={"g4dn.2xlarge": 0.75})
    assert up(other, "default", b"new", watch).kind == "g4dn.2xlarge"
    cheap = changed(other, spend_limit=0.75)
    assert up(cheap, "default", b"new", watch).deadline < now() + timedelta(hours=1.1)
    assert len(account.instances("running")) == 1
    down(settings, "default")
    account.assert_nothing_left()


def test_a_host_that_renders_is_not_replaced(settings: Settings, account: Account, watch: Watch) -> None:
    made = up(settings, "default", b"old", watch)
    box = box_of(settings, names_of(settings, "default"))
    box.put_json("work.json", {"id": "theirs"})
    box.put_json("status.json", {"work": "theirs", "state": "running"})
    with pytest.raises(ServiceError, match=r"renders another job: .*cloud down --name default"):
        up(settings, "default", b"new", watch)
    assert [item["InstanceId"] for item in account.instances("running")] == [made.id]


@pytest.mark.parametrize("bucket", ["", "wrong"])
def test_machines_are_found_and_ended_without_their_bucket(
    settings: Settings, account: Account, watch: Watch, bucket: str
) -> None:
    made = up(settings, "default", SOURCE, watch)
    lost = settings.model_copy(update={"aws": settings.aws.model_copy(update={"bucket": bucket})})
    assert f"{made.id} g6.2xlarge running, no news" in status(lost)
    if bucket:
        with pytest.raises(ServiceError, match="s3://wrong/hosts/default/"):
            down(lost, None)
    else:
        assert "ended 1 instances" in down(lost, None)
    account.assert_nothing_left()
