"""How Isaac Sim is started, without starting it; and its arrays as passes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isaac.capture.folder import JobFolder
from isaac.capture.references import wrapped
from stages.common.errors import MissingDependencyError, SettingsError
from stages.common.settings.isaac import IsaacRun
from stages.sdg.plan.types import Camera
from stages.sdg.render.isaac.job import job_of
from stages.sdg.render.isaac.launch import CACHES, REPOSITORY, hand_over_job, launch
from stages.sdg.render.isaac.passes import cropped, padded, passes_of, to_linear
from tests.settings import compose

RUN = IsaacRun(accept_eula=True)


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_local_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = executable(tmp_path / "python.sh")
    monkeypatch.setenv("ISAAC_PATH", str(tmp_path))
    how = launch(RUN, tmp_path / "job", {})
    assert how.command == (str(python), "-m", "isaac.capture", str(tmp_path / "job"))
    assert how.environment["ACCEPT_EULA"] == "Y"
    assert how.environment["PYTHONPATH"] == str(REPOSITORY)
    assert "VIRTUAL_ENV" in how.unset
    monkeypatch.delenv("ISAAC_PATH")
    with pytest.raises(MissingDependencyError, match="ISAAC_PATH is not set"):
        launch(RUN, tmp_path / "job", {})


def test_the_container_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = executable(tmp_path / "docker")
    monkeypatch.setenv("PATH", str(tmp_path))
    run = RUN.model_copy(update={"where": "container", "cache": str(tmp_path / "cache")})
    how = launch(run, tmp_path / "job", {tmp_path / "pack": "ro"}, "2")
    line = " ".join(how.command)
    assert line.startswith(f"{docker} run --rm --name sim-to-cloud-job --gpus device=2 --network=host")
    assert "--entrypoint /isaac-sim/python.sh -u 1234:1234" in line
    assert f"-v {tmp_path}/pack:{tmp_path}/pack:ro" in line
    assert f"-v {REPOSITORY}:{REPOSITORY}:ro" in line
    assert f"-v {tmp_path}/job:{tmp_path}/job:rw" in line
    assert line.endswith(f"nvcr.io/nvidia/isaac-sim:5.1.0 -m isaac.capture {tmp_path}/job")
    assert how.end == (str(docker), "kill", "sim-to-cloud-job")
    for below, inside in CACHES.items():
        folder = tmp_path / "cache" / below
        assert f"-v {folder}:{inside}:rw" in line
        # the image's user must be able to write there
        assert folder.stat().st_uid == 1234 or folder.stat().st_mode & 0o002
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(MissingDependencyError, match="neither docker nor podman"):
        launch(run, tmp_path / "job", {})


@pytest.mark.parametrize(("where", "arguments"), [("local", ["--/renderer/activeGpu=2"]), ("container", [])])
def test_the_gpu_has_its_own_number_where_all_are_seen(where: str, arguments: list[str]) -> None:
    """``--gpus device=2`` shows a container one card, which is number 0 there."""
    settings = compose("renderer=isaac", f"renderer.isaac.run.where={where}").renderer
    assert settings.isaac is not None
    assert job_of(settings, settings.isaac, "2")["kit_args"] == arguments


def test_a_containers_user_can_write_wherever_it_does_and_its_files_can_go(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    before = {path for path in folder.root.rglob("*") if path.is_dir()}
    hand_over_job(tmp_path / "job")
    # what the capture makes: a folder of its own would belong to the image's user and outlive the job
    wrapped({"usd": "/a.usd"}, None, folder.assets)
    assert {path for path in folder.root.rglob("*") if path.is_dir()} == before
    assert all(path.stat().st_mode & 0o777 == 0o777 for path in (folder.root, *before))


def test_the_licence_is_the_users_to_accept(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="accept_eula is false: read NVIDIA's licence"):
        launch(IsaacRun(), tmp_path, {})
    assert "ACCEPT_EULA" not in os.environ


@pytest.mark.parametrize("size", [(97, 65), (160, 120), (640, 481), (64, 64), (65, 1)])
def test_a_padded_canvas_keeps_its_middle(size: tuple[int, int]) -> None:
    matrix = tuple(tuple(row) for row in np.eye(4).tolist())
    camera = Camera(*size, 100.0, matrix)
    wide = padded(camera)
    for before, after in ((camera.width, wide.width), (camera.height, wide.height)):
        assert after >= before
        assert (after - before) % 2 == 0
        assert after - before < 66
    assert replace(wide, width=camera.width, height=camera.height) == camera
    columns = np.broadcast_to(np.arange(wide.width) + 0.5 - wide.width / 2, (wide.height, wide.width))
    np.testing.assert_array_equal(cropped(columns, camera)[0], np.arange(camera.width) + 0.5 - camera.width / 2)


def test_pictures_become_linear_light() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None].repeat(3, 2)
    light = to_linear(ramp)
    assert (light.min(), light.max()) == (0, 1)
    assert light[8, 0, 0] == pytest.approx(0.2159, abs=1e-3)  # of 128, IEC 61966-2-1
    assert to_linear(np.full((2, 2, 3), np.inf, np.float16)).max() == 10_000


def test_depth_is_where_something_is() -> None:
    arrays = {
        "picture": np.zeros((4, 6, 3), np.uint8),
        "instance": np.pad(np.ones((2, 2), np.uint16), ((1, 1), (2, 2))),
        "depth": np.full((4, 6), 2.0, np.float32),
        "extra_flow": np.zeros((4, 6, 2)),
        "extra_points": np.zeros((9, 3)),
    }
    camera = Camera(4, 2, 100.0, tuple(tuple(row) for row in np.eye(4).tolist()))
    passes = passes_of(arrays, camera)
    assert passes.depth.tolist() == [[np.inf, 2, 2, np.inf]] * 2
    assert {name: values.shape for name, values in passes.extra.items()} == {"flow": (2, 4, 2), "points": (9, 3)}
