"""Runs the checks of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.own_process import checks, run_checks


@pytest.mark.parametrize("path", checks(__file__), ids=lambda path: path.stem)
def test_checks(path: Path) -> None:
    run_checks(path)
