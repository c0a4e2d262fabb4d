"""A benchmark as a process of its own whose code is that of some checkout.

Import it where the parent works, not at the top of a benchmark: in the child this package may be that of a checkout
which lacks this module.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def of_checkout(script: str, checkout: Path, *options: str) -> dict[str, Any]:
    """What ``script --child`` prints last, as JSON, when it imports ``stages`` from a checkout.

    Args:
        script: path of the benchmark.
        checkout: folder whose code is measured.
        options: of the benchmark.

    Raises:
        subprocess.CalledProcessError: when it fails; what it said is on the screen.
    """
    command = [sys.executable, script, "--child", *options]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))
