"""A frame plan as one USD file that needs no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import isaac.stage
from stages.common.errors import InputError
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.usd.assets import asset_files, cache_folder
from stages.sdg.render.usd.files import export
from stages.sdg.shards.records import plan_to_line

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


def save_frame(plan: FramePlan, path: Path, folder: Path | None = None) -> dict[int, str]:
    """Write a plan as one file, geometry included, for usdview, Omniverse or Blender.

    Only images of own objects stay outside of ``.usda`` and ``.usdc``, below the asset files; ``.usdz`` holds them too.

    Args:
        plan: of the frame.
        path: ``.usda`` (text), ``.usdc`` (binary) or ``.usdz`` (a package).
        folder: as for :func:`open_frame`.

    Returns:
        Prim path of each placement by its instance id.

    Raises:
        InputError: when the file has another suffix or cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"'{path}' is no USD file: let it end in {', '.join(SUFFIXES)}")
    stage, paths = open_frame(plan, folder)
    try:
        export(stage.Flatten(False), path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}): make room or choose another place") from error
    return paths
