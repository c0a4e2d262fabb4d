"""``python -m stages.sdg check`` with the stand-in of Isaac Sim."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.isaac.drive import PYTHON, REPOSITORY, environment


def check(out: Path, reference: str, quirks: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "stages.sdg", "check", "--renderer", "isaac", "--reference", reference, "--out", str(out),
        "renderer.isaac.run.accept_eula=true", f"renderer.isaac.run.python={PYTHON}",
        "renderer.isaac.run.close_timeout=2",
        "dataset.frames.sizes=[240x180]",
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment(quirks), capture_output=True, text=True, check=False, timeout=800
    )


def test_it_says_that_both_agree(tmp_path: Path) -> None:
    done = check(tmp_path / "check", "fake", {})
    assert done.returncode == 0, done.stderr
    assert "isaac and fake agree" in done.stdout
    assert "the mean box IoU is 1.0000" in done.stdout
    assert (tmp_path / "check" / "isaac" / "0000002.jpg").exists()
    assert (tmp_path / "check" / "check.txt").read_text() in done.stdout + "\n"


@pytest.mark.blender
def test_the_stand_in_agrees_with_blender(tmp_path: Path) -> None:
    done = check(tmp_path / "check", "blender", {"exclusive_boxes": True})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "isaac and blender agree" in done.stdout
    assert "set BOX_MAX_IS_INCLUSIVE" in done.stdout


def test_a_renderer_that_cannot_render_is_one_sentence(tmp_path: Path) -> None:
    done = check(tmp_path / "check", "fake", {"no_ids": True})
    assert done.returncode == 4
    assert "isaac could not render frame 2" in done.stderr
    assert "Traceback" not in done.stderr
