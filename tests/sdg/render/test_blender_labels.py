"""Labels of real renders against paths that share nothing with them but the plan.

The boxes of a rendered frame are compared with the mesh's vertices projected by OpenCV, and with Blender's render of
the object alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stages.common.errors import MissingDependencyError
from stages.common.settings.pictures import Renderer, Runtime
from stages.sdg.assets.detail import whole
from stages.sdg.label.flow import optical_flow
from stages.sdg.label.keypoints import keypoints
from stages.sdg.label.labels import label_frame
from stages.sdg.label.types import FrameLabel
from stages.sdg.plan.motion import next_camera
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.meshes import world_triangles
from stages.sdg.render.passes import Passes, RendererBackend
from stages.sdg.render.registry import create_renderer
from tests.sdg.render.scenes import CLASSES, plan
from tests.settings import compose

pytestmark = [pytest.mark.blender, pytest.mark.filterwarnings("ignore:.*use_nodes.*:DeprecationWarning")]

SIZE = (320, 240)
SETTINGS = Renderer(name="test", samples=1, bounces=0, denoise=False, runtime=Runtime(device="cpu", threads=1))
LENSES = {"pinhole": (0.0, 0.0), "barrel": (-0.1, 0.0)}


@pytest.fixture(scope="module")
def blender() -> Iterator[RendererBackend]:
    try:
        renderer = create_renderer("blender", SETTINGS)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    yield renderer
    renderer.close()


@pytest.fixture(scope="module", params=LENSES.values(), ids=LENSES.keys())
def frame(request: pytest.FixtureRequest, blender: RendererBackend) -> tuple[FramePlan, Passes, FrameLabel]:
    frame_plan = plan(request.param, size=SIZE)
    passes = blender.render(frame_plan)
    return frame_plan, passes, label_frame(frame_plan, passes, CLASSES)


@pytest.fixture(scope="module")
def alone(
    frame: tuple[FramePlan, Passes, FrameLabel], blender: RendererBackend
) -> dict[int, tuple[NDArray[np.bool_], NDArray[np.float32]]]:
    """Mask and depth of each labelled object, rendered with nothing else in the scene."""
    frame_plan, _, label = frame
    rendered = {}
    for instance in label.instances:
        placements = tuple(item for item in frame_plan.placements if item.id == instance.id)
        passes = blender.render(replace(frame_plan, placements=placements))
        rendered[instance.id] = (passes.instance == instance.id, passes.depth)
    return rendered


def box_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def opencv_pixels(frame_plan: FramePlan, number: int) -> NDArray[np.float64]:
    """Vertices of a placement in the picture, by OpenCV's camera model."""
    (placement,) = (item for item in frame_plan.placements if item.id == number)
    camera = frame_plan.camera
    matrix = np.array(camera.camera_to_world)
    rotation, translation = matrix[:3, :3].T, -matrix[:3, :3].T @ matrix[:3, 3]
    intrinsics = np.array([[camera.focal, 0, camera.width / 2], [0, camera.focal, camera.height / 2], [0, 0, 1]])
    lens = np.array([*camera.distortion, 0, 0])
    vertices = world_triangles(placement).reshape(-1, 3)
    pixels, _ = cv2.projectPoints(vertices, cv2.Rodrigues(rotation)[0], translation, intrinsics, lens)
    return np.asarray(pixels[:, 0])


def test_the_scene_has_a_hidden_a_cut_and_a_whole_object(frame: tuple[FramePlan, Passes, FrameLabel]) -> None:
    hidden, cut, whole = frame[2].instances
    assert hidden.occlusion > 0.02
    assert cut.truncation > 0.02
    assert (whole.occlusion, whole.truncation) == (0, 0)


def test_loose_boxes_agree_with_projected_vertices(frame: tuple[FramePlan, Passes, FrameLabel]) -> None:
    frame_plan, _, label = frame
    for instance in label.instances:
        pixels = opencv_pixels(frame_plan, instance.id)
        expected = np.clip([*pixels.min(0), *pixels.max(0)], 0, SIZE * 2)
        assert instance.xyxy_loose == pytest.approx(expected, abs=1.0), instance


def test_tight_boxes_and_counts_agree_with_the_object_rendered_alone(
    frame: tuple[FramePlan, Passes, FrameLabel], alone: dict[int, tuple[NDArray[np.bool_], NDArray[np.float32]]]
) -> None:
    _, passes, label = frame
    for instance in label.instances:
        mask, depth = alone[instance.id]
        # what is seen of it among others is what is seen of it alone, and in front of the others
        seen = mask & (depth <= passes.depth * (1 + 1e-5))
        assert instance.xyxy == pytest.approx(box_of(seen), abs=1)
        edge = 0.02 * mask.sum() + 2
        assert instance.visible_pixels == pytest.approx(seen.sum(), abs=edge)
        assert instance.occlusion == pytest.approx(1 - seen.sum() / mask.sum(), abs=0.03)
        assert instance.distance == pytest.approx(depth[seen].min(), rel=1e-4)


