"""What every group of settings shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

CLASSES = ("small_load_carrier", "forklift", "pallet", "stillage", "pallet_truck")
"""LOCO's five classes, in the order of their numbers in our models (Mayershofer et al., ICMLA 2020)."""


class Group(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
