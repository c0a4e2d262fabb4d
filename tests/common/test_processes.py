"""The path that a child process gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stages.common.processes import python_path


def test_what_blender_adds_to_the_path_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", ["", "/here", "/site-packages", "/site-packages/bpy/5.0/scripts/modules"])
    assert python_path(Path("/first")).split(os.pathsep) == ["/first", "/here", "/site-packages"]
