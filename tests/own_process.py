"""Tests that need usd-core, in a process of their own: elsewhere in this one may be bpy, which brings another copy.

They lie in files ``check_*.py``, which pytest does not collect by itself; a ``test_*.py`` beside them runs each.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def checks(beside: str) -> list[Path]:
    """The ``check_*.py`` in the folder of a test file."""
    return sorted(Path(beside).parent.glob("check_*.py"))


def run_checks(path: Path) -> None:
    """Run the tests of one file.

    Raises:
        AssertionError: with pytest's output when one fails, or none was there.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:cov"]
    command += ["-o", "python_files=check_*.py", "--durations=0", str(path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
