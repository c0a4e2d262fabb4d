"""A file that did not change is not read again, and one that did always is."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from stages.common import sums
from stages.common.sums import Sums


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tree" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"one")
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "sums.json"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was read."""
    paths: list[Path] = []
    original = sums.sha256_of
    monkeypatch.setattr(sums, "sha256_of", lambda path: (paths.append(path), original(path))[1])
    return paths


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is old enough to be remembered."""
    monkeypatch.setattr(sums, "SETTLED_NS", -(10**12))


def ask(kept: Path, file: Path) -> str:
    known = Sums(kept, file.parent)
    value = known.of(file.name, file)
    known.save()
    return value


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.usefixtures("settled")
def test_an_unchanged_file_is_read_once(kept: Path, file: Path, reads: list[Path]) -> None:
    assert [ask(kept, file) for _ in range(3)] == [sha256(b"one")] * 3
    assert reads == [file]


@pytest.mark.usefixtures("settled")
def test_another_content_of_the_same_size_and_time_is_noticed(kept: Path, file: Path) -> None:
    before = file.stat()
    ask(kept, file)
    time.sleep(0.02)  # a tick of the file system
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ask(kept, file) == sha256(b"two")


@pytest.mark.usefixtures("settled")
def test_a_file_in_anothers_place_is_noticed(kept: Path, file: Path) -> None:
    ask(kept, file)
    other = file.with_name("b")
    other.write_bytes(b"two")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    assert ask(kept, file) == sha256(b"two")


def test_a_file_that_was_just_written_is_not_remembered(kept: Path, file: Path, reads: list[Path]) -> None:
    ask(kept, file)
    ask(kept, file)
    assert reads == [file, file]


@pytest.mark.usefixtures("settled")
def test_files_that_are_gone_are_forgotten(kept: Path, file: Path) -> None:
    ask(kept, file)
    other = file.with_name("b.jpg")
    other.write_bytes(b"b")
    ask(kept, other)
    assert "a.jpg" not in kept.read_text()


@pytest.mark.usefixtures("settled")
def test_another_folder_has_its_own_sums(kept: Path, file: Path, tmp_path: Path, reads: list[Path]) -> None:
    ask(kept, file)
    moved = tmp_path / "other"
    file.parent.rename(moved)
    ask(kept, moved / file.name)
    assert len(reads) == 2


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"top": 1}', b'{"top": "x", "sums": 3}', b"\xff\xfe", b'{"sums"']
)
def test_a_damaged_list_is_made_anew(kept: Path, file: Path, content: bytes) -> None:
    kept.write_bytes(content)
    assert ask(kept, file) == sha256(b"one")
    assert ask(kept, file) == sha256(b"one")


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("entry", ["3", "[]", '[[1], "x"]', '{"a": 1}', "null"])
def test_a_damaged_entry_is_made_anew(kept: Path, file: Path, entry: str) -> None:
    kept.write_text(f'{{"top": "{file.parent.resolve()}", "sums": {{"a.jpg": {entry}}}}}')
    assert ask(kept, file) == sha256(b"one")
