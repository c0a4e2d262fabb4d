"""Hand pallet trucks tipped up against a wall."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.leaning import FLATTEST, GAP, STEEPEST, tip_up
from stages.sdg.plan.outline import world_boxes
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.types import Placement
from tests.sdg.plan.test_meshes import check, hall_of, solid
from tests.settings import compose

OFTEN = compose("randomization.content.leaning=1", "randomization.content.negatives=0")
PLANS = [plan_frame(OFTEN, frame) for frame in range(10)]
LEANING = [(plan, item) for plan in PLANS for item in plan.placements if item.label and abs(item.rotation[2]) > 0.1]


def mesh(placement: Placement, *parts: str) -> NDArray[np.float64]:
    """World vertices (V, 3) of a placement, or of its parts of those names."""
    found = solid(placement, *parts)
    assert found is not None
    return found.world


def test_trucks_lean_where_it_is_asked_for() -> None:
    assert len(LEANING) >= 5
    assert {item.label for _, item in LEANING} == {"pallet_truck"}
    flat = compose("randomization.content.leaning=0")
    tilts = [item.rotation[2] for frame in range(6) for item in plan_frame(flat, frame).placements if item.label]
    assert set(tilts) == {0.0}


@pytest.mark.parametrize("variant", range(0, 60, 4))
def test_a_tipped_truck_rests_on_its_wheels_and_its_handle(variant: int) -> None:
    told = {"lift": 0.0, "tiller_swing": 0.0, "tiller_angle": 0.3 + variant / 200}
    angle = tip_up(build_asset("pallet_truck", variant, told))
    assert angle is not None
    assert FLATTEST < angle < STEEPEST
    truck = Placement(1, "pallet_truck", variant, (0, 0, 0), (0.0, 0.0, -angle), "pallet_truck", parameters=told)
    tiller, whole = mesh(truck, "tiller"), mesh(truck)
    assert tiller[:, 2].min() == pytest.approx(whole[:, 2].min(), abs=1e-4)
    # the handle lies behind the wheels, the forks rise before them
    assert tiller[tiller[:, 2].argmin(), 0] < mesh(truck, "wheels")[:, 0].min()
    assert whole[whole[:, 2].argmax(), 0] > 0


def test_leaning_trucks_stand_on_the_floor_and_touch_the_wall() -> None:
    for plan, truck in LEANING:
        length, width, _, _ = hall_of(plan)
        points = mesh(truck)
        assert points[:, 2].min() == pytest.approx(0, abs=1e-3)
        toward = np.array([math.cos(truck.rotation[0]), math.sin(truck.rotation[0])])
        wall = abs(toward) @ (length / 2, width / 2)
        assert (points[:, :2] @ toward).max() == pytest.approx(wall - GAP, abs=1e-3)


def test_nothing_stands_in_leaning_trucks() -> None:
    for plan in {plan.frame: plan for plan, _ in LEANING}.values():
        check(plan)


def test_the_outline_of_a_leaning_truck_holds_most_of_it() -> None:
    for _, truck in LEANING:
        points = mesh(truck)
        boxes, owners = world_boxes([truck], {})
        assert set(owners) == {truck.id}
        assert boxes[:, 5].min() == pytest.approx(points[:, 2].min(), abs=0.2)
        assert boxes[:, 6].max() == pytest.approx(points[:, 2].max(), abs=0.2)


def test_keypoints_of_a_leaning_truck_are_where_its_mesh_is() -> None:
    for _, truck in LEANING:
        points, matrix = mesh(truck), placement_matrix(truck)
        named = build_asset(truck.family, truck.variant, truck.parameters).keypoints
        found = {name: matrix[:3, :3] @ point + matrix[:3, 3] for name, point in named.items()}
        assert all((at >= points.min(0) - 0.05).all() and (at <= points.max(0) + 0.05).all() for at in found.values())
        assert found["handle"][2] < 0.3
