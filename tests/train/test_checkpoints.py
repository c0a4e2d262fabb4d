"""Checkpoints are whole, and belong to one training alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from stages.common.errors import TrainingError
from stages.train.checkpoints import KEPT, PREVIOUS, STATE, State, key_of, load_state, save_state, work_folder


def state(epoch: int) -> State:
    return State(
        epoch=epoch,
        stopped=False,
        best_epoch=1,
        best_fitness=0.5,
        model={"weight": torch.arange(3.0)},
        ema={},
        optimizer={"param_groups": [{"lr": 0.1}]},
        scaler={},
        stopper={"patience": 5},
        ema_updates=2,
        epochs=[{"number": 1.0, "loss": 2.0}],
        transfer=(3, 4),
    )


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    save_state(tmp_path, state(1))
    loaded, notice = load_state(tmp_path)
    assert notice == ""
    assert loaded is not None
    assert torch.equal(loaded.model["weight"], torch.arange(3.0))
    assert (loaded.epoch, loaded.epochs, loaded.transfer) == (1, state(1).epochs, (3, 4))


def test_there_is_none_at_first(tmp_path: Path) -> None:
    assert load_state(tmp_path) == (None, "")


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 99])
def test_a_torn_checkpoint_falls_back_to_the_one_before(tmp_path: Path, damage: object) -> None:
    for epoch in (1, 2, 3):
        save_state(tmp_path, state(epoch))
    path = tmp_path / STATE
    content = damage(path.read_bytes())  # type: ignore[operator]
    path.unlink()
    path.write_bytes(content)
    loaded, notice = load_state(tmp_path)
    assert loaded is not None
    assert loaded.epoch == 2
    assert notice == "the checkpoint state.pt is damaged, so training goes on from state.previous.pt"


def test_two_torn_checkpoints_begin_anew(tmp_path: Path) -> None:
    for name in (STATE, PREVIOUS):
        (tmp_path / name).write_bytes(b"torn")
    assert load_state(tmp_path) == (
        None,
        "the checkpoint state.pt and state.previous.pt is damaged, so training begins anew",
    )


def test_the_key_changes_with_every_setting() -> None:
    base = {"train": {"epochs": 3}, "data": "a"}
    assert key_of(base) == key_of({"data": "a", "train": {"epochs": 3}})
    assert len({key_of(base), key_of({**base, "data": "b"}), key_of({**base, "train": {"epochs": 4}})}) == 3


def interrupted(cache: Path) -> None:
    with work_folder(cache, "a", fresh=False) as folder:
        (folder / "state.pt").write_text("1")
        raise ValueError("broken")


def test_a_work_folder_stays_after_an_error_and_goes_after_success(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"):
        interrupted(tmp_path)
    with work_folder(tmp_path, "a", fresh=False) as folder:
        assert (folder / "state.pt").read_text() == "1"
    assert not folder.exists()
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_a_fresh_work_folder_is_empty(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"):
        interrupted(tmp_path)
    with work_folder(tmp_path, "a", fresh=True) as folder:
        assert list(folder.iterdir()) == []


def test_a_second_run_of_the_same_training_is_refused(tmp_path: Path) -> None:
    with (
        work_folder(tmp_path, "a", fresh=False),
        work_folder(tmp_path, "b", fresh=False),
        pytest.raises(TrainingError, match=f"process {os.getpid()} trains with the same settings and data already"),
        work_folder(tmp_path, "a", fresh=False),
    ):
        raise AssertionError("not reached")


def test_unfinished_trainings_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        (tmp_path / f"old{number}").mkdir()
        os.utime(tmp_path / f"old{number}", (number, number))
    with work_folder(tmp_path, "a", fresh=False):
        pass
    kept = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert kept == [f"old{number}" for number in range(2, KEPT + 2)]
