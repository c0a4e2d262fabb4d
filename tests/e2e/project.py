"""A copy of this repository in which DVC may run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]

PROFILE = """\
# @package _global_
# Seconds a stage: what the end-to-end tests run.
defaults:
  - override /renderer: fake
  - override /dataset: tiny
  - override /real: none
  - _self_

profile: seconds
scene:
  scenarios: {aisle: 0, dock: 0, staging: 0, parking: 1, workshop: 0, uniform: 0, closeup: 1, far: 0, negative: 0}
dataset:
  frames: {count: 10, test_count: 2}
  convert: {val_share: 0.8}  # of each 32 frames the last
model:
  weights: scratch
  input_size: 64
train:
  epochs: 1
  workers: 0
deploy:
  check_frames: 2
"""


@dataclass(frozen=True)
class Answer:
    """What a DVC command printed."""

    text: str

    @property
    def ran(self) -> list[str]:
        """Stages whose command was run, in order."""
        return re.findall(r"^Running stage '([^']*)'", self.text, re.MULTILINE)


@dataclass(frozen=True)
class Project:
    """A Git repository with the files of this one, committed or not."""

    folder: Path

    def dvc(self, *arguments: str) -> Answer:
        """Run DVC as a user would, and show what it printed when it fails."""
        done = self._run([sys.executable, "-m", "dvc", *arguments])
        assert done.returncode == 0, done.stdout
        return Answer(done.stdout)

    def python(self, module: str, *arguments: str) -> Answer:
        """Run a module of the project, such as a stage that DVC does not start."""
        done = self._run([sys.executable, "-m", module, *arguments])
        assert done.returncode == 0, done.stdout
        return Answer(done.stdout)

    def refused(self, *arguments: str) -> Answer:
        """Run DVC, which must fail."""
        done = self._run([sys.executable, "-m", "dvc", *arguments])
        assert done.returncode != 0, done.stdout
        return Answer(done.stdout)

    def git(self, *arguments: str) -> str:
        """Run Git."""
        done = self._run(["git", *arguments])
        assert done.returncode == 0, done.stdout
        return done.stdout

    def commit(self, message: str) -> None:
        """Commit everything that Git does not ignore."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)

    def params(self) -> dict[str, Any]:
        """What the stages read."""
        return yaml.safe_load((self.folder / "params.yaml").read_text(encoding="utf-8"))

    def locked(self, stage: str) -> dict[str, Any]:
        """Parameters with which DVC says that a stage last ran."""
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text(encoding="utf-8"))
        return lock["stages"][stage]["params"]["params.yaml"]

    def frames(self) -> dict[str, str]:
        """SHA-256 of every shard."""
        shards = sorted((self.folder / "data/frames/shards").glob("*.tar"))
        return {shard.name: hashlib.sha256(shard.read_bytes()).hexdigest() for shard in shards}

    def epochs_trained(self) -> int:
        """How many epochs the model that lies there was trained for."""
        training = json.loads((self.folder / "models/training.json").read_text(encoding="utf-8"))
        return len(training["epochs"])

    def stop(self) -> None:
        """End the worker of the queue, if there is one: it outlives the command that started it."""
        if (self.folder / ".dvc/tmp/exps/celery").is_dir():
            self._run([sys.executable, "-m", "dvc", "queue", "stop", "--kill"])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )

    def _environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "COV_CORE"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.folder.parent / "dvc-site"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_{what}": "tests" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }


def make_project(folder: Path) -> Project:
    """Copy this repository's files, those that Git ignores left out, and choose settings that take seconds."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listing.split("\0")):
        source, target = REPOSITORY / name, folder / name
        if source.is_file() and not name.startswith("tests/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (folder / "dvc.lock").unlink(missing_ok=True)
    (folder / "conf/profile/seconds.yaml").write_text(PROFILE, encoding="utf-8")
    config = folder / "conf/config.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("- profile: laptop", "- profile: seconds"), encoding="utf-8"
    )
    project = Project(folder)
    project.git("init", "--quiet", "--initial-branch=main")
    project.commit("as the user has it")
    return project
