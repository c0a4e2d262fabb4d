"""USD and USDZ, read with the pxr modules that Blender brings; for a process of its own.

Never import usd-core beside bpy: two copies of the same libraries crash in one process.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.imports.raw import (
    MAX_CORNERS,
    MAX_DEPTH,
    MAX_MESHES,
    RawMaterial,
    RawMesh,
    RawScene,
    Unreadable,
)
from stages.sdg.assets.imports.usd_geometry import (
    Shape,
    corner_values,
    mesh_of,
    point_instances,
    shape_of,
)
from stages.sdg.assets.imports.usd_material import Materials

USD_DEFAULT_UNIT = 0.01
"""Metres per unit of a stage that does not say (OpenUSD, UsdGeomLinearUnits)."""

LEVELS_UP = 3
"""Folders above the main file in which a reference still counts as relative to it."""

SHOWN = ("default", "render")
"""Purposes that are rendered; ``proxy`` and ``guide`` stand in for them elsewhere (OpenUSD, UsdGeomImageable)."""


def read_usd_file(path: Path, variants: dict[str, str]) -> RawScene:
    """Read one stage, all its references and payloads loaded.

    Args:
        path: of the root layer.
        variants: chosen variant of each variant set of the default prim.

    Raises:
        Unreadable: when it is broken, empty, cyclic or too deep, or a choice of variants is impossible.
    """
    import bpy

    bpy.utils.expose_bundled_modules()
    from pxr import Tf, Usd, UsdGeom, UsdUtils

    _check_package(path)
    heard = UsdUtils.CoalescingDiagnosticDelegate()
    try:
        stage = Usd.Stage.Open(str(path), Usd.Stage.LoadAll)
    except Tf.ErrorException as error:
        # the parser of text files stops at a depth of its own, at the name of the prim that it has reached
        if str(error).rpartition(" in <")[2].count("/") > 50:
            raise Unreadable("nests its prims too deep for a text file: flatten it and export it again") from error
        raise Unreadable(f"is no readable USD ({_short(error)}): export it again") from error
    scene = RawScene("USDZ" if path.suffix.lower() == ".usdz" else "USD")
    _choose(stage, variants)
    _check_composition(stage, scene, path)
    _stage_units(stage, scene, UsdGeom)
    scene.files, missing = _files(path, UsdUtils)
    scene.missing = list(dict.fromkeys([*scene.missing, *missing]))
    _Walk(stage, scene).run()
    for diagnostic in heard.TakeUncoalescedDiagnostics():
        text = diagnostic.commentary
        if "cycle" in text.lower():
            raise Unreadable("is cyclic, since it refers to itself: remove that reference")
    scene.missing = list(dict.fromkeys(scene.missing))
    if not scene.meshes and scene.missing:
        reason = f"refers to {scene.missing[0]}, which is not there, and holds nothing else: put it there"
        raise Unreadable(reason, scene.missing)
    return scene


def _short(error: Any) -> str:
    """The first thing that USD complains about, on one line."""
    said = [str(item.commentary) for item in getattr(error, "args", ()) if hasattr(item, "commentary")]
    text = " ".join((said[0] if said else str(error)).split()) or type(error).__name__
    return text.split(" -- ")[-1].strip("'\" ")[:160]


def _check_package(path: Path) -> None:
    if path.suffix.lower() != ".usdz":
        return
    try:
        with zipfile.ZipFile(path) as package:
            if not package.namelist():
                raise Unreadable("is an empty USDZ package: export it again")
    except zipfile.BadZipFile as error:
        raise Unreadable(f"is no readable USDZ ({error}): export it again") from error


def _choose(stage: Any, variants: dict[str, str]) -> None:
    for name, choice in variants.items():
        prim = stage.GetDefaultPrim()
        known = prim.GetVariantSets().GetNames() if prim else []
        if name not in known:
            raise Unreadable(f"has no variant set '{name}' on its default prim (it has {', '.join(known) or 'none'})")
        chosen = prim.GetVariantSets().GetVariantSet(name)
        if choice not in chosen.GetVariantNames():
            options = ", ".join(chosen.GetVariantNames())
            raise Unreadable(f"has no variant '{choice}' in '{name}': choose one of {options}")
        chosen.SetVariantSelection(choice)


def _as_written(name: str, main: Path) -> str:
    """A reference relative to the main file again, as it mostly is in the file.

    USD makes paths absolute, and takes a URI that it cannot resolve for a path, and its two slashes for one.
    """
    name = re.sub(r"^([a-z0-9]{2,}):/(?!/)", r"\1://", name)
    if not name.startswith("/"):
        return name.removeprefix("./")
    relative = os.path.relpath(name, main.parent.absolute())
    return relative if relative.count("..") <= LEVELS_UP else name


def _check_composition(stage: Any, scene: RawScene, path: Path) -> None:
    """Sort what composition complains about into cycles, missing files and notes."""
    from pxr import Pcp

    for error in stage.GetCompositionErrors():
        if error.errorType in (Pcp.ErrorType_ArcCycle, Pcp.ErrorType_SublayerCycle):
            where = getattr(error, "rootSite", None)
            prim = f" at {where.path}" if where is not None and hasattr(where, "path") else ""
            raise Unreadable(f"is cyclic, since it refers to itself{prim}: remove that reference")
        if error.errorType in (
            Pcp.ErrorType_ArcCapacityExceeded,
            Pcp.ErrorType_ArcNamespaceDepthCapacityExceeded,
            Pcp.ErrorType_IndexCapacityExceeded,
        ):
            raise Unreadable(f"nests its references too deep ({_short(error)}): flatten it and export it again")
        asset = getattr(error, "assetPath", "") or getattr(error, "sublayerPath", "")
        if asset:
            scene.missing.append(_as_written(str(asset), path))
        else:
            scene.notes.append(_short(error))


def _stage_units(stage: Any, scene: RawScene, geometry: Any) -> None:
    scene.unit = float(geometry.GetStageMetersPerUnit(stage))
    if geometry.StageHasAuthoredMetersPerUnit(stage):
        scene.unit_from = f"metersPerUnit = {scene.unit:g} in the file"
    else:
        scene.unit = USD_DEFAULT_UNIT
        scene.unit_from = "the file does not say, and USD then means centimetres"
    if not (np.isfinite(scene.unit) and scene.unit > 0):
        raise Unreadable(f"has metersPerUnit = {scene.unit:g}, which cannot be: correct it, or give a size")
    scene.up = "z" if str(geometry.GetStageUpAxis(stage)).upper() == "Z" else "y"
    written = stage.HasAuthoredMetadata("upAxis")
    scene.up_from = f"upAxis = {scene.up.upper()} in the file" if written else "the file does not say, USD's own choice"


def _files(path: Path, utils: Any) -> tuple[list[Path], list[str]]:
    """Files that the stage is made of, itself first, and those that it names in vain."""
    layers, assets, unresolved = utils.ComputeAllDependencies(str(path))
    found = [path]
    for name in [*(layer.realPath for layer in layers), *map(str, assets)]:
        file = Path(name.partition("[")[0])
        if name and file not in found and file.is_file() and not file.samefile(path):
            found.append(file)
    # materials of the MDL library come with the program that renders them
    names = [_as_written(str(name), path) for name in unresolved]
    missing = [name for name in names if not name.endswith(".mdl") and "<UDIM>" not in name]
    return found, missing


class _Walk:
    """Visits every prim that is shown and takes its triangles."""

    def __init__(self, stage: Any, scene: RawScene) -> None:
        from pxr import Usd, UsdGeom

        self.stage, self.scene = stage, scene
        self.transforms = UsdGeom.XformCache(Usd.TimeCode.EarliestTime())
        self.materials = Materials(scene)
        self.corners = 0

    def run(self) -> None:
        """Walk the stage and its point instancers."""
        for prim, matrix, path in self._shown(self.stage.GetPseudoRoot(), np.eye(4), "", 0, absolute=True):
            self._take(prim, matrix, path)

    def _shown(
        self, root: Any, above: NDArray[np.float64], prefix: str, level: int, *, absolute: bool
    ) -> Iterator[tuple[Any, NDArray[np.float64], str]]:
        """Shapes below a prim, with their matrix to the stage (row vectors) and their path.

        With ``absolute`` the matrix is the prim's own place in the stage; else it is relative to ``root``, and
        ``above`` goes on top.
        """
        from pxr import Usd, UsdGeom

        if level > 8:
            raise Unreadable("nests point instancers more than 8 deep: flatten it and export it again")
        base = np.linalg.inv(_matrix(self.transforms.GetLocalToWorldTransform(root))) if not absolute else np.eye(4)
        visit = iter(Usd.PrimRange(root, Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate)))
        for prim in visit:
            self.scene.prims += 1
            path = prefix + (str(prim.GetPath()) if absolute else str(prim.GetPath())[len(str(root.GetPath())) :])
            if prim.GetPath().pathElementCount > MAX_DEPTH:
                raise Unreadable(f"nests its prims more than {MAX_DEPTH} deep: flatten it and export it again")
            image = UsdGeom.Imageable(prim)
            if image:
                if image.GetVisibilityAttr().Get(Usd.TimeCode.EarliestTime()) == UsdGeom.Tokens.invisible:
                    visit.PruneChildren()
                    continue
                if str(image.ComputePurpose()) not in SHOWN:
                    continue
            self._semantics(prim, path)
            matrix = _matrix(self.transforms.GetLocalToWorldTransform(prim)) @ base @ above
            if prim.IsA(UsdGeom.PointInstancer):
                visit.PruneChildren()
                for prototype, place, number in point_instances(prim):
                    # what a prototype says of its own place counts below the instance's
                    own = _matrix(UsdGeom.Xformable(prototype).GetLocalTransformation())
                    below = f"{path}/{prototype.GetName()}_{number}"
                    yield from self._shown(prototype, own @ place @ matrix, below, level + 1, absolute=False)
            elif prim.IsA(UsdGeom.Gprim):
                yield prim, matrix, path

    def _semantics(self, prim: Any, path: str) -> None:
        found = semantic_labels(prim)
        if found:
            self.scene.labels[path] = found

    def _take(self, prim: Any, matrix: NDArray[np.float64], path: str) -> None:
        from pxr import UsdGeom

        shape = mesh_of(prim, path) if prim.IsA(UsdGeom.Mesh) else shape_of(prim)
        if shape is None:
            self.scene.notes.append(f"{path} is a {prim.GetTypeName()}, which is not read")
            return
        if not len(shape.triangles):
            return
        self.corners += shape.triangles.size
        if self.corners > MAX_CORNERS:
            raise Unreadable("holds more than 50 million triangles, instances counted: simplify it first")
        if len(self.scene.meshes) > MAX_MESHES:
            raise Unreadable(f"holds more than {MAX_MESHES} meshes: merge some")
        points = shape.points @ matrix[:3, :3] + matrix[3, :3]
        flip = (np.linalg.det(matrix[:3, :3]) < 0) != shape.left_handed
        for material, chosen in self._by_material(prim, shape):
            self._add(prim, shape, points, material, chosen, path, flip=flip)

    def _by_material(self, prim: Any, shape: Shape) -> list[tuple[RawMaterial, NDArray[np.bool_]]]:
        """Materials of a shape and the triangles of each; what no subset names has the prim's own."""
        left = np.ones(len(shape.triangles), bool)
        pieces = []
        for subset, faces in shape.subsets:
            chosen = np.isin(shape.faces, faces) & left
            if chosen.any():
                pieces.append((self.materials.of(subset), chosen))
                left &= ~chosen
        if left.any():
            pieces.append((self.materials.of(prim), left))
        return pieces

    def _add(
        self,
        prim: Any,
        shape: Shape,
        points: NDArray[np.float64],
        material: RawMaterial,
        chosen: NDArray[np.bool_],
        path: str,
        *,
        flip: bool,
    ) -> None:
        triangles = shape.triangles[chosen]
        uv = corner_values(prim, "st", shape, chosen, 2) if material.texture or material.embedded else None
        if uv is not None:
            uv = self.materials.placed(material, uv)
        colours = None
        if not (material.texture or material.embedded) and not material.name:
            colours = corner_values(prim, "displayColor", shape, chosen, 3)
        if flip:
            triangles = triangles[:, ::-1]
            uv, colours = (None if values is None else values[:, ::-1] for values in (uv, colours))
        self.scene.meshes.append(RawMesh(path, points, triangles, material, uv, colours))


def _matrix(matrix: Any) -> NDArray[np.float64]:
    """A Gf matrix for row vectors as an array."""
    return np.array(matrix, np.float64).reshape(4, 4)


def semantic_labels(prim: Any) -> list[str]:
    """Class labels on a prim itself, of OpenUSD's schema and of Isaac Sim's older one.

    The older one writes ``semantic:Semantics:params:semanticType`` and ``...:semanticData``; the newer one
    ``semantics:labels:class``, which Replicator types as ``string[]`` and OpenUSD as ``token[]``.
    """
    found: list[str] = []
    for attribute in prim.GetAttributes():
        name = attribute.GetName()
        if name.startswith("semantics:labels:") and name.rpartition(":")[2] in ("class", "category"):
            found += [str(value) for value in attribute.Get() or ()]
        elif name.startswith("semantic:") and name.endswith(":params:semanticData"):
            kind = prim.GetAttribute(name[: -len("Data")] + "Type")
            if not kind or kind.Get() in (None, "", "class"):
                found += [part.strip() for part in str(attribute.Get() or "").split(",")]
    return [label for label in dict.fromkeys(found) if label]
