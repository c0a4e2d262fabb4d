"""The command that starts Isaac Sim's Python on a job folder: a local installation or the container image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stages.common.errors import MissingDependencyError, SettingsError
from stages.common.settings.isaac import IsaacRun

REPOSITORY = Path(__file__).resolve().parents[4]
"""Folder that holds the package ``isaac``."""

USER = 1234
"""User id of the image from Isaac Sim 5.1 on; its caches must belong to it."""

CACHES = {
    "cache/main": "/isaac-sim/.cache",
    "cache/computecache": "/isaac-sim/.nv/ComputeCache",
    "logs": "/isaac-sim/.nvidia-omniverse/logs",
    "config": "/isaac-sim/.nvidia-omniverse/config",
    "data": "/isaac-sim/.local/share/ov/data",
    "pkg": "/isaac-sim/.local/share/ov/pkg",
}
"""Folders below the cache, and where the image wants them (docker-compose.yml of Isaac Sim)."""


@dataclass(frozen=True)
class Launch:
    """How to start it.

    Attributes:
        command: and its arguments.
        environment: variables that are set.
        unset: variables of this Python that Isaac's must not see.
        end: command that ends what a killed ``command`` leaves running; empty: nothing does.
    """

    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ("PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP")
    end: tuple[str, ...] = ()


def launch(run: IsaacRun, folder: Path, mounts: Mapping[Path, str], gpu: str | None = None) -> Launch:
    """How to serve a job folder.

    Args:
        run: the settings.
        folder: of the job.
        mounts: more folders that the job's files refer to, and ``ro`` or ``rw``.
        gpu: number of the one GPU to use; None for the first.

    Raises:
        SettingsError: when NVIDIA's licence was not accepted.
        MissingDependencyError: when there is no such installation, or no container engine.
    """
    if not run.accept_eula:
        raise SettingsError(
            "renderer.isaac.run.accept_eula is false: read NVIDIA's licence of Isaac Sim, and set it to true to accept"
        )
    accepted = {"ACCEPT_EULA": "Y", "OMNI_KIT_ACCEPT_EULA": "YES"}
    if run.where == "container":
        return _container(run, folder, mounts, accepted, gpu)
    told = run.python or (f"{os.environ['ISAAC_PATH']}/python.sh" if os.environ.get("ISAAC_PATH") else "")
    python = shutil.which(str(Path(told).expanduser())) if told else None
    if python is None:
        raise MissingDependencyError(
            f"Isaac Sim is not found ({told or 'ISAAC_PATH is not set'}): give renderer.isaac.run.python the path of "
            "its python.sh, choose renderer.isaac.run.where=container, or render with renderer=blender"
        )
    if os.geteuid() == 0:
        accepted["OMNI_KIT_ALLOW_ROOT"] = "1"
    return Launch((python, "-m", "isaac.capture", str(folder)), {**accepted, "PYTHONPATH": str(REPOSITORY)})


def _container(
    run: IsaacRun, folder: Path, mounts: Mapping[Path, str], accepted: Mapping[str, str], gpu: str | None
) -> Launch:
    engine = shutil.which("docker") or shutil.which("podman")
    if engine is None:
        raise MissingDependencyError(
            "neither docker nor podman is installed: install one with NVIDIA's container toolkit, or choose "
            "renderer.isaac.run.where=local"
        )
    name = f"sim-to-cloud-{folder.name}"
    cache = Path(run.cache).expanduser()
    volumes = []
    for below, inside in CACHES.items():
        (cache / below).mkdir(parents=True, exist_ok=True)
        _hand_over(cache / below)
        volumes += ["-v", f"{cache / below}:{inside}:rw"]
    for place, mode in {REPOSITORY: "ro", folder: "rw", **mounts}.items():
        volumes += ["-v", f"{place}:{place}:{mode}"]
    variables = [part for key, value in accepted.items() for part in ("-e", f"{key}={value}")]
    command = (
        engine, "run", "--rm", "--name", name, "--gpus", f"device={gpu or 0}", "--network=host",
        "--entrypoint", "/isaac-sim/python.sh", "-u", f"{USER}:{USER}", "-w", str(REPOSITORY),
        *variables, "-e", f"PYTHONPATH={REPOSITORY}", *volumes, run.image, "-m", "isaac.capture", str(folder),
    )  # fmt: skip
    return Launch(command, end=(engine, "kill", name))


def _hand_over(folder: Path) -> None:
    """Give a folder to the image's user, or, where that is not permitted, to everyone."""
    if folder.stat().st_uid == USER:
        return
    try:
        os.chown(folder, USER, USER)
    except PermissionError:
        folder.chmod(0o777)


def hand_over_job(folder: Path) -> None:
    """Let the image's user write in a job folder."""
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        place.chmod(0o777)
