"""TensorBoard's files, read back by TensorBoard itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import IMAGES, SCALARS, TENSORS, EventAccumulator

from stages.common.settings.platform import Tracking
from stages.common.tracking import open_run


def log(project: Path, loss: float, step: int, **settings: object) -> str:
    picture = project / "picture.png"
    Image.fromarray(np.full((6, 8, 3), 200, np.uint8)).save(picture)
    with open_run(
        Tracking.model_validate({"name": "t", "tensorboard": True, **settings}), project, name="a run"
    ) as run:
        run.log_params({"train": {"epochs": 3}})
        run.log_metrics({"train/box_loss": loss}, step)
        run.log_image(picture, "real/missed-1")
    return run.run_id


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={SCALARS: 0, IMAGES: 0, TENSORS: 0})
    found.Reload()
    return found


def test_what_is_logged_is_read_back(tmp_path: Path) -> None:
    run_id = log(tmp_path, 2.0, 1)
    with open_run(Tracking(name="t", tensorboard=True), tmp_path, run_id=run_id) as again:
        again.log_metrics({"train/box_loss": 1.0}, 2)
    [folder] = (tmp_path / "tensorboard").iterdir()
    assert folder.name == f"a-run-{run_id[:8]}"
    found = read(folder)
    assert [(point.step, point.value) for point in found.Scalars("train/box_loss")] == [(1, 2.0), (2, 1.0)]
    [picture] = found.Images("real/missed-1")
    assert (picture.width, picture.height) == (8, 6)
    [text] = found.Tensors("params/text_summary")
    assert b"| train.epochs | 3 |" in text.tensor_proto.string_val[0]


def test_it_works_without_mlflow(tmp_path: Path) -> None:
    assert log(tmp_path, 2.0, 1, enabled=False) == ""
    assert not (tmp_path / "mlflow.db").exists()
    [folder] = (tmp_path / "tensorboard").iterdir()
    assert [point.value for point in read(folder).Scalars("train/box_loss")] == [2.0]


def test_a_folder_that_cannot_be_written_costs_one_notice(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    notices: list[str] = []
    settings = Tracking(name="t", enabled=False, tensorboard=True)
    with open_run(settings, tmp_path, notify=notices.append) as run:
        run.log_metrics({"a": 1.0})
        run.log_metrics({"a": 2.0})
    assert len(notices) == 1
    assert "TensorBoard files cannot be written" in notices[0]


@pytest.mark.parametrize("asked", [False, True])
def test_nothing_is_written_unless_asked_for(tmp_path: Path, asked: bool) -> None:
    with open_run(Tracking(name="t", enabled=False, tensorboard=asked), tmp_path):
        pass
    assert not (tmp_path / "tensorboard").exists()
