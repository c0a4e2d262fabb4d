"""The room that planning keeps for a family is the room that its shapes take."""

from __future__ import annotations

import numpy as np
import pytest

from stages.common.errors import SettingsError
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.plan.footprints import BOUNDS, footprint_of
from stages.sdg.plan.furnish import BESIDE_WALLS, CLUTTER, LOOKALIKES, VEHICLES
from stages.sdg.plan.loads import HALF_LENGTH, HALF_WIDTH
from stages.sdg.plan.outline import USUAL
from stages.sdg.plan.scenarios import SHOP

VARIANTS = range(1000, 1024)


def bounds(family: str, parameters: dict[str, float | str | bool]) -> tuple[list[float], list[float]]:
    """Lower and upper corner of all of some shapes."""
    corners = []
    for variant in VARIANTS:
        points = np.concatenate([part.vertices for part in build_asset(family, variant, parameters).parts])
        corners.append((points.min(0), points.max(0)))
    low, high = np.array(corners)[:, 0].min(0), np.array(corners)[:, 1].max(0)
    return low.tolist(), high.tolist()


@pytest.mark.parametrize("family", BOUNDS)
def test_the_table_holds_every_shape(family: str) -> None:
    low, high = bounds(family, {"height": 8.0} if family == "column" else {})
    from_xy, to_xy, tall = footprint_of(family)
    assert low[0] >= from_xy[0]
    assert low[1] >= from_xy[1]
    assert high[0] <= to_xy[0]
    assert high[1] <= to_xy[1]
    assert high[2] <= tall


def test_whatever_is_placed_by_its_footprint_is_in_the_table() -> None:
    placed = {*BESIDE_WALLS, *CLUTTER, *LOOKALIKES, *VEHICLES, *SHOP} - {"load", "cage"}
    assert placed <= set(BOUNDS)


@pytest.mark.parametrize(
    ("family", "parameters"),
    [
        ("pallet", {"kind": "eur"}),
        ("stillage", {"height": 0.97}),
        ("crate", {"length": 1.2, "width": 0.8, "height": 1.4}),
        ("collar", {"layers": 4}),
        ("carton_load", {"height": 1.5}),
        ("wrapped_load", {"height": 1.5}),
        ("sacks", {"layers": 5}),
    ],
)
def test_loads_keep_to_the_plan_that_is_kept_free_for_them(
    family: str, parameters: dict[str, float | str | bool]
) -> None:
    low, high = bounds(family, parameters)
    assert max(-low[0], high[0]) <= HALF_LENGTH + 0.06
    assert max(-low[1], high[1]) <= HALF_WIDTH + 0.06


def test_a_family_outside_the_table_is_measured() -> None:
    from_xy, to_xy, tall = footprint_of("carton_load")
    assert "carton_load" not in BOUNDS
    assert to_xy[0] - from_xy[0] == pytest.approx(1.1 * 1.18, abs=0.05)
    assert 0.3 < tall < 2


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(SettingsError, match="asset family 'unicorn' is not registered; "):
        footprint_of("unicorn")


@pytest.mark.parametrize("family", sorted(USUAL))
def test_what_hides_by_its_usual_size_is_the_mean_of_its_shapes(family: str) -> None:
    """Round things are a tenth less, since a box that is as wide hides more than they do."""
    bounds = []
    for variant in range(0, 96, 3):
        points = np.concatenate([part.vertices for part in build_asset(family, variant, {}).parts])
        bounds.append(points.max(0) - (*points.min(0)[:2], 0.0))
    share = np.array(USUAL[family]) / np.mean(bounds, axis=0)
    assert (share > 0.75).all(), share
    assert (share < 1.1).all(), share
