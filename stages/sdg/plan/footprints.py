"""How much room each family takes, so that planning needs no meshes.

Bounds of every family over its shapes, in asset coordinates; a test holds them against the generators.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

BOUNDS: dict[str, tuple[float, float, float, float, float]] = {
    "pallet_truck": (-1.18, 1.26, -0.90, 0.90, 1.47),
    "electric_pallet_truck": (-1.36, 1.26, -0.45, 0.45, 1.45),
    "column": (-0.27, 0.27, -0.27, 0.27, 12.00),
    "pallet": (-0.62, 0.62, -0.52, 0.52, 0.17),
    "small_load_carrier": (-0.33, 0.33, -0.23, 0.23, 0.32),
    "stillage": (-0.67, 0.67, -0.47, 0.47, 1.11),
    "carton": (-0.42, 0.41, -0.32, 0.56, 0.88),
    "crate": (-0.82, 0.82, -0.57, 0.57, 1.42),
    "long_goods": (-2.06, 2.02, -0.46, 0.46, 0.51),
    "shelf": (-1.29, 1.29, -0.34, 0.34, 2.59),
    "forklift": (-1.90, 1.90, -0.65, 0.65, 4.19),
    "reach_truck": (-1.68, 1.68, -0.66, 0.66, 5.08),
    "stacker": (-1.19, 1.19, -0.68, 0.68, 3.54),
    "order_picker": (-1.93, 1.93, -0.52, 0.52, 3.93),
    "tugger": (-1.03, 1.03, -0.53, 0.53, 1.95),
    "cleaning_machine": (-0.93, 0.93, -0.68, 0.68, 1.52),
    "hand_cart": (-0.86, 0.86, -0.47, 0.47, 1.13),
    "sack_barrow": (-0.74, 0.74, -0.35, 0.35, 1.54),
    "roll_cage": (-0.45, 0.45, -0.43, 0.43, 1.88),
    "shelf_trolley": (-0.90, 0.90, -0.47, 0.47, 1.83),
    "drum": (-0.33, 0.33, -0.33, 0.33, 0.97),
    "bollard": (-0.20, 0.20, -0.70, 0.70, 1.27),
    "guard_rail": (-0.15, 0.15, -1.87, 1.87, 1.21),
    "ladder": (-0.98, 0.98, -0.38, 0.38, 3.96),
    "bicycle": (-0.91, 0.91, -0.36, 0.36, 1.24),
    "cable_drum": (-0.66, 0.66, -0.67, 0.67, 1.30),
    "waste_bin": (-0.52, 0.52, -0.72, 0.72, 1.98),
    "work_table": (-0.62, 0.62, -1.11, 1.11, 1.27),
    "workbench": (-0.47, 0.47, -1.11, 1.11, 2.38),
    "cabinet": (-0.34, 0.34, -0.84, 0.84, 2.30),
    "chair": (-0.37, 0.37, -0.35, 0.35, 1.31),
    "traffic_cone": (-0.30, 0.30, -0.30, 0.30, 0.81),
    "wet_floor_sign": (-0.22, 0.22, -0.18, 0.18, 0.69),
    "broom": (-0.27, 0.27, -0.34, 0.34, 1.63),
    "pipe_bundle": (-1.03, 1.03, -2.22, 2.22, 3.16),
    "trash_bags": (-0.82, 0.82, -0.82, 0.82, 0.69),
    "machine_box": (-1.27, 1.27, -1.27, 1.27, 2.88),
    "tool_trolley": (-0.42, 0.42, -0.50, 0.50, 1.14),
    "person": (-0.74, 0.74, -0.41, 0.41, 2.07),
    "dolly": (-1.23, 1.23, -0.45, 0.45, 1.50),
    "push_mower": (-0.83, 0.83, -0.42, 0.42, 1.13),
    "scooter": (-0.71, 0.71, -0.29, 0.29, 1.19),
}
"""X from, X to, Y from, Y to and height, in metres, of families whose shapes need not be built to know their room."""


Room = tuple[NDArray[np.float64], NDArray[np.float64], float]
"""Lower and upper (X, Y) corner and height of a family's space, metres."""


def footprint_of(family: str) -> Room:
    """Lower and upper (X, Y) corner and height of the space that the family's shapes take, metres.

    A family without an entry is measured on three of its shapes, with a tenth to spare.

    Raises:
        SettingsError: when there is no such family.
    """
    x0, x1, y0, y1, tall = BOUNDS.get(family) or measure(family)
    return np.array([x0, y0]), np.array([x1, y1]), tall


def middle_of(room: Room) -> tuple[float, float, float, float, float]:
    """Middle along X and Y, half sizes along X and Y, and height of a room as of :func:`footprint_of`, metres."""
    low, high, tall = room
    (along, across), (half_x, half_y) = ((low + high) / 2).tolist(), ((high - low) / 2).tolist()
    return along, across, half_x, half_y, tall


@functools.cache
def footing(family: str) -> tuple[float, float, float, float, float]:
    """:func:`middle_of` the room of a family."""
    return middle_of(footprint_of(family))


@functools.cache
def measure(family: str) -> tuple[float, float, float, float, float]:
    """Bounds of a family's first three shapes, enlarged by a tenth: X from, X to, Y from, Y to, height."""
    from stages.sdg.assets.catalogue import build_asset

    points = np.concatenate([part.vertices for n in range(3) for part in build_asset(family, n, {}).parts])
    low, high = points.min(0), points.max(0)
    spare = 0.05 * (high - low)
    return (
        float(low[0] - spare[0]),
        float(high[0] + spare[0]),
        float(low[1] - spare[1]),
        float(high[1] + spare[1]),
        float(high[2] * 1.1),
    )
