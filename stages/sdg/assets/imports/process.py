"""A Python process for files that may be broken in ways that crash a library, eat all memory or never end."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from stages.common.processes import python_path

REPOSITORY = Path(__file__).resolve().parents[4]


def run_module(module: str, arguments: Sequence[str], log: Path, timeout: float) -> int:
    """Exit status of ``python -m module``, negative for a signal; what it prints goes to ``log``.

    Raises:
        subprocess.TimeoutExpired: after ``timeout`` seconds; it is ended then.
    """
    environment = os.environ | {"PYTHONPATH": python_path(REPOSITORY), "PYTHONWARNINGS": "ignore"}
    with open(log, "wb") as output:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=timeout,
            check=False,
        ).returncode


def epitaph(code: int, log: Path) -> str:
    """Why such a process ended, in words."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = " ".join(lines[-1].split())[:160] if lines else "nothing was printed"
    if "MemoryError" in last or "bad_alloc" in "".join(lines[-3:]):
        return "it needs more memory than is allowed"
    if code < 0:
        return f"the program that reads it was stopped by {signal.Signals(-code).name}"
    return last


def do_job(main: Callable[[dict[str, Any], Path], int], memory: int) -> NoReturn:
    """Be such a process: do the job that the command line names (a JSON file, a folder) within bounds, and end.

    Args:
        main: does it; gives the exit status.
        memory: bytes of address space that it may take.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
    sys.stdout.flush()
    # Blender's own clean-up at exit is slow and may crash; nothing is left to be saved
    os._exit(code)
