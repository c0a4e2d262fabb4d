"""The curve over a small LOCO, with the fake renderer and one epoch."""

import csv
import json
import os
import shutil
import subprocess
import sys

import pytest

from stages.common.errors import InputError
from stages.compose.compose import write_params
from stages.evaluate import learning_curve
from stages.evaluate.commands import counts
from stages.evaluate.learning_curve import draw_curve, write_curve
from stages.evaluate.real import real_set
from tests.convert.frames import write_frames
from tests.evaluate.conftest import annotation, loco_json, write_photograph
from tests.settings import REPOSITORY, compose

IMAGES = [f"subset-{1 + number % 5}/7,{number}.jpg" for number in range(15)]


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "data/real/loco"
    for seed, name in enumerate(IMAGES):
        write_photograph(root / "dataset" / name, seed=seed)
    boxes = [annotation(number, "pallet_truck", (10, 10, 60, 60)) for number in range(1, len(IMAGES) + 1)]
    (root / "rgb").mkdir()
    (root / "rgb/loco-all-v1.json").write_text(json.dumps(loco_json(IMAGES, boxes)))
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    return tmp_path


SMALL = (
    "dataset=tiny",
    "renderer=fake",
    "tracking=off",
    "real=loco",
    "train.epochs=1",
    "train.workers=0",
    "model.weights=scratch",
    "model.input_size=64",
    "compute.device=cpu",
    "evaluate.resamples=20",
)


def test_the_curve_is_drawn_and_gone_on_with(project):
    write_params(project, SMALL)
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}

    def run(*command):
        return subprocess.run(
            [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, env=environment
        )

    assert run("stages.sdg").returncode == 0
    ended = run("stages.evaluate", "curve", "--real", "4,0")
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader((project / "reports/curve.csv").open()))
    assert [(row["real"], row["set"], row["pictures"]) for row in rows] == [
        ("0", "loco", "6"),
        ("0", "sim", "4"),
        ("4", "loco", "6"),
        ("4", "sim", "4"),
    ]
    assert all(0 <= float(row[key]) <= 1 for row in rows for key in ("ap50", "ap50_95", "recall", "f1"))
    assert all(float(row["f1_low"]) <= float(row["f1"]) <= float(row["f1_high"]) for row in rows)
    assert "real photographs" in ended.stdout
    assert "<svg" in (project / "reports/curve.svg").read_text()
    steps = {path.name.split("-")[0]: path for path in (project / ".cache/curve").iterdir()}
    sums = [json.loads((steps[count] / "models/training.json").read_bytes())["data_sha256"] for count in ("0", "4")]
    assert sums[0] != sums[1]
    assert not (steps["4"] / "dataset").exists()

    (steps["4"] / "metrics.json").unlink()
    before = (steps["0"] / "models/best.onnx").stat().st_mtime_ns
    assert run("stages.evaluate", "curve", "--real", "0,4").returncode == 0
    assert (steps["0"] / "models/best.onnx").stat().st_mtime_ns == before
    assert (steps["4"] / "metrics.json").is_file()
    assert list(csv.DictReader((project / "reports/curve.csv").open())) == rows

    too_many = run("stages.evaluate", "curve", "--real", "0,10")
    assert too_many.returncode != 0
    assert "only 9 photographs" in too_many.stderr
    assert "Traceback" not in too_many.stderr


def test_without_photographs_to_measure_on_nothing_is_trained(tmp_path):
    frames = write_frames(tmp_path / "frames", 8, 4)
    with pytest.raises(InputError, match="needs real photographs to measure on"):
        draw_curve([0], compose(), frames, tmp_path / "reports", tmp_path)
    assert not (tmp_path / "reports").exists()


def test_other_labels_are_another_step(project):
    """The same photographs, and as many boxes, but larger ones."""
    frames = write_frames(project / "frames", 8, 4)
    settings = compose(*SMALL)

    def key():
        sets = {item.name: real_set(item, tuple(settings.scene.classes), project) for item in settings.real.sets}
        return learning_curve._key(0, settings, frames, [], sets, project)

    before = key()
    assert key() == before
    labels = project / "data/real/loco/rgb/loco-all-v1.json"
    labels.write_text(labels.read_text().replace("[10, 10, 60, 60]", "[10, 10, 61, 60]"))
    assert key() != before


def test_numbers_on_the_command_line():
    assert counts("0, 50,200") == [0, 50, 200]
    with pytest.raises(Exception, match="not a list of whole numbers"):
        counts("0,-5")


def test_a_figure_that_is_not_defined_stays_empty(tmp_path):
    rows = [{"real": 0, "set": "loco", "pictures": 3, "ap50": None}, {"real": 50, "set": "loco", "ap50": 0.5}]
    write_curve(tmp_path, rows)
    assert (tmp_path / "curve.csv").read_text().splitlines()[1] == "0,loco,3,,,,,,,,,"


def test_intervals_are_in_the_table_and_the_chart():
    found = {"pictures": 9, "ap50": 0.5, "f1": 0.4, "interval": {"ap50": [0.3, 0.6], "f1": [0.2, 0.55]}}
    rows = learning_curve._rows(50, {"real": {"loco": found}, "sim": {"pictures": 4, "ap50": 0.7}})
    assert [rows[0][name] for name in ("ap50_low", "ap50_high", "f1_low", "f1_high")] == [0.3, 0.6, 0.2, 0.55]
    assert rows[1]["ap50_low"] is None
    assert set(rows[0]) == set(learning_curve.COLUMNS)
    bare = [{**row, "ap50_low": None, "ap50_high": None} for row in rows]
    assert learning_curve.chart(rows) != learning_curve.chart(bare)
