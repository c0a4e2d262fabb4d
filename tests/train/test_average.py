"""The mean of several weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stages.common.errors import InputError
from stages.train.__main__ import parser
from stages.train.average import average_weights
from stages.train.export import load_network
from stages.train.trainer import save_weights
from tests.train.test_export import network


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pair")
    for number in range(2):
        save_weights(folder / f"{number}.pt", network("yolo26n", number), 64)
    return folder / "0.pt", folder / "1.pt"


def test_every_weight_is_the_mean_and_counters_stay(pair: tuple[Path, Path], tmp_path: Path) -> None:
    args = parser().parse_args(["average", *map(str, pair), "--to", str(tmp_path / "mean.pt")])
    assert args.command(args) == f"average: {tmp_path / 'mean.pt'}, the mean of 2"
    one, two, mean = (load_network(path).state_dict() for path in (*pair, tmp_path / "mean.pt"))
    assert any(not torch.equal(one[key], two[key]) for key in one)
    for key, value in mean.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (one[key] + two[key]) / 2, atol=1e-3, rtol=1e-3)  # half precision
        else:
            assert torch.equal(value, one[key])


def test_the_mean_of_equals_is_the_same(pair: tuple[Path, Path], tmp_path: Path) -> None:
    average_weights([pair[0]] * 3, tmp_path / "mean.pt", tmp_path)
    one, mean = load_network(pair[0]).state_dict(), load_network(tmp_path / "mean.pt").state_dict()
    for key, value in mean.items():
        torch.testing.assert_close(value, one[key], atol=1e-6, rtol=1e-3)


def test_one_alone_or_another_network_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other, named = tmp_path / "other.pt", tmp_path / "named.pt"
    save_weights(other, network("yolo26s"), 64)
    changed = network("yolo26n")
    changed.names = {0: "crate", 1: "forklift"}
    save_weights(named, changed, 64)
    for path in (other, named):
        with pytest.raises(InputError, match=f"'{path}' has another architecture or other classes"):
            average_weights([pair[0], path], tmp_path / "mean.pt", tmp_path)
    with pytest.raises(InputError, match="needs two or more"):
        average_weights(pair[:1], tmp_path / "mean.pt", tmp_path)
    assert not (tmp_path / "mean.pt").exists()
