"""One frame on an open stage: things, lamps, sky and camera."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from isaac.stage.camera import write_camera
from isaac.stage.keys import FRAME, INSTANCE, LAMPS, TAXONOMY, THINGS, WORLD, asset_key
from isaac.stage.lamps import write_lamps
from isaac.stage.materials import dress, has_mdl
from isaac.stage.matrices import place, rigid


def build_frame(stage: Any, plan: Mapping[str, Any], assets: Mapping[str, str]) -> dict[int, str]:
    """See :func:`isaac.stage.build`."""
    from pxr import UsdGeom

    files = {key: assets[key] for key in map(asset_key, plan["placements"])}
    # held until the stage refers to them
    _held = [dress(file) for file in dict.fromkeys(files.values())] if has_mdl() else []
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    for path in (WORLD, FRAME, THINGS, LAMPS):
        if not stage.GetPrimAtPath(path):
            UsdGeom.Xform.Define(stage, path)
    if not stage.GetDefaultPrim():
        stage.SetDefaultPrim(stage.GetPrimAtPath(WORLD))
    stage.GetPrimAtPath(FRAME).SetCustomDataByKey(
        "plan", {name: plan[name] for name in ("frame", "seed", "split", "scenario")}
    )
    paths = _things(stage, plan, files)
    write_lamps(stage, plan)
    write_camera(stage, plan["camera"])
    return paths


def _things(stage: Any, plan: Mapping[str, Any], files: Mapping[str, str]) -> dict[int, str]:
    """Place all things; prims of the frame before serve again where they are of the same asset."""
    paths: dict[int, str] = {}
    used: defaultdict[str, int] = defaultdict(int)
    for placement in plan["placements"]:
        key = asset_key(placement)
        stem = _stem(placement["family"], key, files[key])
        path = f"{THINGS}/{stem}_{used[stem]:03d}"
        used[stem] += 1
        prim = stage.GetPrimAtPath(path) or _reference(stage, path, files[key])
        place(prim, rigid(placement["position"], placement["rotation"], placement["scale"]))
        _identify(prim, placement["id"])
        label(prim, placement["label"])
        paths[placement["id"]] = path
    kept = set(paths.values())
    for prim in stage.GetPrimAtPath(THINGS).GetChildren():
        if str(prim.GetPath()) not in kept:
            stage.RemovePrim(prim.GetPath())
    return paths


def _stem(family: str, key: str, file: str) -> str:
    from pxr import Tf

    return f"{Tf.MakeValidIdentifier(family)}_{hashlib.sha256(f'{key} {file}'.encode()).hexdigest()[:8]}"


def _reference(stage: Any, path: str, file: str) -> Any:
    from pxr import UsdGeom

    prim = UsdGeom.Xform.Define(stage, path).GetPrim()
    prim.GetReferences().AddReference(file)
    return prim


def _identify(prim: Any, number: int) -> None:
    from pxr import Sdf

    attribute = prim.GetAttribute(INSTANCE) or prim.CreateAttribute(INSTANCE, Sdf.ValueTypeNames.Int, True)
    if attribute.Get() != number:
        attribute.Set(number)


def label(prim: Any, name: str | None) -> None:
    """Label a prim with one class, or take its label away.

    With ``UsdSemantics.LabelsAPI`` and its ``token[]``: what Isaac's own helpers write as ``string[]`` is not found by
    ``UsdSemantics.LabelsQuery``.
    """
    from pxr import UsdSemantics

    has = prim.HasAPI(UsdSemantics.LabelsAPI, TAXONOMY)
    if name is None:
        if has:
            prim.RemoveProperty(UsdSemantics.LabelsAPI(prim, TAXONOMY).GetLabelsAttr().GetName())
            prim.RemoveAPI(UsdSemantics.LabelsAPI, TAXONOMY)
        return
    labels = UsdSemantics.LabelsAPI(prim, TAXONOMY) if has else UsdSemantics.LabelsAPI.Apply(prim, TAXONOMY)
    attribute = labels.CreateLabelsAttr()
    if list(attribute.Get() or ()) != [name]:
        attribute.Set([name])
