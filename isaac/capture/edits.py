"""Changes inside a referenced file: its lamps, and the materials of its floor, walls or painted parts. Pure pxr.

A placement's parameter ``edits`` is a JSON list; each entry has ``match``, a regular expression that is looked for in
prim paths below the placement (Replicator's ``path_pattern``), and ``values``, dealt out in turn to the prims that it
matches:

* lamps: ``color``, ``intensity``, ``visible``
* ``material``: ``colour``, ``texture``, ``roughness``, ``metallic``, ``emissive_texture``, ``emissive_intensity``

Materials are made once for each match and place, and only their inputs change from frame to frame.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

LOOKS = "/Capture/Looks"

Address = Callable[[str], str]


def apply_edits(stage: Any, root: str, edits: str, address: Address) -> dict[str, int]:
    """Change what lies below a prim, in the session layer.

    Args:
        stage: the live one.
        root: path of the placement's prim.
        edits: JSON, see above.
        address: full address of a texture.

    Returns:
        How many prims each pattern matched.
    """
    from pxr import Usd

    matched = {}
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        for entry in json.loads(edits):
            pattern = re.compile(entry["match"])
            prims = [
                prim
                for prim in Usd.PrimRange(stage.GetPrimAtPath(root))
                if pattern.search(str(prim.GetPath())[len(root) :])
            ]
            outermost = [prim for prim in prims if prim.GetParent() not in prims]
            for place, prim in enumerate(outermost):
                values = entry["values"][place % len(entry["values"])]
                _change(stage, prim, f"{root}/{entry['match']}/{place % len(entry['values'])}", values, address)
            matched[entry["match"]] = len(outermost)
    return matched


def _change(stage: Any, prim: Any, name: str, values: Mapping[str, Any], address: Address) -> None:
    from pxr import Gf, Sdf, UsdGeom, UsdShade

    if "visible" in values:
        UsdGeom.Imageable(prim).CreateVisibilityAttr().Set("inherited" if values["visible"] else "invisible")
    if "color" in values:
        _attribute(prim, "inputs:color", Sdf.ValueTypeNames.Color3f).Set(Gf.Vec3f(*map(float, values["color"])))
    if "intensity" in values:
        _attribute(prim, "inputs:intensity", Sdf.ValueTypeNames.Float).Set(float(values["intensity"]))
    if "material" in values:
        material = _material(stage, name, values["material"], address)
        UsdShade.MaterialBindingAPI.Apply(prim).Bind(material, UsdShade.Tokens.strongerThanDescendants)


def _attribute(prim: Any, name: str, kind: Any) -> Any:
    return prim.GetAttribute(name) or prim.CreateAttribute(name, kind)


def _material(stage: Any, name: str, values: Mapping[str, Any], address: Address) -> Any:
    """OmniPBR for RTX, and UsdPreviewSurface for whatever else opens the stage."""
    from pxr import Gf, Sdf, UsdShade

    kinds = Sdf.ValueTypeNames
    path = f"{LOOKS}/m{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    material = UsdShade.Material.Define(stage, path)
    pbr = UsdShade.Shader.Define(stage, f"{path}/OmniPBR")
    pbr.SetSourceAsset(Sdf.AssetPath("OmniPBR.mdl"), "mdl")
    pbr.SetSourceAssetSubIdentifier("OmniPBR", "mdl")
    material.CreateSurfaceOutput("mdl").ConnectToSource(pbr.ConnectableAPI(), "out")
    plain = UsdShade.Shader.Define(stage, f"{path}/Preview")
    plain.CreateIdAttr("UsdPreviewSurface")
    material.CreateSurfaceOutput().ConnectToSource(plain.ConnectableAPI(), "surface")
    if "colour" in values:
        colour = Gf.Vec3f(*map(float, values["colour"]))
        pbr.CreateInput("diffuse_color_constant", kinds.Color3f).Set(colour)
        plain.CreateInput("diffuseColor", kinds.Color3f).Set(colour)
    if "texture" in values:
        pbr.CreateInput("diffuse_texture", kinds.Asset).Set(Sdf.AssetPath(address(values["texture"])))
    for key, theirs, common in (
        ("roughness", "reflection_roughness_constant", "roughness"),
        ("metallic", "metallic_constant", "metallic"),
    ):
        if key in values:
            pbr.CreateInput(theirs, kinds.Float).Set(float(values[key]))
            plain.CreateInput(common, kinds.Float).Set(float(values[key]))
    if "emissive_intensity" in values:
        pbr.CreateInput("enable_emission", kinds.Bool).Set(values["emissive_intensity"] > 0)
        pbr.CreateInput("emissive_intensity", kinds.Float).Set(float(values["emissive_intensity"]))
    if "emissive_texture" in values:
        pbr.CreateInput("emissive_color_texture", kinds.Asset).Set(Sdf.AssetPath(address(values["emissive_texture"])))
    return material
