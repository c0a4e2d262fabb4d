"""Runs the checks of this folder, and what holds without pxr."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.own_process import REPOSITORY, checks, run_checks

ALLOWED = {*sys.stdlib_module_names, "numpy", "pxr", "isaac"}


@pytest.mark.parametrize("path", checks(__file__), ids=lambda path: path.stem)
def test_checks(path: Path) -> None:
    run_checks(path)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "isaac" / "stage").rglob("*.py")), ids=lambda path: path.stem)
def test_isaacs_python_has_all_that_it_imports(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert {name.partition(".")[0] for name in names} <= ALLOWED


def test_importing_it_brings_neither_pxr_nor_stages() -> None:
    code = """
import pkgutil, sys, importlib, isaac.stage
for module in pkgutil.iter_modules(isaac.stage.__path__):
    importlib.import_module(f"isaac.stage.{module.name}")
print(sorted({name.partition(".")[0] for name in sys.modules} & {"pxr", "stages", "omni", "isaacsim"}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
