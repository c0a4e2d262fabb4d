"""Reading a file in a process of its own, and keeping what came of it by content."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from isaac.stage import rules
from stages.common.errors import InputError
from stages.common.files import sha256_of, write_json
from stages.common.settings.imports import ImportedAsset
from stages.sdg.assets.catalogue import source_digest
from stages.sdg.assets.imports.process import epitaph, run_module
from stages.sdg.assets.imports.store import META, cache_folder, read_meta

FORMATS = (".usd", ".usda", ".usdc", ".usdz", ".gltf", ".glb", ".obj", ".ply", ".stl")
"""Suffixes of what is read."""

NOT_READING = {"name", "source", "weight", "where", "timeout", "max_file_mb"}
"""Fields of an entry that change nothing of what is read."""

SURFACE = (".png", ".jpg", ".jpeg", ".tga", ".bmp", ".exr", ".hdr", ".tif", ".tiff", ".dds", ".webp", ".ktx2", ".mtl")
"""Suffixes of files without which an object has a plain colour; without any other it is incomplete."""

PACKAGES = ("bpy", "trimesh", "fast-simplification", "numpy")


class Missing(InputError):
    """A file refers to others that are not there.

    Attributes:
        names: of these, as they are written.
    """

    def __init__(self, sentence: str, names: Sequence[str]) -> None:
        super().__init__(sentence)
        self.names = tuple(names)


def read(path: Path, entry: ImportedAsset) -> str:
    """Read one file, unless that was done already and nothing that it is made of has changed.

    Args:
        path: of the file.
        entry: of the settings that name it.

    Returns:
        Its key in the cache: a SHA-256 over all files that it is made of and over how they are read.

    Raises:
        Missing: when it refers to files that are not there and is incomplete without.
        InputError: when it cannot be used; one sentence says why.
    """
    _check_file(path, entry)
    record = cache_folder() / "index" / f"{_sha(_options(entry), str(path.absolute()))}.json"
    content = _known(record)
    if content is None:
        content = _read_anew(path, entry, record)
    facts = read_meta(content)["facts"]
    lost = [name for name in facts["missing"] if not name.lower().endswith(SURFACE)]
    if lost:
        raise Missing(_lost_sentence(path, entry, lost), lost)
    return content


def _lost_sentence(path: Path, entry: ImportedAsset, lost: Sequence[str]) -> str:
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return (
        f"assets.{entry.name}: {path} refers to {lost[0]}{more}, which is not there: put it there (in Isaac Sim, with "
        "Collect Asset), or remove the reference"
    )


def _check_file(path: Path, entry: ImportedAsset) -> None:
    what = f"assets.{entry.name}: {path}"
    if not path.is_file():
        raise InputError(f"{what} is not there: correct its source")
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{what} is of no known format: give one of {', '.join(FORMATS)}")
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{what} is empty: export it again")
    if size > entry.max_file_mb * (1 << 20):
        raise InputError(
            f"{what} takes {size / (1 << 20):.0f} MiB, above max_file_mb: {entry.max_file_mb:g}; raise that limit, or "
            "simplify it first"
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"{what} may not be read: mend its permissions")


def _sha(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _options(entry: ImportedAsset) -> dict[str, Any]:
    """What determines how a file is read: the settings in order, the sources, the packages."""
    values = entry.model_dump(mode="json", exclude=NOT_READING)
    values["rules"] = list(entry.rules.items())
    values["sources"] = source_digest(Path(__file__).parent)
    values["matcher"] = sha256_of(Path(rules.__file__))
    values["packages"] = {name: version(name) for name in PACKAGES}
    return values


def _known(record: Path) -> str | None:
    """Key of what was read, where every file is as it was then."""
    try:
        kept = json.loads(record.read_text(encoding="utf-8"))
        same = all(sha256_of(Path(name)) == digest for name, digest in kept["files"].items())
        gone = not any(Path(name).exists() for name in kept["absent"])
        return str(kept["content"]) if same and gone and (cache_folder() / kept["content"] / META).is_file() else None
    except (OSError, ValueError, KeyError):
        return None


def _read_anew(path: Path, entry: ImportedAsset, record: Path) -> str:
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".reading-", dir=cache) as place:
        folder = Path(place) / "object"
        folder.mkdir()
        _run_child(path, entry, folder)
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        digests = {name: sha256_of(Path(name)) for name in meta["files"]}
        # the same files give the same key wherever they lie and whatever the first one is called
        main = path.parent.absolute()
        named = sorted((os.path.relpath(Path(name).absolute(), main), sha) for name, sha in digests.items())
        counted = [("" if name == path.name else name, sha) for name, sha in named]
        content = _sha(_options(entry), counted, meta["facts"]["missing"])[:32]
        meta["files"], meta["main"] = named, path.name
        write_json(folder / META, meta)
        if not (cache / content / META).is_file():
            shutil.rmtree(cache / content, ignore_errors=True)
            folder.replace(cache / content)
    absent = [str(main / name) for name in meta["facts"]["missing"] if "://" not in name]
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        record,
        {
            "content": content,
            "files": {str(Path(name).absolute()): sha for name, sha in digests.items()},
            "absent": absent,
        },
    )
    return content


def _run_child(path: Path, entry: ImportedAsset, folder: Path) -> None:
    """Let a process read ``path`` into ``folder``.

    Raises:
        InputError: when it says why it cannot, dies or takes too long.
    """
    what = f"assets.{entry.name}: {path}"
    job = folder.parent / "job.json"
    write_json(job, {"path": str(path.absolute()), "entry": entry.model_dump(mode="json")})
    log = folder.parent / "log.txt"
    try:
        code = _process(job, folder, log, entry.timeout)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{what} takes longer than {entry.timeout:g} s to read: simplify it first, or raise its timeout"
        ) from None
    if code == 0:
        return
    refused = folder / "refused.json"
    if refused.is_file():
        said = json.loads(refused.read_text(encoding="utf-8"))
        sentence = f"{what} {said['reason']}"
        raise Missing(sentence, said["missing"]) if said["missing"] else InputError(sentence)
    raise InputError(f"{what} cannot be read ({epitaph(code, log)}): export it again, or as another format")


def _process(job: Path, folder: Path, log: Path, timeout: float) -> int:
    """Exit status of a process that does a job."""
    return run_module("stages.sdg.assets.imports.child", [str(job), str(folder)], log, timeout)
