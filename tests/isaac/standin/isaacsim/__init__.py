"""A stand-in of the few calls of Isaac Sim 5.1 that the capture makes, with their known defects switched on by name.

``STANDIN`` in the environment holds them as JSON; ``STANDIN_CALLS`` names a file that takes one line a call. With
``version`` 6 modules lie where 6.x has them, and nowhere else.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

QUIRKS = json.loads(os.environ.get("STANDIN", "{}"))


if QUIRKS.get("first_process_only"):
    calls = Path(os.environ["STANDIN_CALLS"])
    if calls.exists() and '"SimulationApp"' in calls.read_text():
        QUIRKS = {}


def called(call, **told):
    path = os.environ.get("STANDIN_CALLS")
    if path:
        with open(path, "a") as stream:
            stream.write(json.dumps({"call": call, **told}) + "\n")


if QUIRKS.get("version", 5) < 6:
    from isaacsim.simulation_app import SimulationApp as SimulationApp
