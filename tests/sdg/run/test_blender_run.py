"""The promises of a run, kept with Blender itself."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.common.errors import MissingDependencyError
from stages.common.settings import Settings
from stages.sdg.run.job import render_frames
from tests.sdg.run import flat
from tests.settings import REPOSITORY, compose

pytestmark = pytest.mark.blender


def small(count: int, workers: int) -> Settings:
    base = compose(
        "renderer=blender", "renderer.samples=2", "renderer.runtime.device=cpu", "dataset.frames.sizes=[96x72]"
    )
    return flat.resized(base, count=count, test_count=0, shard_size=4, workers=workers)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blender") / "frames"
    try:
        render_frames(small(4, 1), folder, log=io.StringIO())
    except MissingDependencyError as error:
        pytest.skip(f"Blender does not start here: {error}")
    return folder


def test_two_runs_and_any_number_of_workers_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    # two workers with two threads each; every frame but the first ones comes after another one than in the first run
    again = flat.resized(small(4, 2), workers=2, threads=2)
    assert render_frames(again, tmp_path / "frames", log=io.StringIO()).rendered == 4
    assert flat.contents(tmp_path / "frames") == flat.contents(made)


def test_one_frame_again_in_a_fresh_process_has_the_same_bytes(made: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump(flat.resized(small(32, 1), test_count=1).model_dump(), sort_keys=False)
    )
    scene = tmp_path / "scenes" / "two.blend"
    arguments = ["--frame", "2", "--folder", str(made), "--out", str(tmp_path / "out"), "--save-blend", str(scene)]
    done = subprocess.run(
        [sys.executable, "-m", "stages.sdg", *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("; the same bytes as in its shard\n")
    assert len(done.stdout.splitlines()) == 1
    assert scene.stat().st_size > 10_000
