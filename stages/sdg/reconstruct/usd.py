"""The finished object as a USD file, with its label and where it comes from; for a process without bpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isaac.stage.frame import label
from stages.common.errors import InputError
from stages.common.settings.imports import NOTHING
from stages.sdg.assets.types import Asset
from stages.sdg.render.usd.assets import TEXTURES, asset_stage
from stages.sdg.render.usd.check import problems
from stages.sdg.render.usd.files import export

PROVENANCE = "reconstruction"
"""Key of the root prim's custom data."""


def write_usd(asset: Asset, path: Path, name: str, class_name: str, provenance: Mapping[str, Any]) -> None:
    """Write an object: metres, Z up, ``UsdSemantics.LabelsAPI`` with its class on the root prim.

    Args:
        asset: its surfaces.
        path: of the ``.usdc``; images go to ``textures`` beside it.
        name: of the asset.
        class_name: its label; ``none`` for scenery.
        provenance: plain values, kept as custom data of the root prim.

    Raises:
        InputError: when OpenUSD finds a fault in what was written, or it cannot be written.
    """
    from pxr import Usd

    stage = asset_stage(asset, path.parent / TEXTURES)
    root = stage.GetDefaultPrim()
    model = Usd.ModelAPI(root)
    model.SetAssetName(name)
    model.SetAssetIdentifier(f"./{path.name}")
    root.SetCustomDataByKey(PROVENANCE, {key: value for key, value in provenance.items() if value is not None})
    if class_name != NOTHING:
        label(root, class_name)
    try:
        export(stage.GetRootLayer(), path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}): make room or choose another place") from error
    found = problems(path)
    if found:
        raise InputError(
            f"{path.name} would have faults by OpenUSD's own measure ({'; '.join(found[:2])}): try another "
            "--max-triangles, or report this"
        )
