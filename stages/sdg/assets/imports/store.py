"""Objects that were read, as files that workers load: ``.cache/assets/<content>/``."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.common.checkout import main_checkout
from stages.common.errors import InputError
from stages.common.files import atomic_write, write_json
from stages.sdg.assets.imports.normalise import Ready
from stages.sdg.assets.types import Asset, Material, Part

META, MESH = "asset.json", "mesh.npz"


def cache_folder() -> Path:
    """Where objects are kept once they were read: in the checkout that outlives an experiment."""
    return _cache_folder(Path.cwd())


@functools.cache
def _cache_folder(start: Path) -> Path:
    return main_checkout(start) / ".cache" / "assets"


def write_ready(folder: Path, ready: Ready, files: Sequence[Path]) -> None:
    """Write an object into a folder that exists."""
    arrays: dict[str, Any] = {}
    for number, part in enumerate(ready.parts):
        arrays[f"v{number}"], arrays[f"t{number}"] = part.vertices, part.triangles
        if part.uv is not None:
            arrays[f"u{number}"] = part.uv
        if part.colours is not None:
            arrays[f"c{number}"] = part.colours
    with atomic_write(folder / MESH, "wb") as stream:
        np.savez(stream, **arrays)
    for name, data in ready.textures.items():
        with atomic_write(folder / name, "wb") as stream:
            stream.write(data)
    parts = [
        {
            "path": part.path,
            "group": part.group,
            "colour": part.colour,
            "roughness": part.roughness,
            "metallic": part.metallic,
            "glow": part.glow,
            "texture": part.texture,
        }
        for part in ready.parts
    ]
    groups = [{"path": group.path, "label": group.label} for group in ready.groups]
    meta = {"parts": parts, "groups": groups, "facts": ready.facts, "files": [str(file) for file in files]}
    write_json(folder / META, meta)


def read_meta(content: str) -> dict[str, Any]:
    """What was found in an object.

    Raises:
        InputError: when the cache does not hold it.
    """
    return dict(_meta(content, cache_folder()))


@functools.lru_cache(maxsize=1024)
def _meta(content: str, cache: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((cache / content / META).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{cache / content} does not hold the object that the plan names: run python -m stages.sdg assets check"
        ) from error


@functools.lru_cache(maxsize=64)
def _arrays(content: str, cache: Path) -> dict[str, Any]:
    _meta(content, cache)
    try:
        with np.load(cache / content / MESH, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{cache / content / MESH} cannot be read: remove {cache} and run it again") from error


def load_asset(content: str, group: int | None, dirt: float) -> Asset:
    """An object, or one of the things that it consists of.

    Args:
        content: key in the cache.
        group: number of the thing; None for all of it.
        dirt: 0 clean to 1 filthy, over what the file shows.

    Raises:
        InputError: when the cache does not hold it.
    """
    cache = cache_folder()
    meta, arrays = _meta(content, cache), _arrays(content, cache)
    parts = []
    for number, stored in enumerate(meta["parts"]):
        if group is not None and stored["group"] != group:
            continue
        material = Material(
            "imported",
            tuple(stored["colour"]),
            stored["roughness"],
            stored["metallic"],
            dirt=dirt,
            glow=stored["glow"],
            texture=str(cache / content / stored["texture"]) if stored["texture"] else "",
            vertex_colours=f"c{number}" in arrays and not stored["texture"],
        )
        parts.append(
            Part(
                stored["path"],
                arrays[f"v{number}"],
                arrays[f"t{number}"],
                material,
                smooth=True,
                uv=arrays.get(f"u{number}"),
                colours=arrays.get(f"c{number}"),
            )
        )
    points = np.concatenate([part.vertices for part in parts])
    length, width, height = (float(side) for side in np.ptp(points, axis=0))
    return Asset(tuple(parts), (length, width, height))
