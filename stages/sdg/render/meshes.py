"""World triangles of a plan, for whatever draws or measures them outside an engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.sdg.assets.catalogue import build_asset
from stages.sdg.assets.types import part_number
from stages.sdg.plan.geometry import placement_matrix
from stages.sdg.plan.types import FramePlan, Placement
from stages.sdg.render.passes import ids_in

Floats = NDArray[np.float64]


def world_triangles(placement: Placement) -> Floats:
    """(T, 3, 3) corners of a placement's triangles in world metres, part after part.

    Raises:
        SettingsError: when its asset family is not registered.
    """
    asset = build_asset(placement.family, placement.variant, placement.parameters)
    corners = np.concatenate([part.vertices[part.triangles.ravel()] for part in asset.parts]).astype(np.float64)
    matrix = placement_matrix(placement)
    return np.asarray(corners @ matrix[:3, :3].T + matrix[:3, 3]).reshape(-1, 3, 3)


def triangle_parts(placement: Placement) -> NDArray[np.uint8]:
    """(T,) part number (see :data:`stages.sdg.assets.types.PARTS`) of each of :func:`world_triangles`.

    Raises:
        SettingsError: when its asset family is not registered.
    """
    parts = build_asset(placement.family, placement.variant, placement.parameters).parts
    numbers = np.array([part_number(part.name) for part in parts], np.uint8)
    return np.repeat(numbers, [len(part.triangles) for part in parts])


def labelled_triangles(plan: FramePlan, instance: NDArray[np.uint16]) -> dict[int, Floats]:
    """World triangles of the labelled placements that are seen, by id.

    Args:
        plan: of the frame.
        instance: ids, of any shape; what is not among them gets no label and needs no measuring.
    """
    seen = set(ids_in(instance))
    labelled = (placement for placement in plan.placements if placement.label is not None)
    return {placement.id: world_triangles(placement) for placement in labelled if placement.id in seen}


def labelled_parts(plan: FramePlan, instance: NDArray[np.uint16]) -> dict[int, NDArray[np.uint8]]:
    """Part numbers of the triangles of :func:`labelled_triangles`, by id, of what has more parts than its body."""
    seen = set(ids_in(instance))
    labelled = (placement for placement in plan.placements if placement.label is not None and placement.id in seen)
    parts = ((placement.id, triangle_parts(placement)) for placement in labelled)
    return {number: numbers for number, numbers in parts if numbers.any()}
