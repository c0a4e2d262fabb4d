"""One ``.usdc`` for each generated asset, kept by what it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from isaac.stage.keys import asset_key
from stages.common.checkout import main_checkout
from stages.common.errors import InputError
from stages.sdg.assets.catalogue import CONTENT, build_asset, families, source_digest
from stages.sdg.assets.types import PARTS, Asset, Material, Part, part_number
from stages.sdg.plan.types import Placement
from stages.sdg.render.usd.files import export
from stages.sdg.render.usd.normals import corner_normals
from stages.sdg.render.usd.surface import write_material

TEXTURES = "textures"
PART = "userProperties:part"
"""Attribute of a mesh that names which of :data:`stages.sdg.assets.types.PARTS` it is."""

ROOT = "/Asset"


def cache_folder() -> Path:
    """Where asset files are kept when nothing is said: in the checkout that outlives an experiment."""
    return main_checkout(Path.cwd()) / ".cache" / "usd"


def asset_files(placements: Iterable[Placement], folder: Path) -> dict[str, str]:
    """USD files of the assets of some placements, made where they are not there yet.

    A file's name is a digest of the asset's family, variant and parameters, of the sources that make it and of this
    writer, so a file that is there is never out of date; several processes may fill the same folder.

    Args:
        placements: of a plan.
        folder: for the files; images go to ``textures`` below it.

    Returns:
        Absolute path by :func:`isaac.stage.asset_key`, what :func:`isaac.stage.build` takes.

    Raises:
        SettingsError: when an asset family is not registered.
        InputError: when an own object is no longer in its cache, or the folder cannot be written.
    """
    found: dict[str, str] = {}
    for placement in placements:
        key = key_of(placement)
        if key in found:
            continue
        path = (folder / f"{_name(placement, key)}.usdc").absolute()
        if not path.is_file():
            asset = build_asset(placement.family, placement.variant, placement.parameters)
            try:
                write_asset(asset, path)
            except OSError as error:
                raise InputError(f"{folder} cannot be written ({error}): make room or choose another one") from error
        found[key] = str(path)
    return found


def key_of(placement: Placement) -> str:
    """:func:`isaac.stage.asset_key` of a placement."""
    return asset_key({name: getattr(placement, name) for name in ("family", "variant", "parameters")})


def _name(placement: Placement, key: str) -> str:
    # an own object's parameters hold the digest of its files
    made_by = "" if CONTENT in placement.parameters else families().get(placement.family, "")
    told = json.dumps([key, made_by, source_digest(Path(__file__).parent)])
    return f"{placement.family}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def write_asset(asset: Asset, path: Path) -> None:
    """Write an asset as a USD file, whole or not at all: metres, Z up, its root the default prim."""
    stage = asset_stage(asset, path.parent / TEXTURES)  # kept: a layer does not keep its stage alive
    export(stage.GetRootLayer(), path)


def asset_stage(asset: Asset, textures: Path) -> Any:
    """An asset as a ``Usd.Stage`` in memory, to be written beside ``textures``, where its images are put."""
    from pxr import Kind, Usd, UsdGeom

    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    root = UsdGeom.Xform.Define(stage, ROOT)
    Usd.ModelAPI(root.GetPrim()).SetKind(Kind.Tokens.component)
    stage.SetDefaultPrim(root.GetPrim())
    UsdGeom.Scope.Define(stage, f"{ROOT}/Looks")
    looks: dict[Material, Any] = {}
    for number, part in enumerate(asset.parts):
        if part.material not in looks:
            place = f"{ROOT}/Looks/{part.material.kind}_{len(looks):02d}"
            looks[part.material] = write_material(stage, place, part.material, textures)
        if len(part.triangles):
            _mesh(stage, part, number, looks[part.material])
    return stage


def _mesh(stage: Any, part: Part, number: int, look: Any) -> None:
    from pxr import Sdf, Tf, UsdGeom, UsdShade, Vt

    name = Tf.MakeValidIdentifier(part.name.strip("/").rpartition("/")[2] or "part")
    mesh = UsdGeom.Mesh.Define(stage, f"{ROOT}/{name}_{number:02d}")
    vertices = np.ascontiguousarray(part.vertices, np.float32)
    triangles = np.ascontiguousarray(part.triangles, np.int32)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(vertices))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(triangles), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(triangles.ravel()))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(True)
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([vertices.min(0), vertices.max(0)])))
    normals = corner_normals(vertices, triangles, smooth=part.smooth).reshape(-1, 3)
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(normals)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.faceVarying)
    values, types = UsdGeom.PrimvarsAPI(mesh), Sdf.ValueTypeNames
    if part.uv is not None:
        uv = np.ascontiguousarray(part.uv.reshape(-1, 2), np.float32)
        place = values.CreatePrimvar("st", types.TexCoord2fArray, UsdGeom.Tokens.faceVarying)
        place.Set(Vt.Vec2fArray.FromNumpy(uv))
    if part.colours is not None:
        colours = np.ascontiguousarray(part.colours.reshape(-1, 3), np.float32)
        mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.faceVarying).Set(Vt.Vec3fArray.FromNumpy(colours))
    else:
        mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.constant).Set([part.material.colour])
    mesh.GetPrim().CreateAttribute(PART, types.Token, True).Set(PARTS[part_number(part.name)])
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(look)
