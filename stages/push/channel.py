"""The training channel: the data set as a few tars in object storage, sent once.

The prefix is named by the data set's sum, so other data never mix with it, and a channel whose list is there is whole:
the list is sent last.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stages.common.aws.objects import Item, Objects, place_of
from stages.common.channel import LIST, Channel, digest, pack, parse_channel, read_channel
from stages.common.files import sha256_of
from stages.common.mlflow_store import ignored_folder
from stages.common.progress import Progress
from stages.common.settings.aws import Aws
from stages.common.settings.jobs import TrainingJobs
from stages.common.settings.platform import Storage
from stages.common.sums import Sums

CHANNELS = "channels"
"""Folder of all channels in the project's place."""

SUMS = "sums.json"
"""Of the data set's files, in the cache."""


@dataclass(frozen=True)
class Sent:
    """A channel as it is in object storage now.

    Attributes:
        uri: its prefix, with a slash at its end.
        channel: its list.
        sent: tars that were not there before.
    """

    uri: str
    channel: Channel
    sent: int

    @property
    def receipt(self) -> dict[str, Any]:
        """What ``data/push.json`` says of it; the same for the same data."""
        return {
            "uri": self.uri,
            "dataset": self.channel.dataset,
            "frames": self.channel.frames,
            "bytes": self.channel.bytes,
            "files": [asdict(file) for file in self.channel.files],
        }


def push_channel_of(project: Path, dataset: Path, aws: Aws, storage: Storage, jobs: TrainingJobs) -> Sent:
    """Send the channel as the settings say; see :func:`push_channel`."""
    objects = Objects(place_of(aws, storage), aws.kms_key)
    return push_channel(dataset, objects, ignored_folder(project / ".cache") / "channels", jobs.shard_mb * 2**20)


def push_channel(dataset: Path, objects: Objects, cache: Path, shard_bytes: int) -> Sent:
    """Bring a data set's channel into object storage.

    One that is there whole costs two requests, and no file is read that has not changed since the last time. After an
    interruption only what is missing is sent: a tar is there whole or not at all, since each is one request with its
    sum.

    Args:
        dataset: top of the YOLO tree.
        objects: the project's place.
        cache: folder for the tars until they are sent, and for the sums of the files.
        shard_bytes: content of a tar.

    Raises:
        InputError: when there is no data set.
        StorageError: when object storage does not answer, refuses, or is missing.
    """
    sums = Sums(ignored_folder(cache) / SUMS, dataset)
    name = digest(dataset, sums.of)
    sums.save()
    prefix = f"{CHANNELS}/{name}"
    there = objects.sizes(f"{prefix}/")
    uri = f"{objects.uri(prefix)}/"
    whole = _whole(objects, prefix, there)
    if whole is not None:
        return Sent(uri, whole, 0)
    folder = cache / name
    channel = _packed(dataset, folder, shard_bytes, name)
    items = [Item(folder / file.name, f"{prefix}/{file.name}", file.sha256, file.bytes) for file in channel.files]
    missing = [item for item in items if there.get(item.key) != item.bytes or not objects.holds(item)]
    with Progress("push", total=len(items), unit="tars", done=len(items) - len(missing)) as progress:
        objects.put_all(missing, lambda _: progress.advance())
    listing = folder / LIST
    objects.put(Item(listing, f"{prefix}/{LIST}", sha256_of(listing), listing.stat().st_size))
    shutil.rmtree(folder)
    return Sent(uri, channel, len(missing))


def _whole(objects: Objects, prefix: str, there: dict[str, int]) -> Channel | None:
    """The channel that is there, when each tar of its list is."""
    if f"{prefix}/{LIST}" not in there:
        return None
    try:
        channel = parse_channel(objects.read(f"{prefix}/{LIST}") or b"")
    except ValueError:
        return None
    lost = [file for file in channel.files if there.get(f"{prefix}/{file.name}") != file.bytes]
    return None if lost else channel


def _packed(dataset: Path, folder: Path, shard_bytes: int, name: str) -> Channel:
    """The tars in the cache: those of an interrupted push, which are the same bytes, or new ones."""
    if (folder / LIST).is_file():
        channel = read_channel(folder)
        sizes = {path.name: path.stat().st_size for path in folder.glob("*.tar")}
        if channel.dataset == name and sizes == {file.name: file.bytes for file in channel.files}:
            return channel
    return pack(dataset, folder, shard_bytes)
