"""Pallet trucks: dimensions of data sheets, keypoints on the metal, a tiller that obeys."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.pallet_truck import STYLES
from stages.sdg.assets.types import Asset
from stages.sdg.label import keypoints as label_keypoints

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
            assert distance(point, corners(asset)) < 0.03, (variant, name)


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
