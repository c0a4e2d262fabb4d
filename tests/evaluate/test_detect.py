import json
import os
import subprocess
import sys

import cv2
import pytest

from stages.common.detection import Detector
from stages.common.errors import InputError
from stages.evaluate.detect import detect_folder
from tests.evaluate.conftest import write_photograph
from tests.settings import REPOSITORY
from tests.tiny_models import write_constant_model


@pytest.fixture
def model(tmp_path):
    """Two boxes in a 64x64 input, of which the second scores below its own threshold."""
    boxes = [(10, 20, 30, 40, 0.9, 1), (40, 20, 50, 30, 0.2, 0)]
    return write_constant_model(tmp_path / "m.onnx", ("pallet", "pallet_truck"), (64, 64), boxes, threshold=0.5)


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    write_photograph(folder / "1564562430367,07.jpg", 128, 64)
    write_photograph(folder / "deeper/1.2.png", 64, 64)
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_every_picture_below_the_folder_gets_its_boxes_in_its_own_pixels(model, photographs, tmp_path):
    out = tmp_path / "new folder/out.json"
    outcome = detect_folder(model, photographs, out)
    assert outcome.summary() == "detect: 2 detections in 2 pictures"
    wide, square = json.loads(out.read_text())
    assert wide["file_name"] == "1564562430367,07.jpg"
    assert wide["category_name"] == "pallet_truck"
    assert wide["score"] == pytest.approx(0.9)
    assert wide["bbox"] == pytest.approx([20, 8, 40, 40])  # half size in the input, 16 rows of border above
    assert square["file_name"] == "deeper/1.2.png"
    assert square["bbox"] == pytest.approx([10, 20, 20, 20])
    assert wide.keys() == {"file_name", "category_name", "bbox", "score"}


def test_a_threshold_overrides_the_models(model, photographs, tmp_path):
    detect_folder(model, photographs, tmp_path / "out.json", 0.1)
    entries = json.loads((tmp_path / "out.json").read_text())
    assert [entry["category_name"] for entry in entries] == ["pallet_truck", "pallet"] * 2


def test_unreadable_pictures_are_named_and_the_others_go_on(model, photographs, tmp_path, capsys):
    (photographs / "broken.jpg").write_bytes(b"<html>")
    outcome = detect_folder(model, photographs, tmp_path / "out.json")
    assert (outcome.pictures, len(outcome.unreadable)) == (2, 1)
    assert "1 unreadable pictures left out" in outcome.summary()
    assert "broken.jpg' is not a picture that can be decoded" in capsys.readouterr().err


def test_a_link_that_leads_back_up_ends(model, photographs, tmp_path):
    (photographs / "deeper/again").symlink_to(photographs)
    assert detect_folder(model, photographs, tmp_path / "out.json").pictures == 2


def run(*arguments, cwd):
    """The command line where importing torch is an error."""
    block = cwd / "blocked"
    for name in ("torch", "torchvision", "ultralytics"):
        (block / name).mkdir(parents=True, exist_ok=True)
        (block / name / "__init__.py").write_text(f"raise ImportError('{name} is not to be imported')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(block), str(REPOSITORY)])}
    command = [sys.executable, "-m", "stages.evaluate", "detect", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line_needs_neither_torch_nor_settings(model, photographs, tmp_path):
    done = run("--model", model, "--images", photographs, "--json", "out.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "detect: 2 detections in 2 pictures\n"
    entry = json.loads((tmp_path / "out.json").read_text())[1]
    found = Detector(model).detect(cv2.imread(str(photographs / "deeper/1.2.png")))
    left, top, right, bottom = found.xyxy[0].tolist()
    assert entry["bbox"] == pytest.approx([left, top, right - left, bottom - top], abs=0.01)


def test_the_command_line_refuses_in_one_sentence(model, photographs, tmp_path):
    page = tmp_path / "page.onnx"
    page.write_text("<html>")
    done = run("--model", page, "--images", photographs, "--json", "out.json", cwd=tmp_path)
    assert done.returncode == InputError.exit_code
    assert done.stderr.startswith("error: ")
    assert "is not an ONNX model" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.json").exists()
    done = run("--model", model, "--images", photographs, "--json", "o.json", "--threshold", "high", cwd=tmp_path)
    assert done.returncode == 2
    assert "'high' is not a number from 0 to 1" in done.stderr


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: None, "is not a folder; give one with photographs"),
        (lambda folder: folder.mkdir(), "holds no pictures"),
        (lambda folder: (folder.mkdir(), (folder / "a.jpg").write_text("<html>")), "none of the 1 pictures in"),
    ],
    ids=["missing", "empty", "only web pages"],
)
def test_a_folder_that_is_of_no_use(model, tmp_path, make, sentence):
    folder = tmp_path / "given"
    make(folder)
    with pytest.raises(InputError, match=sentence):
        detect_folder(model, folder, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()
