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
