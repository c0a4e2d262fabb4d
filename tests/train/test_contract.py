"""What is sent arrives, and what comes back is checked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from stages.common.errors import SettingsError, TrainingError
from stages.train.contract import (
    hyperparameters,
    log_line,
    metric_definitions,
    metrics_line,
    read_hyperparameters,
    read_metrics,
    read_result,
    write_result,
)
from stages.train.types import Epoch, Trained, Transfer
from tests.train.tiny import compute, model, train

FIGURES = {"train/box_loss": 1.25, "val/ap50": 0.5, "val/ap50_95": 0.125, "lr/pg0": 1e-5}


def test_settings_arrive_as_they_were() -> None:
    sent = hyperparameters(model(threshold=0.3), train(augment={"mosaic": 0.5}), compute())
    assert all(isinstance(value, str) and len(value) <= 2500 for value in sent.values())
    assert sent["model.architecture"] == "yolo11n"
    assert sent["train.epochs"] == "2"
    arrived = read_hyperparameters(sent)
    assert arrived.model == model(threshold=0.3)
    assert arrived.train == train(augment={"mosaic": 0.5})
    assert arrived.compute == compute()


def test_paths_of_the_client_stay_there() -> None:
    sent = hyperparameters(model(weights="/home/somebody/best.pt"), train(resume=False), compute())
    assert "somebody" not in json.dumps(sent)
    assert read_hyperparameters(sent).train.resume


def test_hyperparameters_are_read_leniently() -> None:
    read = read_hyperparameters(
        {"sagemaker_program": '"train.py"', "train.epochs": 3, "model.name": "yolo26n", "x": ""}
    )
    assert read.train.epochs == 3
    assert read_hyperparameters({}).model.architecture == "yolo11n"


def test_mistakes_are_named_together() -> None:
    with pytest.raises(SettingsError) as caught:
        read_hyperparameters({"train.epochs": "0", "train.epoch": "3", "model.input_size": "x"})
    assert len(caught.value.sentences) == 3
    assert "hyperparameter train.epochs is 0: give a whole number of at least 1" in str(caught.value)


@given(some.lists(some.tuples(some.integers(1, 50), some.floats(0, 10)), max_size=20), some.integers(0, 60))
def test_metrics_are_read_up_to_the_last_whole_line(points: list[tuple[int, float]], cut: int) -> None:
    lines = [metrics_line(Epoch(step, {"val/ap50": value}, 1000 + step)).encode() for step, value in points]
    content = b"".join(lines)
    torn = content[: len(content) - min(cut, len(lines[-1]) - 1 if lines else 0)]
    whole = points if torn == content else points[:-1]
    expected = dict(whole)  # an epoch that was done twice counts as the later
    assert [(epoch.number, epoch.figures["val/ap50"]) for epoch in read_metrics(torn)] == sorted(expected.items())
    assert all(epoch.time == 1000 + epoch.number for epoch in read_metrics(torn))


def test_lines_of_something_else_are_passed_over() -> None:
    content = b'nonsense\n[]\n{"step": 1}\n' + metrics_line(Epoch(2, FIGURES, 5)).encode()
    assert read_metrics(content) == [Epoch(2, FIGURES, 5)]
    assert read_metrics(b"") == []


def test_cloudwatch_finds_the_figures_in_the_log() -> None:
    line = log_line(Epoch(12, FIGURES))
    found = {item["Name"]: re.search(item["Regex"], line) for item in metric_definitions()}
    assert {name: float(match[1]) for name, match in found.items() if match} == {
        name: value for name, value in FIGURES.items() if name in found
    }
    assert all(len(item["Regex"]) <= 500 for item in metric_definitions())


@pytest.fixture
def result(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere.pt").write_bytes(b"weights")
    trained = Trained(tmp_path / "elsewhere.pt", (Epoch(1, FIGURES), Epoch(2, FIGURES)), 2, Transfer(3, 4), "cpu")
    write_result(tmp_path / "model", trained, "abc")
    return tmp_path / "model"


def test_a_result_comes_back(result: Path) -> None:
    trained = read_result(result, "abc")
    assert trained.weights.read_bytes() == b"weights"
    assert [epoch.number for epoch in trained.epochs] == [1, 2]
    assert trained.epochs[1].figures == FIGURES
    assert (trained.best_epoch, trained.transfer, trained.device) == (2, Transfer(3, 4), "cpu")


def test_a_result_that_is_not_right(result: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="another data set"):
        read_result(result, "def")
    (result / "best.pt").write_bytes(b"weight")
    with pytest.raises(TrainingError, match="its sum is another"):
        read_result(result)
    (result / "best.pt").unlink()
    with pytest.raises(TrainingError, match="not what a training job leaves"):
        read_result(result)
    (tmp_path / "elsewhere.pt").write_bytes(b"weights")
    stopped = Trained(tmp_path / "elsewhere.pt", (Epoch(1, FIGURES),), 1, None, "cpu")
    write_result(result, stopped, "abc", finished=False)
    with pytest.raises(TrainingError, match="stopped after epoch 1"):
        read_result(result)
