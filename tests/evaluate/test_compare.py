import json

import pytest

from stages.common.errors import InputError
from stages.common.settings.pictures import Convert
from stages.convert.run import convert
from stages.evaluate.bootstrap import resampling
from stages.evaluate.compare import compare_models, compare_published
from stages.evaluate.table import table
from stages.evaluate.versus import compare_command_line
from stages.train.data import read_data
from tests.convert.frames import instance, write_frames
from tests.evaluate.conftest import NAMES
from tests.evaluate.results import random_results, result
from tests.settings import compose
from tests.tiny_models import write_constant_model

THERE = (0, 0, 20, 20, 0, 0)


def test_a_model_is_nowhere_ahead_of_itself():
    found = table(random_results(1))
    made = compare_models(found, found, ("a", "b"), (0, 1), (0.3, 0.3), resampling(found.pictures, 100))
    assert made.keys() == {"a", "b", "all"}
    for figures in made.values():
        assert all(item.difference == 0 and item.interval == (0, 0) and not item.sure for item in figures.values())


def test_a_model_that_finds_more_is_surely_ahead():
    good = [result([(0, 0, 20, 20, 0.9, 0)], [THERE]) for _ in range(20)]
    bad = [result([(0, 0, 20, 20, 0.9, 0)] if place % 2 else [], [THERE]) for place in range(20)]
    sampling = resampling(20, 200)
    made = compare_models(table(good), table(bad), ("a", "b"), (0,), (0.5, 0.5), sampling)["all"]
    assert made["recall"].difference == 0.5
    assert made["recall"].sure
    assert made["ap50"].first == pytest.approx(1)
    assert made["precision"].difference == 0
    ahead = compare_published(table(good), table(bad, coco=False), [0], 0.5, sampling)
    assert ahead.counts.recall == 0.5
    assert ahead.as_json()["ahead"]["recall"]["difference"] == 0.5


@pytest.fixture
def dataset(tmp_path):
    frames = write_frames(tmp_path / "frames", 8, 6, instances=lambda _: (instance(1, (4, 8, 30, 40)),))
    convert(frames, tmp_path / "dataset", NAMES, Convert())
    return tmp_path / "dataset"


def test_two_models_on_the_same_pictures(dataset, tmp_path):
    good = write_constant_model(tmp_path / "good.onnx", NAMES, (96, 64), [(4, 8, 30, 40, 0.9, 4)])
    bad = write_constant_model(tmp_path / "bad.onnx", NAMES, (96, 64), [(60, 8, 90, 40, 0.9, 4)])
    out, cache = tmp_path / "out.json", tmp_path / "cache"
    text = compare_command_line(good, bad, dataset, compose(), out, tmp_path, cache)
    assert text == (
        "sim: ap50 1.000 against 0.000, +1.000 (+1.000 to +1.000); f1 1.000 against 0.000, +1.000 (+1.000 to +1.000)"
    )
    content = json.loads(out.read_text())
    assert content["sim"]["pallet_truck"]["recall"]["difference"] == 1
    other = write_constant_model(tmp_path / "other.onnx", ("pallet_truck",), (96, 64), [])
    with pytest.raises(InputError, match="compare models of the same classes"):
        compare_command_line(good, other, dataset, compose(), None, tmp_path, cache)


def test_photographs_that_were_learnt_from_are_told(dataset, loco, tmp_path):
    good = write_constant_model(tmp_path / "good.onnx", NAMES, (96, 64), [(4, 8, 30, 40, 0.9, 4)])
    settings = compose("real=loco", f"real.root={loco}")
    text = compare_command_line(good, good, dataset, settings, None, tmp_path, tmp_path / "cache")
    first, *_, last = text.splitlines()
    assert first.startswith(f"warning: '{good}' may have learnt from the photographs: it is not known whether")
    assert last.startswith("loco: ap50 ")
    (tmp_path / "training.json").write_text(json.dumps({"data_sha256": read_data(dataset / "yolo").sha256}))
    text = compare_command_line(good, good, dataset, settings, None, tmp_path, tmp_path / "cache")
    assert "warning" not in text
    copy = dataset / "yolo/images/train/leak.jpg"
    copy.write_bytes((loco / "dataset/subset-1/1564562430367,07.jpg").read_bytes())
    with pytest.raises(InputError, match="is the same picture as the training picture"):
        compare_command_line(good, good, dataset, settings, None, tmp_path, tmp_path / "cache")
