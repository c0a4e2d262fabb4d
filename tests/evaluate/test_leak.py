"""A photograph that was learnt from stops the evaluation."""

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from stages.common.errors import InputError
from stages.common.settings.learning import Real
from stages.compose.compose import write_params
from stages.evaluate.leak import check_leaks
from stages.evaluate.real import real_set
from tests.evaluate.conftest import NAMES
from tests.settings import REPOSITORY, SMALL


@pytest.fixture
def settings(loco):
    return Real(name="mine", root=str(loco), annotations="rgb/loco-all-v1.json")


@pytest.fixture
def sets(settings, tmp_path):
    return {"mine": real_set(settings, NAMES, tmp_path)}


@pytest.fixture
def dataset(tmp_path):
    for part in ("train", "val", "test"):
        folder = tmp_path / "dataset/yolo/images" / part
        folder.mkdir(parents=True)
        pixels = np.random.default_rng(len(part) + 50).integers(0, 255, (96, 128, 3), np.uint8)
        cv2.imwrite(str(folder / f"{part}.jpg"), pixels)
    return tmp_path / "dataset"


def test_other_pictures_pass(dataset, sets, tmp_path):
    check_leaks(dataset, sets, tmp_path / "cache")
    assert (tmp_path / "cache/fingerprints.json").is_file()


@pytest.mark.parametrize("part", ["train", "val"])
def test_the_same_file_stops_it(dataset, sets, loco, part):
    source = loco / "dataset/subset-2/1564562430367,07.jpg"
    copy = dataset / f"yolo/images/{part}/real-0000001.jpg"
    copy.write_bytes(source.read_bytes())
    with pytest.raises(InputError, match="is the same picture as the training picture") as error:
        check_leaks(dataset, sets)
    assert str(source) in str(error.value)
    assert str(copy) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_photograph_that_cannot_be_read_is_a_copy_of_nothing(dataset, sets, loco, monkeypatch):
    source = loco / "dataset/subset-2/1564562430367,07.jpg"
    read = Path.read_bytes

    def refusing(path):
        if path == source:
            raise PermissionError(13, "Permission denied")
        return read(path)

    (dataset / "yolo/images/train/gone.jpg").symlink_to(dataset / "nowhere.jpg")
    monkeypatch.setattr(Path, "read_bytes", refusing)
    check_leaks(dataset, sets)


def test_a_recompressed_copy_stops_it(dataset, sets, loco):
    picture = cv2.imread(str(loco / "dataset/subset-2/1564562430367,07.jpg"))
    cv2.imwrite(str(dataset / "yolo/images/train/x.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 70])
    with pytest.raises(InputError, match="is a near duplicate of the training picture"):
        check_leaks(dataset, sets)


def test_test_frames_are_not_learnt_from(dataset, sets, loco):
    source = loco / "dataset/subset-2/1564562430367,07.jpg"
    (dataset / "yolo/images/test/x.jpg").write_bytes(source.read_bytes())
    check_leaks(dataset, sets)


def test_the_command_ends_with_one_sentence(dataset, loco, tmp_path):
    from tests.tiny_models import write_constant_model

    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    write_params(tmp_path, (*SMALL[:3], "real=loco", f"real.root={loco}"))
    write_constant_model(tmp_path / "models/best.onnx", NAMES, (96, 64), [], threshold=0.5)
    source = loco / "dataset/subset-1/1564562430367,07.jpg"
    (dataset / "yolo/images/train/leak.jpg").write_bytes(source.read_bytes())
    command = [sys.executable, "-m", "stages.evaluate", "--dataset", str(dataset), "--cache", str(tmp_path / "cache")]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(REPOSITORY), "PATH": ""}
    )
    assert ended.returncode != 0
    assert str(source) in ended.stderr
    assert "leak.jpg" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "reports").exists()
