"""Boxes of trucks with their forks, or without the slivers of them that show under a load.

People who label photographs box the body that they see; forks of which only slivers show through or under a load they
mostly leave out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.common.settings.pictures import Convert
from stages.sdg.label.types import InstanceLabel

Masks = NDArray[np.uint16]


def shows_slivers(instance: InstanceLabel, settings: Convert) -> bool:
    """Whether ``fork_rule`` leaves out the forks of an object: less than ``min_forks`` of them is seen."""
    seen = instance.forks_visible
    return settings.fork_rule == "visible" and seen is not None and seen < settings.min_forks


def without_slivers(
    instances: Sequence[InstanceLabel], masks: Masks, settings: Convert
) -> tuple[tuple[InstanceLabel, ...], Masks]:
    """Labels and masks as ``fork_rule`` wants them.

    The tight box becomes that of the body, and the mask ends where the box does. An object of which nothing but slivers
    of forks is seen keeps its box; :func:`stages.convert.filters.reason_to_drop` calls it hidden.

    Args:
        instances: of a frame.
        masks: (H, W) uint16, ids; not changed.
        settings: of the conversion.
    """
    changed, cut = [], masks
    for instance in instances:
        body = instance.xyxy_body
        if body is None or not shows_slivers(instance, settings) or body == instance.xyxy:
            changed.append(instance)
            continue
        left, top, right, bottom = (int(side) for side in body)
        outside = cut == instance.id
        outside[top:bottom, left:right] = False
        cut = np.where(outside, np.uint16(0), cut)
        pixels = instance.visible_pixels - int(outside.sum())
        changed.append(replace(instance, xyxy=body, visible_pixels=pixels))
    return tuple(changed), cut
