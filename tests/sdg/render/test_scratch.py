"""Folders between two programs: whose are swept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from stages.sdg.render.blender import backend


def test_only_folders_of_processes_that_are_gone_are_swept_and_of_the_same_renderer(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    names = (f"sim-to-cloud-{gone.pid}-a", f"sim-to-cloud-{os.getpid()}-b", f"sim-to-cloud-isaac-{os.getpid()}-c")
    for name in names:
        (tmp_path / name / "job").mkdir(parents=True)
    backend.sweep(tmp_path, backend.PREFIX)
    # a Blender that starts beside a running Isaac Sim must not take its job folder away
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
