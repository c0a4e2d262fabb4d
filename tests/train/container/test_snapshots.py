"""Checkpoints are whole, or the one before is taken."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from stages.train.container.snapshots import CURRENT, PREVIOUS, restore_snapshot, save_snapshot


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """Of epochs 1 and 2."""
    work, checkpoints = tmp_path / "work", tmp_path / "checkpoints"
    work.mkdir()
    checkpoints.mkdir()
    for epoch in (1, 2):
        (work / "state.pt").write_bytes(b"state %d" % epoch * 1000)
        (work / "best.pt").write_bytes(b"best %d" % epoch * 1000)
        save_snapshot(work, checkpoints, epoch)
    return checkpoints


def test_the_last_one_comes_back(checkpoints: Path, tmp_path: Path) -> None:
    (tmp_path / "work/state.previous.pt").write_bytes(b"of another machine")
    assert restore_snapshot(checkpoints, tmp_path / "work") == (2, "")
    assert (tmp_path / "work/state.pt").read_bytes().startswith(b"state 2")
    assert (tmp_path / "work/best.pt").read_bytes().startswith(b"best 2")
    assert not (tmp_path / "work/state.previous.pt").exists()


@pytest.mark.parametrize("size", [0, 100, 700, 5000, 12_000])
def test_a_torn_one_costs_an_epoch(checkpoints: Path, tmp_path: Path, size: int) -> None:
    (checkpoints / CURRENT).write_bytes((checkpoints / CURRENT).read_bytes()[:size])
    epoch, notice = restore_snapshot(checkpoints, tmp_path / "work")
    assert epoch == 1
    assert notice == f"{CURRENT} cannot be read, so training goes on from {PREVIOUS}"
    assert (tmp_path / "work/best.pt").read_bytes().startswith(b"best 1")


def test_a_turned_bit_is_noticed(checkpoints: Path, tmp_path: Path) -> None:
    content = bytearray((checkpoints / CURRENT).read_bytes())
    content[content.index(b"best 2")] ^= 1
    (checkpoints / CURRENT).write_bytes(content)
    assert restore_snapshot(checkpoints, tmp_path / "work")[0] == 1


def test_two_torn_ones_cost_all(checkpoints: Path, tmp_path: Path) -> None:
    for name in (CURRENT, PREVIOUS):
        (checkpoints / name).write_bytes(b"torn")
    epoch, notice = restore_snapshot(checkpoints, tmp_path / "work")
    assert epoch == 0
    assert notice == f"{CURRENT} and {PREVIOUS} cannot be read, so training begins anew"
    assert list((tmp_path / "work").iterdir()) == []


def test_none_is_no_mistake(tmp_path: Path) -> None:
    assert restore_snapshot(tmp_path / "nowhere", tmp_path / "work") == (0, "")


def test_it_is_a_plain_tar(checkpoints: Path) -> None:
    with tarfile.open(checkpoints / CURRENT) as tar:
        assert tar.getnames() == ["checkpoint.json", "state.pt", "best.pt"]
