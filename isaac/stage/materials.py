"""OmniPBR beside UsdPreviewSurface, for renderers that have it."""

from __future__ import annotations

import sys
from typing import Any

MDL, NAME = "OmniPBR.mdl", "OmniPBR"
"""Module and material in Omniverse's core library, which RTX finds without a path."""

SURFACE = "surface"
"""Custom data of our materials: the generator's own terms."""


def has_mdl() -> bool:
    """Whether this process is Isaac's, so that MDL modules can be resolved."""
    return "omni.usd" in sys.modules


def dress(file: str) -> int:
    """Give the materials of an asset file an OmniPBR surface for RTX, in memory alone.

    All stages of this process that reference the file see it; the file on disk stays plain, and nothing can save the
    layer by accident. Materials whose colour comes from their corners keep UsdPreviewSurface, since OmniPBR cannot read
    them. A second call does nothing.

    Args:
        file: asset file as :func:`isaac.stage.build` gets it.

    Returns:
        How many materials got one now.
    """
    from pxr import Sdf, Usd, UsdShade

    layer = Sdf.Layer.FindOrOpen(file)
    stage = Usd.Stage.Open(layer)
    made = 0
    for prim in stage.Traverse():
        material = UsdShade.Material(prim)
        if material and _add(stage, material):
            made += 1
    if made:
        layer.SetPermissionToSave(False)
        # the layer lives as long as something holds it
        _HELD[file] = layer
    return made


_HELD: dict[str, Any] = {}


def _add(stage: Any, material: Any) -> bool:
    """Add the surface; False when there is one already, or none can be made."""
    from pxr import Sdf, UsdShade

    told = material.GetPrim().GetCustomDataByKey(SURFACE)
    plain = UsdShade.Shader(stage.GetPrimAtPath(material.GetPath().AppendChild("Surface")))
    if told is None or not plain or material.GetSurfaceOutput("mdl") or _by_corner(plain):
        return False
    shader = UsdShade.Shader.Define(stage, material.GetPath().AppendChild(NAME))
    shader.SetSourceAsset(Sdf.AssetPath(MDL), "mdl")
    shader.SetSourceAssetSubIdentifier(NAME, "mdl")
    types = Sdf.ValueTypeNames
    inputs = {
        "reflection_roughness_constant": (types.Float, plain.GetInput("roughness").Get()),
        "metallic_constant": (types.Float, plain.GetInput("metallic").Get()),
        **_colour(stage, material, plain),
    }
    if told["glow"] > 0:
        inputs |= {
            "enable_emission": (types.Bool, True),
            "emissive_color": (types.Color3f, told["colour"]),
            "emissive_intensity": (types.Float, told["glow"]),
        }
    for name, (kind, value) in inputs.items():
        shader.CreateInput(name, kind).Set(value)
    material.CreateSurfaceOutput("mdl").ConnectToSource(shader.CreateOutput("out", types.Token))
    return True


def _by_corner(plain: Any) -> bool:
    source = plain.GetInput("diffuseColor").GetConnectedSource()
    return bool(source) and "float3" in str(source[0].GetPrim().GetAttribute("info:id").Get())


def _colour(stage: Any, material: Any, plain: Any) -> dict[str, Any]:
    """The base colour: the image that the plain surface has, or its constant."""
    from pxr import Sdf, UsdShade

    image = UsdShade.Shader(stage.GetPrimAtPath(material.GetPath().AppendChild("Image")))
    if image:
        return {"diffuse_texture": (Sdf.ValueTypeNames.Asset, image.GetInput("file").Get())}
    return {"diffuse_color_constant": (Sdf.ValueTypeNames.Color3f, plain.GetInput("diffuseColor").Get())}
