"""A frame plan as one USD file that needs no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import isaac.stage
from isaac.capture.references import wrapper
from stages.common.errors import InputError
from stages.sdg.assets.reference import USD, reference_of
from stages.sdg.plan.types import FramePlan, Placement
from stages.sdg.render.usd.assets import asset_files, cache_folder
from stages.sdg.render.usd.files import export
from stages.sdg.shards.records import plan_to_line

ASSET_ROOT = "https://omniverse-content-production.s3-us-west-2.amazonaws.com/Assets/Isaac/5.1"
"""NVIDIA's assets as Isaac Sim 5.1 has them by default (``OMNI_SERVER`` of its image)."""

SUFFIXES = (".usda", ".usdc", ".usdz")


def open_frame(plan: FramePlan, folder: Path | None = None) -> tuple[Any, dict[int, str]]:
    """A plan as a stage in memory that references asset files.

    Args:
        plan: of the frame.
        folder: of the asset files; :func:`stages.sdg.render.usd.assets.cache_folder` when left out.

    Returns:
        The ``Usd.Stage``, and the prim path of each placement by its instance id.

    Raises:
        SettingsError: when an asset family is not registered.
        InputError: when an asset file cannot be made.
    """
    from pxr import Usd

    assets = asset_files(plan.placements, folder or cache_folder())
    stage = Usd.Stage.CreateInMemory()
    return stage, isaac.stage.build(stage, json.loads(plan_to_line(plan)), assets)


def foreign(plan: FramePlan) -> tuple[Placement, ...]:
    """Placements of assets that only a USD file of somebody else has; others show a stand-in for them."""
    return tuple(placement for placement in plan.placements if USD in placement.parameters)


def save_frame(
    plan: FramePlan, path: Path, folder: Path | None = None, *, asset_root: str | None = None
) -> dict[int, str]:
    """Write a plan as one file, geometry included, for usdview, Omniverse or Blender.

    Only images of own objects stay outside of ``.usda`` and ``.usdc``, below the asset files; ``.usdz`` holds them too.
    Assets of other people's files are their stand-ins, or with ``asset_root`` references to their addresses, which
    Omniverse opens. Changes inside such files (lamps, paint) are what the ``isaac`` renderer makes, and in no file.

    Args:
        plan: of the frame.
        path: ``.usda`` (text), ``.usdc`` (binary) or ``.usdz`` (a package).
        folder: as for :func:`open_frame`.
        asset_root: of NVIDIA's assets, folder or address: refer to other people's files.

    Returns:
        Prim path of each placement by its instance id.

    Raises:
        InputError: when the file has another suffix or cannot be written, or a package would have such references.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"'{path}' is no USD file: let it end in {', '.join(SUFFIXES)}")
    places = foreign(plan) if asset_root is not None else ()
    if places and path.suffix == ".usdz":
        raise InputError(
            f"'{path}' cannot refer to other people's files: packing changes addresses; take .usda or .usdc"
        )
    if any(placement.parameters.get("own_lamps") for placement in places):
        plan = replace(plan, lamps=())
    stage, paths = open_frame(plan, folder)
    layer = stage.Flatten(False)
    for placement in places:
        _refer(layer, paths[placement.id], wrapper(reference_of(placement), asset_root))
    try:
        export(layer, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}): make room or choose another place") from error
    return paths


def _refer(layer: Any, path: str, text: str) -> None:
    """Put a reference in the place of a stand-in's parts."""
    from pxr import Sdf

    wrapping = Sdf.Layer.CreateAnonymous(".usda")
    wrapping.ImportFromString(text)
    prim = layer.GetPrimAtPath(path)
    for name in [child.name for child in prim.nameChildren]:
        del prim.nameChildren[name]
    # what the stand-in's root said of itself
    for name in ("kind", "customData", "assetInfo"):
        prim.ClearInfo(name)
    Sdf.CopySpec(wrapping, "/Asset/Reference", layer, f"{path}/Reference")
