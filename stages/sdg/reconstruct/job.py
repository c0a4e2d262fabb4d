"""One object from what the user gave to the catalogue."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stages.common.errors import InputError, RenderError, SettingsError
from stages.common.files import replaced_folder, sha256_of, write_json
from stages.common.settings import Settings
from stages.common.settings.imports import METRE_SIDES, NOTHING, ImportedAsset, Size
from stages.sdg.assets.catalogue import source_digest
from stages.sdg.assets.imports.prepare import Prepared, prepare
from stages.sdg.assets.imports.process import epitaph, run_module
from stages.sdg.assets.imports.reader import FORMATS, PACKAGES
from stages.sdg.assets.imports.store import META, cache_folder, load_asset, read_meta
from stages.sdg.reconstruct.classes import usual_side
from stages.sdg.reconstruct.entry import add_entry
from stages.sdg.reconstruct.mask import Box, Cutout, cut_out
from stages.sdg.reconstruct.sam3d import Setup, reconstruct
from stages.sdg.reconstruct.scratch import scratch, sweep

RECORD = "reconstruction.json"
"""What was done, in the object's folder; a folder without it is somebody else's."""

PICTURE = "turntable.jpg"

TOLERANCE = 0.01
"""Share by which the finished file may differ from the side that was asked for."""

LARGEST_FILE_MB = 2048.0


@dataclass(frozen=True)
class Request:
    """What the user gave.

    Attributes:
        name: of the object.
        class_name: its class, or ``none``.
        photo, box, mask, sam: see :func:`~stages.sdg.reconstruct.mask.cut_out`.
        setup: SAM 3D Objects; None with a mesh.
        mesh: that SAM 3D or another tool made.
        side, metres: known side of the object; empty for what its class says.
        unit: of the mesh's coordinates, instead of a side; empty when not given.
        up, front: see :func:`~stages.sdg.reconstruct.upright.stand`.
        max_triangles: kept.
        largest_hole, keep_all: see :func:`~stages.sdg.reconstruct.clean.clean`.
        seed: of SAM 3D.
        timeout: seconds for mending, and for SAM 3D.
        out: folder that the object's folder is put into.
        backend: that draws the turntable.
    """

    name: str
    class_name: str
    photo: Path | None = None
    box: Box | None = None
    mask: Path | None = None
    sam: Path | None = None
    setup: Setup | None = None
    mesh: Path | None = None
    side: str = ""
    metres: float = 0.0
    unit: str = ""
    up: str = "auto"
    front: str = "auto"
    max_triangles: int = 20_000
    largest_hole: float = 0.3
    keep_all: bool = False
    seed: int = 0
    timeout: float = 600.0
    out: Path = Path("assets/reconstructed")
    backend: str = "blender"


@dataclass(frozen=True)
class Made:
    """A finished object.

    Attributes:
        folder: where it lies.
        entry: of ``assets``.
        record: what was done.
        added: whether ``conf/config.yaml`` was changed.
    """

    folder: Path
    entry: dict[str, Any]
    record: dict[str, Any]
    added: bool


def run(request: Request, settings: Settings, config: Path | None) -> Made:
    """Make an object, and enter it among ``assets``.

    Nothing is left where it fails or is stopped: the object's folder appears as a whole, and the entry after it.

    Args:
        request: what is wanted.
        settings: of the pipeline.
        config: ``conf/config.yaml``; None leaves it alone.

    Raises:
        StageError: one sentence that says what is wrong and what to do.
    """
    request = _checked(request, settings)
    sweep(cache_folder(), "mending")
    cutout, mesh, origin = _mesh(request)
    content = _mended(request, mesh)
    meta = read_meta(content)
    record = _record(request, cutout, origin, meta)
    folder = request.out / request.name
    source = folder / f"{request.name}.usdc"
    with replaced_folder(folder) as partial:
        _write(partial / source.name, request, content, record)
        entry = _entry(request, source, meta)
        # the same entry, read as every run will read it
        prepared = prepare(
            ImportedAsset.model_validate(entry | {"source": str(partial / source.name)}), settings.storage
        )
        _check_size(request, prepared)
        _draw(request, prepared, cutout, settings.scene.classes, partial)
        write_json(partial / RECORD, record)
    added = config is not None and add_entry(config, entry)
    return Made(folder, entry, record, added)


def _checked(request: Request, settings: Settings) -> Request:
    """The request with its scale settled; errors for what cannot be."""
    from stages.sdg.assets.catalogue import families

    known = settings.scene.classes
    if request.class_name not in (*known, NOTHING):
        raise SettingsError(f"--class '{request.class_name}' is none of {', '.join(known)}: choose one, or none")
    if request.name in families():
        raise SettingsError(f"--name {request.name} is the name of a built-in family: choose another")
    taken = next((item for item in settings.assets if item.name == request.name), None)
    source = request.out / request.name / f"{request.name}.usdc"
    if taken is not None and taken.source != str(source):
        raise SettingsError(f"--name {request.name} is an entry of assets already, for {taken.source}: choose another")
    folder = request.out / request.name
    if folder.exists() and not (folder / RECORD).is_file():
        raise InputError(f"{folder} is there and was not made by this command: move it away, or choose another --name")
    _check_place(folder)
    if request.mesh is not None:
        _check_mesh(request.mesh)
    if request.side or request.unit:
        return request
    usual = usual_side(request.class_name)
    if usual is None:
        raise SettingsError(
            f"nothing says how large a {request.class_name} is: give --height, --length or --width in metres, or the "
            "mesh's --unit"
        )
    return replace(request, side=usual[0], metres=usual[1])


def _check_place(folder: Path) -> None:
    """An InputError where the object's folder could not be made after all the work."""
    there = next(place for place in folder.resolve().parents if place.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=".reconstruct-", dir=there):
            pass
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}): choose another --out") from error


