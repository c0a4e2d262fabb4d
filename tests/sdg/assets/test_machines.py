"""Families of machines, carts, equipment, furniture, people and distractors: what holds for every draw."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset, families
from stages.sdg.assets.types import Asset

VARIANTS = range(12)

# family: (length X, width Y, height Z) at least and at most, in metres, and triangles at most
LIMITS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], int]] = {
    "forklift": ((2.5, 0.95, 1.9), (4.2, 1.4, 6.0), 6500),
    "reach_truck": ((1.8, 1.0, 2.0), (3.8, 1.4, 6.5), 6000),
    "stacker": ((1.4, 0.7, 1.5), (2.6, 1.5, 4.0), 6000),
    "order_picker": ((2.0, 0.7, 1.0), (4.2, 1.1, 4.5), 6000),
    "tugger": ((1.3, 0.7, 0.9), (2.3, 1.2, 2.1), 6000),
    "cleaning_machine": ((1.0, 0.5, 0.8), (2.0, 1.4, 1.6), 3000),
    "machine_box": ((0.6, 0.7, 1.4), (2.6, 2.7, 3.0), 2000),
    "hand_cart": ((0.7, 0.4, 0.8), (1.9, 1.0, 1.2), 2000),
    "sack_barrow": ((0.3, 0.4, 0.6), (1.6, 0.8, 1.7), 2000),
    "roll_cage": ((0.7, 0.6, 1.3), (0.95, 0.95, 2.0), 3500),
    "shelf_trolley": ((0.7, 0.4, 0.8), (1.9, 1.0, 1.9), 2500),
    "tool_trolley": ((0.4, 0.6, 0.7), (0.9, 1.1, 1.3), 2000),
    "dolly": ((0.5, 0.35, 0.3), (2.5, 1.0, 1.6), 2000),
    "push_mower": ((0.8, 0.4, 0.8), (1.8, 0.9, 1.3), 2000),
    "scooter": ((0.8, 0.3, 0.9), (1.6, 0.7, 1.3), 2000),
    "bicycle": ((1.4, 0.4, 0.9), (1.9, 0.8, 1.4), 2000),
    "drum": ((0.35, 0.35, 0.5), (0.65, 0.65, 1.0), 2000),
    "cable_drum": ((0.3, 0.3, 0.3), (1.4, 1.4, 1.4), 2000),
    "waste_bin": ((0.3, 0.3, 0.5), (1.3, 1.6, 2.2), 2000),
    "trash_bags": ((0.35, 0.35, 0.2), (1.8, 1.8, 0.8), 2000),
    "bollard": ((0.08, 0.08, 0.35), (0.5, 1.5, 1.4), 2000),
    "guard_rail": ((0.05, 0.9, 0.25), (0.4, 4.0, 1.3), 2000),
    "ladder": ((0.3, 0.35, 0.7), (2.6, 1.0, 4.2), 2000),
    "traffic_cone": ((0.15, 0.15, 0.25), (0.7, 0.7, 0.85), 2000),
    "fire_extinguisher": ((0.12, 0.12, 0.35), (0.35, 0.35, 1.6), 2000),
    "wet_floor_sign": ((0.15, 0.2, 0.45), (0.5, 0.4, 0.75), 2000),
    "broom": ((0.02, 0.1, 1.0), (0.7, 0.8, 1.7), 2000),
    "pipe_bundle": ((0.05, 0.05, 0.02), (2.0, 3.6, 3.6), 2000),
    "work_table": ((0.5, 0.7, 0.65), (1.4, 2.3, 1.6), 2000),
    "workbench": ((0.5, 1.1, 0.75), (1.1, 2.4, 2.6), 2000),
    "cabinet": ((0.35, 0.25, 0.6), (0.7, 1.8, 2.5), 2000),
    "chair": ((0.35, 0.35, 0.4), (0.9, 0.8, 1.5), 2000),
    "person": ((0.2, 0.35, 1.0), (1.6, 1.6, 2.2), 2500),
    "floating_shape": ((0.005, 0.005, 0.005), (1.3, 1.3, 1.3), 5000),
}
FAMILIES = sorted(LIMITS)
FORKED = ("forklift", "reach_truck", "stacker", "order_picker")


def points(asset: Asset) -> NDArray[np.float64]:
    """All vertices (N, 3)."""
    return np.concatenate([part.vertices for part in asset.parts]).astype(float)


def volumes(asset: Asset) -> dict[str, float]:
    """Volume of each part in m³ by the divergence theorem: positive where triangles face outwards."""
    found = {}
    for number, part in enumerate(asset.parts):
        corners = (part.vertices - part.vertices.mean(0))[part.triangles].astype(float)
        crossed = np.cross(corners[:, 1], corners[:, 2])
        found[f"{part.name} {number}"] = float(np.einsum("ij,ij->", corners[:, 0], crossed) / 6)
    return found


def test_families_are_registered() -> None:
    assert set(FAMILIES) <= set(families())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_draw_is_sound(family: str) -> None:
    least, most, triangles = LIMITS[family]
    for variant in VARIANTS:
        asset = build_asset(family, variant, {})
        everything = points(asset)
        assert np.isfinite(everything).all()
        assert all(low <= side <= high for low, side, high in zip(least, asset.size, most, strict=True)), asset.size
        assert sum(len(part.triangles) for part in asset.parts) <= triangles
        assert len({part.material for part in asset.parts}) <= 14
        for part in asset.parts:
            assert part.triangles.min() >= 0
            assert part.triangles.max() < len(part.vertices)
            assert all(0 <= value <= 1 for value in (*part.material.colour, part.material.wear, part.material.dirt))
        for name, point in asset.keypoints.items():
            assert np.all(point >= everything.min(0) - 0.1), name
            assert np.all(point <= everything.max(0) + 0.1), name


@pytest.mark.parametrize("family", FAMILIES)
def test_triangles_face_outwards(family: str) -> None:
    for variant in VARIANTS:
        inward = {name: v for name, v in volumes(build_asset(family, variant, {})).items() if v < -1e-7}
        assert {name for name in inward if not name.startswith("label")} == set()


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "fire_extinguisher"])
def test_stands_on_the_floor_at_the_middle_of_its_footprint(family: str) -> None:
    for variant in VARIANTS:
        everything = points(build_asset(family, variant, {}))
        assert abs(everything[:, 2].min()) < 1e-4
        np.testing.assert_allclose((everything.min(0) + everything.max(0))[:2], 0, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_variant_is_always_the_same_and_no_two_are(family: str) -> None:
    drawn = {}
    for variant in VARIANTS:
        first, second = (build_asset.__globals__["_build"].__wrapped__(family, variant, "{}") for _ in range(2))
        np.testing.assert_array_equal(points(first), points(second))
        assert [part.material for part in first.parts] == [part.material for part in second.parts]
        drawn[points(first).tobytes()] = variant
    assert len(drawn) == len(VARIANTS)


@pytest.mark.parametrize("family", FORKED)
def test_forks_point_forwards(family: str) -> None:
    for variant in VARIANTS:
        asset = build_asset(family, variant, {})
        left, right = asset.keypoints["fork_tip_left"], asset.keypoints["fork_tip_right"]
        assert left[1] > 0.1 > -0.1 > right[1]
        assert left[0] > asset.size[0] / 2 - 0.5
        body = np.concatenate([part.vertices for part in asset.parts if part.name in ("body", "hood")])
        assert body[:, 0].mean() < 0


@pytest.mark.parametrize("family", ["forklift", "reach_truck", "stacker"])
def test_fork_height_is_obeyed(family: str) -> None:
    for variant in VARIANTS:
        tips = [build_asset(family, variant, {"fork_height": z}).keypoints["fork_tip_left"][2] for z in (0.1, 1.0)]
        assert tips[1] - tips[0] == pytest.approx(0.9, abs=0.02)


def test_colour_wear_and_dirt_may_be_fixed() -> None:
    asset = build_asset("drum", 3, {"colour": "#ffffff", "wear": 0.0, "dirt": 0.0})
    body = next(part for part in asset.parts if part.name == "body")
    assert body.material.colour == pytest.approx((1, 1, 1))
    assert body.material.wear == body.material.dirt == 0


def test_random_colours_leave_the_shape_alone() -> None:
    for family in ("forklift", "hand_cart", "person"):
        usual, random = build_asset(family, 1, {}), build_asset(family, 1, {"random_colour": True})
        np.testing.assert_array_equal(points(usual), points(random))
        assert [part.material for part in usual.parts] != [part.material for part in random.parts]


@pytest.mark.parametrize("pose", ["stand", "walk", "push", "bend", "hold", "point"])
def test_people_face_forwards_in_every_pose(pose: str) -> None:
    for variant in VARIANTS:
        asset = build_asset("person", variant, {"pose": pose, "height": 1.8})
        assert asset.size[2] < 2.1
        assert asset.size[2] > (0.9 if pose == "bend" else 1.55)
        shoes = np.concatenate([part.vertices for part in asset.parts if part.name == "shoes"])
        assert shoes[:, 2].min() == pytest.approx(0, abs=0.02)


def test_hung_extinguishers_hang_above_the_floor() -> None:
    for variant in VARIANTS:
        hung = points(build_asset("fire_extinguisher", variant, {"hung": True}))
        assert hung[:, 2].min() > 0.3
        assert hung[:, 0].min() == pytest.approx(0, abs=1e-6)
        assert points(build_asset("fire_extinguisher", variant, {"hung": False}))[:, 2].min() == pytest.approx(
            0, abs=1e-4
        )
