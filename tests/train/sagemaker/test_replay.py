"""Figures into a run: each once, whatever becomes of the file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stages.train.contract import metrics_line
from stages.train.sagemaker.replay import OFFSET, STEP, Replay
from stages.train.types import Epoch


class Run:
    """A run's tags."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}

    def tag(self, name: str) -> str:
        return self.tags.get(name, "")

    def log_tags(self, values: dict[str, str]) -> None:
        self.tags |= values


def line(number: int, time: int = 0) -> bytes:
    return metrics_line(Epoch(number, {"val/ap50": number / 100}, time or number * 1000)).encode()


@given(st.integers(0, 12), st.lists(st.integers(0, 2000), max_size=8))
def test_every_epoch_comes_once_however_the_file_grows_and_clients_change(epochs: int, cuts: list[int]) -> None:
    whole = b"".join(line(number) for number in range(1, epochs + 1))
    run, logged = Run(), []
    for cut in [*sorted(cuts), len(whole)]:
        Replay(run, logged.append)(whole[:cut])  # a new client each time
    assert [epoch.number for epoch in logged] == list(range(1, epochs + 1))
    assert run.tags.get(OFFSET, "0") == str(len(whole))


def test_an_epoch_that_a_taken_back_machine_did_and_lost_counts_once() -> None:
    run, logged = Run(), []
    Replay(run, logged.append)(line(1) + line(2))
    replay = Replay(run, logged.append)
    assert replay(line(1)) == []  # the second epoch never reached the bucket in full
    replay(line(1) + line(2, 5555) + line(3))
    assert [(epoch.number, epoch.time) for epoch in logged] == [(1, 1000), (2, 2000), (3, 3000)]
    assert run.tags[STEP] == "3"


def test_a_torn_line_waits_and_a_broken_one_is_passed_over() -> None:
    run, logged = Run(), []
    replay = Replay(run, logged.append)
    replay(line(1) + line(2)[:20])
    assert [epoch.number for epoch in logged] == [1]
    replay(line(1) + line(2) + b"no figures\n" + line(3))
    assert [epoch.number for epoch in logged] == [1, 2, 3]


def test_without_a_run_it_remembers_by_itself() -> None:
    logged: list[Epoch] = []
    replay = Replay(None, logged.append)
    replay(line(1))
    replay(line(1) + line(2))
    assert [epoch.number for epoch in logged] == [1, 2]
