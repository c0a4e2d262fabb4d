from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stages.common.errors import RenderError
from stages.common.settings.pictures import Renderer
from stages.sdg.label.labels import label_frame
from stages.sdg.plan.types import FramePlan, Lamp
from stages.sdg.render.camera import project, to_normalised, undistort, world_to_camera
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.render.meshes import world_triangles
from stages.sdg.render.passes import Passes
from tests.sdg.render.scenes import CLASSES, plan

LENSES = [(0.0, 0.0), (-0.18, 0.0), (0.1, 0.02)]


def render(frame_plan: FramePlan, *, normals: bool = False) -> Passes:
    return FakeRenderer(Renderer(name="test", backend="fake")).render(frame_plan, normals=normals)


def alone(frame_plan: FramePlan, number: int) -> FramePlan:
    return replace(frame_plan, placements=tuple(item for item in frame_plan.placements if item.id == number))


@pytest.mark.parametrize("lens", LENSES)
def test_passes_have_the_shapes_and_types_of_the_contract(lens: tuple[float, float]) -> None:
    passes = render(plan(lens), normals=True)
    assert passes.linear.shape == passes.normals.shape == (120, 160, 3)
    assert passes.instance.shape == passes.depth.shape == (120, 160)
    kinds = (passes.linear.dtype, passes.instance.dtype, passes.depth.dtype, passes.normals.dtype)
    assert kinds == (np.float32, np.uint16, np.float32, np.float32)
    assert np.isfinite(passes.linear).all()
    assert (passes.linear >= 0).all()
    np.testing.assert_array_equal(np.isinf(passes.depth), passes.instance == 0)
    assert set(np.unique(passes.instance)) == {0, 1, 2, 3, 4, 7}
    assert set(passes.seconds) == {"build", "render", "amodal"}


@pytest.mark.parametrize("lens", LENSES)
def test_an_object_alone_shows_exactly_its_unoccluded_extent(lens: tuple[float, float]) -> None:
    frame_plan = plan(lens)
    everything = render(frame_plan).amodal
    assert set(everything) == {2, 4, 7}
    for number, extent in everything.items():
        mask = render(alone(frame_plan, number)).instance == number
        rows, columns = np.nonzero(mask)
        assert mask.sum() == extent.pixels
        if extent.pixels == extent.total_pixels:
            assert extent.xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@pytest.mark.parametrize("lens", LENSES)
def test_a_truck_alone_shows_exactly_its_unoccluded_parts(lens: tuple[float, float]) -> None:
    frame_plan = plan(lens)
    counted = render(frame_plan).amodal
    passes = render(alone(frame_plan, 2))
    truck = passes.instance == 2
    assert tuple(np.bincount(passes.parts[truck], minlength=3)) == counted[2].parts
    assert min(counted[2].parts) > 0
    assert not passes.parts[~truck].any()
    assert (counted[4].parts, counted[7].parts) == ((), ())


@pytest.mark.parametrize("lens", LENSES)
def test_loose_boxes_agree_with_projected_vertices(lens: tuple[float, float]) -> None:
    # thin parts may miss every pixel centre; at this size none of the outermost does
    frame_plan = plan(lens, size=(640, 480))
    label = label_frame(frame_plan, render(frame_plan), CLASSES)
    assert [instance.id for instance in label.instances] == [2, 4, 7]
    triangles = {item.id: world_triangles(item) for item in frame_plan.placements}
    for instance in label.instances:
        pixels, _ = project(frame_plan.camera, triangles[instance.id].reshape(-1, 3))
        expected = np.clip([*pixels.min(0), *pixels.max(0)], 0, (640, 480, 640, 480))
        assert instance.xyxy_loose == pytest.approx(expected, abs=1.0)


def test_labels_of_the_scene() -> None:
    label = label_frame(plan(), render(plan()), CLASSES)
    truck, cut, whole = label.instances
    assert 0.02 < truck.occlusion < 1
    assert (truck.truncation, whole.truncation, whole.occlusion) == (0, 0, 0)
    assert 0.05 < cut.truncation < 0.95
    assert cut.xyxy[0] == 0


@pytest.mark.parametrize("lens", LENSES)
def test_depth_is_where_the_surface_is(lens: tuple[float, float]) -> None:
    frame_plan = plan(lens, size=(320, 240))
    passes = render(frame_plan)
    for item in frame_plan.placements[1:4]:
        z = world_to_camera(frame_plan.camera, world_triangles(item))[..., 2]
        seen = passes.depth[passes.instance == item.id]
        assert seen.min() >= z.min() - 1e-4
        assert seen.max() <= z.max() + 1e-4
    # the floor, along the rays through its pixels
    rows, columns = np.nonzero((passes.instance == 1) & (passes.depth < 6))
    rays = undistort(to_normalised(frame_plan.camera, np.stack([columns, rows], 1) + 0.5), lens)
    matrix = np.array(frame_plan.camera.camera_to_world)
    downwards = np.column_stack([rays, np.ones(len(rays))]) @ matrix[2, :3]
    # the nearest canvas pixel is up to 0.7 pixels away
    np.testing.assert_allclose(passes.depth[rows, columns], -matrix[2, 3] / downwards, rtol=0.02)


def test_normals_are_of_unit_length_and_face_the_camera() -> None:
    passes = render(plan(), normals=True)
    seen = passes.instance > 0
    np.testing.assert_allclose(np.linalg.norm(passes.normals[seen], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(passes.normals[passes.instance == 1][:, 2], 1, atol=1e-5)
    assert not passes.normals[~seen].any()


def test_renders_are_repeatable_and_without_memory_of_earlier_ones() -> None:
    renderer = FakeRenderer(Renderer(name="test", backend="fake"))
    first = renderer.render(plan((-0.1, 0.0)))
    renderer.render(plan((0.05, 0.0), size=(96, 80)))
    second = renderer.render(plan((-0.1, 0.0)))
    for name in ("linear", "instance", "depth"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.amodal == second.amodal


@pytest.mark.parametrize("kind", ["area", "point", "sun"])
def test_lamps_light_what_they_shine_on(kind: str) -> None:
    dark = replace(plan(), lamps=(), sky=(0.0, 0.0, 0.0))
    above = Lamp(kind, (0.5, -1.4, 3.0), (0.0, 0.0, 0.0), 100.0, (1.0, 0.5, 0.25), (0.5, 0.5))
    below = replace(above, position=(0.5, -1.4, -3.0))
    floor = render(dark).instance == 1
    assert not render(dark).linear[floor].any()
    lit = render(replace(dark, lamps=(above,))).linear[floor]
    assert (lit > 0).all()
    twice = render(replace(dark, lamps=(replace(above, power=200.0),))).linear[floor]
    np.testing.assert_allclose(twice, 2 * lit, rtol=1e-4)
    if kind != "sun":
        assert not render(replace(dark, lamps=(below,))).linear[floor].max() > 0.5 * lit.max()


def test_an_empty_scene_shows_the_sky() -> None:
    passes = render(replace(plan((-0.1, 0.0)), placements=()))
    assert not passes.instance.any()
    assert passes.amodal == {}
    np.testing.assert_allclose(passes.linear, np.broadcast_to(np.float32([0.05, 0.06, 0.07]), (120, 160, 3)), rtol=1e-6)


def test_it_has_no_scene_files() -> None:
    with pytest.raises(RenderError, match=r"cannot save frame 3 to x\.blend; save it with renderer\.backend=blender"):
        FakeRenderer(Renderer(name="test")).save_scene(plan(), "x.blend")
