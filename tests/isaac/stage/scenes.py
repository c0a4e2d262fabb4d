"""Small plans and assets for the checks of this folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from isaac.stage import asset_key
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera, FramePlan, Lamp, Placement, SensorPlan
from stages.sdg.shards.records import plan_to_line

CAMERA = Camera(320, 200, 260.0, look_along((1.0, -2.0, 1.5), 0.7, -0.2, 0.05), near=0.07)  # type: ignore[arg-type]
LAMPS = (
    Lamp("area", (0.0, 0.0, 4.0), (1.2, 0.1, 0.0), 80.0, (1.0, 0.9, 0.8), (2.0, 0.5)),
    Lamp("point", (1.0, 0.0, 3.0), (0.0, 0.0, 0.0), 40.0, (1.0, 1.0, 1.0), (0.1, 0.1)),
    Lamp("sun", (0.0, 0.0, 9.0), (0.0, 0.6, 0.0), 3.0, (1.0, 1.0, 1.0), (math.radians(0.5), 0.0)),
)


def thing(number: int, family: str, x: float = 0.0, label: str | None = None, **changes: Any) -> Placement:
    """A placement."""
    usual: dict[str, Any] = {"variant": 0, "position": (x, 0.5, 0.1), "rotation": (0.4, 0.2, -0.1), "scale": 1.2}
    return Placement(number, family, label=label, **{**usual, **changes})


def frame(*things: Placement, camera: Camera = CAMERA, lamps: tuple[Lamp, ...] = LAMPS) -> FramePlan:
    """A plan of these things."""
    return FramePlan(7, 3, "train", "aisle", camera, SensorPlan(), things, lamps, (0.1, 0.2, 0.3))


def as_json(plan: FramePlan) -> dict[str, Any]:
    """The plan as its JSON object."""
    return dict(json.loads(plan_to_line(plan)))


def cubes(plan: FramePlan, folder: Path) -> dict[str, str]:
    """An asset file for each of the plan's assets, a cube."""
    from pxr import Usd, UsdGeom

    found = {}
    for item in as_json(plan)["placements"]:
        path = folder / f"{item['family']}-{item['variant']}.usda"
        if not path.exists():
            stage = Usd.Stage.CreateNew(str(path))
            stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Asset").GetPrim())
            UsdGeom.Cube.Define(stage, "/Asset/Cube")
            stage.Save()
        found[asset_key(item)] = str(path)
    return found
