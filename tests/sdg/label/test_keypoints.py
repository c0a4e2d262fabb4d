from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stages.common.settings.pictures import Renderer
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.label.keypoints import KEYPOINTS, OTHER_SURFACE, OWN_SURFACE, SKELETON, keypoints, mirrored
from stages.sdg.label.labels import label_frame
from stages.sdg.label.types3d import Keypoint
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera, FramePlan, Placement
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.render.passes import Passes
from tests.sdg.label.test_space import opencv
from tests.sdg.render.scenes import CLASSES, plan

NAMES = KEYPOINTS["pallet_truck"]


def scene(*others: Placement, lens: tuple[float, float] = (0.0, 0.0), truck: str = "pallet_truck") -> FramePlan:
    """A truck seen from its left and a little from above, its forks to the left."""
    camera = Camera(320, 240, 260.0, look_along((0.4, 3.2, 1.4), -np.pi / 2, -0.3, 0.0), lens)
    placements = (Placement(2, truck, 3, (0.0, 0.0, 0.0), label="pallet_truck"), *others)
    return replace(plan(), camera=camera, placements=placements)


def points_of(frame_plan: FramePlan) -> dict[str, Keypoint]:
    passes = FakeRenderer(Renderer(name="test", backend="fake")).render(frame_plan)
    (found,) = keypoints(frame_plan, passes, label_frame(frame_plan, passes, CLASSES))
    assert tuple(point.name for point in found.points) == NAMES
    return {point.name: point for point in found.points}


@pytest.mark.parametrize("variant", range(0, 60, 3))
def test_every_truck_has_its_points_where_they_belong(variant: int) -> None:
    asset = build_asset("pallet_truck", variant, {})
    at = {name: np.array(asset.keypoints[name]) for name in NAMES}
    vertices = np.concatenate([part.vertices for part in asset.parts])
    for name, point in at.items():
        # each lies on the truck or, as the centre of a wheel, within a radius of its surface
        assert np.linalg.norm(vertices - point, axis=1).min() < 0.12, name
    for name in ("fork_tip", "fork_heel", "roller"):
        left, right = at[f"{name}_left"], at[f"{name}_right"]
        assert left[1] > 0 > right[1]
        # the rollers of both sides are of sizes of their own
        np.testing.assert_allclose(left[[0, 2]], right[[0, 2]], atol=0.06 if name == "roller" else 1e-6)
        assert at["fork_heel_left"][0] <= left[0] <= at["fork_tip_left"][0]
    assert at["fork_tip_left"][0] == pytest.approx(vertices[:, 0].max(), abs=1e-6)
    across = at["wheel_left"] - at["wheel_right"]
    ends = at["handle_left"] - at["handle_right"]
    # wheels and handle turn with the tiller
    assert ends @ across / np.linalg.norm(ends) / np.linalg.norm(across) == pytest.approx(1, abs=1e-6)
    assert at["tiller_hinge"][2] < at["handle"][2]


@pytest.mark.parametrize("variant", range(0, 30, 5))
def test_an_electric_truck_lacks_only_the_pair_of_wheels(variant: int) -> None:
    known = build_asset("electric_pallet_truck", variant, {}).keypoints
    assert set(NAMES) - set(known) == {"wheel_left", "wheel_right"}
    assert known["handle_left"][2] == pytest.approx(known["handle_right"][2], abs=0.2)
    points = points_of(scene(truck="electric_pallet_truck"))
    assert points["wheel_left"] == Keypoint("wheel_left", 0.0, 0.0, 0, None)


@pytest.mark.parametrize("lens", [(0.0, 0.0), (-0.12, 0.01)])
def test_points_project_as_opencv_does(lens: tuple[float, float]) -> None:
    frame_plan = scene(lens=lens)
    asset = build_asset("pallet_truck", 3, {})
    expected = opencv(frame_plan.camera, np.array([asset.keypoints[name] for name in NAMES]))
    for point, pixel in zip(points_of(frame_plan).values(), expected, strict=True):
        assert point.visibility > 0
        assert (point.x, point.y) == pytest.approx(tuple(pixel), abs=1e-6)


def test_what_faces_the_camera_is_visible_and_what_a_thing_covers_is_not() -> None:
    free = points_of(scene())
    near_side = ("fork_tip_left", "fork_heel_left", "roller_left", "wheel_left", "handle", "handle_left")
    assert [free[name].visibility for name in near_side] == [2] * len(near_side)
    assert free["wheel_right"].visibility == 1  # behind the left one
    # a crate between the camera and the tips of the forks
    covered = points_of(scene(Placement(3, "carton", 1, (1.0, 0.75, 0.0), scale=1.5)))
    assert covered["fork_tip_left"].visibility == 1
    assert covered["handle"] == free["handle"]
    assert (covered["fork_tip_left"].x, covered["fork_tip_left"].y) == (
        free["fork_tip_left"].x,
        free["fork_tip_left"].y,
    )


def test_points_outside_the_picture_and_behind_the_camera_are_not_labelled() -> None:
    frame_plan = scene()
    for camera in (
        replace(frame_plan.camera, width=120, height=90),
        replace(frame_plan.camera, camera_to_world=look_along((0.5, 0.6, 1.0), -np.pi / 2 - 0.9, -0.5, 0.0)),
    ):
        points = points_of(replace(frame_plan, camera=camera))
        outside = [point for point in points.values() if point.visibility == 0]
        assert outside
        assert all((point.x, point.y) == (0, 0) and point.camera is not None for point in outside)
        for point in points.values():
            if point.visibility:
                assert 0 <= point.x < camera.width
                assert 0 <= point.y < camera.height


@pytest.mark.parametrize(
    ("owner", "before", "visibility"),
    [
        (2, OWN_SURFACE - 0.01, 2),
        (2, OWN_SURFACE + 0.01, 1),
        (9, OTHER_SURFACE - 0.01, 2),
        (9, OTHER_SURFACE + 0.01, 1),
        (9, -1.0, 2),  # nothing but what lies behind
        (0, -np.inf, 2),
    ],
)
def test_the_tolerances(owner: int, before: float, visibility: int) -> None:
    frame_plan = scene()
    tip = points_of(frame_plan)["fork_tip_left"]
    shape = (frame_plan.camera.height, frame_plan.camera.width)
    passes = Passes(
        np.zeros((*shape, 3), np.float32),
        np.full(shape, owner, np.uint16),
        np.full(shape, tip.camera[2] - before, np.float32),
        {},
    )
    real = FakeRenderer(Renderer(name="test", backend="fake")).render(frame_plan)
    (found,) = keypoints(frame_plan, passes, label_frame(frame_plan, real, CLASSES))
    assert found.points[NAMES.index("fork_tip_left")].visibility == visibility


def test_mirroring_swaps_left_and_right_and_the_skeleton_knows_all_points() -> None:
    swap = mirrored(NAMES)
    assert [swap[place] for place in swap] == list(range(len(NAMES)))
    assert NAMES[swap[NAMES.index("fork_tip_left")]] == "fork_tip_right"
    assert swap[NAMES.index("handle")] == NAMES.index("handle")
    assert {name for pair in SKELETON["pallet_truck"] for name in pair} == set(NAMES)
