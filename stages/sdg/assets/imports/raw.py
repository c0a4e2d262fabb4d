"""What a reader finds in a file, before units, axes, simplification and classes are settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import Colour

Axis = Literal["x", "y", "z"]

GREY: Colour = (0.4, 0.4, 0.4)
"""Linear colour of what says nothing about its own."""

MAX_DEPTH = 500
"""Levels of prims or nodes below each other that are followed; real files have a dozen."""

MAX_MESHES = 100_000
"""Meshes, each instance counted, that are read from one file."""

MAX_CORNERS = 150_000_000
"""Triangle corners, each instance counted, that are read from one file."""


class Unreadable(Exception):
    """A file cannot be used; the message goes on after the file's name: ``holds no triangles: ...``.

    Attributes:
        missing: files that it refers to in vain, when that is why.
    """

    def __init__(self, reason: str, missing: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.missing = list(missing)


@dataclass(frozen=True)
class RawMaterial:
    """A surface as the file describes it.

    Attributes:
        name: in the file.
        colour: linear base colour; with a texture, a factor of it.
        roughness, metallic: 0 to 1.
        glow: emitted radiance, W/m²/sr.
        texture: image file of the base colour, or None.
        embedded: encoded image of the base colour where it lies inside the file, or None.
    """

    name: str = ""
    colour: Colour = GREY
    roughness: float = 0.6
    metallic: float = 0.0
    glow: float = 0.0
    texture: Path | None = None
    embedded: bytes | None = field(default=None, repr=False)


@dataclass
class RawMesh:
    """Triangles of one material.

    Attributes:
        path: of the prim or node, from ``/``.
        vertices: (N, 3) float64, the file's units and axes, all transforms applied.
        triangles: (M, 3) int64, counter-clockwise from outside.
        material: its surface.
        uv: (M, 3, 2) float32 texture coordinates of the corners, V up, or None.
        colours: (M, 3, 3) float32 linear colours of the corners, or None.
    """

    path: str
    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]
    material: RawMaterial = RawMaterial()
    uv: NDArray[np.float32] | None = None
    colours: NDArray[np.float32] | None = None


@dataclass
class RawScene:
    """All that a file holds.

    Attributes:
        format: in words, as ``glTF binary``.
        meshes: its triangles.
        unit: metres for one unit of the file, or None when the file does not say.
        unit_from: how that is known.
        up: axis that points up.
        up_from: how that is known.
        prims: prims or nodes, meshes and instances included.
        labels: semantic labels of the file, by prim path.
        files: everything that was read, the file itself first.
        missing: files that it refers to and that are not there, as they are written.
        notes: what the user should know.
    """

    format: str
    meshes: list[RawMesh] = field(default_factory=list)
    unit: float | None = None
    unit_from: str = "the file does not say"
    up: Axis = "z"
    up_from: str = "assumed"
    prims: int = 0
    labels: dict[str, list[str]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def linear(srgb: NDArray[Any]) -> NDArray[np.float32]:
    """Linear values of sRGB ones, 0 to 1 (IEC 61966-2-1)."""
    value = np.clip(np.asarray(srgb, np.float64), 0, 1)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)
