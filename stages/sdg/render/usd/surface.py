"""A generator's material as ``UsdPreviewSurface``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from isaac.stage.materials import SURFACE
from stages.sdg.assets.types import Material
from stages.sdg.plan.types import Colour

DUST: Colour = (0.16, 0.135, 0.105)
GRIME: Colour = (0.02, 0.018, 0.015)
"""Linear colours of dirt, as in the Blender backend."""

UNWORN = ("concrete", "plaster", "print", "wood", "cardboard", "imported")
"""Kinds that wear does not show on."""


BUILDING = ("concrete", "plaster", "brick")
"""Kinds that dirt stains faintly."""


def write_material(stage: Any, path: str, material: Material, textures: Path) -> Any:
    """Define a material.

    Cycles draws wear, dirt and grain as patterns; UsdPreviewSurface has none, so here they are the mean colour and
    roughness of these patterns.

    Args:
        stage: of the asset.
        path: of the new prim.
        material: to write.
        textures: folder of image files, beside the asset's file.

    Returns:
        The ``UsdShade.Material``.
    """
    from pxr import Sdf, UsdShade

    made = UsdShade.Material.Define(stage, path)
    shader = UsdShade.Shader.Define(stage, f"{path}/Surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    types = Sdf.ValueTypeNames
    colour, roughness, metallic = mean_surface(material)
    base = shader.CreateInput("diffuseColor", types.Color3f)
    base.Set((0.0, 0.0, 0.0) if material.glow > 0 else colour)
    shader.CreateInput("roughness", types.Float).Set(roughness)
    shader.CreateInput("metallic", types.Float).Set(metallic)
    if material.glow > 0:
        shader.CreateInput("emissiveColor", types.Color3f).Set(tuple(c * material.glow for c in material.colour))
    elif material.texture:
        _texture(stage, path, base, material, textures)
    elif material.vertex_colours:
        reader = UsdShade.Shader.Define(stage, f"{path}/Colours")
        reader.CreateIdAttr("UsdPrimvarReader_float3")
        reader.CreateInput("varname", types.String).Set("displayColor")
        base.ConnectToSource(reader.CreateOutput("result", types.Float3))
    made.CreateSurfaceOutput().ConnectToSource(shader.CreateOutput("surface", types.Token))
    made.GetPrim().SetCustomDataByKey(SURFACE, _plain(material))
    return made


def mean_surface(material: Material) -> tuple[Colour, float, float]:
    """Colour, roughness and metallicness of a weathered surface, averaged over its patterns.

    The shares are those of the Blender backend's ramps over its noise, whose values lie in about 0.25 to 0.75.
    """
    colour, roughness, metallic = material.colour, material.roughness, material.metallic
    if material.kind not in UNWORN:
        worn = _share(0.78 - 0.26 * material.wear, 0.83 - 0.24 * material.wear) if material.wear > 0.02 else 0.0
        colour, roughness = _mix(worn, colour, material.under), roughness + worn * (0.55 - roughness)
    if material.dirt > 0.02:
        dirty = _share(0.7 - 0.4 * material.dirt, 0.95 - 0.35 * material.dirt)
        most = 0.3 if material.kind in BUILDING else 0.85
        colour = _mix(most * dirty, colour, GRIME if material.seed % 3 == 0 else DUST)
        colour = _mix(0.22 * material.dirt, colour, DUST)
        roughness, metallic = roughness + dirty * (0.9 - roughness), metallic * (1 - dirty)
    return colour, roughness, metallic


def _share(low: float, high: float) -> float:
    """Mean of a ramp from ``low`` to ``high`` over values spread evenly from 0.25 to 0.75."""

    def integral(x: float) -> float:
        inside = min(max(x, low), high)
        return (inside - low) ** 2 / 2 / (high - low) + max(0.0, x - high)

    return (integral(0.75) - integral(0.25)) / 0.5


def _mix(share: float, first: Sequence[float], second: Sequence[float]) -> Colour:
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def _texture(stage: Any, path: str, base: Any, material: Material, textures: Path) -> None:
    from pxr import Sdf, UsdShade

    types = Sdf.ValueTypeNames
    reader = UsdShade.Shader.Define(stage, f"{path}/Coordinates")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", types.String).Set("st")
    image = UsdShade.Shader.Define(stage, f"{path}/Image")
    image.CreateIdAttr("UsdUVTexture")
    image.CreateInput("file", types.Asset).Set(f"./{textures.name}/{_kept(Path(material.texture), textures)}")
    image.CreateInput("sourceColorSpace", types.Token).Set("sRGB")
    for wrap in ("wrapS", "wrapT"):
        image.CreateInput(wrap, types.Token).Set("repeat")
    image.CreateInput("st", types.Float2).ConnectToSource(reader.CreateOutput("result", types.Float2))
    base.ConnectToSource(image.CreateOutput("rgb", types.Float3))


def _kept(image: Path, textures: Path) -> str:
    """Copy an image beside the assets under the name of its content."""
    from stages.common.files import atomic_write, sha256_of

    name = f"{sha256_of(image)[:16]}{image.suffix.lower()}"
    if not (textures / name).is_file():
        with atomic_write(textures / name, "wb") as stream:
            stream.write(image.read_bytes())
    return name


def _plain(material: Material) -> dict[str, Any]:
    """What USD's dictionaries hold: no tuples, and no path of this machine."""
    from pxr import Gf

    values = asdict(material)
    del values["texture"], values["vertex_colours"]
    return {name: Gf.Vec3f(*value) if isinstance(value, tuple) else value for name, value in values.items()}
