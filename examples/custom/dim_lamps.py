"""A randomizer: in one frame of four, most lamps are off and the rest are warm."""

from dataclasses import replace

import numpy as np

from stages.sdg.plan.randomizers import register_randomizer
from stages.sdg.plan.types import FramePlan

WARM = (1.0, 0.72, 0.45)


@register_randomizer("dim_lamps")
def dim_lamps(plan: FramePlan, rng: np.random.Generator) -> FramePlan:
    """Dim the lamps of some frames; the tag says which."""
    if rng.uniform() > 0.25:
        return replace(plan, tags={**plan.tags, "dim": 0.0})
    lamps = tuple(replace(lamp, colour=WARM) for lamp in plan.lamps if rng.uniform() < 0.4)
    sky = (plan.sky[0] * 0.5, plan.sky[1] * 0.5, plan.sky[2] * 0.5)
    return replace(plan, lamps=lamps, sky=sky, tags={**plan.tags, "dim": 1.0})
