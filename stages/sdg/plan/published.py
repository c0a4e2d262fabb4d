"""The scenario ``simple_warehouse``: NVIDIA's published recipe for pallet jacks, from our settings.

Its source is ``palletjack_sdg/standalone_palletjack_sdg.py`` of NVIDIA-AI-IOT's
``synthetic_data_generation_training_workflow``. It draws each pose evenly from a box, lets things stand in each other,
and looks at one point from anywhere. Every number is in ``conf/scene/simple_warehouse.yaml``. What changes inside the
environment's file (lamps, floor, walls) and inside the trucks' (paint) are ``edits`` of their placements, which the
``isaac`` renderer carries out; the others show a plain hall with the same colours and built-in families.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.common.errors import SettingsError
from stages.common.settings.recipe import Recipe
from stages.sdg.assets.reference import EDITS, RULES, STAND_IN, USD
from stages.sdg.plan.draft import Draft, Parameter, register_scenario
from stages.sdg.plan.space import Hall, View
from stages.sdg.plan.types import Colour, Lamp, Placement

HALL = Hall(20.0, 31.0, 8.0)
HALL_MIDDLE = (-1.0, 2.0)
"""Of the stand-in: what the recipe's camera and things fit into, metres."""

LAMP_VALUES = 24
"""Draws for lamps; an environment with more of them repeats them."""

STAND_IN_LAMPS = tuple((x, y) for x in (-6.0, 3.0) for y in (-7.0, 2.0, 11.0))
STAND_IN_WATTS = 900.0
"""Of a lamp of the stand-in at the recipe's mean intensity and one standard deviation above it."""

AMBIENT = 0.04
"""Radiance of the surroundings, so that a frame with all lamps off is no black one; the recipe has none."""

STAND_INS = (
    ("TrafficCone", "traffic_cone"), ("WetFloorSign", "wet_floor_sign"), ("Barel", "drum"), ("Bucket", "waste_bin"),
    ("Bottle", "drum"), ("CardBox", "carton"), ("Crate", "crate"), ("Pushcart", "hand_cart"),
    ("RackPile", "long_goods"), ("Chair", "chair"), ("Recliner", "chair"), ("Cabinet", "cabinet"),
    ("Desk", "work_table"), ("Table", "work_table"), ("Cart", "shelf_trolley"), ("Trash", "waste_bin"),
    ("Bed", "work_table"),    ("Gurney", "work_table"), ("WheelChair", "chair"), ("Mop", "broom"), ("Lamp", "bollard"),
    ("Personenleitsystem", "guard_rail"),
)  # fmt: skip
"""Words in the name of a distractor's file, and the family that other renderers show; all else is a carton."""


@register_scenario("simple_warehouse", own=False)
def simple_warehouse(draft: Draft) -> None:
    """The published recipe: trucks and distractors anywhere, seen from anywhere."""
    recipe = draft.settings.scene.recipe
    if recipe is None:
        raise SettingsError(
            "scene.recipe is empty, which the scenario simple_warehouse needs: see scene=simple_warehouse"
        )
    draft.hall = HALL
    _environment(draft, recipe)
    _trucks(draft, recipe)
    name = recipe.set_of(draft.frame)
    for usd in recipe.sets[name]:
        _put(draft, usd, None, _stand_in_of(usd), 1.0, float(draft.rng.uniform(recipe.scale[0], recipe.scale[1])), {})
    _look(draft, recipe)
    draft.tags.update(distractors=name, trucks=len(recipe.trucks) * recipe.copies)


