"""Assets that a renderer takes from a USD file of somebody else, such as NVIDIA's SimReady ones.

A placement of such an asset says in its parameters where the file is (:data:`USD`) and how it is brought to metres.
The ``isaac`` renderer shows the file itself; the others, which cannot reach it, show a built-in family in its place
(:data:`STAND_IN`), so that the same plans can be looked at anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stages.sdg.plan.types import Placement

USD = "usd"
"""Parameter with the file's address; below NVIDIA's asset root where it begins with ``/Isaac/``."""

STAND_IN = "stand_in"
"""Parameter with the family that other renderers show."""

EDITS = "edits"
"""Parameter with changes inside the file, as JSON; see :mod:`isaac.capture.edits`."""

RULES = "rules"
"""Parameter with classes of prims inside the file, as JSON; see :meth:`isaac.capture.scene.Scene.label`."""

PLACING = ("usd_scale", "usd_up", "usd_turn")
"""Parameters with metres a unit, the axis that points up and a turn about it in degrees."""


def reference_of(placement: Placement) -> dict[str, Any]:
    """What the capture needs to know to show a placement's file."""
    told = placement.parameters
    return {
        "usd": told[USD],
        "scale": told.get("usd_scale", 1.0),
        "up": told.get("usd_up", "z"),
        "turn": told.get("usd_turn", 0.0),
    }


def without_edits(placement: Placement) -> Placement:
    """The placement as its file alone determines it, so that one file is loaded once, whatever is changed in it."""
    told = placement.parameters
    if USD not in told:
        return placement
    kept = {key: told[key] for key in (USD, RULES, *PLACING) if key in told}
    return replace(placement, variant=0, parameters=kept)


def stand_in(parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Family and parameters of what other renderers show in place of a file."""
    left_out = {USD, STAND_IN, EDITS, RULES, "own_lamps", *PLACING}
    return str(parameters[STAND_IN]), {key: value for key, value in parameters.items() if key not in left_out}
