"""Where things lie on the stage, and what makes two placements the same asset. Standard library alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

WORLD = "/World"
FRAME = "/World/Frame"
THINGS = "/World/Frame/Things"
LAMPS = "/World/Frame/Lamps"
SKY = "/World/Frame/Sky"
CAMERA = "/World/Frame/Camera"

INSTANCE = "userProperties:instance"
"""Attribute of an instance's root prim that holds its id."""

TAXONOMY = "class"
"""Of semantic labels, the one that Replicator's annotators look at."""


def asset_key(placement: Mapping[str, Any]) -> str:
    """What determines the shape and surface of a placement: family, variant and parameters, as one line of JSON."""
    return json.dumps([placement["family"], placement["variant"], placement["parameters"]], sort_keys=True)
