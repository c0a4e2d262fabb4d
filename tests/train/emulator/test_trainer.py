"""What the client makes of a job that is complete and left no whole model."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.common.errors import TrainingError
from stages.train.data import read_data
from stages.train.emulator.job import JobFolder
from stages.train.emulator.trainer import train_emulated
from stages.train.types import Job
from stages.train.weights import Weights
from tests.train.tiny import compute, model, train, write_tree


@pytest.mark.parametrize(
    ("archive", "why"),
    [(None, "left no model.tar.gz"), (b"torn", "is damaged")],
    ids=["missing", "damaged"],
)
def test_a_model_that_was_lost_is_trained_again_by_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: bytes | None, why: str
) -> None:
    work = tmp_path / ".cache/train/0123456789abcdef"
    work.mkdir(parents=True)
    job = Job(
        data=read_data(write_tree(tmp_path / "data/dataset/yolo")),
        model=model(),
        train=train(),
        compute=compute(),
        augment={},
        weights=Weights("scratch"),
        work=work,
        on_epoch=lambda _: None,
        notify=lambda _: None,
    )
    started: list[str] = []

    def complete(folder: JobFolder) -> None:
        request = folder.request()
        started.append(request["TrainingJobName"])
        output = Path(request["OutputDataConfig"]["S3OutputPath"].removeprefix("file://"), started[-1], "output")
        if archive is not None:
            output.mkdir(parents=True, exist_ok=True)
            (output / "model.tar.gz").write_bytes(archive)
        folder.write_status({"TrainingJobStatus": "Completed"})

    monkeypatch.setattr(JobFolder, "launch", complete)
    for _ in range(2):
        with pytest.raises(TrainingError, match=why):
            train_emulated(job)
    assert len(started) == 2
