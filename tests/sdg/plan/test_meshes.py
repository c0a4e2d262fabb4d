"""Real meshes of whole plans: nothing reaches through the hall or into what hangs in it, nor trucks into solids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.common.settings import Settings
from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.types import Asset
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.types import FramePlan, Placement
from tests.settings import compose

FRAMES, SLACK = 60, 0.03
SHELL = {"floor", "wall", "ceiling", "window", "door", "lamp", "wall_thing", "floor_mark", "litter", "floating_shape"}
REACHING = {"column", "skylight"}
"""What reaches the roof, past beams and lamps."""
BULKY = {"carton", "cabinet", "machine_box", "drum", "column", "crate", "waste_bin", "cable_drum", "tugger", "forklift",
         "reach_truck", "carton_load", "wrapped_load"}  # fmt: skip

Points = NDArray[np.float64]


@dataclass
class Solid:
    """A placement with its mesh: vertices (V, 3) in its own and in world coordinates, metres."""

    placement: Placement
    local: Points
    world: Points

    @property
    def bounds(self) -> Points:
        """Lower and upper corner (2, 3) in the world."""
        return np.stack([self.world.min(0), self.world.max(0)])

    def depth_of(self, points: Points) -> float:
        """How deep the deepest of world points lies in the box around the mesh, metres; negative outside."""
        matrix = placement_matrix(self.placement)
        inside = (points - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
        return float(np.minimum(inside - self.local.min(0), self.local.max(0) - inside).min(1).max())


def solid(placement: Placement, *names: str) -> Solid | None:
    """A placement's mesh, or those of its parts that are named; None where it has none of them."""
    plain = {key: value for key, value in placement.parameters.items() if key != "detail"}
    asset: Asset = build_asset(placement.family, placement.variant, plain)
    parts = [part.vertices for part in asset.parts if not names or part.name in names]
    if not parts:
        return None
    local = np.concatenate(parts).astype(float)
    matrix = placement_matrix(placement)
    return Solid(placement, local, local @ matrix[:3, :3].T + matrix[:3, 3])


def hanging(plan: FramePlan) -> Iterator[Solid]:
    """Lamps, ducts and cable trays."""
    for placement in plan.placements:
        parts = {"lamp": [()], "ceiling": [("duct",), ("tray",)]}.get(placement.family, [])
        for names in parts:
            found = solid(placement, *names)
            if found is not None:
                yield found


def hall_of(plan: FramePlan) -> tuple[float, float, float, float]:
    """Length, width, height of a plan's hall and height of the undersides of its beams, metres."""
    wall = next(item for item in plan.placements if item.family == "wall")
    floor = next(item for item in plan.placements if item.family == "floor")
    length, width = (float(floor.parameters[side]) - 2 for side in ("length", "width"))
    height = float(wall.parameters["height"])
    beams = sum(float(item.parameters["beams"]) for item in plan.placements if item.family == "ceiling")
    return length, width, height, height - beams


def overlap(one: Points, other: Points) -> float:
    """Least extent of what two upright boxes (2, 3) share, metres; negative where they are apart."""
    return float((np.minimum(one[1], other[1]) - np.maximum(one[0], other[0])).min())


def check(plan: FramePlan) -> None:
    length, width, height, clear = hall_of(plan)
    hung = list(hanging(plan))
    things = [found for item in plan.placements if item.family not in SHELL if (found := solid(item))]
    doors = [found for item in plan.placements if item.family == "door" if (found := solid(item))]
    for thing in things:
        low, high = thing.bounds
        assert low[2] > -SLACK, thing.placement
        assert (np.abs(thing.bounds[:, :2]) < np.array([length, width]) / 2 + SLACK).all(), thing.placement
        assert high[2] < (height if thing.placement.family in REACHING else clear) + SLACK, thing.placement
    for lamp in hung:
        assert lamp.bounds[1, 2] < height + SLACK, lamp.placement
        for thing in (*things, *doors):
            if thing.placement.family == "skylight":
                continue  # wires go up past its frame
            assert overlap(lamp.bounds, thing.bounds) < SLACK, (lamp.placement, thing.placement)
        for other in hung:
            assert other is lamp or overlap(lamp.bounds, other.bounds) < SLACK, (lamp.placement, other.placement)
    bulky = [thing for thing in things if thing.placement.family in BULKY]
    for truck in (thing for thing in things if thing.placement.label == "pallet_truck"):
        for thing in bulky:
            if overlap(truck.bounds, thing.bounds) > SLACK:
                assert thing.depth_of(truck.world) < SLACK, (truck.placement, thing.placement)


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("settings", [compose(), compose("randomization=heavy")], ids=["standard", "heavy"])
def test_meshes_stay_in_the_hall_and_out_of_each_other(settings: Settings, part: int) -> None:
    for frame in range(part, FRAMES, 3):
        check(plan_frame(settings, frame))
