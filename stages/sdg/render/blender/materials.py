"""Asset materials as Cycles node trees.

All patterns live in object coordinates, so that they need no UV map and do not swim between frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from stages.common.errors import RenderError
from stages.sdg.assets.types import Material

DUST = (0.16, 0.135, 0.105)
"""Linear colour of warehouse dust: grey-brown."""

GRIME = (0.02, 0.018, 0.015)

UV, COLOURS = "uv", "colours"
"""Names of the layers in which imported meshes keep texture coordinates and colours."""

Key = str | int
"""Name or place of a socket."""


@dataclass(frozen=True)
class _Output:
    """A socket that values come from."""

    node: int
    socket: Key


@dataclass(frozen=True)
class _Node:
    """A node by its place in the tree."""

    place: int

    def __getitem__(self, socket: Key) -> _Output:
        return _Output(self.place, socket)


@dataclass(frozen=True)
class _Plan:
    """A node tree before it is one: what is the same for many materials, and the numbers that are not.

    Attributes:
        nodes: kind and properties of each node.
        links: where a value comes from, and the node and socket that it goes to.
        sockets: node and socket of each constant.
    """

    nodes: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]
    links: tuple[tuple[_Output, int, Key], ...]
    sockets: tuple[tuple[int, Key], ...]


class _Tree:
    """A node tree under construction, with one call a node."""

    def __init__(self, seed: int) -> None:
        self._nodes: list[tuple[str, tuple[tuple[str, Any], ...]]] = []
        self._links: list[tuple[_Output, int, Key]] = []
        self._constants: dict[tuple[int, Key], Any] = {}
        rng = np.random.default_rng(seed)
        self.offset = tuple(float(v) for v in rng.uniform(-50, 50, 3))
        self._coordinates: dict[tuple[float, float, float], _Output] = {}
        self.source = self.node("TexCoord")["Object"]

    def node(self, kind: str, inputs: Mapping[Any, Any] | None = None, **properties: Any) -> _Node:
        """Add a node; inputs may be values or other nodes' outputs."""
        place = len(self._nodes)
        self._nodes.append((kind, tuple(properties.items())))
        for key, value in (inputs or {}).items():
            if isinstance(value, _Output):
                self._links.append((value, place, key))
            else:
                self._constants[place, key] = value
        return _Node(place)

    def finished(self) -> tuple[_Plan, list[Any]]:
        """The plan, and its constants in the order of the plan's sockets."""
        return _Plan(tuple(self._nodes), tuple(self._links), tuple(self._constants)), list(self._constants.values())

    def coordinates(self, stretch: tuple[float, float, float] = (1, 1, 1)) -> _Output:
        """Object coordinates, shifted by the seed and stretched."""
        if stretch not in self._coordinates:
            mapping = self.node("Mapping", {"Vector": self.source, "Location": self.offset, "Scale": stretch})
            self._coordinates[stretch] = mapping["Vector"]
        return self._coordinates[stretch]

    def noise(self, size: float, detail: float = 3.0, stretch: tuple[float, float, float] = (1, 1, 1)) -> _Output:
        """Fractal noise in about 0.25 to 0.75 with features of ``size`` metres."""
        inputs = {"Vector": self.coordinates(stretch), "Scale": 1.0 / size, "Detail": detail, "Roughness": 0.6}
        return self.node("TexNoise", inputs)[0]

    def ramp(self, value: Any, low: float, high: float) -> _Output:
        """0 below ``low``, 1 above ``high``."""
        return self.node("MapRange", {"Value": value, "From Min": low, "From Max": high}, clamp=True)["Result"]

    def mix(self, factor: Any, first: Any, second: Any, blend: str = "MIX") -> _Output:
        """Mix two colours."""
        return self.node("Mix", {0: factor, 6: first, 7: second}, data_type="RGBA", blend_type=blend)[2]

    def blend(self, factor: Any, first: Any, second: Any) -> _Output:
        """Mix two numbers."""
        return self.node("Mix", {0: factor, 2: first, 3: second}, data_type="FLOAT")[0]


