"""Which checkout outlives an experiment."""

from __future__ import annotations

import subprocess
from pathlib import Path

from stages.common.checkout import main_checkout


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init")
    return folder


def test_a_clone_is_its_own(tmp_path: Path) -> None:
    root = repository(tmp_path / "a clone")
    assert main_checkout(root) == root


def test_an_experiment_belongs_to_the_clone_that_runs_it(tmp_path: Path) -> None:
    root = repository(tmp_path / "a clone")
    experiment = repository(root / ".dvc" / "tmp" / "exps" / "tmpabc")
    assert main_checkout(experiment) == root
    deeper = repository(root / ".dvc" / "tmp" / "exps" / "temp" / "tmpabc")
    assert main_checkout(deeper) == root


def test_a_worktree_belongs_to_the_clone_it_was_made_from(tmp_path: Path) -> None:
    root = repository(tmp_path / "a clone")
    git(root, "commit", "--allow-empty", "--message", "start")
    git(root, "worktree", "add", str(tmp_path / "beside"))
    assert main_checkout(tmp_path / "beside") == root


def test_a_folder_without_git_is_its_own(tmp_path: Path) -> None:
    assert main_checkout(tmp_path) == tmp_path


def test_a_folder_inside_another_repository_is_its_own(tmp_path: Path) -> None:
    inner = repository(tmp_path / "outer") / "inner"
    inner.mkdir()
    assert main_checkout(inner) == inner