def test_unoccluded_extents_agree_with_the_object_rendered_alone(
    frame: tuple[FramePlan, Passes, FrameLabel], alone: dict[int, tuple[NDArray[np.bool_], NDArray[np.float32]]]
) -> None:
    _, passes, label = frame
    for instance in label.instances:
        mask, _ = alone[instance.id]
        assert passes.amodal[instance.id].pixels == pytest.approx(mask.sum(), abs=0.02 * mask.sum() + 2)
        if instance.truncation == 0:
            assert instance.xyxy_loose == pytest.approx(box_of(mask), abs=1)


def test_the_box_without_forks_agrees_with_the_fake_renderer(frame: tuple[FramePlan, Passes, FrameLabel]) -> None:
    frame_plan, _, label = frame
    fake = label_frame(frame_plan, create_renderer("fake", SETTINGS).render(frame_plan), CLASSES)
    for ours, theirs in zip(label.instances, fake.instances, strict=True):
        assert (ours.forks_visible is None) == (ours.class_name != "pallet_truck")
        if ours.forks_visible is not None:
            assert ours.xyxy_body == pytest.approx(theirs.xyxy_body, abs=1)
            assert ours.forks_visible == pytest.approx(theirs.forks_visible, abs=0.03)


def test_keypoints_and_flow_agree_with_the_fake_renderer(frame: tuple[FramePlan, Passes, FrameLabel]) -> None:
    frame_plan, passes, label = frame
    fake = create_renderer("fake", SETTINGS).render(frame_plan)
    (ours,) = keypoints(frame_plan, passes, label)
    (theirs,) = keypoints(frame_plan, fake, label_frame(frame_plan, fake, CLASSES))
    assert [(point.name, point.x, point.y) for point in ours.points] == [
        (point.name, point.x, point.y) for point in theirs.points
    ]
    assert {point.visibility for point in ours.points} == {1, 2}
    # a point at an outline may fall to either side
    differing = [a for a, b in zip(ours.points, theirs.points, strict=True) if a.visibility != b.visibility]
    assert len(differing) <= 1
    following = next_camera(frame_plan)
    same = (passes.instance == fake.instance) & (fake.instance > 0)
    flows = [optical_flow(rendered, frame_plan.camera, following)[0][same] for rendered in (passes, fake)]
    assert np.quantile(np.abs(flows[0] - flows[1]), 0.99) < 0.02


def test_truncation_agrees_with_a_wider_picture(
    frame: tuple[FramePlan, Passes, FrameLabel], blender: RendererBackend
) -> None:
    frame_plan, _, label = frame
    (cut,) = (instance for instance in label.instances if instance.truncation > 0)
    placements = tuple(item for item in frame_plan.placements if item.id == cut.id)
    # the same focal length on a picture three times as wide: the old one is its middle
    wide = replace(frame_plan.camera, width=3 * SIZE[0], height=3 * SIZE[1])
    mask = blender.render(replace(frame_plan, placements=placements, camera=wide)).instance == cut.id
    inside = mask[SIZE[1] : 2 * SIZE[1], SIZE[0] : 2 * SIZE[0]].sum()
    assert cut.truncation == pytest.approx(1 - inside / mask.sum(), abs=0.02)


def test_the_fake_renderer_shows_the_same_scene(frame: tuple[FramePlan, Passes, FrameLabel]) -> None:
    frame_plan, passes, _ = frame
    fake = create_renderer("fake", SETTINGS).render(frame_plan)
    same = passes.instance == fake.instance
    assert same.mean() > 0.998
    seen = same & (fake.instance > 0)
    assert (passes.parts == fake.parts)[same].mean() > 0.998
    assert set(np.unique(passes.parts)) == {0, 1, 2}
    difference = np.abs(passes.depth[seen] / fake.depth[seen] - 1)
    assert np.quantile(difference, 0.99) < 1e-3


def test_far_things_are_labelled_as_if_all_their_detail_were_there(blender: RendererBackend) -> None:
    settings = compose("dataset.frames.sizes=[320x240]")
    compared = 0
    for number in (2, 5, 7):
        coarse = plan_frame(settings, number)
        whole_things = tuple(replace(item, parameters=whole(item.parameters)) for item in coarse.placements)
        assert whole_things != coarse.placements
        plans = (coarse, replace(coarse, placements=whole_things))
        ours, theirs = (
            {item.id: item for item in label_frame(each, blender.render(each), CLASSES).instances} for each in plans
        )
        for number, item in theirs.items():
            if item.visible_pixels > 60:
                compared += 1
                assert ours[number].xyxy == pytest.approx(item.xyxy, abs=1)
                assert ours[number].xyxy_loose == pytest.approx(item.xyxy_loose, abs=1)
                assert ours[number].visible_pixels == pytest.approx(item.visible_pixels, rel=0.05, abs=6)
                assert ours[number].occlusion == pytest.approx(item.occlusion, abs=0.05)
    assert compared > 5
