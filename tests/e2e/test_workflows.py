"""The scripts of the workflows train and data, as a runner executes them in a fresh clone of what a user pushed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.endpoint.aws import Aws
from tests.e2e.account import SETTINGS, account, addresses, environment
from tests.e2e.project import REPOSITORY, Project
from tests.train.sagemaker.cloud import BUCKET, Cloud

pytestmark = pytest.mark.e2e

ELSEWHERE = ("make setup", "GITHUB_PATH")
"""Scripts that make the environment, which is here already."""

NOT_FAILED = {"", "!cancelled()"}


def run_job(project: Project, name: str, **variables: str) -> dict[str, str]:
    """Run a workflow's scripts in order, under its conditions; what each printed, by its name or script.

    A step that fails ends the job, unless it may.
    """
    (job,) = yaml.safe_load((REPOSITORY / f".github/workflows/{name}.yml").read_text())["jobs"].values()
    outcomes: dict[str, str] = {}
    said: dict[str, str] = {}
    for step in job["steps"]:
        script = step.get("run", "")
        if not script or any(words in script for words in ELSEWHERE):
            continue
        condition = step.get("if", "")
        asked = re.fullmatch(r"steps\.(\w+)\.outcome == '(\w+)'", condition)
        assert asked or condition in NOT_FAILED, condition
        if asked and outcomes[asked[1]] != asked[2]:
            continue
        told = {key: variables.get(key, "") for key in step.get("env", {})}
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=project.folder,
            env={**project._environment(), "GITHUB_STEP_SUMMARY": str(project.folder.parent / "summary"), **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        said[step.get("name", script.strip())] = done.stdout
        outcomes[step.get("id", script)] = "success" if done.returncode == 0 else "failure"
        assert done.returncode == 0 or step.get("continue-on-error"), f"{script}\n{done.stdout}"
    return said


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Aws, Cloud]]:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    with account(tmp_path / "served") as both:
        yield both


def test_a_runner_trains_and_mends_the_remote(project: Project, there: tuple[Aws, Cloud], tmp_path: Path) -> None:
    fake, cloud = there
    cloud.weights = (project.folder / "models/best.pt").read_bytes()
    cloud.quotas |= {f"{kind} for spot training job usage": 1.0 for kind in ("ml.g5.xlarge", "ml.g4dn.xlarge")}
    settings = " ".join((*SETTINGS, *addresses(fake)))
    # as "Set up once" says: dvc.lock is committed, and the data sent
    project.python("stages.compose", "storage=s3", *settings.split())
    project.python("stages.push")
    assert "dvc.lock" in project.git("ls-files")
    runner = Project(tmp_path / "runner" / "work")
    project.git("clone", "--quiet", str(project.folder), str(runner.folder))

    said = run_job(runner, "data", SETTINGS=settings)
    assert list(said) == ["settings", "every object of dvc.lock is in the remote, with its size"]

    said = run_job(runner, "train", SETTINGS=settings, MORE="train.patience=5")
    assert (runner.folder / "models/best.onnx").is_file()
    assert len(cloud.machines) == 1
    assert runner.params()["compute"]["target"] == "sagemaker"
    assert "the gate decides whether this model is the champion now" in said
    assert (tmp_path / "runner" / "summary").read_text()

    # a shard is lost, and no runner has it
    frames = runner.frames()
    shard = next((runner.folder / "data/frames/shards").glob("*.tar")).read_bytes()
    lost = next(key for key in cloud.list("dvc/") if cloud.get(key) == shard)
    cloud.s3.delete_object(BUCKET, lost)
    other = Project(tmp_path / "other" / "work")
    project.git("clone", "--quiet", str(project.folder), str(other.folder))
    said = run_job(other, "data", SETTINGS=settings)
    assert "lacks 1 objects of data/frames" in said["every object of dvc.lock is in the remote, with its size"]
    assert "holds all of dvc.lock" in said["now it is whole"]
    assert lost in cloud.list("dvc/")
    assert other.frames() == frames