def shade(colour: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    """The colour made darker or lighter, within 0 to 1."""
    red, green, blue = (min(1.0, max(0.0, c * factor)) for c in colour)
    return red, green, blue


def _wood(tree: _Tree, m: Material) -> Any:
    grain = tree.noise(0.03, 2, (0.12, 1, 1))
    board = tree.noise(0.35, 0, (0.3, 1, 1))
    base = tree.mix(tree.ramp(grain, 0.35, 0.65), shade(m.colour, 0.55), shade(m.colour, 1.25))
    return tree.mix(tree.ramp(board, 0.35, 0.65), base, shade(m.colour, 0.75), "MULTIPLY") if m.seed % 2 else base


def _cardboard(tree: _Tree, m: Material) -> Any:
    return tree.mix(tree.ramp(tree.noise(0.25, 1), 0.3, 0.7), shade(m.colour, 0.85), shade(m.colour, 1.1))


def _concrete(tree: _Tree, m: Material) -> Any:
    stains = tree.ramp(tree.noise(1.8, 3), 0.35, 0.7)
    fine = tree.ramp(tree.noise(0.03, 0), 0.3, 0.7)
    base = tree.mix(stains, shade(m.colour, 0.72), shade(m.colour, 1.15))
    base = tree.mix(tree.blend(fine, 0.0, 0.14), base, shade(m.colour, 0.5))
    tracks = tree.ramp(tree.noise(0.5, 1, (0.06, 1, 1)), 0.58, 0.68)
    return tree.mix(tree.blend(tracks, 0.0, 0.55 * m.wear), base, shade(m.colour, 0.35))


def _plaster(tree: _Tree, m: Material) -> Any:
    base = tree.mix(tree.ramp(tree.noise(1.2, 2), 0.35, 0.7), shade(m.colour, 0.82), shade(m.colour, 1.08))
    streaks = tree.ramp(tree.noise(0.5, 1, (1, 1, 0.15)), 0.55, 0.75)
    return tree.mix(tree.blend(streaks, 0.0, 0.5 * m.dirt), base, shade(m.colour, 0.45))


def _brick(tree: _Tree, m: Material) -> Any:
    turned = tree.node("Mapping", {"Vector": tree.source, "Rotation": (1.5708, 0.0, 0.0), "Location": tree.offset})
    inputs = {"Vector": turned["Vector"], "Color1": shade(m.colour, 1.1), "Color2": shade(m.colour, 0.85),
              "Mortar": shade(m.colour, 0.6), "Scale": 0.25 / max(m.scale, 0.02), "Mortar Size": 0.012}  # fmt: skip
    return tree.node("TexBrick", inputs)["Color"]


def _film(tree: _Tree, m: Material) -> Any:
    """Stretch film: bands where its layers overlap, and pale creases across them."""
    bands = tree.ramp(tree.noise(0.11, 1, (0.25, 0.25, 1)), 0.42, 0.58)
    creases = tree.ramp(tree.noise(0.035, 2, (1, 1, 0.12)), 0.6, 0.72)
    base = tree.mix(bands, shade(m.colour, 0.78), shade(m.colour, 1.12))
    return tree.mix(tree.blend(creases, 0.0, 0.6), base, (0.85, 0.87, 0.88))


def _print(tree: _Tree, m: Material) -> Any:
    """Paper with blocks of writing: rows of thin bricks where noise lets them show."""
    ink = shade(m.colour, 0.08) if sum(m.colour) > 0.6 else (0.85, 0.85, 0.82)
    rows = tree.node(
        "Mapping", {"Vector": tree.source, "Rotation": (1.5708, 0.0, 1.5708 * (m.seed % 2)), "Location": tree.offset}
    )
    inputs = {"Vector": rows["Vector"], "Color1": ink, "Color2": m.colour, "Mortar": m.colour, "Scale": 9.0,
              "Mortar Size": 0.05, "Brick Width": 0.35, "Row Height": 0.16}  # fmt: skip
    words = tree.node("TexBrick", inputs)["Color"]
    return tree.mix(tree.ramp(tree.noise(0.07, 1), 0.48, 0.52), m.colour, words)


def _plain(tree: _Tree, m: Material) -> Any:
    return tree.mix(tree.ramp(tree.noise(0.4, 1), 0.3, 0.7), shade(m.colour, 0.86), shade(m.colour, 1.08))


def _imported(tree: _Tree, m: Material) -> Any:
    """As the file has it: its image, its colours of vertices, or one colour."""
    if m.texture:
        place = tree.node("UVMap", uv_map=UV)[0]
        return tree.node("TexImage", {"Vector": place}, image=m.texture)[0]
    if m.vertex_colours:
        return tree.node("Attribute", attribute_name=COLOURS)["Color"]
    return m.colour


_BASES = {
    "wood": _wood,
    "cardboard": _cardboard,
    "concrete": _concrete,
    "plaster": _plaster,
    "brick": _brick,
    "film": _film,
    "print": _print,
    "imported": _imported,
}


def _weather(tree: _Tree, m: Material, base: Any, roughness: Any, metallic: Any) -> tuple[Any, Any, Any]:
    """Wear that shows what is under the paint, then grime and dust over everything."""
    if m.wear > 0.02 and m.kind not in ("concrete", "plaster", "print", "wood", "cardboard", "imported"):
        chips = tree.ramp(tree.noise(0.05, 2.5), 0.78 - 0.26 * m.wear, 0.83 - 0.24 * m.wear)
        scratches = tree.ramp(tree.noise(0.02, 1, (0.08, 1, 1.3)), 0.74 - 0.1 * m.wear, 0.8 - 0.1 * m.wear)
        worn = tree.node("Math", {0: chips, 1: scratches}, operation="MAXIMUM")[0]
        base = tree.mix(worn, base, m.under)
        roughness = tree.blend(worn, roughness, 0.55)
    if m.dirt > 0.02:
        # buildings are stained in wide, faint patches; spots of a hand's size make them look mouldy
        size, most = (1.9, 0.3) if m.kind in ("concrete", "plaster", "brick") else (0.22, 0.85)
        patches = tree.ramp(tree.noise(size, 2.5), 0.7 - 0.4 * m.dirt, 0.95 - 0.35 * m.dirt)
        base = tree.mix(tree.blend(patches, 0.0, most), base, GRIME if m.seed % 3 == 0 else DUST)
        base = tree.mix(0.22 * m.dirt, base, DUST)
        roughness = tree.blend(patches, roughness, 0.9)
        metallic = tree.blend(patches, metallic, 0.0)
    return base, roughness, metallic


def _bump(tree: _Tree, m: Material) -> Any | None:
    """Surface relief for the kinds whose look needs it."""
    sizes = {
        "film": (0.09, 0.45, 0.012),
        "fabric": (0.05, 0.6, 0.02),
        "concrete": (0.02, 0.15, 0.004),
        "plaster": (0.03, 0.25, 0.006),
    }
    if m.kind not in sizes:
        return None
    size, strength, height = sizes[m.kind]
    relief = tree.noise(size, 1)
    return tree.node("Bump", {"Height": relief, "Strength": strength, "Distance": height})["Normal"]


def _surface(tree: _Tree, m: Material) -> _Output:
    """The shader of a material."""
    if m.glow > 0:
        return tree.node("Emission", {"Color": m.colour, "Strength": m.glow})[0]
    base = _BASES.get(m.kind, _plain)(tree, m)
    roughness: Any = m.roughness
    if m.kind == "film":
        roughness = tree.blend(
            tree.ramp(tree.noise(0.06, 2, (1, 1, 0.3)), 0.35, 0.65), 0.08, min(1.0, m.roughness + 0.2)
        )
    if m.kind == "concrete":
        roughness = tree.blend(
            tree.ramp(tree.noise(0.9, 1), 0.3, 0.7), max(0.05, m.roughness - 0.2), min(1.0, m.roughness + 0.15)
        )
    base, roughness, metallic = _weather(tree, m, base, roughness, m.metallic)
    inputs: dict[str | int, Any] = {"Base Color": base, "Roughness": roughness, "Metallic": metallic}
    normal = _bump(tree, m)
    if normal is not None:
        inputs["Normal"] = normal
    full = tree.node("BsdfPrincipled", inputs)
    # Only what the camera sees directly is worth its pattern: Cycles skips the branch that a ray does not take, and
    # patterns are most of the time of a bounce.
    plain = tree.node("BsdfDiffuse", {"Color": m.colour})
    seen = tree.node("LightPath")["Is Camera Ray"]
    return tree.node("MixShader", {0: seen, 1: plain[0], 2: full[0]})[0]


@dataclass
class Materials:
    """The Cycles materials of one scene.

    A tree takes Blender milliseconds to connect, and many differ in numbers alone. So the first one of a plan is built,
    and the others are copies of it with other numbers. Nothing is kept from one scene to the next.
    """

    _made: dict[tuple[Material, int], Any] = field(default_factory=dict)
    _patterns: dict[_Plan, tuple[Any, list[Any]]] = field(default_factory=dict)

    def of(self, m: Material, part: int = 0) -> Any:
        """The Cycles material for ``m`` on parts of this number, the same one whenever it is asked for.

        The number becomes the material's index, which the part pass shows.
        """
        if (m, part) not in self._made:
            self._made[m, part] = self._new(m)
            self._made[m, part].pass_index = part
        return self._made[m, part]

    def _new(self, m: Material) -> Any:
        tree = _Tree(m.seed)
        tree.node("OutputMaterial", {"Surface": _surface(tree, m)})
        plan, constants = tree.finished()
        if plan in self._patterns:
            pattern, before = self._patterns[plan]
            material = pattern.copy()
            nodes = list(material.node_tree.nodes)
        else:
            before = [None] * len(constants)
            material = bpy.data.materials.new(m.kind)
            nodes = _connect(material.node_tree, plan)
            self._patterns[plan] = material, constants
        for (place, key), value, old in zip(plan.sockets, constants, before, strict=True):
            if value != old:
                _set(nodes[place].inputs[key], value)
        if m.glow > 0:
            # lamps and windows have lights beside them: sampling their faces as well would only add noise
            material.cycles.emission_sampling = "NONE"
        return material


def _connect(tree: Any, plan: _Plan) -> list[Any]:
    """Make the nodes and links of an empty tree; its nodes in the order of the plan."""
    tree.nodes.clear()
    for kind, properties in plan.nodes:
        node = tree.nodes.new(f"ShaderNode{kind}")
        for name, value in properties:
            setattr(node, name, _image(value) if name == "image" else value)
    nodes = list(tree.nodes)
    for source, place, key in plan.links:
        tree.links.new(nodes[source.node].outputs[source.socket], nodes[place].inputs[key])
    return nodes


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