def _check_mesh(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path} is not there: give --mesh a file")
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path} is of no known format: give one of {', '.join(FORMATS)}")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: export it again")
    if path.stat().st_size > LARGEST_FILE_MB * (1 << 20):
        raise InputError(f"{path} takes more than {LARGEST_FILE_MB:g} MiB: simplify it first")


def _mesh(request: Request) -> tuple[Cutout | None, Path, dict[str, Any]]:
    """The object in the photograph, if there is one, its mesh, and where that is from."""
    cutout = None
    if request.photo is not None and (request.mesh is None or request.box or request.mask):
        cutout = cut_out(request.photo, request.box, request.mask, request.sam)
    if request.mesh is not None:
        return cutout, request.mesh, {"made_by": "given"}
    if cutout is None or request.setup is None:
        raise InputError("there is nothing to begin with: give a photograph, or a mesh with --mesh FILE")
    made = reconstruct(request.setup, cutout, request.seed)
    return cutout, made.path, {"made_by": "SAM 3D Objects"} | made.told


def _mended(request: Request, mesh: Path) -> str:
    """Key in the cache of the mended object; done once for the same file and wishes."""
    size = Size.model_validate({request.side: request.metres}) if request.side else None
    entry = ImportedAsset.model_validate(
        {
            "name": request.name,
            "source": str(mesh),
            "class": request.class_name,
            "size": size,
            "unit": request.unit or "auto",
            "up": "z",
            "max_triangles": request.max_triangles,
            "max_file_mb": LARGEST_FILE_MB,
        }
    )
    job = {
        "path": str(mesh.absolute()),
        "entry": entry.model_dump(mode="json"),
        "up": request.up,
        "front": request.front,
        "largest_hole": request.largest_hole,
        "keep_all": request.keep_all,
    }
    key = _key(job | {"path": sha256_of(mesh)})
    cache = cache_folder()
    # a file that refers to others is read again, since they may have changed
    if (cache / key / META).is_file() and len(read_meta(key)["files"]) == 1:
        return key
    with scratch(cache, "mending") as place:
        folder = place / "object"
        folder.mkdir()
        _run_child(job, mesh, folder, request.timeout)
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        meta["files"] = [(Path(name).name, sha256_of(Path(name))) for name in meta["files"]]
        meta["main"] = mesh.name
        key = _key([key, meta["files"]]) if len(meta["files"]) > 1 else key
        write_json(folder / META, meta)
        if not (cache / key / META).is_file():
            shutil.rmtree(cache / key, ignore_errors=True)
            folder.replace(cache / key)
    return key


def _key(told: Any) -> str:
    here = Path(__file__).parent
    made_by = [source_digest(here), source_digest(here.parent / "assets" / "imports"), [version(p) for p in PACKAGES]]
    return hashlib.sha256(json.dumps([told, made_by], sort_keys=True).encode()).hexdigest()[:32]


def _run_child(job: dict[str, Any], mesh: Path, folder: Path, timeout: float) -> None:
    """Let a process of its own mend a mesh into ``folder``; errors as :func:`run`."""
    file, log = folder.parent / "job.json", folder.parent / "log.txt"
    write_json(file, job)
    try:
        code = run_module("stages.sdg.reconstruct.child", [str(file), str(folder)], log, timeout)
    except subprocess.TimeoutExpired:
        raise InputError(f"{mesh} takes longer than {timeout:g} s to mend: raise --timeout, or simplify it") from None
    if code == 0:
        return
    refused = folder / "refused.json"
    if refused.is_file():
        raise InputError(f"{mesh} {json.loads(refused.read_text(encoding='utf-8'))['reason']}")
    raise InputError(f"{mesh} cannot be mended ({epitaph(code, log)}): export it again, or as another format")


