"""Small scenes for the tests of renderers."""

from __future__ import annotations

from stages.sdg.plan.geometry import look_along
from stages.sdg.plan.types import Camera, FramePlan, Lamp, Placement, SensorPlan

CLASSES = ["pallet", "pallet_truck"]


def plan(
    distortion: tuple[float, float] = (0.0, 0.0), *, frame: int = 3, size: tuple[int, int] = (160, 120)
) -> FramePlan:
    """A pallet truck behind a carton, a pallet cut by the border and one alone, on a floor, under two lamps."""
    camera = Camera(*size, 0.65 * size[0], look_along((-3.5, 0.0, 1.5), 0.0, -0.25, 0.03), distortion)
    lamps = tuple(
        Lamp("area", (x, 1.0, 4.5), (0.3, 0.0, 0.0), 300.0, (1.0, 0.95, 0.85), (0.3, 1.5)) for x in (-2.0, 2.0)
    )
    placements = (
        Placement(1, "floor", 0, (0.0, 0.0, 0.0)),
        Placement(2, "pallet_truck", 3, (0.2, 0.3, 0.0), (2.4, 0.0, 0.0), "pallet_truck"),
        Placement(3, "carton", 1, (-0.6, 0.3, 0.0)),
        Placement(4, "pallet", 2, (-1.0, 2.1, 0.0), (0.5, 0.0, 0.0), "pallet"),
        Placement(7, "pallet", 5, (0.5, -1.4, 0.0), (1.2, 0.0, 0.0), "pallet"),
        Placement(9, "pallet", 5, (-9.0, 0.0, 0.0), (0.0, 0.0, 0.0), "pallet"),
    )
    return FramePlan(frame, 11, "train", "made", camera, SensorPlan(), placements, lamps, (0.05, 0.06, 0.07))
