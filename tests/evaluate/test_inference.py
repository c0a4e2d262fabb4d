from dataclasses import replace

import numpy as np
import pytest

from stages.common.detection import Detector
from stages.evaluate.cache import Cache
from stages.evaluate.inference import Model, detect_set, picture_digest
from stages.evaluate.truth import read_labelled_set
from tests.evaluate.conftest import NAMES
from tests.tiny_models import write_constant_model

BOXES = [(4, 8, 30, 40, 0.9, 4), (40, 10, 60, 30, 0.3, 2)]


@pytest.fixture
def labelled(loco):
    def locate(image):
        name = image["path"].lstrip("/")
        return name, loco / name

    return read_labelled_set(loco / "rgb/loco-all-v1.json", "loco", NAMES, locate)


@pytest.fixture
def asked(monkeypatch):
    """Pictures that a network was asked about."""
    pictures = []
    real = Detector.detect

    def detect(self, picture, threshold=None):
        pictures.append(picture.shape)
        return real(self, picture, threshold)

    monkeypatch.setattr(Detector, "detect", detect)
    return pictures


def model(folder, cache, boxes=BOXES):
    return Model(Detector(write_constant_model(folder / "m.onnx", NAMES, (96, 64), boxes)), cache)


def boxes_of(results):
    found = [(item.detections, item.matches) for item in results]
    return [(boxes.xyxy.tolist(), boxes.scores.tolist(), matches.hit.tolist()) for boxes, matches in found]


def test_the_network_is_asked_once(labelled, asked, tmp_path):
    cache = Cache(tmp_path / "cache")
    first, _ = detect_set(model(tmp_path, cache), labelled)
    assert len(asked) == 3
    second, _ = detect_set(model(tmp_path, cache), labelled)
    assert len(asked) == 3
    assert boxes_of(first) == boxes_of(second)
    assert [path.name.partition("-")[0] for path in (tmp_path / "cache").iterdir()] == ["detections"]


def test_without_a_cache_it_is_asked_again(labelled, asked, tmp_path):
    for _ in range(2):
        detect_set(model(tmp_path, Cache(None)), labelled)
    assert len(asked) == 6


def test_other_weights_other_pictures_or_a_damaged_file_ask_again(labelled, asked, tmp_path):
    cache = Cache(tmp_path / "cache")
    detect_set(model(tmp_path, cache), labelled)
    detect_set(model(tmp_path, cache, BOXES[:1]), labelled)
    assert len(asked) == 6
    picture = labelled.pictures[0].path
    picture.write_bytes(labelled.pictures[1].path.read_bytes())
    detect_set(model(tmp_path, cache), labelled)
    assert len(asked) == 9
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    detect_set(model(tmp_path, cache), labelled)
    assert len(asked) == 12


def test_labels_may_change_without_asking(labelled, asked, tmp_path):
    """What is counted right is no part of what the network said."""
    cache = Cache(tmp_path / "cache")
    detect_set(model(tmp_path, cache), labelled)
    results, _ = detect_set(model(tmp_path, cache), replace(labelled, scored=(2,)))
    assert len(asked) == 3
    assert {int(number) for item in results for number in item.detections.classes} == {2}


def test_a_picture_that_cannot_be_used_is_named_from_the_cache_too(labelled, asked, tmp_path):
    labelled.pictures[1].path.write_text("<html>")
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        results, unusable = detect_set(model(tmp_path, cache), labelled)
        assert len(results) == 2
        reason = "is not a picture that can be decoded; remove it or get it again"
        assert unusable == [f"'{labelled.pictures[1].path}' {reason}"]
    assert len(asked) == 2


def test_the_folder_of_the_pictures_does_not_matter(labelled, tmp_path):
    moved = tmp_path / "elsewhere.jpg"
    first = labelled.pictures[0]
    moved.write_bytes(first.path.read_bytes())
    assert picture_digest([first]) == picture_digest([replace(first, path=moved, name="other")])
    assert picture_digest([first]) != picture_digest([replace(first, width=first.width + 1)])


def test_a_file_is_whole_or_absent(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    made = []

    def make():
        made.append(1)
        return {"a": np.arange(3)}

    def killed(*_, **__):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", killed)
        with pytest.raises(RuntimeError):
            cache.arrays("x", ("1",), make)
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        assert cache.arrays("x", ("1",), make)["a"].tolist() == [0, 1, 2]
    assert len(made) == 2
