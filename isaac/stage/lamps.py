"""The plan's lights as ``UsdLux``, in the same radiometric units.

A plan gives watts, as Cycles does; UsdLux gives the radiance of the surface, so ``intensity`` is in W/m²/sr (or, for a
sun, W/m² of irradiance) and nothing is lost. Renderers with a camera exposure in photometric units add theirs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from isaac.stage.keys import LAMPS, SKY
from isaac.stage.matrices import place, rigid


def write_lamps(stage: Any, plan: Mapping[str, Any]) -> None:
    """Write all lights of a plan below :data:`isaac.stage.LAMPS` and its sky, in place of those that are there."""
    from pxr import Gf, UsdLux

    kinds = {"area": UsdLux.RectLight, "point": UsdLux.SphereLight, "sun": UsdLux.DistantLight}
    used: Counter[str] = Counter()
    kept = set()
    for lamp in plan["lamps"]:
        kind = lamp["kind"]
        light = kinds[kind].Define(stage, f"{LAMPS}/{kind}_{used[kind]:03d}")
        used[kind] += 1
        kept.add(light.GetPath())
        place(light.GetPrim(), rigid(lamp["position"], lamp["rotation"]))
        light.CreateColorAttr(Gf.Vec3f(*lamp["colour"]))
        _shape(light, lamp)
    for prim in stage.GetPrimAtPath(LAMPS).GetChildren():
        if prim.GetPath() not in kept:
            stage.RemovePrim(prim.GetPath())
    dome = UsdLux.DomeLight.Define(stage, SKY)
    dome.CreateColorAttr(Gf.Vec3f(*plan["sky"]))
    dome.CreateIntensityAttr(1.0)


def _shape(light: Any, lamp: Mapping[str, Any]) -> None:
    """Size and radiance: a Lambertian surface of area A that emits P watts on one side has P / (pi A)."""
    power, size = lamp["power"], lamp["size"]
    if lamp["kind"] == "area":
        light.CreateWidthAttr(size[0])
        light.CreateHeightAttr(size[1])
        light.CreateIntensityAttr(power / (math.pi * size[0] * size[1]))
    elif lamp["kind"] == "point":
        radius = max(size[0] / 2, 1e-3)
        light.CreateRadiusAttr(radius)
        light.CreateIntensityAttr(power / (math.pi * 4 * math.pi * radius * radius))
    else:
        # normalised, a distant light's intensity is the irradiance on what faces it
        light.CreateAngleAttr(float(np.degrees(size[0])))
        light.CreateNormalizeAttr(True)
        light.CreateIntensityAttr(power)
