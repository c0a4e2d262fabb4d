"""The data set is checked before anything is trained on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stages.common.errors import InputError, StageError, TrainingError
from stages.train.data import make_view, read_data
from tests.train.tiny import write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "images of a hall" / "yolo", train=3, val=2, objects=2)


def test_a_data_set_is_read_with_its_counts(tree: Path) -> None:
    data = read_data(tree)
    assert data.names == ("crate", "pallet")
    assert [len(part.pictures) for part in (data.train, data.val)] == [3, 2]
    assert [part.objects for part in (data.train, data.val)] == [6, 4]
    picture = data.train.pictures[0]
    assert picture == tree / "images/train/0000000.jpg"
    assert data.train.label_of(picture) == tree / "labels/train/0000000.txt"


def test_pictures_without_label_file_and_validation_without_objects_are_fine(tree: Path) -> None:
    (tree / "labels/train/0000001.txt").unlink()
    for label in (tree / "labels/val").iterdir():
        label.write_text("")
    data = read_data(tree)
    assert (data.train.objects, data.val.objects) == (4, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "labels/train/0000000.txt").write_text("0 0.5 0.5 0.1 0.1\n"),
        lambda tree: (tree / "images/val/0000000.jpg").write_bytes((tree / "images/val/0000001.jpg").read_bytes()),
        lambda tree: (tree / "images/train/0000001.jpg").rename(tree / "images/train/0000009.jpg"),
        lambda tree: rewrite(tree, names=["pallet", "crate"]),
    ],
    ids=["label", "picture", "name", "classes"],
)
def test_every_change_shows_in_the_digest(tree: Path, change: Callable[[Path], object]) -> None:
    before = read_data(tree).sha256
    assert read_data(tree).sha256 == before
    change(tree)
    assert read_data(tree).sha256 != before


def rewrite(tree: Path, **values: object) -> None:
    content = yaml.safe_load((tree / "data.yaml").read_text()) | values
    (tree / "data.yaml").write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))


def empty_labels(tree: Path) -> None:
    for label in (tree / "labels/train").iterdir():
        label.write_text("\n")


def empty_part(tree: Path, part: str) -> None:
    for picture in (tree / "images" / part).iterdir():
        picture.unlink()


def cut_off(picture: Path, size: int) -> None:
    picture.write_bytes(picture.read_bytes()[:size])


def label(tree: Path, line: str) -> None:
    (tree / "labels/val/0000001.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (lambda tree: (tree / "data.yaml").unlink(), InputError, "data.yaml' does not exist; make it again with"),
        (lambda tree: (tree / "data.yaml").write_text("a: ["), InputError, "data.yaml' cannot be read (ParserError)"),
        (lambda tree: (tree / "data.yaml").write_text("- a"), InputError, "data.yaml' describes no data set"),
        (lambda tree: rewrite(tree, names={1: "a"}), InputError, "does not number its class names from 0"),
        (lambda tree: rewrite(tree, val=None), InputError, "names no folder for val"),
        (lambda tree: rewrite(tree, val="pictures"), InputError, "has no folder 'images' in its path"),
        (lambda tree: rewrite(tree, val="images/none"), InputError, "images/none' does not exist"),
        (lambda tree: empty_part(tree, "train"), TrainingError, "there is no picture to train on"),
        (lambda tree: empty_part(tree, "val"), TrainingError, "there is no picture to validate on"),
        (empty_labels, TrainingError, "none of the 3 training pictures"),
        (lambda tree: cut_off(tree / "images/train/0000002.jpg", 500), InputError, "0000002.jpg' is cut off"),
        (lambda tree: cut_off(tree / "images/train/0000002.jpg", 0), InputError, "0000002.jpg' is cut off"),
        (lambda tree: label(tree, "2 0.5 0.5 0.1 0.1"), InputError, "line 2 of"),  # there are two classes
        (lambda tree: label(tree, "0 0.5 0.5 0.1"), InputError, "0000001.txt' is no class number below 2"),
        (lambda tree: label(tree, "0 0.5 0.5 1.1 0.1"), InputError, "from 0 to 1"),
        (lambda tree: label(tree, "a 0.5 0.5 0.1 0.1"), InputError, "line 2 of"),
        (lambda tree: label(tree, "0 nan 0.5 0.1 0.1"), InputError, "line 2 of"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    tree: Path, damage: Callable[[Path], object], error: type[StageError], words: str
) -> None:
    damage(tree)
    with pytest.raises(error) as caught:
        read_data(tree)
    assert words in str(caught.value)


def test_ultralytics_reads_the_view_and_leaves_the_data_alone(tree: Path, tmp_path: Path) -> None:
    from ultralytics.data.build import build_yolo_dataset
    from ultralytics.utils import DEFAULT_CFG

    before = sorted(tree.rglob("*"))
    data = read_data(tree)
    for _ in range(2):  # an interrupted run leaves a view behind
        description = make_view(data, tmp_path / "work" / "view")
    dataset = build_yolo_dataset(DEFAULT_CFG, description["train"], 2, description)
    assert len(dataset) == 3
    assert sum(len(item["cls"]) for item in dataset.labels) == data.train.objects
    assert sorted(tree.rglob("*")) == before
    assert list((tmp_path / "work").rglob("*.cache"))
