"""What all of ``isaac`` may import: Isaac's own Python has nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.own_process import REPOSITORY

ALLOWED = {*sys.stdlib_module_names, "numpy", "pxr", "isaac"}
ENGINE = {"omni", "carb", "isaacsim"}
"""Modules that are there once ``SimulationApp`` stands, and are imported in one place."""

FILES = sorted((REPOSITORY / "isaac").rglob("*.py"))


def imported(path: Path, *, at_once: bool = False) -> set[str]:
    """Top names of what a file imports; ``at_once``: while it is imported itself."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if at_once else list(ast.walk(tree))
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports would hide from this test"
            names.append(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_isaacs_python_has_all_that_it_imports(path: Path) -> None:
    is_runtime = path == REPOSITORY / "isaac" / "capture" / "runtime.py"
    assert imported(path) <= (ALLOWED | ENGINE if is_runtime else ALLOWED)
    assert not imported(path, at_once=True) & {*ENGINE, "pxr"}, "before SimulationApp stands"


def test_the_engine_is_imported_somewhere() -> None:
    assert imported(REPOSITORY / "isaac" / "capture" / "runtime.py") >= ENGINE
    assert len(FILES) > 15


def test_importing_it_brings_neither_pxr_nor_stages() -> None:
    code = """
import pkgutil, sys, importlib, isaac
for module in pkgutil.walk_packages(isaac.__path__, "isaac."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"pxr", "stages", "omni", "carb", "isaacsim"}))
print(sum(name.startswith("isaac.") for name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    found, count = done.stdout.splitlines()
    assert found == "[]"
    assert int(count) > 15
