"""From what a file holds to what the catalogue holds: metres, Z up, on the floor, few triangles, classes known."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.settings.imports import ImportedAsset
from stages.sdg.assets.imports.labels import Labelling, Owner, label_meshes
from stages.sdg.assets.imports.raw import RawMaterial, RawMesh, RawScene, Unreadable, linear
from stages.sdg.assets.imports.simplify import simplify, weld
from stages.sdg.plan.types import Colour

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}

LEAST_PART = 8
"""Triangles that every part keeps."""

SMALL_PART = 96
"""Triangles of a part that is left alone, as long as such parts take no more than half of what is allowed."""

TEXTURE_SIDE = 2048
"""Longest side of a kept texture in pixels."""

UPRIGHT: dict[str, NDArray[np.float64]] = {
    "z": np.eye(3),
    "y": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "x": np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]),
}
"""Rotation that makes the named axis point along +Z."""

FORWARD: dict[str, NDArray[np.float64]] = {
    "x": np.eye(3),
    "-x": np.diag([-1.0, -1, 1]),
    "y": np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
    "-y": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
}
"""Turn about Z that makes the named axis point along +X."""


@dataclass
class ReadyPart:
    """A part as it is stored; see :class:`stages.sdg.assets.types.Part`."""

    path: str
    group: int
    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    colour: tuple[float, float, float]
    roughness: float
    metallic: float
    glow: float
    texture: str
    uv: NDArray[np.float32] | None
    colours: NDArray[np.float32] | None


@dataclass
class Ready:
    """An object that can be placed.

    Attributes:
        parts: its surfaces.
        groups: the things that it consists of, each an instance of its own.
        textures: PNG files by name.
        facts: what the check command tells, as plain JSON values.
    """

    parts: list[ReadyPart]
    groups: list[Owner]
    textures: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def normalise(raw: RawScene, entry: ImportedAsset) -> Ready:
    """Bring a scene into the catalogue's form.

    Raises:
        Unreadable: when it is empty, holds points that are no numbers, or its unit is not known.
    """
    _check_points(raw.meshes)
    labelling = label_meshes(
        [mesh.path for mesh in raw.meshes],
        raw.labels,
        whole=entry.class_name,
        rules=entry.rules,
        labels=entry.labels,
    )
    pairs = [(mesh, owner) for mesh, owner in zip(raw.meshes, labelling.owners, strict=True) if owner is not None]
    if not pairs:
        raise Unreadable("has nothing left, since its rules drop all of it: drop less")
    before = sum(len(mesh.triangles) for mesh in raw.meshes)
    meshes, flat = _welded([mesh for mesh, _ in pairs])
    owners = [owner for _, owner in pairs]
    if not sum(len(mesh.triangles) for mesh in meshes):
        raise Unreadable("holds no triangles with an area: export it with its faces")
    scale, unit_from = _place(meshes, raw, entry)
    groups = list(dict.fromkeys(owner for owner, mesh in zip(owners, meshes, strict=True) if len(mesh.triangles)))
    textures, facts = _Textures(raw), _facts(raw, labelling, before, flat)
    parts: list[ReadyPart] = []
    errors: list[tuple[float, float]] = []
    budgets = shared_out([len(mesh.triangles) for mesh in meshes], entry.max_triangles)
    for mesh, owner, budget in zip(meshes, owners, budgets, strict=True):
        if len(mesh.triangles):
            parts.append(_part(mesh, groups.index(owner), budget, textures, errors))
    floor = min(float(part.vertices[:, 2].min()) for part in parts)  # simplified, it may have moved a little
    for part in parts:
        part.vertices[:, 2] -= np.float32(floor)
    points = np.concatenate([part.vertices for part in parts])
    low, high = points.min(0).tolist(), points.max(0).tolist()
    facts |= {
        "unit": scale,
        "unit_from": unit_from,
        "up": raw.up if entry.up == "auto" else entry.up,
        "up_from": raw.up_from if entry.up == "auto" else "given",
        "low": low,
        "high": high,
        "triangles": sum(len(part.triangles) for part in parts),
        "simplified": len(errors),
        "error_max": max((largest for largest, _ in errors), default=0.0),
        "error_mean": float(np.mean([mean for _, mean in errors])) if errors else 0.0,
        "textures": len(textures.files),
        "coloured": sum(part.colours is not None or bool(part.texture) for part in parts),
        "notes": raw.notes,
        "missing": raw.missing,
    }
    return Ready(parts, groups, textures.files, facts)


def shared_out(counts: Sequence[int], limit: int) -> list[int]:
    """Triangles that each mesh may keep of ``limit``; small ones keep all theirs, the others give in proportion."""
    if sum(counts) <= limit:
        return list(counts)
    small = [count if count <= SMALL_PART else 0 for count in counts]
    if sum(small) > limit / 2:
        small = [0] * len(counts)
    rest = sum(counts) - sum(small)
    share = (limit - sum(small)) / rest
    return [kept or max(min(count, LEAST_PART), int(count * share)) for count, kept in zip(counts, small, strict=True)]


def _facts(raw: RawScene, labelling: Labelling, before: int, flat: int) -> dict[str, Any]:
    materials = {mesh.material.name for mesh in raw.meshes}
    return {
        "format": raw.format,
        "prims": raw.prims,
        "meshes": len(raw.meshes),
        "materials": len(materials - {""}),
        "triangles_before": before,
        "flat": flat,
        "rules": labelling.rules,
        "labels": labelling.labels,
        "dropped": sum(owner is None for owner in labelling.owners),
    }


def _check_points(meshes: list[RawMesh]) -> None:
    if not sum(len(mesh.triangles) for mesh in meshes):
        raise Unreadable("holds no triangles: export it with its faces")
    for mesh in meshes:
        used = mesh.vertices[np.unique(mesh.triangles)]
        wrong = ~(np.isfinite(used).all(1) & (np.abs(used) < 1e12).all(1))
        if wrong.any():
            raise Unreadable(
                f"holds points that are no numbers ({int(wrong.sum())} of {len(used)} in {mesh.path}): export it again"
            )


def _welded(meshes: list[RawMesh]) -> tuple[list[RawMesh], int]:
    """Meshes whose vertices are joined where they coincide, and how many triangles without an area went."""
    joined, flat = [], 0
    for mesh in meshes:
        vertices, triangles, solid = weld(mesh.vertices, mesh.triangles)
        flat += int((~solid).sum())
        uv, colours = (None if values is None else values[solid] for values in (mesh.uv, mesh.colours))
        joined.append(RawMesh(mesh.path, vertices, triangles[solid], mesh.material, uv, colours))
    return joined, flat


def _place(meshes: list[RawMesh], raw: RawScene, entry: ImportedAsset) -> tuple[float, str]:
    """Turn, scale and move the vertices, in place; returns metres per unit and how they are known."""
    up = raw.up if entry.up == "auto" else entry.up
    turn = FORWARD[entry.front] @ UPRIGHT[up]
    for mesh in meshes:
        mesh.vertices = mesh.vertices @ turn.T
    points = np.concatenate([mesh.vertices[np.unique(mesh.triangles)] for mesh in meshes])
    low, high = points.min(0), points.max(0)
    scale, unit_from = _scale(raw, entry, high - low)
    shift = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    for mesh in meshes:
        mesh.vertices = (mesh.vertices - shift) * scale
    return scale, unit_from


def _scale(raw: RawScene, entry: ImportedAsset, sides: NDArray[np.float64]) -> tuple[float, str]:
    if entry.size is not None:
        names = ("length", "width", "height")
        for axis, name in enumerate(names):
            wanted = getattr(entry.size, name)
            if wanted is not None:
                if sides[axis] <= 0:
                    raise Unreadable(f"has no {name} of its own, so it cannot be sized by it: give another side")
                return float(wanted / sides[axis]), f"given: {name} {wanted:g} m"
    if entry.unit != "auto":
        return METRES[entry.unit], f"given: {entry.unit}"
    if raw.unit is None:
        raise Unreadable(
            f"does not say its unit ({raw.format} cannot), and measures {' x '.join(f'{side:.3g}' for side in sides)}: "
            f"give unit: mm, cm or m, or size: {{height: metres}} in assets.{entry.name}"
        )
    return raw.unit, raw.unit_from


def _part(mesh: RawMesh, group: int, budget: int, textures: _Textures, errors: list[tuple[float, float]]) -> ReadyPart:
    vertices, triangles, uv, colours = mesh.vertices, mesh.triangles, mesh.uv, mesh.colours
    if budget < len(triangles):
        made = simplify(vertices, triangles, budget, uv, colours)
        vertices, triangles, uv, colours = made.vertices, made.triangles, made.uv, made.colours
        errors.append((made.largest, made.mean))
    used, which = np.unique(triangles, return_inverse=True)
    material = mesh.material
    texture, image = textures.of(material) if uv is not None else ("", None)
    if texture and image is not None and uv is not None:
        colours = sampled(image, _around_corners(uv)).mean(2)
    else:
        if material.texture or material.embedded:
            material = textures.plain(material, mesh.path)
        uv = None
    colour = material.colour if colours is None else _mean(colours, vertices[triangles])
    return ReadyPart(
        mesh.path,
        group,
        vertices[used].astype(np.float32),
        which.reshape(-1, 3).astype(np.int32),
        colour,
        material.roughness,
        material.metallic,
        material.glow,
        texture,
        uv,
        colours,
    )


def _around_corners(uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """(M, 3, 8, 2) texture coordinates spread over the third of each triangle that is nearest to each corner."""
    rng = np.random.default_rng(0)
    shares = np.sort(rng.dirichlet((1, 1, 1), 8), axis=1)[:, ::-1]
    turned = np.stack([np.roll(shares, corner, axis=1) for corner in range(3)])
    return np.asarray(np.einsum("csk,mkw->mcsw", turned, uv), np.float32)


def _mean(colours: NDArray[np.float32], corners: NDArray[np.float64]) -> Colour:
    """Mean colour of triangles (M, 3, 3) by their area."""
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    red, green, blue = np.average(colours.mean(1), axis=0, weights=area + 1e-30).tolist()
    return red, green, blue


def sampled(image: NDArray[np.uint8], uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear colours (..., 3) of an image (H, W, 3) sRGB at texture coordinates (..., 2), V up, repeated."""
    height, width = image.shape[:2]
    u, v = np.nan_to_num(uv[..., 0]) % 1.0, np.nan_to_num(uv[..., 1]) % 1.0
    columns = np.minimum((u * width).astype(np.int64), width - 1)
    rows = np.minimum(((1 - v) * height).astype(np.int64), height - 1)
    return linear(image[rows, columns] / 255.0)


