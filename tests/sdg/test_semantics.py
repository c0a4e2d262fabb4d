"""Runs the checks of labels on USD files."""

from __future__ import annotations

from pathlib import Path

from tests.own_process import run_checks


def test_checks() -> None:
    run_checks(Path(__file__).with_name("check_semantics.py"))
