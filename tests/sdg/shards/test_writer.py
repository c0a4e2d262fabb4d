from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.sdg.shards.writer import frame_block, frame_name, write_shard


def test_frame_names_sort_as_numbers() -> None:
    numbers = [0, 9, 10, 123_456, 1_000_000, 1_999_999]
    assert sorted(map(frame_name, numbers)) == [frame_name(number) for number in numbers]
    assert frame_name(12) == "0000012"


def test_shard_is_a_plain_tar_without_times_or_owners(tmp_path: Path) -> None:
    path = tmp_path / "train-00000.tar"
    sha256, size = write_shard(path, [frame_block(3, {"jpg": b"j" * 700, "json": b"{}"}), frame_block(4, {"jpg": b""})])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert path.stat().st_size == size == 10240
    with tarfile.open(path, "r:") as archive:
        entries = archive.getmembers()
        assert [entry.name for entry in entries] == ["0000003.jpg", "0000003.json", "0000004.jpg"]
        for entry in entries:
            assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, 0, "", "")
            assert entry.mode == 0o644
        assert archive.extractfile("0000003.jpg").read() == b"j" * 700  # type: ignore[union-attr]
    listed = subprocess.run(["tar", "-tf", path], capture_output=True, text=True, check=True).stdout.split()
    assert listed == ["0000003.jpg", "0000003.json", "0000004.jpg"]


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["jpg", "json", "depth.png"]), st.binary(max_size=1500), min_size=1), max_size=4
    )
)
def test_bytes_are_those_of_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory, frames: list[dict[str, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("shard") / "s.tar"
    write_shard(path, [frame_block(number, members) for number, members in enumerate(frames)])
    expected = io.BytesIO()
    with tarfile.open(fileobj=expected, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        for number, members in enumerate(frames):
            for suffix in sorted(members):
                entry = tarfile.TarInfo(f"{number:07d}.{suffix}")
                entry.size = len(members[suffix])
                archive.addfile(entry, io.BytesIO(members[suffix]))
    assert path.read_bytes() == expected.getvalue()


def test_a_shard_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    def blocks():  # type: ignore[no-untyped-def]
        yield frame_block(0, {"jpg": b"x"})
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_shard(tmp_path / "s.tar", blocks())
    assert list(tmp_path.iterdir()) == []
