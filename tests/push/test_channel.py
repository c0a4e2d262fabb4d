"""The training channel in a real S3 server."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.aws.objects import Objects, place_of
from stages.common.channel import LIST, digest, read_channel, unpack
from stages.common.errors import SettingsError, StorageError
from stages.common.settings import load
from stages.common.settings.aws import Aws
from stages.common.settings.jobs import TrainingJobs
from stages.common.settings.platform import Storage
from stages.common.storage import Place
from stages.push.channel import Sent, push_channel, push_channel_of
from stages.push.push import push
from tests.push.conftest import KEY, SECRET, Clone, S3Server
from tests.weather import Weather

SHARD = 20_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A data set of 30 pictures of 4 kB: seven tars."""
    rng = np.random.default_rng(7)
    folder = tmp_path / "yolo"
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir(parents=True)
    for number in range(30):
        (folder / "images" / "train" / f"{number:06d}.jpg").write_bytes(rng.bytes(4000))
        (folder / "labels" / "train" / f"{number:06d}.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (folder / "data.yaml").write_text("names: [pallet]\n")
    return folder


class Counted(Objects):
    """Counts requests by their operation."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.calls: list[str] = []
        self._client.meta.events.register("before-call.s3.*", lambda model, **_: self.calls.append(model.name))


@pytest.fixture
def objects(s3: S3Server, request: pytest.FixtureRequest) -> Counted:
    bucket = request.node.name.removeprefix("test_").replace("_", "-")[:60].rstrip("-")
    s3.admin.create_bucket(Bucket=bucket)
    return Counted(Place(bucket, "sim-to-cloud", s3.endpoint))


def send(tree: Path, objects: Objects, cache: Path) -> Sent:
    return push_channel(tree, objects, cache, SHARD)


def test_what_arrives_is_the_data_set(tree: Path, objects: Counted, s3: S3Server, tmp_path: Path) -> None:
    sent = send(tree, objects, tmp_path / "cache")
    folder = s3.folder / objects.place.bucket / "sim-to-cloud" / "channels" / digest(tree)
    assert sent.uri == f"s3://{objects.place.bucket}/sim-to-cloud/channels/{digest(tree)}/"
    assert sent.sent == len(sent.channel.files) == len(list(folder.glob("*.tar"))) > 5
    assert read_channel(folder) == sent.channel
    assert digest(unpack(folder, tmp_path / "again")) == digest(tree)
    assert not list((tmp_path / "cache").glob("*/*.tar"))
    assert sent.channel.frames == 30


def test_unchanged_data_costs_two_requests(tree: Path, objects: Counted, tmp_path: Path) -> None:
    first = send(tree, objects, tmp_path / "cache")
    objects.calls.clear()
    again = send(tree, objects, tmp_path / "other cache")
    assert (again.sent, again.receipt) == (0, first.receipt)
    assert objects.calls == ["ListObjectsV2", "GetObject"]
    assert len(objects.calls) <= len(first.channel.files)


def test_after_an_interruption_only_the_rest_is_sent(
    tree: Path, objects: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, count = Objects.put, iter(range(100))

    def put(self: Objects, item: Any) -> None:
        if next(count) == 4:
            raise KeyboardInterrupt
        original(self, item)

    with monkeypatch.context() as patch:
        patch.setattr("stages.common.aws.objects.WORKERS", 1)
        patch.setattr(Objects, "put", put)
        with pytest.raises(KeyboardInterrupt):
            send(tree, objects, tmp_path / "cache")
    assert not any(key.endswith(LIST) for key in objects.sizes("channels/"))
    there = len(objects.sizes("channels/"))
    sent = send(tree, objects, tmp_path / "cache")
    assert 0 < there < len(sent.channel.files)
    assert sent.sent == len(sent.channel.files) - there
    assert send(tree, objects, tmp_path / "cache").sent == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_server_that_fails_every_fifth_request_gets_it_all(
    tree: Path, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    bucket = f"weather-{seed}"
    s3.admin.create_bucket(Bucket=bucket)
    weather = Weather(seed)
    weather.install(monkeypatch)
    objects = Objects(Place(bucket, "sim-to-cloud", s3.endpoint))
    sent = send(tree, objects, tmp_path / "cache")
    assert send(tree, objects, tmp_path / "cache").sent == 0
    assert weather.failures
    folder = s3.folder / bucket / "sim-to-cloud" / "channels" / sent.channel.dataset
    assert digest(unpack(folder, tmp_path / "again")) == digest(tree)


def test_a_lost_tar_comes_back_and_another_in_its_place_too(
    tree: Path, objects: Counted, s3: S3Server, tmp_path: Path
) -> None:
    sent = send(tree, objects, tmp_path / "cache")
    first, second = (f"sim-to-cloud/channels/{sent.channel.dataset}/{file.name}" for file in sent.channel.files[:2])
    s3.admin.delete_object(Bucket=objects.place.bucket, Key=first)
    size = sent.channel.files[1].bytes
    s3.admin.put_object(Bucket=objects.place.bucket, Key=second, Body=b"x" * size)
    assert send(tree, objects, tmp_path / "cache").sent == 2
    folder = s3.folder / objects.place.bucket / "sim-to-cloud" / "channels" / sent.channel.dataset
    assert digest(unpack(folder, tmp_path / "again")) == digest(tree)


def test_other_data_has_another_channel(tree: Path, objects: Counted, tmp_path: Path) -> None:
    first = send(tree, objects, tmp_path / "cache")
    (tree / "labels" / "train" / "000003.txt").write_text("1 0.5 0.5 0.1 0.1\n")
    second = send(tree, objects, tmp_path / "cache")
    assert first.uri != second.uri
    assert send(tree, objects, tmp_path / "cache").sent == 0


def test_a_missing_bucket_is_a_sentence(tree: Path, s3: S3Server, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="bucket 'nowhere' does not exist"):
        send(tree, Objects(Place("nowhere", "p", s3.endpoint), attempts=1), tmp_path / "cache")


def test_the_place_is_the_accounts_bucket_or_the_remotes() -> None:
    aws, remote = (
        Aws(name="x", endpoint="http://a/"),
        Storage(name="s3", kind="s3", bucket="frames", endpoint="http://b"),
    )
    assert place_of(aws, remote) == Place("frames", "sim-to-cloud", "http://b")
    assert place_of(aws.model_copy(update={"bucket": "mine"}), remote) == Place("mine", "sim-to-cloud", "http://a")
    with pytest.raises(SettingsError, match=r"aws\.bucket is empty"):
        place_of(aws, Storage(name="local", kind="local"))


def test_the_receipt_of_a_push_names_the_channel(clone: Clone, s3: S3Server, tree: Path) -> None:
    clone.storage(kind="s3", bucket="push-with-channel", endpoint=s3.endpoint)
    storage = load(clone.root / "params.yaml").storage
    channel = partial(push_channel_of, clone.root, tree, Aws(name="x"), storage, TrainingJobs(shard_mb=1))
    done = push(clone.root, storage, clone.receipt, channel)
    text = clone.receipt.read_text()
    receipt = json.loads(text)["channel"]
    assert receipt["uri"] == f"s3://push-with-channel/sim-to-cloud/channels/{digest(tree)}/"
    assert (receipt["frames"], len(receipt["files"][0]["sha256"])) == (30, 64)
    assert "1 of 1 tars sent to the channel s3://push-with-channel/" in str(done)
    push(clone.root, storage, clone.receipt, channel)
    assert clone.receipt.read_text() == text
    assert KEY not in text
    assert SECRET not in text