def _environment(draft: Draft, recipe: Recipe) -> None:
    rng = draft.rng
    lamps = [_lamp(rng, recipe) for _ in range(LAMP_VALUES)]
    materials = {pattern: _material(rng, recipe) for pattern in recipe.surfaces}
    edits = [{"match": recipe.lamps, "values": lamps}]
    edits += [{"match": pattern, "values": [{"material": told}]} for pattern, told in materials.items()]
    shown: dict[str, Parameter] = {"length": HALL.length, "width": HALL.width, "height": HALL.height}
    for of in ("floor", "wall"):
        shown |= dict(zip((f"{of}_red", f"{of}_green", f"{of}_blue"), _rounded(rng.uniform(0.05, 0.8, 3)), strict=True))
    told: dict[str, Parameter] = {USD: recipe.environment, STAND_IN: "plain_hall", "own_lamps": True}
    told |= {"x": HALL_MIDDLE[0], "y": HALL_MIDDLE[1], EDITS: json.dumps(edits)}
    told |= {RULES: json.dumps(recipe.rules)} if recipe.rules else {}
    draft.placements.append(Placement(1, "environment", 0, (0.0, 0.0, 0.0), parameters={**shown, **told}))
    for lamp, (x, y) in zip(lamps, STAND_IN_LAMPS, strict=False):
        if lamp["visible"] and lamp["intensity"] > 0:
            share = lamp["intensity"] / sum(recipe.intensity)
            colour: Colour = tuple(lamp["color"])
            position = (x + HALL_MIDDLE[0], y, HALL.height - 0.5)
            draft.lamps.append(Lamp("area", position, (0.0, 0.0, 0.0), STAND_IN_WATTS * share, colour, (2.0, 2.0)))
    draft.sky = (AMBIENT, AMBIENT, AMBIENT)


def _lamp(rng: np.random.Generator, recipe: Recipe) -> dict[str, Any]:
    """Colour, intensity and whether it is on, of one lamp; a negative intensity gives no light."""
    mean, spread = recipe.intensity
    return {
        "color": _rounded(rng.uniform(0, 1, 3)),
        "intensity": round(max(0.0, float(rng.normal(mean, spread))), 1),
        "visible": bool(rng.uniform() < recipe.lit),
    }


def _material(rng: np.random.Generator, recipe: Recipe) -> dict[str, Any]:
    def image() -> str:
        return recipe.textures[int(rng.integers(len(recipe.textures)))]

    return {
        "texture": image(),
        "roughness": round(float(rng.uniform()), 4),
        "metallic": int(rng.integers(2)),
        "emissive_texture": image(),
        "emissive_intensity": round(float(rng.uniform(0, recipe.emission)), 2),
    }


def _trucks(draft: Draft, recipe: Recipe) -> None:
    label = recipe.class_name if recipe.class_name in draft.settings.scene.classes else None
    for usd in recipe.trucks.values():
        for _ in range(recipe.copies):
            colour = _rounded(draft.rng.uniform(0, 1, 3))
            edits = json.dumps([{"match": recipe.painted, "values": [{"material": {"colour": colour}}]}])
            _put(draft, usd, label, "pallet_truck", recipe.truck_scale, 1.0, {EDITS: edits})


def _put(
    draft: Draft, usd: str, label: str | None, family: str, unit: float, scale: float, more: dict[str, Parameter]
) -> None:
    rng = draft.rng
    low, high = draft.settings.scene.recipe.things  # type: ignore[union-attr]
    x, y, z = _rounded(rng.uniform(low, high))
    stem = usd.rpartition("/")[2].partition(".")[0].lower()
    draft.placements.append(
        Placement(
            id=len(draft.placements) + 1,
            family="usd_" + "".join(letter if letter.isalnum() else "_" for letter in stem),
            variant=draft.new_variant(),
            position=(x, y, z),
            rotation=(round(float(rng.uniform(0, 2 * math.pi)), 5), 0.0, 0.0),
            label=label,
            scale=round(scale, 4),
            parameters={**draft.look(), USD: usd, STAND_IN: family, "usd_scale": unit, **more},
        )
    )


def _look(draft: Draft, recipe: Recipe) -> None:
    low, high = np.array(recipe.camera)
    x, y, z = draft.rng.uniform(low, high)
    to_x, to_y, to_z = np.asarray(recipe.look_at) - (x, y, z)
    pitch = math.atan2(to_z, math.hypot(to_x, to_y))
    half = math.atan(recipe.aperture / 2 / recipe.focal_length)
    draft.view = View(float(x), float(y), float(z), math.atan2(to_y, to_x), pitch, half)


def _stand_in_of(usd: str) -> str:
    name = usd.rpartition("/")[2]
    return next((family for word, family in STAND_INS if word in name), "carton")


def _rounded(values: Sequence[float] | Any) -> list[float]:
    return [round(float(value), 4) for value in values]
