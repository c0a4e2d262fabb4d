"""SageMaker's files are read leniently."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.common.errors import InputError, TrainingError
from stages.train.container.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "input/config").mkdir(parents=True)
    (tmp_path / "input/data").mkdir()
    return Tree(tmp_path, tmp_path / "scratch")


def config(tree: Tree, name: str, content: str) -> None:
    (tree.root / "input/config" / name).write_text(content)


def channel(tree: Tree, name: str, *files: str) -> Path:
    folder = tree.root / "input/data" / name
    folder.mkdir()
    for file in files:
        (folder / file).touch()
    return folder


def test_what_is_missing_has_a_default(tree: Tree) -> None:
    assert tree.hyperparameters() == {}
    assert tree.gpu_instance == ""
    assert tree.weights() is None
    tree.check_hosts()


@pytest.mark.parametrize("content", ["", "[]", "{", '"text"'])
def test_a_file_that_is_no_object(tree: Tree, content: str) -> None:
    config(tree, "hyperparameters.json", content)
    with pytest.raises(InputError, match="is no JSON object"):
        tree.hyperparameters()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ml.g5.xlarge", True),
        ("ml.p4d.24xlarge", True),
        ("ml.g4dn.xlarge", True),
        ("ml.m5.large", False),
        ("ml.c6gn.large", False),
        ("local_gpu", False),
        ("local_cpu", False),
        ("", False),
    ],
)
def test_instances_with_a_gpu(tree: Tree, kind: str, expected: bool) -> None:
    config(tree, "resourceconfig.json", f'{{"current_instance_type": "{kind}", "something": ["new"]}}')
    assert bool(tree.gpu_instance) is expected


def test_one_instance_does_it(tree: Tree) -> None:
    config(tree, "resourceconfig.json", '{"hosts": ["algo-1", "algo-2", "algo-3"]}')
    with pytest.raises(TrainingError, match="3 instances"):
        tree.check_hosts()


def test_the_channel_is_found_by_its_name_or_by_what_it_holds(tree: Tree) -> None:
    other = channel(tree, "train", "channel.json")
    assert tree.training() == other
    named = channel(tree, "training", "data.yaml")
    assert tree.training() == named


def test_two_channels_of_other_names(tree: Tree) -> None:
    channel(tree, "a", "channel.json")
    channel(tree, "b", "channel.json")
    with pytest.raises(InputError, match="there are: a, b; name it 'training'"):
        tree.training()


def test_weights_are_one_file(tree: Tree) -> None:
    folder = channel(tree, "weights", "start.pt")
    assert tree.weights() == folder / "start.pt"
    (folder / "other.pt").touch()
    with pytest.raises(InputError, match=r"holds 2 \.pt files"):
        tree.weights()


def test_a_failure_has_1024_characters(tree: Tree) -> None:
    tree.fail("é" * 3000)
    assert (tree.root / "output/failure").read_text(encoding="utf-8") == "é" * 1024


def test_a_place_for_the_failure_that_cannot_be_written(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    (tree.root / "output").write_text("a file")
    tree.fail("a reason")
    assert "the failure file cannot be written" in capsys.readouterr().out
