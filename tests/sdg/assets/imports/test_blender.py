"""Imported surfaces in Cycles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stages.common.errors import MissingDependencyError
from stages.common.settings.pictures import Renderer, Runtime
from stages.sdg.assets.imports.reader import read
from stages.sdg.assets.imports.store import read_meta
from stages.sdg.picture import SIDE, turntable_plan
from stages.sdg.render.passes import RendererBackend
from stages.sdg.render.registry import create_renderer
from tests.sdg.assets.imports.files import TEXTURED, USDA, entry, mesh_prim, usdz

pytestmark = [pytest.mark.blender, pytest.mark.filterwarnings("ignore:.*use_nodes.*:DeprecationWarning")]

SETTINGS = Renderer(name="test", samples=4, bounces=0, denoise=False, runtime=Runtime(device="cpu", threads=1))


@pytest.fixture(scope="module")
def blender() -> Iterator[RendererBackend]:
    try:
        renderer = create_renderer("blender", SETTINGS)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    yield renderer
    renderer.close()


def halves() -> bytes:
    """An image whose left half is red and whose right half is green."""
    import io

    from PIL import Image

    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, :8, 0] = pixels[:, 8:, 1] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def front(blender: RendererBackend, path: Path, **given: str) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Light and ids of a plate that faces the camera, by Cycles, after the fake renderer agreed on the ids."""
    content = read(path, entry(path, **given))
    plan = turntable_plan("thing", content, read_meta(content), -math.pi / 2)
    passes = blender.render(plan)
    fake = create_renderer("fake", SETTINGS).render(plan)
    assert (passes.instance == fake.instance).mean() > 0.995
    return passes.linear, passes.instance


def test_a_texture_lies_where_its_coordinates_say(blender: RendererBackend, place: Path) -> None:
    # an upright plate in the plane of X and Y of a Y-up file, seen from its front
    linear, ids = front(
        blender, usdz(place / "t.usdz", t__usda=TEXTURED.encode(), checks__png=halves()), **{"class": "pallet"}
    )
    columns = np.flatnonzero((ids > 0).any(0))
    middle, row = (columns[0] + columns[-1]) // 2, SIDE // 2
    left, right = linear[row, columns[0] + 10 : middle - 10], linear[row, middle + 10 : columns[-1] - 10]
    assert left[:, 0].mean() > 5 * left[:, 1].mean()
    assert right[:, 1].mean() > 5 * right[:, 0].mean()


def test_colours_of_vertices_are_shown(blender: RendererBackend, place: Path) -> None:
    colours = (
        'color3f[] primvars:displayColor = [(0, 0, 1), (0, 0, 1), (0, 0, 1)] (\n        interpolation = "vertex"\n    )'
    )
    Path("a.usda").write_text(USDA + mesh_prim("M", "[(0, 0, 0), (100, 0, 0), (50, 100, 0)]", more=colours))
    linear, ids = front(blender, Path("a.usda"), **{"class": "pallet"})
    seen = linear[ids > 0].mean(0)
    assert seen[2] > 10 * seen[0]
