"""Files that are whole or absent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from stages.common.errors import InputError
from stages.common.files import atomic_write, replaced_folder, sha256_of, write_json


def test_a_written_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a b" / "x.txt"
    with atomic_write(path) as stream:
        stream.write("größer")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "größer"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(path, "wb") as stream:
            stream.write(b"new")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_sorted_and_refuses_what_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"b": 1, "a": [0.5]})
    assert path.read_text(encoding="utf-8").index('"a"') < path.read_text(encoding="utf-8").index('"b"')
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": [0.5], "b": 1}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": [0.5], "b": 1}


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"x" * (3 << 20))
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "disk" / "old").mkdir(parents=True)
    (tmp_path / "link").symlink_to("disk")
    with replaced_folder(tmp_path / "link") as partial:
        (partial / "new").write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "link"]


@pytest.mark.parametrize("below", ["", "out", "out/deep"])
def test_a_file_is_not_replaced_by_a_folder(tmp_path: Path, below: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("seed: 0")
    with pytest.raises(InputError, match=r"config\.yaml is a file: choose another"), replaced_folder(path / below):
        pass
    assert path.read_text() == "seed: 0"
