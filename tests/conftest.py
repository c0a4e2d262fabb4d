"""Fixtures shared between rooms."""

from __future__ import annotations

import os

# Before anything imports numpy or torch: the tests run side by side, one thread each is fastest.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
# A pipeline that runs the tests must not lend them its experiment, and no test phones home.
os.environ.pop("DVC_EXP_NAME", None)
os.environ["DVC_NO_ANALYTICS"] = "1"
os.environ["YOLO_OFFLINE"] = "True"

from hypothesis import HealthCheck, settings  # noqa: E402

# Property tests share their cores with everything else: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

from tests.browser import browser, open_page  # noqa: E402, F401 - fixtures for every room
from tests.infra.recorded import known_calls  # noqa: E402, F401 - every call of AWS in any test is one that infra grants
