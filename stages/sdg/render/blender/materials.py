"""Asset materials as Cycles node trees.

All patterns live in object coordinates, so that they need no UV map and do not swim between frames.

What is the same for many surfaces, the tree, is a Cycles material; the numbers in which they differ (colours, wear,
dirt, the shift of their patterns) are attributes of a mesh's faces, which the tree reads. So a process has a few dozen
materials, connects each once, and Cycles has nothing to compile anew from frame to frame.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import bpy

from stages.sdg.assets.types import Material
from stages.sdg.render.blender.tree import Output, Tree, connect

DUST = (0.16, 0.135, 0.105)
"""Linear colour of warehouse dust: grey-brown."""

GRIME = (0.02, 0.018, 0.015)

UV, COLOURS = "uv", "colours"
"""Names of the layers in which imported meshes keep texture coordinates and colours."""

PREFIX = "surface "
"""Of the names of materials that stay from frame to frame."""


@dataclass(frozen=True)
class Look:
    """What makes two surfaces need different trees.

    Attributes:
        kind: of the base; ``plain`` stands for all whose tree is that of paint.
        worn, dirty: whether anything of it shows.
        grime: dirt is dark instead of dusty.
        odd: the other of two ways in which boards and writing differ.
        dark: writing is pale, on dark paper.
        glows: it is a lamp.
        texture, vertex_colours: as in :class:`stages.sdg.assets.types.Material`.
    """

    kind: str
    worn: bool = False
    dirty: bool = False
    grime: bool = False
    odd: bool = False
    dark: bool = False
    glows: bool = False
    texture: str = ""
    vertex_colours: bool = False


def look_of(m: Material) -> Look:
    """The tree that a surface needs."""
    if m.glow > 0:
        return Look("glow", glows=True)
    return Look(
        m.kind if m.kind in _BASES or m.kind in _RELIEF or m.kind == "water" else "plain",
        worn=m.wear > 0.02 and m.kind not in UNWORN,
        dirty=m.dirt > 0.02,
        grime=m.dirt > 0.02 and m.seed % 3 == 0,
        odd=m.kind in ("wood", "print") and m.seed % 2 == 1,
        dark=m.kind == "print" and sum(m.colour) <= 0.6,
        texture=m.texture,
        vertex_colours=m.vertex_colours and not m.texture,
    )


def _wood(tree: Tree, look: Look) -> Any:
    grain = tree.noise(0.03, 2, (0.12, 1, 1))
    board = tree.noise(0.35, 0, (0.3, 1, 1))
    base = tree.mix(tree.ramp(grain, 0.35, 0.65), tree.shade(0.55), tree.shade(1.25))
    return tree.mix(tree.ramp(board, 0.35, 0.65), base, tree.shade(0.75), "MULTIPLY") if look.odd else base


def _cardboard(tree: Tree, _: Look) -> Any:
    return tree.mix(tree.ramp(tree.noise(0.25, 1), 0.3, 0.7), tree.shade(0.85), tree.shade(1.1))


def _concrete(tree: Tree, _: Look) -> Any:
    stains = tree.ramp(tree.noise(1.8, 3), 0.35, 0.7)
    fine = tree.ramp(tree.noise(0.03, 0), 0.3, 0.7)
    base = tree.mix(stains, tree.shade(0.72), tree.shade(1.15))
    base = tree.mix(tree.blend(fine, 0.0, 0.14), base, tree.shade(0.5))
    tracks = tree.ramp(tree.noise(0.5, 1, (0.06, 1, 1)), 0.58, 0.68)
    return tree.mix(tree.blend(tracks, 0.0, tree.line(tree.wear, 0.55, 0.0)), base, tree.shade(0.35))


def _plaster(tree: Tree, _: Look) -> Any:
    base = tree.mix(tree.ramp(tree.noise(1.2, 2), 0.35, 0.7), tree.shade(0.82), tree.shade(1.08))
    streaks = tree.ramp(tree.noise(0.5, 1, (1, 1, 0.15)), 0.55, 0.75)
    return tree.mix(tree.blend(streaks, 0.0, tree.line(tree.dirt, 0.5, 0.0)), base, tree.shade(0.45))


def _brick(tree: Tree, _: Look) -> Any:
    turned = tree.node("Mapping", {"Vector": tree.source, "Rotation": (1.5708, 0.0, 0.0), "Location": tree.offset})
    size = tree.math("DIVIDE", 0.25, tree.math("MAXIMUM", tree.scale, 0.02))
    inputs = {"Vector": turned["Vector"], "Color1": tree.shade(1.1), "Color2": tree.shade(0.85),
              "Mortar": tree.shade(0.6), "Scale": size, "Mortar Size": 0.012}  # fmt: skip
    return tree.node("TexBrick", inputs)["Color"]


def _film(tree: Tree, _: Look) -> Any:
    """Stretch film: bands where its layers overlap, and pale creases across them."""
    bands = tree.ramp(tree.noise(0.11, 1, (0.25, 0.25, 1)), 0.42, 0.58)
    creases = tree.ramp(tree.noise(0.035, 2, (1, 1, 0.12)), 0.6, 0.72)
    base = tree.mix(bands, tree.shade(0.78), tree.shade(1.12))
    return tree.mix(tree.blend(creases, 0.0, 0.6), base, (0.85, 0.87, 0.88))


def _print(tree: Tree, look: Look) -> Any:
    """Paper with blocks of writing: rows of thin bricks where noise lets them show."""
    ink = (0.85, 0.85, 0.82) if look.dark else tree.shade(0.08)
    turn = (1.5708, 0.0, 1.5708 * look.odd)
    rows = tree.node("Mapping", {"Vector": tree.source, "Rotation": turn, "Location": tree.offset})
    inputs = {"Vector": rows["Vector"], "Color1": ink, "Color2": tree.colour, "Mortar": tree.colour, "Scale": 9.0,
              "Mortar Size": 0.05, "Brick Width": 0.35, "Row Height": 0.16}  # fmt: skip
    words = tree.node("TexBrick", inputs)["Color"]
    return tree.mix(tree.ramp(tree.noise(0.07, 1), 0.48, 0.52), tree.colour, words)


def _plain(tree: Tree, _: Look) -> Any:
    return tree.mix(tree.ramp(tree.noise(0.4, 1), 0.3, 0.7), tree.shade(0.86), tree.shade(1.08))


def _zinc(tree: Tree, _: Look) -> Any:
    """Hot-dip galvanised: crystals of a few centimetres, each of its own grey."""
    cells = tree.node("TexVoronoi", {"Vector": tree.coordinates(), "Scale": 55.0, "Randomness": 1.0})["Color"]
    grey = tree.node("SeparateColor", {0: cells})["Red"]
    return tree.mix(grey, tree.shade(0.68), tree.shade(1.25))


def _brushed(tree: Tree, _: Look) -> Any:
    """Stainless steel: fine lines along X, the way of the belt that ground it."""
    lines = tree.noise(0.003, 1, (0.02, 1, 1))
    return tree.mix(tree.ramp(lines, 0.35, 0.65), tree.shade(0.82), tree.shade(1.06))


def _imported(tree: Tree, look: Look) -> Any:
    """As the file has it: its image, its colours of vertices, or one colour."""
    if look.texture:
        place = tree.node("UVMap", uv_map=UV)[0]
        return tree.node("TexImage", {"Vector": place}, image=look.texture)[0]
    if look.vertex_colours:
        return tree.node("Attribute", attribute_name=COLOURS)["Color"]
    return tree.colour


_BASES = {
    "wood": _wood,
    "cardboard": _cardboard,
    "concrete": _concrete,
    "plaster": _plaster,
    "brick": _brick,
    "film": _film,
    "print": _print,
    "zinc": _zinc,
    "brushed": _brushed,
    "imported": _imported,
}

UNWORN = ("concrete", "plaster", "print", "wood", "cardboard", "imported")
"""Kinds whose wear is no chipped paint."""

_RELIEF = {
    "film": (0.09, 0.45, 0.012),
    "fabric": (0.05, 0.6, 0.02),
    "concrete": (0.02, 0.15, 0.004),
    "plaster": (0.03, 0.25, 0.006),
}
"""Size in metres, strength and height in metres of the kinds whose look needs surface relief."""


def _weather(tree: Tree, look: Look, base: Any, roughness: Any, metallic: Any) -> tuple[Any, Any, Any]:
    """Wear that shows what is under the paint, then grime and dust over everything."""
    if look.worn:
        wear = tree.wear
        chips = tree.ramp(tree.noise(0.05, 2.5), tree.line(wear, -0.26, 0.78), tree.line(wear, -0.24, 0.83))
        fine = tree.noise(0.02, 1, (0.08, 1, 1.3))
        scratches = tree.ramp(fine, tree.line(wear, -0.1, 0.74), tree.line(wear, -0.1, 0.8))
        worn = tree.math("MAXIMUM", chips, scratches)
        base = tree.mix(worn, base, tree.under)
        roughness = tree.blend(worn, roughness, 0.55)
    if look.dirty:
        # buildings are stained in wide, faint patches; spots of a hand's size make them look mouldy
        size, most = (1.9, 0.3) if look.kind in ("concrete", "plaster", "brick") else (0.22, 0.85)
        low, high = tree.line(tree.dirt, -0.4, 0.7), tree.line(tree.dirt, -0.35, 0.95)
        patches = tree.ramp(tree.noise(size, 2.5), low, high)
        base = tree.mix(tree.blend(patches, 0.0, most), base, GRIME if look.grime else DUST)
        base = tree.mix(tree.line(tree.dirt, 0.22, 0.0), base, DUST)
        roughness = tree.blend(patches, roughness, 0.9)
        metallic = tree.blend(patches, metallic, 0.0)
    return base, roughness, metallic


def _bump(tree: Tree, look: Look) -> Any | None:
    """Surface relief for the kinds whose look needs it."""
    if look.kind not in _RELIEF:
        return None
    size, strength, height = _RELIEF[look.kind]
    relief = tree.noise(size, 1)
    return tree.node("Bump", {"Height": relief, "Strength": strength, "Distance": height})["Normal"]


def _water(tree: Tree) -> Output:
    """A film of water: it darkens what is below, mirrors, and has dried in spots.

    Seen from above, more than half of it is transparent, so that passes mostly show the floor; neither has a label.
    """
    dry = tree.ramp(tree.noise(0.35, 2), 0.4, 0.75)
    # light comes through twice
    below = tree.node("BsdfTransparent", {"Color": tree.mix(dry, (0.7, 0.7, 0.69), (0.85, 0.85, 0.84))})
    mirror = tree.node("BsdfPrincipled", {"Base Color": (1.0, 1.0, 1.0), "Metallic": 1.0, "Roughness": tree.roughness})
    share = tree.node("Fresnel", {"IOR": 1.33})[0]
    wet = tree.node("MixShader", {0: share, 1: below[0], 2: mirror[0]})
    seen = tree.node("LightPath")["Is Camera Ray"]
    return tree.node("MixShader", {0: seen, 1: below[0], 2: wet[0]})[0]


def _surface(tree: Tree, look: Look) -> Output:
    """The shader of a look."""
    if look.glows:
        return tree.node("Emission", {"Color": tree.colour, "Strength": tree.glow})[0]
    if look.kind == "water":
        return _water(tree)
    base = _BASES.get(look.kind, _plain)(tree, look)
    roughness: Any = tree.roughness
    if look.kind == "film":
        gloss = tree.ramp(tree.noise(0.06, 2, (1, 1, 0.3)), 0.35, 0.65)
        roughness = tree.blend(gloss, 0.08, tree.math("MINIMUM", tree.line(roughness, 1.0, 0.2), 1.0))
    if look.kind == "concrete":
        low = tree.math("MAXIMUM", tree.line(roughness, 1.0, -0.2), 0.05)
        high = tree.math("MINIMUM", tree.line(roughness, 1.0, 0.15), 1.0)
        roughness = tree.blend(tree.ramp(tree.noise(0.9, 1), 0.3, 0.7), low, high)
    base, roughness, metallic = _weather(tree, look, base, roughness, tree.metallic)
    inputs: dict[str | int, Any] = {"Base Color": base, "Roughness": roughness, "Metallic": metallic}
    normal = _bump(tree, look)
    if normal is not None:
        inputs["Normal"] = normal
    full = tree.node("BsdfPrincipled", inputs)
    # Only what the camera sees directly is worth its pattern: Cycles skips the branch that a ray does not take, and
    # patterns are most of the time of a bounce.
    plain = tree.node("BsdfDiffuse", {"Color": tree.colour})
    seen = tree.node("LightPath")["Is Camera Ray"]
    return tree.node("MixShader", {0: seen, 1: plain[0], 2: full[0]})[0]


def material_of(look: Look, part: int = 0) -> Any:
    """The Cycles material of a look on parts of this number, the same one whenever it is asked for.

    The number becomes the material's index, which the part pass shows.

    Raises:
        RenderError: when its image cannot be loaded.
    """
    name = _name(look, part)
    material = bpy.data.materials.get(name)
    if material is None:
        tree = Tree()
        tree.node("OutputMaterial", {"Surface": _surface(tree, look)})
        material = bpy.data.materials.new(name)
        material.pass_index = part
        connect(material.node_tree, tree)
        if look.glows:
            # lamps and windows have lights beside them: sampling their faces as well would only add noise
            material.cycles.emission_sampling = "NONE"
    return material


def is_kept(material: Any) -> bool:
    """Whether a material outlives its frame: there are only so many without an image."""
    return bool(material.name.startswith(PREFIX))


def _name(look: Look, part: int) -> str:
    """The name of a look's material; images have paths that are longer than a name may be."""
    if look.texture:
        digest = hashlib.sha256(f"{look.texture} {look.dirty} {look.grime}".encode()).hexdigest()
        return f"image {digest[:32]} {part}"
    flags = "".join(str(int(value)) for value in (look.worn, look.dirty, look.grime, look.odd, look.dark, look.glows))
    return f"{PREFIX}{look.kind} {flags}{int(look.vertex_colours)} {part}"
