"""A hook of Isaac Sim: runs inside it before each frame, with the stage, the plan and prim paths by instance.

Here pxr and Replicator's functional calls may be used, as in a Replicator script; name it in ``renderer.isaac.hooks``.
"""

import json
from collections.abc import Mapping
from typing import Any

from isaac.capture.edits import apply_edits


def warm_floor(stage: Any, plan: Mapping[str, Any], paths: Mapping[int, str]) -> None:
    """Give every floor of the plan a material whose colour goes from white to red with the frame number."""
    share = plan["frame"] % 10 / 10
    material = {"colour": [1.0, 1.0 - share, 1.0 - share], "roughness": 0.6}
    edits = json.dumps([{"match": "^/floor", "values": [{"material": material}]}])
    for placement in plan["placements"]:
        if placement["family"] == "floor":
            apply_edits(stage, paths[placement["id"]], edits, str)
