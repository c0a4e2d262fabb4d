"""Whatever is wrong with a file ends in one sentence that names it and the next step."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from stages.common.errors import InputError
from stages.sdg.assets.imports.reader import Missing, read
from tests.sdg.assets.imports.files import USDA, entry, glb, mesh_prim, triangle_glb, usdz, write_truck

NAN = float("nan")
SQUARE = ((0, 0, 0), (1, 0, 0), (0, 1, 0))


def nested(depth: int) -> list[dict[str, object]]:
    """Nodes in a chain, the triangle at its end."""
    return [{"children": [number + 1]} for number in range(depth)] + [{"mesh": 0}]


def stl(*triangles: object) -> bytes:
    """A binary STL file."""
    body = b"".join(struct.pack("<3f", 0, 0, 1) + np.asarray(t, np.float32).tobytes() + b"\0\0" for t in triangles)
    return b"\0" * 80 + struct.pack("<I", len(triangles)) + body


def deep_usd(depth: int) -> str:
    opening = "".join(f'def Xform "L{number}" {{\n' for number in range(depth))
    return USDA + opening + mesh_prim("It", str(list(SQUARE))) + "}" * depth


def references(target: str) -> str:
    return USDA + f'def Xform "World" (\n    prepend references = {target}\n)\n{{\n}}\n'


CASES: dict[str, tuple[str, bytes | str, str]] = {
    "empty": ("a.glb", b"", "is empty: export it again"),
    "no known format": ("a.fbx", b"x", "is of no known format: give one of .usd, "),
    "no glb": ("a.glb", b"not a model at all, only words", "is no readable glTF"),
    "cut glb": ("a.glb", triangle_glb(SQUARE)[:-20], "is no readable glTF"),
    "words in gltf": ("a.gltf", "{", "is no readable glTF"),
    "gltf without its buffer": (
        "a.gltf",
        json.dumps(
            {
                "asset": {"version": "2.0"},
                "buffers": [{"uri": "gone.bin", "byteLength": 36}],
                "bufferViews": [{"buffer": 0, "byteLength": 36}],
                "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
                "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
                "nodes": [{"mesh": 0}],
                "scenes": [{"nodes": [0]}],
                "scene": 0,
            }
        ),
        "refers to gone.bin, which is not there",
    ),
    "no triangles in glb": ("a.glb", glb({"scenes": [{"nodes": []}], "scene": 0}), "holds no triangles"),
    "NaN in glb": ("a.glb", triangle_glb(((0, 0, 0), (1, 0, NAN), (0, 1, 0))), "points that are no numbers (1 of 3"),
    "flat glb": ("a.glb", triangle_glb(((0, 0, 0), (1, 0, 0), (2, 0, 0))), "holds no triangles with an area"),
    "cyclic glb": ("a.glb", triangle_glb(SQUARE, [{"children": [1], "mesh": 0}, {"children": [0]}]), "is cyclic"),
    "deep glb": ("a.glb", triangle_glb(SQUARE, nested(3000)), "nests its nodes 3000 deep"),
    "missing node in glb": ("a.glb", triangle_glb(SQUARE, [{"children": [7]}]), "refers to nodes that are not there"),
    "Draco": ("a.glb", glb({"extensionsRequired": ["KHR_draco_mesh_compression"]}), "needs KHR_draco_mesh_compression"),
    "STL without a unit": ("a.stl", stl(SQUARE), "does not say its unit (STL cannot), and measures 1 x 1 x 0: "),
    "cut STL": ("a.stl", stl(SQUARE, SQUARE)[:-30], "is no readable STL"),
    "NaN in STL": ("a.stl", stl(((0, 0, 0), (NAN, 0, 0), (0, 1, 0))), "holds points that are no numbers"),
    "words in PLY": ("a.ply", "ply\nformat", "is no readable PLY"),
    "OBJ without faces": ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "holds no triangles"),
    "OBJ with a point too many": (
        "a.obj",
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n",
        "is no readable OBJ (a face names a point that is not there): export it again",
    ),
    "words in OBJ": ("a.obj", "these are words\n", "a.obj "),
    "OBJ without a unit": ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "does not say its unit (OBJ cannot)"),
    "words in USD": ("a.usda", "#usda 1.0\nthese are words", "is no readable USD"),
    "no USD": ("a.usd", "these are words", "is no readable USD"),
    "no USDC": ("a.usdc", b"PXR-USDC" + b"\0" * 200, "is no readable USD"),
    "no package": ("a.usdz", b"these are words", "is no readable USDZ"),
    "empty stage": ("a.usda", USDA, "holds no triangles"),
    "NaN in USD": ("a.usda", USDA + mesh_prim("M", "[(0, 0, 0), (1, 0, nan), (0, 1, 0)]"), "(1 of 3 in /M)"),
    "counts that do not add up": (
        "a.usda",
        USDA + mesh_prim("M", "[(0, 0, 0), (1, 0, 0), (0, 1, 0)]", "[0, 1, 2]", "[4]"),
        "the faces of /M do not add up",
    ),
    "points that are not there": (
        "a.usda",
        USDA + mesh_prim("M", "[(0, 0, 0), (1, 0, 0), (0, 1, 0)]", "[0, 1, 9]"),
        "/M uses points that it does not hold",
    ),
    "missing reference": ("a.usda", references("@gone/part.usd@"), "refers to gone/part.usd, which is not there"),
    "reference to a server": (
        "a.usda",
        references("@omniverse://host/forklift.usd@"),
        "refers to omniverse://host/forklift.usd, which is not there",
    ),
    "stage that refers to itself": ("a.usda", references("@a.usda@</World>"), "is cyclic, since it refers to itself"),
    "stage that is its own layer": (
        "a.usda",
        '#usda 1.0\n(\n    subLayers = [@a.usda@]\n)\ndef Xform "World"\n{\n}\n',
        "is cyclic, since it refers to itself",
    ),
    "deep stage": ("a.usda", deep_usd(700), "nests its prims "),
    "deeper stage": ("a.usda", deep_usd(60_000), "a.usda "),
    "unit of zero": ("a.usda", USDA.replace("0.01", "0"), "has metersPerUnit = 0, which cannot be"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_ends_in_one_sentence(case: str) -> None:
    name, content, sentence = CASES[case]
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError) as caught:
        read(Path(name), entry(name))
    text = str(caught.value)
    print(text)
    assert text.startswith(f"assets.thing: {name} ")
    assert sentence in text
    assert "\n" not in text
    assert "Traceback" not in text
    assert ": " in text.removeprefix("assets.thing: ")
    assert not [path for path in Path(".cache/assets").glob("*") if path.name != "index"]


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"^assets.thing: gone.glb is not there: correct its source$"):
        read(Path("gone.glb"), entry("gone.glb"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(place: Path) -> None:
    write_truck(place / "a.glb").chmod(0)
    with pytest.raises(InputError, match="may not be read: mend its permissions"):
        read(Path("a.glb"), entry("a.glb"))


def test_a_huge_file_is_refused_before_it_is_read(place: Path) -> None:
    with open("huge.usd", "wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(InputError, match=r"huge.usd takes 1024 MiB, above max_file_mb: 256; raise that limit"):
        read(Path("huge.usd"), entry("huge.usd"))


def test_a_huge_file_of_nothing_ends_in_a_sentence_too_when_it_is_allowed(place: Path, own_process: None) -> None:
    with open("huge.stl", "wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(InputError, match=r"^assets.thing: huge.stl [^\n]*$"):
        read(Path("huge.stl"), entry("huge.stl", max_file_mb=2000, unit="m"))


def test_a_file_is_no_larger_with_what_it_refers_to(place: Path) -> None:
    write_truck(place / "part.stl")
    Path("a.usda").write_text(USDA + 'def Xform "World" (\n    prepend references = @big.usda@</M>\n)\n{\n}\n')
    points = str([(0, 0, 0), (1, 0, 0), (0, 1, 0)] * 40_000)
    Path("big.usda").write_text(USDA + mesh_prim("M", points))
    with pytest.raises(InputError, match=r"a.usda and what it refers to take \d+ MiB, above max_file_mb: 1; "):
        read(Path("a.usda"), entry("a.usda", max_file_mb=1))


def test_a_file_that_takes_too_long_is_given_up(place: Path, own_process: None) -> None:
    write_truck(place / "a.glb")
    with pytest.raises(InputError, match=r"takes longer than 0.01 s to read: simplify it first, or raise its timeout"):
        read(Path("a.glb"), entry("a.glb", timeout=0.01))


def test_a_reader_that_crashes_is_survived(place: Path, own_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    write_truck(place / "a.glb")
    (place / "trimesh.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.syspath_prepend(str(place))
    with pytest.raises(InputError, match="the program that reads it was stopped by SIGSEGV"):
        read(Path("a.glb"), entry("a.glb"))


def test_a_missing_texture_leaves_a_plain_colour(place: Path) -> None:
    from stages.sdg.assets.imports.store import read_meta
    from tests.sdg.assets.imports.files import TEXTURED

    Path("a.usda").write_text(TEXTURED)
    facts = read_meta(read(Path("a.usda"), entry("a.usda")))["facts"]
    assert facts["missing"] == ["checks.png"]
    assert facts["textures"] == 0


def test_a_texture_that_is_none_leaves_a_plain_colour(place: Path) -> None:
    from stages.sdg.assets.imports.store import read_meta
    from tests.sdg.assets.imports.files import TEXTURED

    usdz(place / "a.usdz", a__usda=TEXTURED.encode(), checks__png=b"no picture")
    facts = read_meta(read(Path("a.usdz"), entry("a.usdz")))["facts"]
    assert facts["textures"] == 0
    assert "cannot be decoded" in facts["notes"][0]


def test_a_stage_with_some_parts_missing_is_refused(place: Path) -> None:
    Path("a.usda").write_text(references("@gone.usd@") + mesh_prim("M", str(list(SQUARE))))
    with pytest.raises(Missing, match=r"refers to gone.usd, which is not there: put it there \(in Isaac Sim, with"):
        read(Path("a.usda"), entry("a.usda"))


@pytest.mark.parametrize("choice", [{"look": "red"}, {"shape": "round"}])
def test_an_unknown_variant_is_named_with_those_there_are(place: Path, choice: dict[str, str]) -> None:
    Path("a.usda").write_text(VARIANTS)
    with pytest.raises(InputError, match=r"a.usda has no variant .*(it has shape|choose one of box, none)"):
        read(Path("a.usda"), entry("a.usda", variants=choice))


VARIANTS = (
    USDA
    + """
def Xform "World" (
    variants = {
        string shape = "none"
    }
    prepend variantSets = "shape"
)
{
    variantSet "shape" = {
        "box" {
            def Cube "Box"
            {
                double size = 100
            }
        }
        "none" {
        }
    }
}
"""
)


def test_a_chosen_variant_is_read(place: Path) -> None:
    from stages.sdg.assets.imports.store import read_meta

    Path("a.usda").write_text(VARIANTS)
    with pytest.raises(InputError, match="holds no triangles"):
        read(Path("a.usda"), entry("a.usda"))
    assert read_meta(read(Path("a.usda"), entry("a.usda", variants={"shape": "box"})))["facts"]["triangles"] == 12


def test_a_mesh_of_a_million_triangles_is_simplified(place: Path, own_process: None) -> None:
    from stages.sdg.assets.imports.store import read_meta

    trimesh.creation.icosphere(8, 500).export("ball.stl")
    facts = read_meta(read(Path("ball.stl"), entry("ball.stl", unit="mm", max_triangles=2000)))["facts"]
    assert facts["triangles_before"] == 20 * 4**8
    assert facts["triangles"] <= 2000
    assert 0 < facts["error_max"] < 0.005
