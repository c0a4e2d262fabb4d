"""ONNX from weights, compared with them, with a threshold of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from ultralytics.nn.tasks import DetectionModel

from stages.common.detection import Detector
from stages.common.errors import InputError, TrainingError
from stages.train.data import read_data
from stages.train.export import Curve, Parity, compare, detections_on, export_model, operating_point, point_at
from stages.train.trainer import save_weights
from tests.tiny_models import write_constant_model
from tests.train.tiny import write_tree

REPOSITORY = Path(__file__).resolve().parents[2]


def network(architecture: str, seed: int = 0) -> DetectionModel:
    torch.manual_seed(seed)
    made = DetectionModel(f"{architecture}.yaml", nc=2, verbose=False).eval()
    made.names = {0: "crate", 1: "pallet"}
    made.task = "detect"
    return made


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    save_weights(path, network("yolo26n"), 64)
    return path


def test_the_same_network_gives_the_same_bytes(weights: Path, tmp_path: Path) -> None:
    save_weights(tmp_path / "again.pt", network("yolo26n"), 64)
    assert (tmp_path / "again.pt").read_bytes() == weights.read_bytes()


def test_weights_are_exported_alone(weights: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stages.train", "export", "--weights", str(weights), "--out", str(tmp_path)]
    result = subprocess.run(
        [*command, "--input-size", "96"], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert (result.returncode, result.stderr) == (0, "")
    default = "threshold 0.25 (the default, since --validate is not given)"
    assert result.stdout == f"export: {tmp_path / 'model.onnx'}, {default}\n"
    detector = Detector(tmp_path / "model.onnx")
    assert (detector.input_size, detector.names, detector.threshold) == ((96, 96), ("crate", "pallet"), 0.25)
    about = json.loads((tmp_path / "model.json").read_bytes())
    assert about["parity"]["boxes_within"] <= 1
    assert about["parity"]["scores_within"] <= 1e-3


def test_a_size_that_no_network_takes_is_refused() -> None:
    command = [sys.executable, "-m", "stages.train", "export", "--weights", "a.pt", "--out", "b", "--input-size", "100"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert "'100' is not a multiple of 32 from 64 to 2048" in result.stderr


def test_the_threshold_is_chosen_on_labelled_pictures(weights: Path, tmp_path: Path) -> None:
    part = read_data(write_tree(tmp_path / "tree", train=1, val=2)).val
    exported = export_model(weights, 64, tmp_path / "a.onnx", validate=part, cache=tmp_path)
    assert exported.parity.pictures == 2
    assert exported.curve.objects == 2
    assert Detector(tmp_path / "a.onnx").threshold == exported.point.threshold
    assert exported.point == operating_point(exported.curve)


@pytest.mark.parametrize("content", [None, b"", b"hello", "tensor"], ids=["missing", "empty", "text", "a tensor"])
def test_what_are_no_weights_is_named(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "w.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        torch.save(torch.zeros(1), path)
    with pytest.raises(InputError, match=r"w\.pt.* give a \.pt file of an Ultralytics detector"):
        export_model(path, 64, tmp_path / "w.onnx", validate=None, cache=tmp_path)
    assert not (tmp_path / "w.onnx").exists()


def test_another_network_fails_the_comparison(weights: Path, tmp_path: Path) -> None:
    exported = export_model(weights, 64, tmp_path / "a.onnx", validate=None, cache=tmp_path)
    picture = np.full((64, 64, 3), 90, np.uint8)
    same = compare(network("yolo26n").half().float(), Detector(exported.path), exported.path, [picture])
    assert same.anchors == 84
    other = network("yolo26n", seed=1)
    for name, parameter in other.model[-1].named_parameters():
        if name.endswith("bias"):
            parameter.data += 1  # untrained networks hardly differ
    with pytest.raises(TrainingError, match=r"the ONNX model differs from the torch model by [\d.e-]+ pixels"):
        compare(other, Detector(exported.path), exported.path, [picture])


def test_detections_are_right_when_they_match_a_label(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", train=1, val=2, size=96)
    for number, line in enumerate(("0 0.5 0.5 0.5 0.5", "1 0.5 0.5 0.5 0.5\n1 0.1 0.1 0.1 0.1")):
        (tree / f"labels/val/000000{number}.txt").write_text(f"{line}\n")
    boxes = [(24, 24, 72, 72, 0.8, 0), (0, 60, 20, 90, 0.3, 1)]
    model = write_constant_model(tmp_path / "m.onnx", ["crate", "pallet"], (96, 96), boxes)
    curve = detections_on(Detector(model), read_data(tree).val)
    assert curve.objects == 3
    assert curve.scores.tolist() == pytest.approx([0.8, 0.8, 0.3, 0.3])
    assert curve.hits.tolist() == [True, False, False, False]
    point = operating_point(curve)
    assert 0.3 < point.threshold < 0.8
    assert (point.precision, point.recall, point.f1) == pytest.approx((0.5, 1 / 3, 0.4))


def test_the_main_class_alone_decides_where_it_is(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", train=1, val=1, size=96)
    (tree / "labels/val/0000000.txt").write_text("0 0.5 0.5 0.5 0.5\n1 0.1 0.75 0.2 0.3\n")
    boxes = [(24, 24, 72, 72, 0.8, 0), (0, 60, 20, 90, 0.3, 1), (70, 0, 90, 20, 0.6, 0)]
    detector = Detector(write_constant_model(tmp_path / "m.onnx", ["crate", "pallet"], (96, 96), boxes))
    part = read_data(tree).val
    curve = detections_on(detector, part, "pallet")
    assert (curve.objects, curve.hits.tolist()) == (1, [True])
    assert operating_point(curve).threshold < 0.3
    assert len(detections_on(detector, part, "forklift").scores) == 3  # no such class: all count


def test_without_detections_the_threshold_is_the_default() -> None:
    assert operating_point(Curve(np.zeros(0, np.float32), np.zeros(0, bool), 4)).threshold == 0.25


def test_parity_is_written_as_bounds() -> None:
    assert Parity(3, 84, 2.1e-4, 3e-7).as_json() == {"pictures": 3, "boxes_within": 0.01, "scores_within": 0.0001}
    assert Parity(3, 84, 0.0, 0.0).as_json() == {"pictures": 3, "boxes_within": 0.0, "scores_within": 0.0}


def test_halved_weights_answer_nearly_alike_in_half_the_bytes(tmp_path: Path) -> None:
    trained = REPOSITORY / "weights/warehouse-yolo11s.pt"
    noise = np.random.default_rng(3).random((1, 3, 64, 64), np.float32)
    answers, sizes = [], []
    for name, half in (("full", False), ("half", True)):
        path = export_model(trained, 64, tmp_path / f"{name}.onnx", validate=None, cache=tmp_path, half=half).path
        answers.append(onnxruntime.InferenceSession(str(path)).run(None, {"images": noise})[0][0, 4:])
        sizes.append(path.stat().st_size)
    assert sizes[1] < 0.52 * sizes[0]
    np.testing.assert_allclose(*answers, atol=5e-3)
    assert not np.array_equal(*answers)  # they were rounded


def test_a_given_threshold_is_kept_and_told_what_it_gives() -> None:
    curve = Curve(np.array([0.9, 0.8, 0.4, 0.3], np.float32), np.array([True, False, True, True]), 4)
    point = point_at(curve, 0.35)
    assert (point.threshold, point.precision, point.recall) == (0.35, 2 / 3, 0.5)
    assert point.f1 == pytest.approx(4 / 7)