def _record(request: Request, cutout: Cutout | None, origin: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    """What was done, without paths of this machine."""
    facts = meta["facts"]
    low, high = facts["low"], facts["high"]
    record: dict[str, Any] = {
        "name": request.name,
        "class": request.class_name,
        "mesh": {"files": meta["files"], "format": facts["format"]} | origin,
        "up": facts["up_rule"],
        "front": facts["front_rule"],
        "scale": {"metres_per_unit": facts["unit"], "from": facts["unit_from"]},
        "size": [b - a for a, b in zip(low, high, strict=True)],
        "triangles": {"before": facts["triangles_before"], "after": facts["triangles"]},
        "error_max": facts["error_max"],
        "error_mean": facts["error_mean"],
        "mended": facts["mended"],
        "result": facts["result"],
        "notes": list(dict.fromkeys(facts["notes"])) + [f"{name} is missing" for name in facts["missing"]],
        "sources": _key(None),
    }
    if request.photo is not None:
        record["photo"] = {"file": request.photo.name, "sha256": sha256_of(request.photo)}
        if cutout is not None:
            record["photo"] |= {"box": request.box, "mask": cutout.how, "mask_pixels": int(cutout.mask.sum())}
    return record


def _write(path: Path, request: Request, content: str, record: dict[str, Any]) -> None:
    from stages.sdg.reconstruct.usd import write_usd

    mesh, photo = record["mesh"], record.get("photo", {})
    provenance = {
        "madeBy": mesh["made_by"],
        "revision": mesh.get("revision"),
        "seed": mesh.get("seed"),
        "mesh": mesh["files"][0][0],
        "meshSha256": mesh["files"][0][1],
        "photo": photo.get("file"),
        "photoSha256": photo.get("sha256"),
        "mask": photo.get("mask"),
        "up": record["up"],
        "scale": record["scale"]["from"],
        "watertight": record["result"]["watertight"],
        "errorMax": record["error_max"],
    }
    write_usd(load_asset(content, None, 0.0), path, request.name, request.class_name, provenance)


def _entry(request: Request, source: Path, meta: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": request.name, "source": str(source), "class": request.class_name}
    if meta["facts"]["triangles"] > ImportedAsset.model_fields["max_triangles"].default:
        entry["max_triangles"] = meta["facts"]["triangles"]
    return entry


def _check_size(request: Request, prepared: Prepared) -> None:
    """The file as it is read must have the side that was asked for, and stand on the floor."""
    facts = prepared.metas()[0]["facts"]
    sides = dict(zip(METRE_SIDES, (b - a for a, b in zip(facts["low"], facts["high"], strict=True)), strict=True))
    found = sides.get(request.side, request.metres)
    if abs(found - request.metres) > TOLERANCE * request.metres or abs(facts["low"][2]) > TOLERANCE * sides["height"]:
        raise RenderError(
            f"{request.name} came out {found:.3f} m in {request.side} instead of {request.metres:g} m: report this, "
            "with the mesh"
        )


def _draw(request: Request, prepared: Prepared, cutout: Cutout | None, classes: Any, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="turntable-") as place:
        job, log, photo = Path(place) / "job.json", Path(place) / "log.txt", Path(place) / "photo.png"
        if cutout is not None:
            _save_cutout(cutout, photo)
        told = {
            "name": request.name,
            "content": prepared.contents[0],
            "classes": list(classes),
            "backend": request.backend,
            "out": str((folder / PICTURE).absolute()),
            "photo": str(photo) if cutout is not None else "",
        }
        write_json(job, told)
        try:
            code = run_module("stages.sdg.reconstruct.turntable", [str(job)], log, request.timeout)
        except subprocess.TimeoutExpired:
            raise RenderError(
                f"{request.name} takes longer than {request.timeout:g} s to draw: raise --timeout, or give "
                "--turntable fake"
            ) from None
        if code != 0:
            raise RenderError(f"{request.name} cannot be drawn ({epitaph(code, log)}): give --turntable fake to go on")


def _save_cutout(cutout: Cutout, path: Path) -> None:
    """The photograph around the object, what is not it paled."""
    import numpy as np
    from PIL import Image

    rows, columns = np.flatnonzero(cutout.mask.any(1)), np.flatnonzero(cutout.mask.any(0))
    margin = max(8, int(0.08 * max(np.ptp(rows), np.ptp(columns))))
    window = (
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )
    picture, mask = cutout.image[window], cutout.mask[window]
    Image.fromarray(np.where(mask[..., None], picture, picture // 4 + 190).astype(np.uint8)).save(path)