def _tinted(image: NDArray[np.uint8], tint: Colour) -> NDArray[np.uint8]:
    """An sRGB image multiplied by a linear colour."""
    levels = linear(np.arange(256)[:, None] / 255.0) * np.asarray(tint, np.float32)
    display = np.where(levels <= 0.0031308, levels * 12.92, 1.055 * np.maximum(levels, 1e-9) ** (1 / 2.4) - 0.055)
    table = np.rint(np.clip(display, 0, 1) * 255).astype(np.uint8)
    return np.stack([table[image[..., k], k] for k in range(3)], -1)


class _Textures:
    """Images of one scene, each decoded, made small enough and encoded once; named by what they hold."""

    def __init__(self, raw: RawScene) -> None:
        self.files: dict[str, bytes] = {}
        self._raw = raw
        self._made: dict[Any, tuple[str, NDArray[np.uint8] | None]] = {}

    def of(self, material: RawMaterial) -> tuple[str, NDArray[np.uint8] | None]:
        """File name and pixels (H, W, 3) of a material's image; ``""`` and None without a readable one."""
        source = material.texture or material.embedded
        if source is None:
            return "", None
        key = source, material.colour
        if key not in self._made:
            self._made[key] = self._decode(source, material.colour)
        return self._made[key]

    def plain(self, material: RawMaterial, path: str) -> RawMaterial:
        """The material in the mean colour of its image, for a mesh without texture coordinates."""
        image = self.of(material)[1]
        if image is None:
            return material
        self._raw.notes.append(f"{path} has a texture and no texture coordinates; it takes the mean colour")
        red, green, blue = linear(image / 255.0).mean((0, 1)).tolist()
        return replace(material, colour=(red, green, blue))

    def _decode(self, source: Path | bytes, tint: Colour) -> tuple[str, NDArray[np.uint8] | None]:
        from PIL import Image

        name = source.name if isinstance(source, Path) else "an image inside the file"
        try:
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
                image = opened.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            self._raw.notes.append(f"the texture {name} cannot be decoded ({type(error).__name__}) and is left out")
            return "", None
        if max(image.size) > TEXTURE_SIDE:
            image.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE))
        if tint != (1.0, 1.0, 1.0):
            image = Image.fromarray(_tinted(np.asarray(image), tint))
        pixels = np.asarray(image)
        stream = io.BytesIO()
        image.save(stream, "PNG", compress_level=3)
        file = f"{hashlib.sha256(pixels.tobytes()).hexdigest()[:16]}.png"
        self.files[file] = stream.getvalue()
        return file, pixels
