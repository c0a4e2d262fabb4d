"""Node trees of Cycles: built with one call a node, reading the numbers of a mesh's faces, then made in Blender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from stages.common.errors import RenderError
from stages.sdg.assets.types import Material

TINT, UNDER, STATE, SHIFT = "tint", "under", "state", "shift"
"""Attributes of faces: colour and roughness; colour below and wear; metallicness, dirt, scale and glow; shift of the
patterns in metres."""

Key = str | int
"""Name or place of a socket."""

Floats = NDArray[np.float32]


def face_values(materials: Sequence[Material], counts: Sequence[int]) -> dict[str, Floats]:
    """Attributes of faces by name, (F, 4), the shift (F, 3).

    Args:
        materials: of the parts of a mesh.
        counts: faces of each part.
    """
    rows = {
        TINT: [(*m.colour, m.roughness) for m in materials],
        UNDER: [(*m.under, m.wear) for m in materials],
        STATE: [(m.metallic, m.dirt, m.scale, m.glow) for m in materials],
        SHIFT: [_shift(m.seed) for m in materials],
    }
    return {name: np.repeat(np.array(values, np.float32), counts, axis=0) for name, values in rows.items()}


def _shift(seed: int) -> tuple[float, ...]:
    """Shift of a pattern, -50 to 50 m each way: Roberts' R3 sequence, which fills space evenly."""
    return tuple(100 * ((seed + 1) * step % 1) - 50 for step in _R3)


_R3 = tuple(1.2207440846057596**-power for power in (1, 2, 3))
"""Powers of the root of x^4 = x + 1."""


@dataclass(frozen=True)
class Output:
    """A socket that values come from."""

    node: int
    socket: Key


@dataclass(frozen=True)
class Node:
    """A node by its place in the tree."""

    place: int

    def __getitem__(self, socket: Key) -> Output:
        return Output(self.place, socket)


class Tree:
    """A node tree under construction, with one call a node.

    Attributes:
        nodes: kind and properties of each node.
        links: where a value comes from, and the node and socket that it goes to.
        constants: by node and socket.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[str, tuple[tuple[str, Any], ...]]] = []
        self.links: list[tuple[Output, int, Key]] = []
        self.constants: dict[tuple[int, Key], Any] = {}
        self._coordinates: dict[tuple[float, float, float], Output] = {}
        self._attributes: dict[str, Node] = {}
        self._state: Node | None = None
        self.source = self.node("TexCoord")["Object"]

    def node(self, kind: str, inputs: Mapping[Any, Any] | None = None, **properties: Any) -> Node:
        """Add a node; inputs may be values or other nodes' outputs."""
        place = len(self.nodes)
        self.nodes.append((kind, tuple(properties.items())))
        for key, value in (inputs or {}).items():
            if isinstance(value, Output):
                self.links.append((value, place, key))
            else:
                self.constants[place, key] = value
        return Node(place)

    def _attribute(self, name: str) -> Node:
        if name not in self._attributes:
            self._attributes[name] = self.node("Attribute", attribute_name=name)
        return self._attributes[name]

    def _of_state(self, channel: str) -> Output:
        if self._state is None:
            self._state = self.node("SeparateColor", {0: self._attribute(STATE)["Color"]})
        return self._state[channel]

    @property
    def colour(self) -> Output:
        """Base colour of the face."""
        return self._attribute(TINT)["Color"]

    @property
    def roughness(self) -> Output:
        """Of the face."""
        return self._attribute(TINT)["Alpha"]

    @property
    def under(self) -> Output:
        """Colour below the surface."""
        return self._attribute(UNDER)["Color"]

    @property
    def wear(self) -> Output:
        """Of the face."""
        return self._attribute(UNDER)["Alpha"]

    @property
    def metallic(self) -> Output:
        """Of the face."""
        return self._of_state("Red")

    @property
    def dirt(self) -> Output:
        """Of the face."""
        return self._of_state("Green")

    @property
    def scale(self) -> Output:
        """Of the face's pattern."""
        return self._of_state("Blue")

    @property
    def glow(self) -> Output:
        """Radiance of the face."""
        return self._attribute(STATE)["Alpha"]

    @property
    def offset(self) -> Output:
        """Shift of the face's pattern."""
        return self._attribute(SHIFT)["Vector"]

    def coordinates(self, stretch: tuple[float, float, float] = (1, 1, 1)) -> Output:
        """Object coordinates, shifted by the face's own shift and stretched."""
        if stretch not in self._coordinates:
            # what a Mapping node does, without the sines of a rotation that there is none of
            inputs = {0: self.source, 1: stretch, 2: self.offset}
            self._coordinates[stretch] = self.node("VectorMath", inputs, operation="MULTIPLY_ADD")[0]
        return self._coordinates[stretch]

    def noise(self, size: float, detail: float = 3.0, stretch: tuple[float, float, float] = (1, 1, 1)) -> Output:
        """Fractal noise in about 0.25 to 0.75 with features of ``size`` metres."""
        inputs = {"Vector": self.coordinates(stretch), "Scale": 1.0 / size, "Detail": detail, "Roughness": 0.6}
        return self.node("TexNoise", inputs)[0]

    def ramp(self, value: Any, low: Any, high: Any) -> Output:
        """0 below ``low``, 1 above ``high``."""
        return self.node("MapRange", {"Value": value, "From Min": low, "From Max": high}, clamp=True)["Result"]

    def mix(self, factor: Any, first: Any, second: Any, blend: str = "MIX") -> Output:
        """Mix two colours."""
        return self.node("Mix", {0: factor, 6: first, 7: second}, data_type="RGBA", blend_type=blend)[2]

    def blend(self, factor: Any, first: Any, second: Any) -> Output:
        """Mix two numbers."""
        return self.node("Mix", {0: factor, 2: first, 3: second}, data_type="FLOAT")[0]

    def math(self, operation: str, *values: Any) -> Output:
        """A number of up to three others."""
        return self.node("Math", dict(enumerate(values)), operation=operation)[0]

    def line(self, value: Any, slope: float, start: float) -> Output:
        """``slope * value + start``."""
        return self.math("MULTIPLY_ADD", value, slope, start)

    def shade(self, factor: float) -> Output:
        """The face's colour made darker or lighter, at most 1."""
        scaled = self.node("VectorMath", {0: self.colour, "Scale": factor}, operation="SCALE")[0]
        return scaled if factor <= 1 else self.node("VectorMath", {0: scaled, 1: (1, 1, 1)}, operation="MINIMUM")[0]


def connect(made: Any, tree: Tree) -> None:
    """Make the nodes and links of a tree in an empty one of Blender's."""
    made.nodes.clear()
    for kind, properties in tree.nodes:
        node = made.nodes.new(f"ShaderNode{kind}")
        for name, value in properties:
            setattr(node, name, _image(value) if name == "image" else value)
    nodes = list(made.nodes)
    for source, place, key in tree.links:
        made.links.new(nodes[source.node].outputs[source.socket], nodes[place].inputs[key])
    for (place, key), value in tree.constants.items():
        _set(nodes[place].inputs[key], value)


def _image(path: str) -> Any:
    """An image file, loaded once; scenes come and go, images stay.

    Raises:
        RenderError: when it cannot be loaded.
    """
    try:
        return bpy.data.images.load(path, check_existing=True)
    except RuntimeError as error:
        raise RenderError(f"the texture {path} cannot be loaded: run python -m stages.sdg assets check") from error


def _set(socket: Any, value: Any) -> None:
    """Set a constant; colours get their alpha."""
    socket.default_value = (*value, 1.0) if isinstance(value, tuple) and socket.type == "RGBA" else value
