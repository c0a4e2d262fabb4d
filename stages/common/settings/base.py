"""What every group of settings shares."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

ClassName = Literal["small_load_carrier", "forklift", "pallet", "stillage", "pallet_truck"]

CLASSES: tuple[ClassName, ...] = ("small_load_carrier", "forklift", "pallet", "stillage", "pallet_truck")
"""LOCO's five classes, in the order of their numbers in our models (Mayershofer et al., ICMLA 2020)."""


class Group(BaseModel):
    """A frozen group of settings that refuses keys it does not know.

    Types are strict: ``epochs: "5"`` and ``epochs: true`` are mistakes, not 5 and 1. A validator of a whole group
    raises a sentence that names the dotted keys, since it is shown as it is.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )
