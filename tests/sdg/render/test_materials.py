"""Materials that are copies of others are what they would be if they had been built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from stages.common.errors import MissingDependencyError
from stages.common.settings.pictures import Renderer, Runtime
from stages.sdg.assets.types import Material
from stages.sdg.render.registry import create_renderer

pytestmark = [pytest.mark.blender, pytest.mark.filterwarnings("ignore:.*use_nodes.*:DeprecationWarning")]

KINDS = ("paint", "metal", "rubber", "wood", "cardboard", "concrete", "plaster", "brick", "fabric", "film", "print")
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


def described(material: Any) -> tuple[list[Any], set[Any]]:
    """Everything that a node tree says: nodes with their properties and constants, and links."""
    tree = material.node_tree
    nodes = []
    for node in tree.nodes:
        properties = {name: getattr(node, name, None) for name in ("blend_type", "data_type", "operation", "clamp")}
        values = [getattr(socket, "default_value", None) for socket in node.inputs]
        constants = [tuple(value) if hasattr(value, "__len__") else value for value in values]
        nodes.append((node.bl_idname, properties, constants))
    places = {node.name: place for place, node in enumerate(tree.nodes)}
    links = {
        (places[link.from_node.name], link.from_socket.identifier, places[link.to_node.name], link.to_socket.identifier)
        for link in tree.links
    }
    return nodes, links


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_with_other_numbers_is_what_would_have_been_built(kind: str) -> None:
    from stages.sdg.render.blender.materials import Materials

    first = replace(WORN, kind=kind)
    second = replace(first, colour=(0.1, 0.2, 0.9), roughness=0.8, wear=0.3, dirt=0.2, under=(0.1, 0.1, 0.1), seed=18)
    both = Materials()
    built, copied = described(both.of(first)), described(both.of(second))
    assert built != copied
    assert copied == described(Materials().of(second))
    # making the copy left the pattern alone
    assert described(both.of(first)) == built


def test_what_has_another_tree_is_no_copy() -> None:
    from stages.sdg.render.blender.materials import Materials

    materials = Materials()
    trees = [described(materials.of(m))[1] for m in (WORN, replace(WORN, wear=0.0), replace(WORN, wear=0.0, dirt=0.0))]
    assert len({len(links) for links in trees}) == 3


def test_only_what_does_not_glow_is_sampled_as_a_light() -> None:
    from stages.sdg.render.blender.materials import Materials

    materials = Materials()
    lamps = [materials.of(Material("glow", (1.0, 1.0, 1.0), glow=strength)) for strength in (5.0, 9.0)]
    assert [lamp.cycles.emission_sampling for lamp in lamps] == ["NONE", "NONE"]
    assert [lamp.node_tree.nodes["Emission"].inputs["Strength"].default_value for lamp in lamps] == [5.0, 9.0]
    assert materials.of(WORN).cycles.emission_sampling != "NONE"


def test_equal_surfaces_share_a_material() -> None:
    from stages.sdg.render.blender.materials import Materials

    materials = Materials()
    assert materials.of(WORN) == materials.of(replace(WORN))
