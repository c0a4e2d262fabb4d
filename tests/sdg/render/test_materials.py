"""Surfaces share a tree wherever numbers are all they differ in, and the numbers reach the mesh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stages.common.errors import MissingDependencyError
from stages.common.settings.pictures import Renderer, Runtime
from stages.sdg.assets.types import Asset, Material, Part
from stages.sdg.render.registry import create_renderer
from tests.sdg.render.scenes import plan

pytestmark = [pytest.mark.blender, pytest.mark.filterwarnings("ignore:.*use_nodes.*:DeprecationWarning")]

KINDS = ("paint", "metal", "rubber", "wood", "cardboard", "concrete", "plaster", "brick", "fabric", "film", "print",
         "zinc", "brushed", "water")  # fmt: skip
WORN = Material("paint", (0.7, 0.3, 0.1), 0.4, 0.1, wear=0.5, dirt=0.4, seed=4)


@pytest.fixture(scope="module", autouse=True)
def blender() -> Iterator[None]:
    settings = Renderer(name="test", samples=1, bounces=0, denoise=False, runtime=Runtime(device="cpu", threads=1))
    try:
        renderer = create_renderer("blender", settings)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    yield
    renderer.close()


def made(m: Material, part: int = 0) -> Any:
    from stages.sdg.render.blender.materials import look_of, material_of

    return material_of(look_of(m), part)


@pytest.mark.parametrize("kind", KINDS)
def test_surfaces_that_differ_in_numbers_share_a_tree(kind: str) -> None:
    first = replace(WORN, kind=kind)
    second = replace(first, colour=(0.9, 0.2, 0.1), roughness=0.8, wear=0.3, dirt=0.2, under=(0.1, 0.1, 0.1), seed=16)
    assert made(first) == made(second)
    assert len(made(first).node_tree.links) > 5


def test_what_has_another_tree_has_another_material() -> None:
    trees = [made(m) for m in (WORN, replace(WORN, wear=0.0), replace(WORN, wear=0.0, dirt=0.0), replace(WORN, seed=3))]
    assert len({tree.name for tree in trees}) == 4
    assert len({len(tree.node_tree.links) for tree in trees[:3]}) == 3
    assert {made(WORN, part).pass_index for part in range(3)} == {0, 1, 2}


def test_only_what_does_not_glow_is_sampled_as_a_light() -> None:
    lamps = [made(Material("glow", (1.0, 1.0, 1.0), glow=strength)) for strength in (5.0, 9.0)]
    assert lamps[0] == lamps[1]
    assert lamps[0].cycles.emission_sampling == "NONE"
    assert made(WORN).cycles.emission_sampling != "NONE"


def test_the_numbers_lie_on_the_faces() -> None:
    from stages.sdg.render.blender.scene import _mesh
    from stages.sdg.render.blender.tree import SHIFT, STATE, TINT, UNDER

    corners, faces = np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32)
    other = replace(WORN, colour=(0.2, 0.4, 0.6), metallic=1.0, seed=22)
    parts = tuple(Part("body", corners + n, faces, m) for n, m in enumerate((WORN, other)))
    mesh = _mesh(Asset(parts, (1.0, 1.0, 1.0)))
    assert len(mesh.materials) == 1

    def values(name: str, field: str, size: int) -> list[list[float]]:
        flat = np.zeros(2 * size, np.float32)
        mesh.attributes[name].data.foreach_get(field, flat)
        return flat.reshape(2, size).tolist()

    assert values(TINT, "color", 4) == [pytest.approx([*m.colour, m.roughness]) for m in (WORN, other)]
    assert values(UNDER, "color", 4) == [pytest.approx([*m.under, m.wear]) for m in (WORN, other)]
    assert values(STATE, "color", 4) == [pytest.approx([m.metallic, m.dirt, m.scale, m.glow]) for m in (WORN, other)]
    shifts = np.array(values(SHIFT, "vector", 3))
    assert np.abs(shifts).max() <= 50
    assert np.abs(shifts[0] - shifts[1]).max() > 0.5


def test_frames_leave_nothing_behind_but_the_materials_without_images(tmp_path: Any) -> None:
    import bpy
    import cv2

    from stages.sdg.render.blender import scene

    image = tmp_path / "image.png"
    cv2.imwrite(str(image), np.zeros((2, 2, 3), np.uint8))
    sizes = []
    for _ in range(3):
        scene.clear()
        scene.build(plan(), plan().camera)
        made(Material("imported", (1.0, 1.0, 1.0), texture=str(image)))
        sizes.append((len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.materials), len(bpy.data.worlds)))
    assert sizes[0] == sizes[1] == sizes[2]
    scene.clear()
    assert not [item for item in bpy.data.materials if not item.name.startswith("surface ")]
    assert not bpy.data.meshes
