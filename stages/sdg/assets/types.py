"""What an asset generator makes: triangles and materials, without any renderer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import Colour


@dataclass(frozen=True)
class Material:
    """A surface, in terms that each renderer turns into its own shader.

    Attributes:
        kind: look of the base: ``paint``, ``metal``, ``zinc`` (galvanised), ``brushed`` (stainless steel), ``plastic``,
            ``rubber``, ``wood``, ``cardboard``, ``concrete``, ``plaster``, ``fabric``, ``film`` (stretch wrap),
            ``print`` (paper with writing), ``water`` (a film of it on a floor), ``glow``, ``mesh`` (a grid of wires,
            the rest transparent), ``imported`` (as the file has it, without a pattern).
        colour: linear base colour.
        roughness, metallic: 0 to 1.
        wear: 0 new to 1 worn through to ``under``.
        dirt: 0 clean to 1 filthy.
        under: linear colour that shows where the surface is worn.
        scale: size of the pattern (grain, board, wire grid) in metres.
        glow: emitted radiance, W/m²/sr; 0 for what does not shine.
        seed: of the pattern.
        texture: image file of the base colour, sRGB, by the ``uv`` of its part; ``colour`` is then its mean. Empty: no
            image.
        vertex_colours: the part's ``colours`` are the base colour.
    """

    kind: str
    colour: Colour
    roughness: float = 0.5
    metallic: float = 0.0
    wear: float = 0.0
    dirt: float = 0.0
    under: Colour = (0.25, 0.24, 0.23)
    scale: float = 0.1
    glow: float = 0.0
    seed: int = 0
    texture: str = ""
    vertex_colours: bool = False


PARTS = ("body", "forks", "tiller")
"""Parts that label rules tell apart, by their number in a renderer's part pass."""

_PART_OF = {"forks": "forks", "rollers": "forks", "tiller": "tiller"}


def part_number(name: str) -> int:
    """Place in :data:`PARTS` of what a part of an asset belongs to; all that has no name there is the body."""
    return PARTS.index(_PART_OF.get(name, "body"))


@dataclass(frozen=True)
class Part:
    """Triangles of one material.

    Attributes:
        name: of the part (``forks``, ``tiller``, ...); label rules refer to it by :func:`part_number`.
        vertices: (N, 3) float32, metres, asset coordinates: Z up, the floor at Z = 0, the front along +X.
        triangles: (M, 3) int32, counter-clockwise seen from outside.
        material: its surface.
        smooth: shade as a curved surface.
        uv: (M, 3, 2) float32 texture coordinates of the triangles' corners, V up, or None.
        colours: (M, 3, 3) float32 linear base colours of the corners, or None where the material says it all.
    """

    name: str
    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    material: Material
    smooth: bool = False
    uv: NDArray[np.float32] | None = None
    colours: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Asset:
    """One generated thing.

    Attributes:
        parts: its surfaces.
        size: (length X, width Y, height Z) of its bounding box in metres.
        keypoints: named points in asset coordinates.
    """

    parts: tuple[Part, ...]
    size: tuple[float, float, float]
    keypoints: dict[str, tuple[float, float, float]] = field(default_factory=dict)
