"""SAM 3D Objects, by a stand-in of its documented calls in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stages.common.errors import InputError, MissingDependencyError, StageError
from stages.sdg.reconstruct.mask import Cutout
from stages.sdg.reconstruct.sam3d import HOME, PYTHON, Setup, find, reconstruct, weights
from tests.own_process import REPOSITORY
from tests.sdg.reconstruct.standin import calls, checkout


def cutout() -> Cutout:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:30, 20:40] = 200
    return Cutout(image, image[..., 0] > 0, "by hand")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(HOME, raising=False)
    monkeypatch.delenv(PYTHON, raising=False)
    return tmp_path


def setup_of(place: Path, mode: str = "mesh", **options: float) -> Setup:
    return find(checkout(place / "sam3d", REPOSITORY, mode), None, **options)


def left(place: Path) -> list[str]:
    folder = place / ".cache" / "reconstruct"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_mesh_comes_back_with_pose_and_gpu_and_is_made_once(place: Path) -> None:
    setup = setup_of(place, "seeded")
    made = reconstruct(setup, cutout(), 7)
    assert made.path.name == "mesh.glb"
    assert made.path.stat().st_size > 1000
    assert made.told["seed"] == 7
    assert made.told["gpu"] == "Stand-in GPU, 31 GiB"
    assert made.told["pose"] == {"rotation": [1, 0, 0, 0], "scale": [0.5, 0.5, 0.5]}
    assert reconstruct(setup, cutout(), 7) == made
    assert calls(setup.home) == 1
    with pytest.raises(InputError, match="AssertionError"):
        reconstruct(setup, cutout(), 8)
    assert len(left(place)) == 1


def test_splats_are_taken_where_there_is_no_mesh(place: Path) -> None:
    assert reconstruct(setup_of(place, "splats"), cutout(), 0).path.name == "splats.ply"


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("gpu", MissingDependencyError, "needs an NVIDIA GPU with 32 GB, and PyTorch there sees no CUDA device"),
        ("small", MissingDependencyError, "needs a GPU with 30 GiB, and Stand-in GPU has 12 GiB"),
        ("import", MissingDependencyError, "environment .* lacks something .*kaolin_is_not_installed_here"),
        ("weights", MissingDependencyError, r"weights are incomplete \(slat_generator.ckpt\)"),
        ("oom", InputError, r"ran out of memory \(OutOfMemoryError: CUDA out of memory"),
        ("bad", InputError, r"made nothing of this photograph \(RuntimeError: mask is misshapen\)"),
        ("nothing", InputError, "neither a mesh nor splats"),
        ("exit", InputError, "stopped by itself"),
        ("crash", InputError, r"broke off \(SIGSEGV"),
    ],
)
def test_every_failure_is_one_sentence_and_leaves_nothing(
    place: Path, mode: str, kind: type[StageError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        reconstruct(setup_of(place, mode), cutout(), 0)
    assert "\n" not in str(caught.value)
    assert left(place) == []


def test_a_run_that_hangs_is_ended_with_all_that_it_started(place: Path) -> None:
    setup = setup_of(place, "hang", timeout=6.0)
    with pytest.raises(InputError, match=r"longer than 6 s .*sampling step 3 of 25"):
        reconstruct(setup, cutout(), 0)
    driver, child = map(int, (setup.home / "notebook" / "child").read_text().split())
    assert not alive(driver)
    assert not alive(child)
    assert left(place) == []


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_driver_ends_with_a_killed_caller(place: Path) -> None:
    home = checkout(place / "sam3d", REPOSITORY, "hang")
    code = (
        "from tests.sdg.reconstruct.test_sam3d import cutout; from stages.sdg.reconstruct.sam3d import *\n"
        f"reconstruct(find(Path({str(home)!r}), None), cutout(), 0)"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
    file = home / "notebook" / "child"
    until(lambda: file.exists() and len(file.read_text().split()) == 2, 60)
    driver, child = map(int, file.read_text().split())
    caller.kill()
    caller.wait()
    until(lambda: not alive(driver) and not alive(child), 20)
    assert [name[:9] for name in left(place)] == [".running-"]
    # the next run takes away what the killed one left
    made = reconstruct(setup_of(place, "splats"), cutout(), 0)
    assert left(place) == [made.path.parent.name]


def until(done: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.1)


def test_what_is_missing_is_told_before_anything_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(words: str, home: Path | None, python: Path | None = None) -> None:
        with pytest.raises(MissingDependencyError, match=words):
            find(home, python)

    refused("give --sam3d-home DIR", None)
    (place / "empty").mkdir()
    refused("is no checkout of SAM 3D Objects", place / "empty")
    home = checkout(place / "sam3d", REPOSITORY)
    refused("is no interpreter", home, place / "nowhere")
    weight = home / "checkpoints" / "hf" / "slat_decoder_mesh.ckpt"
    weight.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    refused("only a pointer of Git LFS", home)
    weight.unlink()
    refused("weights are incomplete", home)
    (home / "checkpoints" / "hf" / "pipeline.yaml").unlink()
    refused("weights are missing", home)
    monkeypatch.setenv(HOME, str(checkout(place / "other", REPOSITORY)))
    monkeypatch.setenv(PYTHON, sys.executable)
    assert find(None, None) == Setup(place / "other", Path(sys.executable))


def test_the_pipeline_names_its_weights(place: Path) -> None:
    assert weights(setup_of(place)) == ["ss_generator.yaml", "ss_generator.ckpt", "slat_decoder_mesh.ckpt"]


def test_the_driver_needs_nothing_of_this_repository() -> None:
    text = (REPOSITORY / "stages" / "sdg" / "reconstruct" / "sam3d_driver.py").read_text()
    assert "stages" not in text
    assert "isaac" not in text
