"""USD files that are whole or absent."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any


def export(layer: Any, path: Path) -> None:
    """Write a layer beside ``path`` and rename it onto ``path``; the suffix says how: text, binary or package.

    Args:
        layer: an ``Sdf.Layer`` without references to other files, where a package is wanted.
        path: ``.usda``, ``.usdc``, ``.usd`` or ``.usdz``; parent folders are made.

    Raises:
        OSError: when it cannot be written.
    """
    from pxr import Tf

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        if not _write(layer, partial):
            raise OSError("the USD library refused")
        partial.replace(path)
    except Tf.ErrorException as error:
        raise OSError(str(error).strip().rpartition(" : ")[2].strip("'")) from error
    finally:
        partial.unlink(missing_ok=True)


def _write(layer: Any, path: Path) -> bool:
    if path.suffix != ".usdz":
        return bool(layer.Export(str(path)))
    from pxr import UsdUtils

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".package-") as folder:
        whole = Path(folder) / "frame.usdc"
        return bool(layer.Export(str(whole)) and UsdUtils.CreateNewUsdzPackage(str(whole), str(path)))
