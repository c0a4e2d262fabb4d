"""From the file that a tool wrote to an object that can be placed; in a process of its own, see ``child``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from stages.common.settings.imports import ImportedAsset
from stages.sdg.assets.imports.child import read_scene as read_file
from stages.sdg.assets.imports.normalise import Ready, normalise
from stages.sdg.assets.imports.raw import RawScene, Unreadable
from stages.sdg.assets.imports.read_mesh import FORMATS
from stages.sdg.reconstruct.clean import Mended, clean, measure
from stages.sdg.reconstruct.points import mesh_of, read_points
from stages.sdg.reconstruct.soup import stirred
from stages.sdg.reconstruct.upright import stand


def make(path: Path, options: dict[str, Any]) -> tuple[Ready, list[Path]]:
    """Read a file, mend it, set it upright, scale it and simplify it.

    Args:
        path: mesh, point cloud or Gaussian splats.
        options: ``entry`` (an :class:`~stages.common.settings.imports.ImportedAsset` as JSON, with its size or unit),
            ``up``, ``front``, ``largest_hole`` and ``keep_all``.

    Returns:
        The object, whose ``facts`` have ``mended``, ``result``, ``up_rule`` and ``front_rule`` besides those of an
        import; and the files that it was made of.

    Raises:
        Unreadable: when it cannot be used.
    """
    entry = ImportedAsset.model_validate(options["entry"])
    raw = read_scene(path)
    done = clean(raw, largest_hole=options["largest_hole"], keep_all=options["keep_all"], limit=entry.max_triangles)
    # thinned already, so that the scale is that of what is left
    entry = entry.model_copy(update={"max_triangles": max(entry.max_triangles, done.after)})
    soup = stirred(raw.meshes)
    turned = stand(soup, raw, options["up"], options["front"], entry.class_name)
    for mesh in raw.meshes:
        mesh.vertices = mesh.vertices @ turned.turn.T
        mesh.path = f"/{mesh.path.strip('/').rpartition('/')[2] or 'mesh'}"
    raw.up, raw.up_from, raw.labels = "z", turned.up, {}
    raw.notes += turned.notes
    ready = normalise(raw, entry)
    scale = ready.facts["unit"]
    ready.facts |= {
        "triangles_before": done.before,
        "error_max": done.error_max * scale,
        "error_mean": done.error_mean * scale,
        "mended": asdict(done) | {"watertight": done.watertight},
        "result": _result(ready),
        "up_rule": turned.up,
        "front_rule": turned.front,
    }
    return ready, raw.files


def read_scene(path: Path) -> RawScene:
    """Read a file of any kind.

    Raises:
        Unreadable: when it cannot be used.
    """
    raw = read_file(path, {})
    if not raw.meshes and path.suffix.lower() in FORMATS:
        cloud = read_points(path)
        if cloud is not None:
            raw.format += f", {cloud.kind}"
            raw.meshes = [mesh_of(cloud, raw, f"/{path.stem}")]
    return raw


def _result(ready: Ready) -> dict[str, Any]:
    """What the finished surface is like: triangles, pieces, open edges, volume in cubic metres."""
    import numpy as np

    from stages.sdg.assets.imports.raw import RawMesh
    from stages.sdg.assets.imports.simplify import weld

    soup = stirred([RawMesh(p.path, p.vertices.astype(np.float64), p.triangles.astype(np.int64)) for p in ready.parts])
    soup.vertices, soup.triangles, _ = weld(soup.vertices, soup.triangles)
    if not len(soup.triangles):
        raise Unreadable("has nothing left once it is simplified: allow more with --max-triangles")
    measured = Mended()
    measure(soup, measured)
    kept = ("pieces", "open_edges", "odd_edges", "volume")
    return {name: getattr(measured, name) for name in kept} | {"watertight": measured.watertight}
