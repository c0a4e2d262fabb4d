"""Skylights, cracks and water: in their place, flat, cheap, and in plans."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.common.errors import SettingsError
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.floor_wear import WETS
from stages.sdg.assets.types import Asset
from stages.sdg.plan.building import LIT_SKYLIGHTS
from tests.sdg.plan.drafts import SCENARIOS, plans

VARIANTS = range(12)


def points(asset: Asset) -> NDArray[np.float64]:
    return np.concatenate([part.vertices for part in asset.parts]).astype(float)


def triangles(asset: Asset) -> int:
    return sum(len(part.triangles) for part in asset.parts)


@pytest.mark.parametrize("length", [0.5, 1.5, 4.0])
def test_cracks_are_thin_dark_and_as_long_as_asked(length: float) -> None:
    for variant in VARIANTS:
        asset = build_asset("floor_crack", variant, {"length": length})
        x, y, z = points(asset).T
        assert 0.6 * length < np.ptp(x) < 1.5 * length + 0.1
        assert np.ptp(y) < 1.2 * length
        assert 0 < z.min() <= z.max() < 0.004
        assert max(asset.parts[0].material.colour) < 0.05
        assert triangles(asset) < 800


def test_cracks_fork_and_no_two_are_alike() -> None:
    made = [points(build_asset("floor_crack", variant, {"length": 3.0})) for variant in VARIANTS]
    assert len({len(corners) for corners in made}) > 4
    assert len({corners.tobytes() for corners in made}) == len(made)


@pytest.mark.parametrize("kind", WETS)
def test_water_is_flat_and_glossy(kind: str) -> None:
    for variant in VARIANTS:
        asset = build_asset("floor_wet", variant, {"kind": kind, "length": 4.0})
        assert {part.material.kind for part in asset.parts} == {"water"}
        assert all(part.material.roughness < 0.35 for part in asset.parts)
        assert np.ptp(points(asset)[:, 2]) < 1e-6
        assert triangles(asset) < 800
        corners = np.concatenate([part.vertices[part.triangles] for part in asset.parts]).astype(float)
        up = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]
        assert (up > 0).mean() > 0.97  # a sharp bend may fold a band's edge


def test_other_kinds_of_wet_floors_are_refused() -> None:
    with pytest.raises(SettingsError, match="no kind 'flood': take one of streaks, area, drips"):
        build_asset("floor_wet", 0, {"kind": "flood"})


def test_skylights_hang_on_the_ceiling_and_shine() -> None:
    for variant in VARIANTS:
        asset = build_asset("skylight", variant, {"length": 3.0, "width": 1.8, "glow": 7.0})
        low, high = points(asset).min(0), points(asset).max(0)
        np.testing.assert_allclose(high - low, (3.08, 1.88, -low[2]), atol=1e-4)
        assert -0.21 < low[2] < high[2] <= 0
        assert [part.material.glow for part in asset.parts if part.name == "glass"] == [7.0]
        assert triangles(asset) < 200


def test_halls_have_them_inside_their_walls() -> None:
    found = {"skylight": 0, "floor_crack": 0, "floor_wet": 0}
    frames = [plan for scenario in SCENARIOS for plan in plans(scenario)]
    for plan in frames:
        floor = next((p.parameters for p in plan.placements if p.family == "floor"), None)
        named = {family: [p for p in plan.placements if p.family == family] for family in found}
        for family, placed in named.items():
            found[family] += bool(placed)
            if placed:
                assert floor is not None
                half = np.array([float(floor["length"]), float(floor["width"])]) / 2
                assert all((np.abs(p.position[:2]) < half).all() for p in placed)
        lit = [
            lamp for lamp in plan.lamps if lamp.kind == "area" and lamp.rotation == (0, 0, 0) and min(lamp.size) > 0.8
        ]
        assert len(lit) <= LIT_SKYLIGHTS
    assert all(0 < count < len(frames) for count in found.values()), found
