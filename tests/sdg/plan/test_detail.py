"""Far things are coarser, and nobody who measures them can tell."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.detail import DETAIL, whole
from stages.sdg.plan.detail import FINEST, OCTAVES, PIXELS, details_of, with_detail
from stages.sdg.plan.draft import LABELS
from stages.sdg.plan.footprints import BOUNDS
from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.lens import world_to_camera
from stages.sdg.plan.types import Camera, Placement
from stages.sdg.render.meshes import triangle_parts, world_triangles
from stages.sdg.render.raster import rasterize
from tests.sdg.plan.drafts import SCENARIOS, plans
from tests.sdg.render.scenes import plan as made_plan

FAMILIES = sorted({*BOUNDS, "carton_load", "wrapped_load", "sacks", "collar", "rack", "cage_wall"})
CAMERA = Camera(640, 480, 420.0, look_along((0.0, 0.0, 1.5), 0.0, -0.06, 0.0))
DISTANCES = (4.0, 8.0, 16.0, 25.0)


def far(family: str, distance: float, variant: int = 3) -> tuple[Placement, Placement]:
    """A thing with all its detail, and with that of its distance; not on the camera's axis."""
    full = Placement(1, family, variant, (distance, 0.1 * distance, 0.0), (2.2, 0.0, 0.0))
    detail = details_of(CAMERA, [full])[0]
    return full, replace(full, parameters={DETAIL: detail} if detail else {})


def drawn(placement: Placement) -> NDArray[np.uint16]:
    """Part numbers + 1 of the thing alone."""
    corners = world_to_camera(CAMERA, world_triangles(placement))
    view = (CAMERA.focal, CAMERA.width / 2, CAMERA.height / 2, CAMERA.width, CAMERA.height, CAMERA.near)
    return rasterize(corners, triangle_parts(placement) + 1, *view)[0]


def box_of(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def count(placement: Placement) -> int:
    return len(world_triangles(placement))


def beyond_a_pixel(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> int:
    """Pixels of either mask that are not even beside one of the other."""
    wide = [cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 for mask in (first, second)]
    return int((first & ~wide[1]).sum() + (second & ~wide[0]).sum())


@pytest.mark.parametrize("variant", range(3))
@pytest.mark.parametrize("family", sorted(LABELS))
def test_boxes_and_masks_of_far_objects_are_those_of_the_whole(family: str, variant: int) -> None:
    for distance in DISTANCES:
        full, coarse = far(family, distance, variant)
        assert count(coarse) <= count(full)
        one, other = drawn(full), drawn(coarse)
        assert np.abs(box_of(one > 0) - box_of(other > 0)).max() <= 1
        for part in np.unique(one[one > 0]):
            assert beyond_a_pixel(one == part, other == part) <= 0.01 * (one == part).sum() + 1
        assert (other > 0).sum() == pytest.approx((one > 0).sum(), rel=0.06, abs=6)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(LABELS)))
def test_outlines_of_far_scenery_stay(family: str) -> None:
    # pixels sample wires that are thinner than themselves by chance
    for distance in DISTANCES:
        one, other = (drawn(item) > 0 for item in far(family, distance))
        assert np.abs(box_of(one) - box_of(other)).max() <= 2
        assert beyond_a_pixel(one, other) <= 0.15 * one.sum() + 2


def test_far_things_are_much_coarser() -> None:
    for family in ("pallet_truck", "pallet", "stillage", "small_load_carrier", "collar"):
        full, coarse = far(family, 16.0)
        assert count(coarse) < 0.6 * count(full), family


def test_trucks_keep_forks_tiller_and_wheels() -> None:
    full, coarse = far("pallet_truck", 25.0)
    names = [
        {part.name for part in build_asset(item.family, item.variant, item.parameters).parts} for item in (full, coarse)
    ]
    assert {"forks", "tiller"} <= names[1]
    assert {name for name in names[0] if "wheel" in name or "roller" in name} <= names[1]
    assert build_asset("pallet_truck", 3, coarse.parameters).keypoints == build_asset("pallet_truck", 3, {}).keypoints


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_in_a_plan_is_coarser_than_half_a_pixel_where_it_is_nearest(scenario: str) -> None:
    plan = plans(scenario)[0]
    for placement in plan.placements:
        detail = placement.parameters.get(DETAIL, 0.0)
        assert detail in (0.0, *(FINEST * 2**step for step in range(OCTAVES)))
        if not detail:
            continue
        corners = world_to_camera(plan.camera, world_triangles(placement)).reshape(-1, 3)
        seen = corners[corners[:, 2] > plan.camera.near]
        slope = np.array([plan.camera.width, plan.camera.height]) / 2 / plan.camera.focal
        seen = seen[(np.abs(seen[:, :2]) < slope * seen[:, 2:]).all(1)]
        if len(seen):
            assert float(detail) * placement.scale <= 1.02 * PIXELS * seen[:, 2].min() / plan.camera.focal


def test_equal_things_share_the_detail_of_the_nearest() -> None:
    plan = made_plan()
    near, away = (Placement(number, "pallet", 4, (x, 0.0, 0.0)) for number, x in ((1, -0.5), (2, 30.0)))
    alone = with_detail(replace(plan, placements=(away,))).placements[0]
    both = with_detail(replace(plan, placements=(near, away))).placements
    assert both[0].parameters == both[1].parameters
    assert both[1].parameters[DETAIL] < alone.parameters[DETAIL]


def test_a_plan_says_the_same_whenever_it_is_asked() -> None:
    plan = made_plan()
    once = with_detail(plan)
    bare = tuple(replace(item, parameters=whole(item.parameters)) for item in once.placements)
    assert with_detail(replace(once, placements=bare)) == once


def test_things_of_which_nothing_is_known_keep_all_of_it() -> None:
    for family, told in (("floor", {}), ("my_forklift", {"content": "abc"}), ("brand_new", {})):
        assert details_of(CAMERA, [Placement(1, family, 0, (40.0, 0.0, 0.0), parameters=dict(told))]) == [0.0]


def test_things_behind_the_camera_are_coarse_and_those_around_it_are_not() -> None:
    def of(x: float) -> float:
        return details_of(CAMERA, [Placement(1, "pallet", 2, (x, 0.0, 0.0))])[0]

    assert of(-20.0) > of(12.0) > of(1.8) == 0.0
