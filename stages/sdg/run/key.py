"""The content key: what two runs must have in common for their frames to be the same.

It covers the settings that reach a picture or its labels, the sources that plan, render, label and encode, and the
versions of the packages that do the arithmetic. It leaves out how many frames are asked for, how they are spread over
shards, and how many processes render them.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stages.common.custom import custom_digest
from stages.common.settings import Settings

STAGES = Path(__file__).resolve().parents[2]
SOURCES = (
    "common/settings/dependence.py",
    "common/settings/distribution.py",
    "common/settings/imports.py",
    "common/settings/pictures.py",
    "common/settings/presets.py",
    "common/settings/quantity.py",
    "common/settings/recipe.py",
    "common/settings/targets.py",
    "sdg/plan",
    "sdg/assets",
    "sdg/render",
    "sdg/label",
    "sdg/annotators",
    "sdg/run/frame.py",
    "sdg/shards/members.py",
    "sdg/shards/records.py",
    "sdg/shards/writer.py",
)
"""Files and folders below ``stages`` whose code determines the bytes of a frame."""

PACKAGES = ("bpy", "numpy", "opencv-python-headless")


def relevant_settings(settings: Settings) -> dict[str, Any]:
    """The settings that determine a frame, as plain JSON values."""
    values = settings.model_dump(mode="json", include={"seed", "scene", "randomization", "presets", "targets"})
    left_out = {"name": True, "runtime": True, "isaac": {"run"} if settings.renderer.isaac else True}
    values["renderer"] = settings.renderer.model_dump(mode="json", exclude=left_out)
    if settings.assets:
        values["assets"] = _assets(settings)
    if settings.custom.files or settings.custom.annotators:
        chosen = settings.custom.model_dump(mode="json", include={"randomizers", "annotators"})
        values["custom"] = [custom_digest(settings.custom), chosen]
    values["frames"] = settings.dataset.frames.model_dump(mode="json", include={"sizes", "annotators"})
    return values


def _assets(settings: Settings) -> list[Any]:
    """What the user's own objects hold, wherever their files lie, and how they are drawn."""
    from stages.sdg.assets.imports.prepare import prepare_all

    return [[item.entry.name, item.entry.where, item.entry.weight, item.contents] for item in prepare_all(settings)]


def content_key(settings: Settings) -> str:
    """Hex SHA-256 over settings, own objects, sources and package versions; the order of what is drawn from counts.

    Raises:
        StageError: when an own object cannot be read.
    """
    parts = {"settings": relevant_settings(settings), "sources": _own_digest(), "packages": _versions()}
    if settings.renderer.backend == "isaac":
        parts["isaac"] = _isaac_digest()
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def source_digest(root: Path) -> str:
    """Hex SHA-256 over the syntax trees of :data:`SOURCES`, so that comments and layout do not count.

    Args:
        root: the folder that the sources are relative to.
    """
    digest = hashlib.sha256()
    for path in _files(root):
        tree = ast.dump(ast.parse(path.read_bytes()))
        digest.update(f"{path.relative_to(root).as_posix()}\n{tree}\n".encode())
    return digest.hexdigest()


@functools.cache
def _own_digest() -> str:
    return source_digest(STAGES)


@functools.cache
def _isaac_digest() -> str:
    """As :func:`source_digest`, of what runs inside Isaac Sim."""
    from stages.sdg.assets.catalogue import source_digest as of_folder

    root = STAGES.parent / "isaac"
    return "".join(of_folder(root / name) for name in ("capture", "stage"))


def _files(root: Path) -> list[Path]:
    places = [root / name for name in SOURCES]
    return sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.py")))


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found
