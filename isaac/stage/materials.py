"""OmniPBR beside UsdPreviewSurface, for renderers that have it."""

from __future__ import annotations

import sys
from typing import Any

MDL, NAME = "OmniPBR.mdl", "OmniPBR"
"""Module and material in Omniverse's core library, which RTX finds without a path."""

SURFACE = "surface"
"""Custom data of our materials: the generator's own terms."""

LOOKS = "/Asset/Looks"
"""Where the materials of a generated asset's file are."""

MARK = "dressed"
"""Custom data of a layer, in memory: it has been done."""


def has_mdl() -> bool:
    """Whether this process is Isaac's, so that MDL modules can be resolved."""
    return "omni.usd" in sys.modules


def dress(file: str) -> Any:
    """Give the materials of an asset file an OmniPBR surface for RTX, in memory alone.

    All stages of this process that reference the file see it; the file on disk stays plain, and nothing can save the
    layer by accident. Materials whose colour comes from their corners keep UsdPreviewSurface, since OmniPBR cannot read
    them; files that others made stay as they are. A second call does nothing.

    Args:
        file: asset file as :func:`isaac.stage.build` gets it.

    Returns:
        The ``Sdf.Layer``: hold it until a stage does, or what was added is lost with it.
    """
    from pxr import Sdf, Usd, UsdShade

    layer = Sdf.Layer.FindOrOpen(file)
    # of the layer itself, without composing what a foreign asset refers to
    if layer is None or not layer.GetPrimAtPath(LOOKS) or layer.customLayerData.get(MARK):
        return layer
    stage = Usd.Stage.Open(layer)
    for prim in stage.GetPrimAtPath(LOOKS).GetChildren():
        _add(stage, UsdShade.Material(prim))
    layer.customLayerData = {**layer.customLayerData, MARK: True}
    layer.SetPermissionToSave(False)
    return layer


def _add(stage: Any, material: Any) -> None:
    """Add the surface where one can be made."""
    from pxr import Sdf, UsdShade

    told = material.GetPrim().GetCustomDataByKey(SURFACE)
    plain = UsdShade.Shader(stage.GetPrimAtPath(material.GetPath().AppendChild("Surface")))
    if told is None or not plain or _by_corner(plain):
        return
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
