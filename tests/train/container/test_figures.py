"""Figures are kept once, whatever an interrupted container left."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.train.container.figures import Figures, Live
from stages.train.contract import METRICS, read_metrics
from stages.train.types import Epoch


def steps(folder: Path) -> list[int]:
    return [epoch.number for epoch in read_metrics((folder / METRICS).read_bytes())]


def test_an_epoch_that_is_kept_is_not_kept_again(tmp_path: Path) -> None:
    first = Figures(tmp_path, None)
    first.add(Epoch(1, {"loss": 1.0}))
    first.add(Epoch(2, {"loss": 0.5}))
    before = (tmp_path / METRICS).read_bytes()
    second = Figures(tmp_path, None)
    for epoch in (Epoch(1, {"loss": 1.0}), Epoch(2, {"loss": 0.5}), Epoch(3, {"loss": 0.25})):
        second.add(epoch)
    after = (tmp_path / METRICS).read_bytes()
    assert after.startswith(before)
    assert len(after.splitlines()) == 3
    assert steps(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_line_goes(tmp_path: Path, cut: int) -> None:
    figures = Figures(tmp_path, None)
    figures.add(Epoch(1, {"loss": 1.0}))
    figures.add(Epoch(2, {"loss": 0.5}))
    content = (tmp_path / METRICS).read_bytes()
    (tmp_path / METRICS).write_bytes(content[:-cut])
    again = Figures(tmp_path, None)
    again.add(Epoch(2, {"loss": 0.5}))
    assert steps(tmp_path) == [1, 2]
    assert len((tmp_path / METRICS).read_bytes().splitlines()) == 2


def test_an_epoch_done_again_with_other_figures_counts(tmp_path: Path) -> None:
    Figures(tmp_path, None).add(Epoch(1, {"loss": 1.0}))
    Figures(tmp_path, None).add(Epoch(1, {"loss": 2.0}))
    assert [epoch.figures["loss"] for epoch in read_metrics((tmp_path / METRICS).read_bytes())] == [2.0]


class Sent(Live):
    """Sends nothing, and says what it would."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []

    def send(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)


def test_mlflow_is_sent_no_epoch_that_was_kept_before(tmp_path: Path) -> None:
    live = Sent()
    Figures(tmp_path, live).add(Epoch(1, {"loss": 1.0}))
    again = Figures(tmp_path, live)
    for epoch in (Epoch(1, {"loss": 1.0}), Epoch(1, {"loss": 2.0}), Epoch(2, {"loss": 0.5})):
        again.add(epoch)
    assert [(epoch.number, epoch.figures["loss"]) for epoch in live.epochs] == [(1, 1.0), (2, 0.5)]
    assert all(epoch.time for epoch in live.epochs)


def test_an_mlflow_that_is_none_is_mentioned_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    live = Live("http://user:secret@127.0.0.1:9", "0" * 32)
    figures = Figures(tmp_path, live)
    for number in (1, 2):
        figures.add(Epoch(number, {"loss": 1.0}))
    figures.close()
    said = capsys.readouterr().out
    assert said.count("does not take the figures") == 1
    assert "secret" not in said
    assert steps(tmp_path) == [1, 2]
