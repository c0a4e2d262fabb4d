"""Real trainings of a few seconds: what they leave, and what becomes of interrupted ones."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run

from stages.common.detection import Detector, read_picture
from stages.common.errors import InputError, TrainingError
from stages.common.mlflow_store import local_uri
from stages.common.settings.platform import Tracking
from stages.train.run import Outcome, data_revision, train_detector
from tests.settings import compose
from tests.train.tiny import compute, model, train, write_tree

REPOSITORY = Path(__file__).resolve().parents[2]
REVISION = "0123456789abcdef0123456789abcdef.dir"
EPOCHS = 3


@dataclass(frozen=True)
class Project:
    """A project folder in which a model was trained."""

    root: Path
    outcome: Outcome

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def run(self) -> Run:
        return MlflowClient(local_uri(self.root)).get_run(self.outcome.content["run_id"])


def make_project(root: Path, **sizes: int) -> Path:
    write_tree(root / "data" / "dataset" / "yolo", **sizes)
    outs = {"outs": [{"path": "data/frames", "md5": REVISION}]}
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"sdg": outs}}))
    return root


def run_training(root: Path, *, tracked: bool = False, weights: str = "scratch", **changes: object) -> Outcome:
    return train_detector(
        root / "data" / "dataset" / "yolo",
        root / "models",
        model=model(weights=weights),
        train=train(**{"epochs": EPOCHS, **changes}),
        compute=compute(),
        tracking=Tracking(name="test", enabled=tracked),
        project=root,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = make_project(tmp_path_factory.mktemp("train") / "a project")
    before = sorted((root / "data").rglob("*"))
    outcome = run_training(root, tracked=True)
    assert sorted((root / "data").rglob("*")) == before, "training wrote into its own data set"
    return Project(root, outcome)


def test_training_json_says_how_it_went(trained: Project) -> None:
    content = json.loads((trained.models / "training.json").read_bytes())
    assert content == trained.outcome.content
    assert [epoch["epoch"] for epoch in content["epochs"]] == [1, 2, 3]
    for epoch in content["epochs"]:
        assert {"train/box_loss", "train/cls_loss", "val/ap50", "val/ap50_95", "val/precision", "lr/pg0"} <= set(epoch)
    assert 1 <= content["best_epoch"] <= EPOCHS
    assert content["data_revision"] == REVISION
    assert content["weights"] == {"origin": "scratch", "sha256": "", "notice": ""}
    assert content["parity"]["boxes_within"] <= 1
    assert content["parity"]["scores_within"] <= 1e-3
    assert content["parity"]["pictures"] == 3
    assert str(trained.root) not in (trained.models / "training.json").read_text()
    assert "best of 3 epochs" in trained.outcome.summary()


def test_the_onnx_model_carries_names_size_and_threshold(trained: Project) -> None:
    detector = Detector(trained.models / "best.onnx")
    assert detector.names == ("crate", "pallet")
    assert detector.input_size == (64, 64)
    assert detector.threshold == trained.outcome.content["threshold"]
    assert "date" not in detector.metadata


def test_the_detector_finds_what_ultralytics_finds_with_the_weights(trained: Project) -> None:
    from ultralytics import YOLO

    network, detector = YOLO(trained.models / "best.pt"), Detector(trained.models / "best.onnx")
    assert network.names == {0: "crate", 1: "pallet"}
    for path in sorted((trained.root / "data/dataset/yolo/images/val").iterdir()):
        picture = read_picture(path)
        ours = detector.detect(picture, 0.001)
        theirs = network.predict(picture, imgsz=64, rect=False, conf=0.001, iou=0.7, device="cpu", verbose=False)[0]
        assert len(ours) == len(theirs.boxes)
        assert abs(ours.scores - theirs.boxes.conf.numpy()).max(initial=0) < 1e-3


def test_the_mlflow_run_holds_settings_data_metrics_and_model(trained: Project) -> None:
    run = trained.run
    assert run.info.status == "FINISHED"
    assert run.data.params["train.epochs"] == str(EPOCHS)
    assert run.data.params["model.architecture"] == "yolo11n"
    assert run.data.tags["data.revision"] == REVISION
    assert run.data.tags["weights.origin"] == "scratch"
    assert [item.dataset.digest for item in run.inputs.dataset_inputs] == [REVISION]
    client = MlflowClient(local_uri(trained.root))
    history = client.get_metric_history(run.info.run_id, "val/ap50")
    assert [(point.step, point.value) for point in history] == [
        (epoch["epoch"], epoch["val/ap50"]) for epoch in trained.outcome.content["epochs"]
    ]
    assert run.data.metrics["train/threshold"] == trained.outcome.content["threshold"]
    assert {item.path for item in client.list_artifacts(run.info.run_id, "curves")} == {
        f"curves/{name}" for name in ("curves.png", "epochs.csv", "precision_recall.csv")
    }
    assert [item.path for item in client.list_artifacts(run.info.run_id, "weights")] == ["weights/best.pt"]
    assert len(client.search_logged_models([run.info.experiment_id])) == 1


def test_nothing_is_left_in_the_work_folder(trained: Project) -> None:
    assert [path for path in (trained.root / ".cache" / "train").iterdir() if path.is_dir()] == []
    assert (trained.root / ".cache" / ".gitignore").read_text() == "*\n"


def write_settings(root: Path) -> Path:
    content = compose().model_dump(mode="json")
    # those of the fixture, whatever profile is the default
    content["model"], content["train"] = model().model_dump(mode="json"), train(epochs=EPOCHS).model_dump(mode="json")
    content["compute"]["device"] = "cpu"
    path = root / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "stages.train", "--params", str(write_settings(root)), *arguments]


def environment(root: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "YOLO_CONFIG_DIR"}
    return kept | {"PYTHONPATH": str(REPOSITORY), "HOME": str(root / "home")}


def test_a_killed_run_is_resumed_and_ends_as_an_uninterrupted_one(trained: Project, tmp_path: Path) -> None:
    shutil.copytree(trained.root / "data", tmp_path / "data")
    process = subprocess.Popen(
        command(tmp_path), cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / ".cache" / "train").glob("*/state.pt")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "models").exists()
    again = subprocess.run(
        command(tmp_path), cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=120
    )
    assert (again.returncode, again.stdout[:15]) == (0, "train: yolo11n "), again.stderr
    assert "notice: training goes on after epoch" in again.stderr
    for name in ("best.pt", "best.onnx"):
        assert (tmp_path / "models" / name).read_bytes() == (trained.models / name).read_bytes()
    ours = json.loads((tmp_path / "models" / "training.json").read_bytes())
    assert ours["epochs"] == trained.outcome.content["epochs"]
    written = {path.parent.name for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert written <= {"matplotlib"}, "settings or telemetry in the user's home"


def test_a_run_that_failed_after_its_last_epoch_trains_no_more(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained.root / "data", tmp_path / "data")
    with monkeypatch.context() as patch:
        patch.setattr("stages.train.run.export_model", full_disk)
        with pytest.raises(OSError, match="No space left"):
            run_training(tmp_path)
    assert not (tmp_path / "models").exists()
    capsys.readouterr()
    run_training(tmp_path)
    shown = capsys.readouterr().err
    assert "training goes on after epoch 3 of 3" in shown
    assert "epoch 1 of 3" not in shown
    assert (tmp_path / "models" / "best.pt").read_bytes() == (trained.models / "best.pt").read_bytes()


def full_disk(*args: object, **kwargs: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def out_of_memory(*args: object, **kwargs: object) -> None:
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


def dead_worker(*args: object, **kwargs: object) -> None:
    raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error.")


def darkness(self: object, batch: dict[str, object]) -> dict[str, object]:
    """Pictures of which no number comes."""
    return batch | {"img": batch["img"].float() * float("nan")}  # type: ignore[attr-defined]


PREPROCESS = "ultralytics.models.yolo.detect.DetectionTrainer.preprocess_batch"


@pytest.mark.parametrize(
    ("target", "replacement", "words"),
    [
        ("stages.train.trainer.save_state", full_disk, "is full; make room and run it again, it goes on after"),
        (PREPROCESS, out_of_memory, "memory ran out with train.batch=2 at model.input_size=64; lower one of them"),
        (PREPROCESS, dead_worker, "a data loading process died (DataLoader worker (pid 7) is killed"),
        (PREPROCESS, darkness, "the loss is no longer a number in epoch 1; set train.learning_rate below"),
    ],
    ids=["disk full", "memory", "loader", "nan"],
)
def test_what_goes_wrong_in_training_is_a_sentence(
    trained: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    replacement: Callable[..., object],
    words: str,
) -> None:
    (tmp_path / "data").symlink_to(trained.root / "data")
    monkeypatch.setattr(target, replacement)
    with pytest.raises(TrainingError) as caught:
        run_training(tmp_path)
    assert words in str(caught.value)
    assert not (tmp_path / "models").exists()


def test_freezing_everything_is_refused(trained: Project, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(trained.root / "data")
    with pytest.raises(TrainingError, match=r"train\.freeze=99 leaves no layer to train"):
        run_training(tmp_path, freeze=99)


def test_a_picture_that_is_none_is_counted(tmp_path: Path) -> None:
    make_project(tmp_path)
    (tmp_path / "data/dataset/yolo/images/train/0000001.jpg").write_bytes(b"no picture\xff\xd9")
    with pytest.raises(TrainingError, match=r"1 of 6 pictures in .* cannot be read as pictures"):
        run_training(tmp_path)


def test_weights_for_other_classes_are_taken_over_where_they_fit(trained: Project, tmp_path: Path) -> None:
    make_project(tmp_path, train=1, val=1)
    description = tmp_path / "data/dataset/yolo/data.yaml"
    description.write_text(description.read_text().replace("1: pallet", "1: pallet\n  2: forklift"))
    outcome = run_training(tmp_path, weights=str(trained.models / "best.pt"), epochs=1, batch=8)
    about = outcome.content["weights"]
    assert about["origin"] == "file"
    assert 0 < about["tensors"] - about["tensors_taken"] < 20  # the last layers of three heads
    assert Detector(tmp_path / "models" / "best.onnx").names == ("crate", "pallet", "forklift")


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    import torch

    make_project(tmp_path)
    torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "other.pt")
    with pytest.raises(TrainingError, match=r"only 0 of \d+ tensors of .*other\.pt' fit model\.architecture=yolo11n"):
        run_training(tmp_path, weights="other.pt")


def test_a_data_set_without_objects_to_validate_on_gives_a_model_with_the_default_threshold(tmp_path: Path) -> None:
    make_project(tmp_path, train=2, val=1)
    (tmp_path / "data/dataset/yolo/labels/val/0000000.txt").write_text("")
    outcome = run_training(tmp_path, epochs=1)
    assert outcome.content["threshold"] == 0.25
    assert outcome.content["operating_point"]["f1"] == 0


def test_the_command_line_names_what_is_missing(tmp_path: Path) -> None:
    result = subprocess.run(
        command(tmp_path), cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60
    )
    assert result.returncode == InputError.exit_code
    assert result.stderr == (
        "error: 'data/dataset/yolo/data.yaml' does not exist; make it again with `dvc repro convert`\n"
    )


def test_help_names_what_is_read_written_and_taken() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "stages.train", "--help"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0
    for words in ("data/dataset/yolo", "models/best.onnx", "compute.{target,device}", "tracking"):
        assert words in result.stdout


@pytest.mark.parametrize("content", [None, "", "stages: {}", "stages: {sdg: {outs: [{path: other, md5: a}]}}", "["])
def test_without_a_revision_there_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dvc.lock").write_text(content)
    assert data_revision(tmp_path) == ""
