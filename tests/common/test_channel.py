"""A data set becomes a channel and the same data set again, or a sentence says which tar is bad."""

from __future__ import annotations

import json
import os
import re
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stages.common import channel
from stages.common.errors import InputError


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "yolo"
    for part, count in (("train", 7), ("val", 2), ("test", 1)):
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        for number in range(count):
            (folder / "images" / part / f"{number:06d}.jpg").write_bytes(bytes([number]) * 3000)
            (folder / "labels" / part / f"{number:06d}.txt").write_text(f"0 0.5 0.5 0.1 0.{number}\n")
    (folder / "data.yaml").write_text("names: [pallet]\n")
    return folder


def test_a_channel_gives_the_data_set_back(dataset: Path, tmp_path: Path) -> None:
    packed = channel.pack(dataset, tmp_path / "channel", shard_bytes=8000)
    assert packed.frames == 10
    assert len(packed.files) > 2
    assert [file.name for file in packed.files] == [f"{number:05d}.tar" for number in range(len(packed.files))]
    out = channel.unpack(tmp_path / "channel", tmp_path / "again")
    assert files_of(out) == files_of(dataset)
    assert channel.read_channel(tmp_path / "channel") == packed
    content = json.loads((tmp_path / "channel/channel.json").read_text())
    assert set(content) == {"version", "dataset", "files"}
    assert set(content["files"][0]) == {"name", "bytes", "sha256", "frames"}


def test_the_same_files_give_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    channel.pack(dataset, tmp_path / "one", shard_bytes=8000)
    for path in dataset.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o755)
    (dataset / "labels/train.cache").write_bytes(b"of Ultralytics")
    channel.pack(dataset, tmp_path / "two", shard_bytes=8000)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_links_of_a_cache_are_followed(dataset: Path, tmp_path: Path) -> None:
    before = channel.digest(dataset)
    picture = dataset / "images/train/000000.jpg"
    picture.rename(tmp_path / "elsewhere")
    picture.symlink_to(tmp_path / "elsewhere")
    assert channel.pack(dataset, tmp_path / "channel").dataset == before
    assert files_of(channel.unpack(tmp_path / "channel", tmp_path / "again")) == files_of(dataset)


def test_the_digest_is_of_the_content_and_not_of_the_tars(dataset: Path, tmp_path: Path) -> None:
    small = channel.pack(dataset, tmp_path / "one", shard_bytes=4000)
    large = channel.pack(dataset, tmp_path / "two")
    assert small.dataset == large.dataset == channel.digest(dataset)
    (dataset / "labels/val/000000.txt").write_text("")
    assert channel.digest(dataset) != small.dataset


def test_a_picture_and_its_labels_share_a_tar(dataset: Path, tmp_path: Path) -> None:
    packed = channel.pack(dataset, tmp_path / "channel", shard_bytes=1)
    where = {}
    for file in packed.files:
        with tarfile.open(tmp_path / "channel" / file.name) as tar:
            where |= dict.fromkeys(tar.getnames(), file.name)
    assert where["images/train/000003.jpg"] == where["labels/train/000003.txt"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4000])


def turn_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[700] ^= 1
    path.write_bytes(content)


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize("harm", [cut, turn_a_bit, append, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_tar_is_named_and_nothing_is_written(dataset: Path, tmp_path: Path, harm: object) -> None:
    channel.pack(dataset, tmp_path / "channel", shard_bytes=8000)
    assert callable(harm)
    harm(tmp_path / "channel/00001.tar")
    with pytest.raises(InputError, match=re.escape("00001.tar")):
        channel.unpack(tmp_path / "channel", tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["channel", "yolo"]


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out"])
def test_a_member_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "channel"
    folder.mkdir()
    with tarfile.open(folder / "00000.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    size, sha256 = (folder / "00000.tar").stat().st_size, channel.sha256_of(folder / "00000.tar")
    file = {"name": "00000.tar", "bytes": size, "sha256": sha256, "frames": 0}
    (folder / "channel.json").write_text(json.dumps({"version": 1, "dataset": "", "files": [file]}))
    with pytest.raises(InputError, match="no file of a data set"):
        channel.unpack(folder, tmp_path / "again")


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 2, "dataset": "", "files": []}', '{"version": 1, "files": [{"name": "x"}]}'],
)
def test_a_list_of_something_else(tmp_path: Path, content: str) -> None:
    (tmp_path / "channel.json").write_text(content)
    with pytest.raises(InputError, match="not this version's"):
        channel.read_channel(tmp_path)
    with pytest.raises(InputError, match="has no channel"):
        channel.read_channel(tmp_path / "nowhere")


def test_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no data set"):
        channel.pack(tmp_path / "yolo", tmp_path / "channel")
    assert not (tmp_path / "channel").exists()


@settings(max_examples=25, deadline=None)
@given(
    contents=some.dictionaries(
        some.text("abcé 0_", min_size=1, max_size=150).filter(lambda name: name.strip()),
        some.binary(max_size=600),
        min_size=1,
    ),
    limit=some.integers(1, 3000),
)
def test_any_files_come_back(tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes], limit: int) -> None:
    top = tmp_path_factory.mktemp("any")
    (top / "yolo").mkdir()
    for name, content in contents.items():
        (top / "yolo" / f"{name}.txt").write_bytes(content)
    packed = channel.pack(top / "yolo", top / "channel", limit)
    assert files_of(channel.unpack(top / "channel", top / "again")) == files_of(top / "yolo")
    assert packed.bytes == sum((top / "channel" / file.name).stat().st_size for file in packed.files)
