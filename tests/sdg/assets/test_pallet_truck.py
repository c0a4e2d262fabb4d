"""Pallet trucks: dimensions of data sheets, keypoints on the metal, a tiller that obeys."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.common.errors import SettingsError
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.truck_shape import ELECTRIC_STYLES, STYLES
from stages.sdg.assets.types import Asset
from stages.sdg.label import keypoints as label_keypoints
from stages.sdg.plan.trucks import LOADED

VARIANTS = range(24)
POINTS = label_keypoints.KEYPOINTS["pallet_truck"]
KEYPOINTS = {
    "pallet_truck": {*POINTS},
    "electric_pallet_truck": {*POINTS} - {"wheel_left", "wheel_right"},
}


def corners(asset: Asset) -> NDArray[np.float64]:
    """Triangles (T, 3, 3) of an asset."""
    return np.concatenate([part.vertices[part.triangles].astype(float) for part in asset.parts])


def distance(point: tuple[float, float, float], triangles: NDArray[np.float64]) -> float:
    """Least distance from a point to points spread over some triangles."""
    share = np.array([(i, j, 16 - i - j) for i in range(17) for j in range(17 - i)]) / 16
    near = np.linalg.norm(triangles.mean(1) - point, axis=1) < 0.9
    spread = np.einsum("sk,tkx->tsx", share, triangles[near])
    return float(np.linalg.norm(spread - point, axis=-1).min())


@pytest.mark.parametrize("family", sorted(KEYPOINTS))
def test_keypoints_lie_on_the_truck(family: str) -> None:
    for variant in VARIANTS:
        asset = build_asset(family, variant, {"tiller_swing": 0.4 * (variant % 3 - 1)})
        assert set(asset.keypoints) == KEYPOINTS[family]
        for name, point in asset.keypoints.items():
            # the middle of a wide roller lies half its width inside
            assert distance(point, corners(asset)) < 0.037, (variant, name)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_styles_have_the_sizes_of_data_sheets(style: str) -> None:
    for variant in VARIANTS:
        asset = build_asset("pallet_truck", variant, {"style": style, "tiller_angle": 0.0, "tiller_swing": 0.0})
        forks = np.concatenate([part.vertices for part in asset.parts if part.name == "forks"])
        assert (0.78 if style == "short" else 1.04) < forks[:, 0].max() < 1.23
        assert (0.6 if style == "wide" else 0.42) < np.ptp(forks[:, 1]) < (0.73 if style == "wide" else 0.6)
        assert 1.0 < asset.size[2] < 1.5
        assert asset.keypoints["handle"][2] == pytest.approx(asset.size[2], abs=0.06)


@pytest.mark.parametrize("family", sorted(KEYPOINTS))
def test_lifting_raises_the_forks_alone(family: str) -> None:
    for variant in range(6):
        low, high = (build_asset(family, variant, {"style": "standard", "lift": lift}) for lift in (0.0, 0.1))
        for name in ("fork_tip_left", "fork_tip_right"):
            assert high.keypoints[name][2] - low.keypoints[name][2] == pytest.approx(0.1)
        wheels = [
            np.concatenate([part.vertices for part in asset.parts if part.name == "wheels"]) for asset in (low, high)
        ]
        np.testing.assert_allclose(wheels[0][:, 2], wheels[1][:, 2], atol=1e-6)


@pytest.mark.parametrize("family", sorted(KEYPOINTS))
def test_tillers_lean_back_and_swing_aside(family: str) -> None:
    def handle(angle: float, swing: float) -> NDArray[np.float64]:
        parameters = {"tiller_angle": angle, "tiller_swing": swing}
        return np.array(build_asset(family, 3, parameters).keypoints["handle"])

    upright, leant, swung = handle(0.0, 0.0), handle(0.8, 0.0), handle(0.8, 0.5)
    assert leant[0] < upright[0] - 0.3
    assert leant[2] < upright[2]
    assert swung[1] < -0.05
    assert swung[2] == pytest.approx(leant[2])


def test_new_trucks_are_not_worn() -> None:
    asset = build_asset("pallet_truck", 3, {"wear": 0.0, "dirt": 0.0, "style": "standard"})
    assert all(part.material.wear == 0 for part in asset.parts if part.name in ("forks", "body"))


def part(asset: Asset, *names: str) -> NDArray[np.float64]:
    return np.concatenate([part.vertices for part in asset.parts if part.name in names]).astype(float)


def looks(asset: Asset) -> tuple[object, ...]:
    return tuple((part.name, part.material, part.vertices.tobytes()) for part in asset.parts)


@pytest.mark.parametrize(("family", "styles"), [("pallet_truck", STYLES), ("electric_pallet_truck", ELECTRIC_STYLES)])
def test_every_style_makes_another_truck(family: str, styles: dict[str, float]) -> None:
    for variant in VARIANTS:
        made = {looks(build_asset(family, variant, {"style": style, "lift": 0.05})) for style in styles}
        assert len(made) == len(styles)


def test_what_trucks_do_not_have_is_refused() -> None:
    with pytest.raises(SettingsError, match="no style 'nonsense': take one of standard, low, short, wide, quick, scis"):
        build_asset("pallet_truck", 0, {"style": "nonsense"})
    with pytest.raises(SettingsError, match=r"no style 'scale': take one of standard, low, short, wide$"):
        build_asset("electric_pallet_truck", 0, {"style": "scale"})
    with pytest.raises(SettingsError, match="no tread 'wood': take one of rubber, polyurethane, nylon, steel"):
        build_asset("pallet_truck", 0, {"tread": "wood"})


def test_plans_ask_for_styles_that_there_are() -> None:
    assert set(LOADED) <= set(STYLES)
    assert "standard" in ELECTRIC_STYLES


@pytest.mark.parametrize("style", sorted(STYLES))
def test_rollers_stay_below_lowered_forks(style: str) -> None:
    for variant in range(60):
        asset = build_asset("pallet_truck", variant, {"style": style, "lift": 0.0})
        assert part(asset, "rollers")[:, 2].max() < asset.keypoints["fork_tip_left"][2] - 0.01
        everything = np.concatenate([part.vertices for part in asset.parts])
        assert everything[:, 2].min() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("lift", [0.0, 0.2, 0.5, 0.75])
def test_scissor_trucks_raise_their_forks_and_nothing_else(lift: float) -> None:
    for variant in VARIANTS:
        upright = {"style": "scissor", "tiller_angle": 0.0}
        low, high = (build_asset("pallet_truck", variant, {**upright, "lift": z}) for z in (0.0, lift))
        for name, point in high.keypoints.items():
            rise = lift if name.startswith("fork") else 0.0
            np.testing.assert_allclose(np.subtract(point, low.keypoints[name]), (0, 0, rise), atol=1e-6)
        forks = part(high, "forks")
        assert forks[:, 2].min() == pytest.approx(part(low, "forks")[:, 2].min() + lift, abs=1e-5)
        for name in ("rollers", "wheels", "pump", "tiller"):
            np.testing.assert_allclose(part(high, name), part(low, name), atol=1e-6)
        body = part(high, "body")
        assert 0 <= body[:, 2].min() < 0.03
        assert body[:, 2].max() > forks[:, 2].min()  # arms reach into the forks
        behind = body[body[:, 0] < -0.02]
        assert behind[:, 2].max() < 0.55  # apron and legs stay down


def test_scissor_lift_ends_where_the_arms_do() -> None:
    forks = [
        build_asset("pallet_truck", 3, {"style": "scissor", "lift": z}).keypoints["fork_tip_left"] for z in (0.75, 9)
    ]
    assert forks[0] == forks[1]


@pytest.mark.parametrize(("tread", "metal"), [("steel", 1.0), ("nylon", 0.0), ("polyurethane", 0.0), ("rubber", 0.0)])
def test_wheels_have_the_tread_that_is_asked_for(tread: str, metal: float) -> None:
    for variant in range(4):
        usual, asked = (build_asset("pallet_truck", variant, p) for p in ({}, {"tread": tread}))
        rollers = next(part for part in asked.parts if part.name == "rollers")
        assert rollers.material.metallic == metal
        assert tread != "nylon" or min(rollers.material.colour) > 0.2
        np.testing.assert_array_equal(part(usual, "body", "forks"), part(asked, "body", "forks"))


def test_stainless_trucks_are_bright_metal_and_not_spangled() -> None:
    for variant in range(6):
        made = {style: build_asset("pallet_truck", variant, {"style": style}) for style in ("stainless", "galvanised")}
        kinds = {style: {part.material.kind for part in made[style].parts if part.name == "forks"} for style in made}
        assert kinds["stainless"] == {"brushed"}
        assert "zinc" in kinds["galvanised"]
        assert all(p.material.metallic == 1 for p in made["stainless"].parts if p.name in ("body", "forks", "pump"))


@pytest.mark.parametrize("family", sorted(KEYPOINTS))
def test_trucks_stay_cheap(family: str) -> None:
    for style in STYLES if family == "pallet_truck" else ELECTRIC_STYLES:
        counts = [sum(len(p.triangles) for p in build_asset(family, n, {"style": style}).parts) for n in range(8)]
        assert max(counts) < 6500, style
