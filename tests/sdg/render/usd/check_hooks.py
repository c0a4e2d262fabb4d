from __future__ import annotations

import json
from pathlib import Path

import pytest
from pxr import Usd, UsdGeom, UsdShade

from isaac.capture.loop import load_hook
from isaac.stage import build
from stages.sdg.plan.planner import plan_frame
from stages.sdg.render.usd.assets import asset_files
from stages.sdg.shards.records import plan_to_line
from tests.settings import REPOSITORY, compose


def test_the_example_tints_floors_and_nothing_else(tmp_path: Path) -> None:
    hook = load_hook(f"{REPOSITORY}/examples/custom/warm_floor.py:warm_floor")
    stage = Usd.Stage.CreateInMemory()
    for number in (3, 7):
        plan = plan_frame(compose(), number)
        told = json.loads(plan_to_line(plan))
        paths = build(stage, told, asset_files(plan.placements, tmp_path))
        hook(stage, told, paths)
        tinted = 0
        for item in plan.placements:
            for prim in Usd.PrimRange(stage.GetPrimAtPath(paths[item.id])):
                if not prim.IsA(UsdGeom.Mesh):
                    continue
                material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
                is_tinted = str(material.GetPath()).startswith("/Capture/Looks")
                assert is_tinted == (item.family == "floor" and prim.GetName().startswith("floor")), prim
                if is_tinted:
                    tinted += 1
                    surfaces = [material.ComputeSurfaceSource(kind)[0] for kind in ("", "mdl")]
                    for surface, name in zip(surfaces, ("diffuseColor", "diffuse_color_constant"), strict=True):
                        wanted = (1.0, 1 - number / 10, 1 - number / 10)
                        assert tuple(surface.GetInput(name).Get()) == pytest.approx(wanted)
        assert tinted
