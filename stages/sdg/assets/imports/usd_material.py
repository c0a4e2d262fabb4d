"""What USD materials say of a surface: UsdPreviewSurface, and MDL materials where they are plain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.raw import GREY, RawMaterial, RawScene
from stages.sdg.plan.types import Colour

Place = tuple[tuple[float, float], float, tuple[float, float]]
"""Scale, rotation in degrees, translation of texture coordinates (UsdTransform2d)."""

UNMOVED: Place = ((1.0, 1.0), 0.0, (0.0, 0.0))

MDL_COLOURS = ("diffuse_color_constant", "base_color_factor", "diffuse_tint", "base_color")
MDL_TEXTURES = ("diffuse_texture", "base_color_texture", "albedo_texture", "BaseColor_Tex")
"""Inputs of OmniPBR, gltf/pbr and SimReady's materials that hold the base colour."""


class Materials:
    """Materials of one stage, each read once."""

    def __init__(self, scene: RawScene) -> None:
        self._scene = scene
        self._read: dict[str, RawMaterial] = {}
        self._places: dict[str, Place] = {}

    def of(self, prim: Any) -> RawMaterial:
        """Material bound to a prim or subset, its own or inherited."""
        from pxr import UsdShade

        bound = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
        if not bound:
            return RawMaterial()
        path = str(bound.GetPath())
        if path not in self._read:
            self._read[path] = self._material(bound, path)
        return self._read[path]

    def placed(self, material: RawMaterial, uv: NDArray[np.float32]) -> NDArray[np.float32]:
        """Texture coordinates after the material's own transform."""
        scale, degrees, shift = self._places.get(material.name, UNMOVED)
        if (scale, degrees, shift) == UNMOVED:
            return uv
        turn = np.radians(degrees)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return np.asarray((uv * np.array(scale)) @ matrix.T + np.array(shift), np.float32)

    def _material(self, bound: Any, path: str) -> RawMaterial:
        shader = bound.ComputeSurfaceSource()[0]
        if shader and shader.GetIdAttr().Get() == "UsdPreviewSurface":
            return self._preview(shader, path)
        for context in ("mdl", "mtlx"):
            other = bound.ComputeSurfaceSource(context)[0]
            if other:
                return self._mdl(other, path)
        if shader:
            return self._mdl(shader, path)
        self._scene.notes.append(f"{path} has no surface shader and becomes grey")
        return RawMaterial(path)

    def _preview(self, shader: Any, path: str) -> RawMaterial:
        material = RawMaterial(
            path,
            _colour(_value(shader, "diffuseColor"), (0.18, 0.18, 0.18)),
            _number(_value(shader, "roughness"), 0.5),
            _number(_value(shader, "metallic"), 0.0),
        )
        emitted = _value(shader, "emissiveColor")
        if emitted is not None and max(emitted) > 0.5:
            material = replace(material, glow=float(max(emitted)))
        texture = _source(shader, "diffuseColor")
        if texture is None:
            return material
        if texture.GetIdAttr().Get() == "UsdPrimvarReader_float3":  # displayColor through a reader
            return replace(material, name="")
        if texture.GetIdAttr().Get() != "UsdUVTexture":
            return material
        self._places[path] = _transform(texture)
        scale = _value(texture, "scale")
        tint = _colour(None if scale is None else list(scale)[:3], (1.0, 1.0, 1.0))
        fallback = _value(texture, "fallback")
        lost = material.colour if fallback is None else _colour(list(fallback)[:3], material.colour)
        return self._textured(material, _value(texture, "file"), tint, lost)

    def _mdl(self, shader: Any, path: str) -> RawMaterial:
        material = RawMaterial(path, GREY, 0.5)
        for name in MDL_COLOURS:
            value = _value(shader, name)
            if value is not None and hasattr(value, "__len__") and len(value) >= 3:
                material = replace(material, colour=_colour(value, GREY))
                break
        roughness = _value(shader, "reflection_roughness_constant")
        metallic = _value(shader, "metallic_constant")
        material = replace(material, roughness=_number(roughness, 0.5), metallic=_number(metallic, 0.0))
        for name in MDL_TEXTURES:
            value = _value(shader, name)
            if value is not None and str(getattr(value, "path", "")):
                tint = _value(shader, "diffuse_tint")
                return self._textured(material, value, _colour(tint, (1.0, 1.0, 1.0)), material.colour)
        return material

    def _textured(self, material: RawMaterial, asset: Any, tint: Colour, lost: Colour) -> RawMaterial:
        """The material with its image, or with a plain colour where that cannot be read."""
        written, resolved = str(getattr(asset, "path", "")), str(getattr(asset, "resolvedPath", ""))
        if "[" in resolved:
            from pxr import Ar

            found = Ar.GetResolver().OpenAsset(Ar.ResolvedPath(resolved))
            if found:
                return replace(material, colour=tint, embedded=bytes(found.GetBuffer()))
        elif resolved and Path(resolved).is_file():
            file = Path(resolved)
            if file not in self._scene.files:
                self._scene.files.append(file)
            return replace(material, colour=tint, texture=file)
        if "<UDIM>" in written:
            self._scene.notes.append(f"{material.name} has a tiled texture (UDIM), which is not read; it becomes plain")
        elif written:
            self._scene.missing.append(written.removeprefix("./"))
        return replace(material, colour=lost)


def _value(shader: Any, name: str) -> Any:
    """Value of an input, followed through its connections to where it is set."""
    found = shader.GetInput(name)
    if not found:
        return None
    attributes = found.GetValueProducingAttributes()
    if attributes and attributes[0].GetName().startswith("outputs:"):
        return None
    return attributes[0].Get() if attributes else None


def _source(shader: Any, name: str) -> Any | None:
    """The shader that an input is connected to, or None."""
    from pxr import UsdShade

    found = shader.GetInput(name)
    for attribute in found.GetValueProducingAttributes() if found else ():
        other = UsdShade.Shader(attribute.GetPrim())
        if other and attribute.GetName().startswith("outputs:"):
            return other
    return None


def _transform(texture: Any) -> Place:
    moved = _source(texture, "st")
    if moved is None or moved.GetIdAttr().Get() != "UsdTransform2d":
        return UNMOVED
    scale, turn, shift = (_value(moved, name) for name in ("scale", "rotation", "translation"))
    return (
        (1.0, 1.0) if scale is None else (float(scale[0]), float(scale[1])),
        0.0 if turn is None else float(turn),
        (0.0, 0.0) if shift is None else (float(shift[0]), float(shift[1])),
    )


def _colour(value: Any, usual: Colour) -> Colour:
    if value is None or not hasattr(value, "__len__"):
        return usual
    red, green, blue = (float(np.clip(v, 0, 1)) for v in list(value)[:3])
    return red, green, blue


def _number(value: Any, usual: float) -> float:
    return usual if value is None or hasattr(value, "__len__") else float(np.clip(value, 0, 1))
