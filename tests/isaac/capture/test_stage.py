"""The whole stage with ``renderer=isaac``: shards and labels as from any other renderer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from stages.sdg.run.job import render_frames
from stages.sdg.shards import read_frames
from tests.isaac.drive import REPOSITORY, USED, environment
from tests.settings import compose

SMALL = ("dataset.frames.sizes=[96x72]", "dataset.frames.count=11", "dataset.frames.test_count=1",
         "dataset.convert.val_share=0.9", "dataset.frames.annotators=[rgb,boxes,instance,depth,normals]")  # fmt: skip


def test_shards_and_labels_are_those_of_the_other_renderers(tmp_path: Path) -> None:
    from omegaconf import OmegaConf

    small = [*SMALL]
    small += [f"scene.scenarios.{name}={int(name == 'closeup')}" for name in compose().scene.scenarios]
    settings = compose(*USED, *small)
    params = tmp_path / "params.yaml"
    params.write_text(OmegaConf.to_yaml(OmegaConf.create(settings.model_dump(mode="json", by_alias=True))))
    command = [sys.executable, "-m", "stages.sdg", "--params", str(params), "--folder", str(tmp_path / "isaac")]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment({}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = subprocess.run(command, cwd=REPOSITORY, env=environment({}), capture_output=True, text=True, check=False)
    assert "all 12 frames were there" in again.stdout
    render_frames(compose(*small), tmp_path / "fake")
    for mine, theirs in zip(read_frames(tmp_path / "isaac"), read_frames(tmp_path / "fake"), strict=True):
        assert mine.label.frame == theirs.label.frame
        assert mine.files.keys() == theirs.files.keys()
        ids = [cv2.imdecode(np.frombuffer(side.files["instance.png"], np.uint8), -1) for side in (mine, theirs)]
        # surfaces at the very same depth may come out either way: USD has single precision
        assert (ids[0] == ids[1]).mean() > 0.99
        one, two = ({item.id: item for item in side.label.instances} for side in (mine, theirs))
        for number in one.keys() | two.keys():
            if max(side[number].visible_pixels for side in (one, two) if number in side) > 20:
                np.testing.assert_allclose(one[number].xyxy, two[number].xyxy, atol=1)
                assert one[number].occlusion == pytest.approx(two[number].occlusion, abs=0.05)
