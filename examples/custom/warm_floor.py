"""A hook of Isaac Sim: runs inside it before each frame, with the stage, the plan and prim paths by instance.

Here pxr and Replicator's functional calls may be used, as in a Replicator script; name it in ``renderer.isaac.hooks``.
"""

from collections.abc import Mapping
from typing import Any


def warm_floor(stage: Any, plan: Mapping[str, Any], paths: Mapping[int, str]) -> None:
    """Tint every floor of the plan by its frame number."""
    from pxr import Gf, UsdGeom

    share = plan["frame"] % 10 / 10
    for placement in plan["placements"]:
        if placement["family"] == "floor":
            prim = stage.GetPrimAtPath(paths[placement["id"]])
            UsdGeom.PrimvarsAPI(prim).CreatePrimvar("tint", stage_type()).Set(Gf.Vec3f(1.0, 1.0 - share, 1.0 - share))


def stage_type() -> Any:
    """Type of the tint."""
    from pxr import Sdf

    return Sdf.ValueTypeNames.Color3f
