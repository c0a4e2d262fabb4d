"""Scans of all kinds, made into objects as a user would, and then measured in renders."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.errors import MissingDependencyError
from stages.common.settings.pictures import Renderer, Runtime
from stages.sdg.assets.imports.store import read_meta
from stages.sdg.picture import turntable_plan
from stages.sdg.render.passes import RendererBackend
from stages.sdg.render.registry import create_renderer
from tests.own_process import REPOSITORY
from tests.sdg.reconstruct.scans import HEIGHT, SCANS

GOOD = [name for name, scan in SCANS.items() if not scan.refused]
BAD = [name for name, scan in SCANS.items() if scan.refused]

LONG, WIDE = 1.35 / 1.225 * HEIGHT, 0.54 / 1.225 * HEIGHT
"""Metres of the truck's other sides when it is 1.2 m high."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("scans")
    command = [sys.executable, "-W", "ignore", "-m", "tests.sdg.reconstruct.make_all", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    before = Path.cwd()
    os.chdir(folder)
    yield json.loads(Path("outcome.json").read_text())
    os.chdir(before)


@pytest.fixture(scope="module")
def blender() -> Iterator[RendererBackend]:
    settings = Renderer(name="test", samples=1, bounces=0, denoise=False, runtime=Runtime(device="cpu", threads=2))
    try:
        renderer = create_renderer("blender", settings)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    yield renderer
    renderer.close()


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_ends_in_one_sentence_and_leaves_nothing(made: dict[str, Any], name: str) -> None:
    outcome = made[name]
    assert SCANS[name].refused in outcome["refused"]
    assert "\n" not in outcome["refused"]
    assert outcome["left"] == []


@pytest.mark.parametrize("name", GOOD)
def test_the_usd_file_is_sound_labelled_and_says_where_it_is_from(made: dict[str, Any], name: str) -> None:
    outcome = made[name]
    assert "refused" not in outcome, outcome
    usd, wished = outcome["usd"], SCANS[name].wishes.get("class_name", "pallet_truck")
    assert usd["problems"] == []
    assert usd["noticed"] == 0
    assert usd["schemas"] == ["SemanticsLabelsAPI:class"]
    assert usd["labels"] == [wished]
    assert (usd["up"], usd["metres"]) == ("Z", 1.0)
    assert usd["provenance"]["mesh"] == SCANS[name].file
    assert len(usd["provenance"]["meshSha256"]) == 64
    assert SCANS[name].says(outcome["record"]), outcome["record"]


@pytest.mark.parametrize("name", GOOD)
def test_it_has_the_size_that_was_asked_for_and_stands_on_the_floor(made: dict[str, Any], name: str) -> None:
    low, high = np.array(made[name]["usd"]["low"]), np.array(made[name]["usd"]["high"])
    assert abs(low[2]) < 1e-4
    np.testing.assert_allclose((low + high)[:2], 0, atol=0.005)
    if name == "mat":
        np.testing.assert_allclose(high - low, [1.2, 0.6, 0.0], atol=0.001)
    elif name == "millions":
        np.testing.assert_allclose(high - low, np.array([1.24, 0.84, 0.97]) / 0.97 * 1.2, rtol=0.01)
    else:
        np.testing.assert_allclose(high - low, [LONG, WIDE, HEIGHT], rtol=0.02)


def test_colours_textures_and_parts_become_materials(made: dict[str, Any]) -> None:
    shaders = {name: made[name]["usd"]["shaders"] for name in GOOD}
    assert "UsdPrimvarReader_float3" in shaders["coloured"]
    assert "UsdPrimvarReader_float3" in shaders["points"]
    assert "UsdUVTexture" in shaders["textured"]
    assert shaders["many_parts"].count("UsdPreviewSurface") == 4
    assert shaders["clean"] == ["UsdPreviewSurface"]


def test_upright_is_upright_however_it_lay(made: dict[str, Any]) -> None:
    """The tiller, which is at one end, is at the top: the upper half of the object is narrow."""
    for name in ("clean", "tilted", "upside_down", "askew", "noisy", "points", "splats", "usd", "huge"):
        with np.load(Path(".cache/assets", made[name]["content"], "mesh.npz")) as stored:
            points = np.concatenate([stored[key] for key in stored.files if key.startswith("v")])
        upper = points[points[:, 2] > 0.6 * HEIGHT]
        assert np.ptp(upper[:, 0]) < 0.15, name
        assert np.ptp(points[points[:, 2] < 0.2, 0]) > 1.2, name


def seen_points(renderer: RendererBackend, content: str, angle: float) -> np.ndarray:  # type: ignore[type-arg]
    """World coordinates (N, 3) of the pixels that show an object, by the depth of a render and the known camera."""
    meta = read_meta(content)
    plan = turntable_plan("thing", content, meta, angle)
    scale = 2
    camera = replace(plan.camera, width=320 * scale, height=320 * scale, focal=plan.camera.focal * scale)
    passes = renderer.render(replace(plan, camera=camera))
    rows, columns = np.nonzero(passes.instance == 1)
    depth = passes.depth[rows, columns].astype(float)
    x = (columns + 0.5 - camera.width / 2) / camera.focal * depth
    y = (rows + 0.5 - camera.height / 2) / camera.focal * depth
    matrix = np.array(camera.camera_to_world)
    return np.asarray(np.stack([x, y, depth], 1) @ matrix[:3, :3].T + matrix[:3, 3])


@pytest.mark.blender
@pytest.mark.filterwarnings("ignore:.*use_nodes.*:DeprecationWarning")
@pytest.mark.parametrize("name", GOOD)
def test_cycles_shows_it_at_its_size(made: dict[str, Any], name: str, blender: RendererBackend) -> None:
    outcome = made[name]
    views = [seen_points(blender, outcome["content"], math.radians(angle)) for angle in (40, 130, 220, 310)]
    points = np.concatenate(views)
    expected = np.subtract(outcome["usd"]["high"], outcome["usd"]["low"])
    # a pixel is a few millimetres at this distance
    found = np.ptp(points, axis=0)
    assert abs(points[:, 2].min()) < 0.01 * expected.max(), "it stands on the floor"
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=0.005)
    if expected[2] > 0:
        assert found[2] == pytest.approx(expected[2], rel=0.01)


@pytest.mark.blender
@pytest.mark.filterwarnings("ignore:.*use_nodes.*:DeprecationWarning")
def test_cycles_shows_its_colours(made: dict[str, Any], blender: RendererBackend) -> None:
    def light(name: str) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        content = made[name]["content"]
        passes = blender.render(turntable_plan("thing", content, read_meta(content), math.radians(270)))
        return passes.linear, np.nonzero(passes.instance == 1)  # type: ignore[return-value]

    linear, (rows, columns) = light("coloured")
    upper = linear[rows, columns][rows < rows.min() + 0.3 * np.ptp(rows)].mean(0)
    lower = linear[rows, columns][rows > rows.min() + 0.6 * np.ptp(rows)].mean(0)
    assert upper[0] > 5 * upper[2]
    assert lower[2] > 5 * lower[0]
    linear, (rows, columns) = light("textured")
    far_left, far_right = columns < np.percentile(columns, 10), columns > np.percentile(columns, 90)
    ends = [linear[rows, columns][chosen].mean(0) for chosen in (far_left, far_right)]
    assert {int(end.argmax()) for end in ends} == {0, 1}, "one end is red and the other green"
    assert all(end.max() > 4 * end[:2].min() for end in ends)
