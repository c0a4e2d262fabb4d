"""Addresses of NVIDIA's and other people's assets, and the small files that bring them to metres. Text alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isaac.capture.read import CaptureError

SERVED = "/Isaac/"
"""Beginning of addresses below the asset root, as NVIDIA's documents write them."""

WRAPPER = """#usda 1.0
(
    defaultPrim = "Asset"
    metersPerUnit = 1
    upAxis = "Z"
)

def Xform "Asset"
{{
    def Xform "Reference" (
        prepend references = @{url}@
    )
    {{
        double3 xformOp:rotateXYZ = ({tilt}, 0, {turn})
        double3 xformOp:scale = ({scale}, {scale}, {scale})
        uniform token[] xformOpOrder = ["xformOp:rotateXYZ", "xformOp:scale"]
    }}
}}
"""


def address(url: str, root: str | None) -> str:
    """The full address of an asset.

    Args:
        url: below the asset root where it begins with :data:`SERVED`, a path or an address otherwise.
        root: of NVIDIA's assets, None when it cannot be reached.

    Raises:
        CaptureError: when the asset lies below a root that cannot be reached.
    """
    if not url.startswith(SERVED):
        return url
    if root is None:
        raise CaptureError(
            f"NVIDIA's assets cannot be reached for {url}; open the network, or give renderer.isaac.asset_root the "
            "folder of a local assets pack"
        )
    return f"{root}{url}"


def wrapper(spec: Mapping[str, Any], root: str | None) -> str:
    """Text of a small file that shows an asset in metres, Z up, its front along +X.

    Args:
        spec: ``usd`` (address), ``scale`` (metres a unit), ``up`` (``z`` or ``y``), ``turn`` (degrees about Z).
        root: of NVIDIA's assets.

    Raises:
        CaptureError: when the address cannot stand in a USD file, or lies below a root that cannot be reached.
    """
    url = address(str(spec["usd"]), root)
    if "@" in url or "\n" in url:
        raise CaptureError(f"the address {url!r} cannot stand in a USD file; rename the asset")
    tilt = 90 if spec.get("up", "z") == "y" else 0
    return WRAPPER.format(url=url, tilt=tilt, turn=float(spec.get("turn", 0.0)), scale=float(spec.get("scale", 1.0)))


def wrapped(spec: Mapping[str, Any], root: str | None, folder: Path) -> str:
    """Path of a file with :func:`wrapper` in a folder; made when it is not there."""
    text = wrapper(spec, root)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.usda"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return str(path)
