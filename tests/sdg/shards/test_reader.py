from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.common.errors import InputError
from stages.sdg.shards import read_frame, read_frames, read_manifest, read_plans
from stages.sdg.shards.manifest import layout, shard_path
from stages.sdg.shards.reader import pick_frames, read_blocks
from stages.sdg.shards.writer import frame_block, write_shard
from tests.sdg import made_up

NUMBERS = [0, 1, 2, 3, 4, 1_000_000, 1_000_001]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_up.write_folder(tmp_path)
    return tmp_path


def test_frames_come_back_in_order(folder: Path) -> None:
    frames = list(read_frames(folder))
    assert [frame.label.frame for frame in frames] == NUMBERS
    for number, frame in zip(NUMBERS, frames, strict=True):
        assert frame.label == made_up.label(number)
        assert frame.files == {key: data for key, data in made_up.members(number).items() if key != "json"}


def test_plans_come_back_in_order(folder: Path) -> None:
    assert list(read_plans(folder)) == [made_up.plan(number) for number in NUMBERS]


def test_one_frame_by_its_number(folder: Path) -> None:
    assert read_frame(folder, 1_000_001).label.frame == 1_000_001
    with pytest.raises(InputError, match=r"holds no frame 5; raise dataset\.frames\.count"):
        read_frame(folder, 5)


def test_some_frames(folder: Path) -> None:
    assert [frame.label.frame for frame in pick_frames(folder, {1, 4, 77, 1_000_000})] == [1, 4, 1_000_000]


def test_blocks_are_those_that_were_written(folder: Path) -> None:
    shard = read_manifest(folder).shards[1]
    assert dict(read_blocks(shard_path(folder, shard), shard)) == {
        n: frame_block(n, made_up.members(n)) for n in (3, 4)
    }


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-2000]),  # truncated
        lambda path: path.write_bytes(path.read_bytes().replace(b"mask", b"mosk", 1)),  # one byte flipped
        lambda path: path.write_bytes(b""),
    ],
    ids=["truncated", "altered", "empty"],
)
def test_a_damaged_shard_is_named_before_any_of_its_frames_is_read(folder: Path, harm) -> None:  # type: ignore[no-untyped-def]
    harm(folder / "shards" / "train-00001.tar")
    seen = []
    with pytest.raises(InputError, match=r"train-00001\.tar is damaged .*; `dvc repro sdg` makes it again$"):
        seen.extend(frame.label.frame for frame in read_frames(folder))
    assert 3 not in seen


def test_a_missing_shard_is_named(folder: Path) -> None:
    (folder / "shards" / "test-00000.tar").unlink()
    with pytest.raises(InputError, match=r"test-00000\.tar is missing; `dvc repro sdg` makes it again"):
        list(read_frames(folder))


def test_an_unfinished_folder_is_refused(tmp_path: Path) -> None:
    made_up.write_folder(tmp_path, complete=False)
    with pytest.raises(InputError, match="is unfinished since its last run was stopped or failed"):
        list(read_frames(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"complete": true}', "null"])
def test_a_manifest_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json is not a manifest of frames"):
        list(read_frames(folder))


def test_a_folder_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json is missing; `dvc repro sdg` makes it again"):
        list(read_frames(tmp_path / "nowhere"))


def test_altered_plans_are_refused(folder: Path) -> None:
    (folder / "plan.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"plan\.jsonl is damaged"):
        list(read_plans(folder))


def test_a_shard_whose_manifest_lies_is_refused(folder: Path) -> None:
    # frame 4 is missing, and the checksum was made to fit
    path = folder / "shards" / "train-00001.tar"
    sha256, size = write_shard(path, [frame_block(3, made_up.members(3))])
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][1] |= {"sha256": sha256, "bytes": size}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="lacks frame 4"):
        list(read_frames(folder))
    with pytest.raises(InputError, match="does not hold frames 0000003 to 0000004"):
        list(read_blocks(path, layout(5, 0, 3)[1]))


def test_a_frame_without_its_mask_is_refused(folder: Path) -> None:
    shard = read_manifest(folder).shards[1]
    stripped = {key: data for key, data in made_up.members(4).items() if key != "instance.png"}
    write_shard(shard_path(folder, shard), [frame_block(3, made_up.members(3)), frame_block(4, stripped)])
    with pytest.raises(InputError, match="lacks frame 4 or a part of it"):
        list(pick_frames(folder, {3, 4}))
