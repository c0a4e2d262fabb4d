"""The YAML hook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.settings import REPOSITORY


def check(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "scripts" / "check_yaml.py"), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("text", ["a: [1\nb: 2\n", "a: 1\na: 2\n", "a: b: c\n"])
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    done = check(path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path} line ")
    assert done.stderr.endswith("): mend that line\n")


def test_this_repositorys_files_are_good() -> None:
    done = check(
        *(REPOSITORY / "conf").rglob("*.yaml"), *REPOSITORY.glob("*.yaml"), *REPOSITORY.glob(".github/*/*.yml")
    )
    assert (done.returncode, done.stderr) == (0, "")
