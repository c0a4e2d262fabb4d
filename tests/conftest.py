"""Fixtures shared between rooms."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

# Before anything imports numpy or torch: the tests run side by side, one thread each is fastest.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
# A pipeline that runs the tests must not lend them its experiment, and no test phones home.
os.environ.pop("DVC_EXP_NAME", None)
os.environ["DVC_NO_ANALYTICS"] = "1"
os.environ["YOLO_OFFLINE"] = "True"

# Hundreds of programs are started here. Where Python keeps no bytecode, as in many containers, each would compile all
# that it imports, which takes longer than most tests: torch, mlflow and ultralytics alone are ten seconds.
if sys.dont_write_bytecode and sys.pycache_prefix is None:
    bytecode = tempfile.mkdtemp(prefix="bytecode-")
    atexit.register(shutil.rmtree, bytecode, ignore_errors=True)
    sys.dont_write_bytecode, sys.pycache_prefix = False, bytecode
    os.environ["PYTHONPYCACHEPREFIX"] = bytecode
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from hypothesis import HealthCheck, settings  # noqa: E402

# Property tests share their cores with everything else: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

from tests.browser import browser, open_page  # noqa: E402, F401 - fixtures for every room
from tests.infra.recorded import known_calls  # noqa: E402, F401 - every call of AWS in any test is one that infra grants
