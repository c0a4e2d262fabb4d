"""How much room each family takes, so that planning needs no meshes.

Bounds of every family over its shapes, in asset coordinates; a test holds them against the generators.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BOUNDS: dict[str, tuple[float, float, float, float, float]] = {
    # family: X from, X to, Y from, Y to, height
    "pallet_truck": (-0.95, 1.26, -0.55, 0.55, 1.5),
    "electric_pallet_truck": (-1.1, 1.26, -0.45, 0.45, 1.6),
    "pallet": (-0.61, 0.61, -0.51, 0.51, 0.16),
    "small_load_carrier": (-0.31, 0.31, -0.21, 0.21, 0.31),
    "stillage": (-0.67, 0.67, -0.47, 0.47, 1.2),
    "carton": (-0.42, 0.42, -0.48, 0.48, 0.9),
    "crate": (-0.83, 0.83, -0.6, 0.6, 1.45),
    "long_goods": (-2.1, 2.1, -0.55, 0.55, 0.55),
    "shelf": (-1.28, 1.28, -0.34, 0.34, 2.75),
    "column": (-0.27, 0.27, -0.27, 0.27, 12.0),
    "forklift": (-1.6, 2.6, -0.75, 0.75, 2.6),
    "reach_truck": (-1.5, 2.0, -0.8, 0.8, 3.2),
    "stacker": (-1.3, 1.4, -0.55, 0.55, 2.3),
    "order_picker": (-1.6, 1.5, -0.65, 0.65, 2.6),
    "tugger": (-1.1, 1.1, -0.5, 0.5, 2.0),
    "cleaning_machine": (-1.0, 1.0, -0.5, 0.5, 1.3),
    "hand_cart": (-0.8, 0.8, -0.45, 0.45, 1.2),
    "sack_barrow": (-0.4, 0.5, -0.35, 0.35, 1.4),
    "roll_cage": (-0.45, 0.45, -0.45, 0.45, 1.9),
    "shelf_trolley": (-0.7, 0.7, -0.4, 0.4, 1.8),
    "drum": (-0.35, 0.35, -0.35, 0.35, 1.0),
    "bollard": (-0.2, 0.2, -0.2, 0.2, 1.3),
    "guard_rail": (-1.3, 1.3, -0.2, 0.2, 1.3),
    "ladder": (-1.0, 1.0, -0.5, 0.5, 4.0),
    "bicycle": (-1.0, 1.0, -0.4, 0.4, 1.2),
    "cable_drum": (-0.7, 0.7, -0.7, 0.7, 1.3),
    "waste_bin": (-0.75, 0.75, -0.65, 0.65, 1.5),
    "work_table": (-1.1, 1.1, -0.6, 0.6, 1.2),
    "workbench": (-1.2, 1.2, -0.6, 0.6, 2.2),
    "cabinet": (-0.7, 0.7, -0.4, 0.4, 2.2),
    "chair": (-0.45, 0.45, -0.45, 0.45, 1.2),
    "traffic_cone": (-0.25, 0.25, -0.25, 0.25, 0.9),
    "wet_floor_sign": (-0.3, 0.3, -0.3, 0.3, 0.8),
    "broom": (-0.5, 0.5, -0.4, 0.4, 1.6),
    "pipe_bundle": (-0.8, 0.8, -0.8, 0.8, 4.0),
    "trash_bags": (-0.8, 0.8, -0.8, 0.8, 1.0),
    "machine_box": (-1.5, 1.5, -1.0, 1.0, 2.5),
    "tool_trolley": (-0.5, 0.5, -0.4, 0.4, 1.2),
    "handle_lookalike": (-0.9, 0.9, -0.45, 0.45, 1.4),
    "person": (-0.5, 0.5, -0.5, 0.5, 2.1),
}


def footprint_of(family: str) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Lower and upper (X, Y) corner and height of the space that the family's shapes take, metres.

    A family without an entry is measured on three of its shapes, with a tenth to spare.
    """
    if family not in _BOUNDS:
        _BOUNDS[family] = measure(family)
    x0, x1, y0, y1, tall = _BOUNDS[family]
    return np.array([x0, y0]), np.array([x1, y1]), tall


def measure(family: str, shapes: int = 3) -> tuple[float, float, float, float, float]:
    """Bounds of a family's first shapes, enlarged by a tenth."""
    from stages.sdg.assets.catalogue import build_asset

    points = np.concatenate([part.vertices for n in range(shapes) for part in build_asset(family, n, {}).parts])
    low, high = points.min(0), points.max(0)
    spare = 0.05 * (high - low)
    return float(low[0] - spare[0]), float(high[0] + spare[0]), float(low[1] - spare[1]), float(high[1] + spare[1]), float(high[2] * 1.1)
