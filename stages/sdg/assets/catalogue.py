"""The registry of asset families: a name, and a function from a shape number to a mesh."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.common.errors import SettingsError
from stages.sdg.assets.detail import DETAIL, built_with
from stages.sdg.assets.reference import STAND_IN, stand_in
from stages.sdg.assets.types import Asset

Parameters = Mapping[str, Any]
Generator = Callable[[np.random.Generator, Parameters], Asset]

BUILT_IN = (
    "hall", "floor_wear", "storage", "carriers", "goods", "pallet_truck", "electric_pallet_truck", "forklift",
    "lift_trucks", "machines", "carts", "lookalikes", "equipment", "containers", "furniture", "people", "distractors",
    "standins",
)  # fmt: skip
"""Modules of this package that register families when they are imported."""

CONTENT, GROUP = "content", "group"
"""Parameters of the user's own objects: key in the cache, and which of the things that the object consists of."""

_FAMILIES: dict[str, Generator] = {}


def register_asset(name: str) -> Callable[[Generator], Generator]:
    """Decorator: make ``generate(rng, parameters) -> Asset`` known as the family ``name``.

    The generator draws its shape from ``rng`` alone, so that one variant number always gives the same asset;
    ``parameters`` fix what the scene needs (tiller angle, load height, length of a wall, ...).
    """

    def register(generate: Generator) -> Generator:
        _FAMILIES[name] = generate
        return generate

    return register


@functools.cache
def _load() -> None:
    for module in BUILT_IN:
        importlib.import_module(f"stages.sdg.assets.{module}")


def families() -> dict[str, str]:
    """Registered families and a SHA-256 over the sources that make each: this package and the family's own module."""
    _load()
    shared = source_digest(Path(__file__).parent)
    return {name: _digest(shared, Path(inspect.getfile(made))) for name, made in sorted(_FAMILIES.items())}


def source_digest(folder: Path) -> str:
    """Hex SHA-256 over the Python sources of a folder, names included; comments and layout do not count."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(f"{path.name}\n{_tree(path)}\n".encode())
    return digest.hexdigest()


def _digest(shared: str, module: Path) -> str:
    return hashlib.sha256(f"{shared}\n{_tree(module)}".encode()).hexdigest()


@functools.cache
def _tree(path: Path) -> str:
    return ast.dump(ast.parse(path.read_bytes()))


def build_asset(family: str, variant: int, parameters: Parameters) -> Asset:
    """Generate one asset; the last few hundred are kept.

    Args:
        family: registered name, or the name of one of the user's own objects.
        variant: number of the shape, 0 or more.
        parameters: plain JSON values that the family's generator understands; those of an own object name it in the
            cache by its :data:`CONTENT`, and perhaps one of its things by :data:`GROUP`.

    Raises:
        SettingsError: when there is no such family.
        InputError: when the cache does not hold the own object.
    """
    return _build(family, variant, json.dumps(dict(parameters), sort_keys=True))


@functools.lru_cache(maxsize=384)
def _build(family: str, variant: int, parameters: str) -> Asset:
    _load()
    if CONTENT in (told := json.loads(parameters)):
        from stages.sdg.assets.imports.store import load_asset

        group = told.get(GROUP)
        return load_asset(str(told[CONTENT]), None if group is None else int(group), float(told.get("dirt", 0.0)))
    if STAND_IN in told:
        shown, rest = stand_in(told)
        return _build(shown, variant, json.dumps(rest, sort_keys=True))
    if family not in _FAMILIES:
        raise SettingsError(f"asset family '{family}' is not registered; `python -m stages.sdg list` shows what is")
    digest = hashlib.sha256(family.encode()).digest()
    rng = np.random.default_rng([int.from_bytes(digest[:4], "little"), variant])
    detail = float(told.pop(DETAIL, 0.0))
    with built_with(detail):
        return _FAMILIES[family](rng, told)
