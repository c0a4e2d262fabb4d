from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stages.common.errors import SettingsError
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.render.meshes import labelled_triangles, world_triangles
from tests.sdg.render.scenes import plan


def test_triangles_are_moved_turned_and_scaled() -> None:
    pallet = plan().placements[4]
    placed = replace(pallet, position=(10.0, 20.0, 3.0), rotation=(np.pi / 2, 0.0, 0.0), scale=2.0)
    here, there = (
        world_triangles(replace(pallet, position=(0.0, 0.0, 0.0), rotation=(0.0, 0.0, 0.0))),
        world_triangles(placed),
    )
    asset = build_asset(pallet.family, pallet.variant, pallet.parameters)
    assert here.shape == (sum(len(part.triangles) for part in asset.parts), 3, 3)
    assert np.ptp(here.reshape(-1, 3), axis=0) == pytest.approx(asset.size, abs=1e-5)
    x, y, z = np.moveaxis(here, -1, 0) * 2
    np.testing.assert_allclose(there, np.stack([10 - y, 20 + x, 3 + z], -1), atol=1e-6)


def test_only_labelled_placements_that_are_seen_are_measured() -> None:
    # 1 and 3 have no label, 9 is not seen
    instance = np.array([[0, 1, 2], [3, 7, 7]], np.uint16)
    triangles = labelled_triangles(plan(), instance)
    assert set(triangles) == {2, 7}
    np.testing.assert_array_equal(triangles[7], world_triangles(plan().placements[4]))


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(SettingsError, match="asset family 'unicorn' is not registered"):
        world_triangles(replace(plan().placements[1], family="unicorn"))
