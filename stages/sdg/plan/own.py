"""The user's own objects as scenes draw them: which shapes, how much room, how often, among what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stages.common.settings import Settings
from stages.sdg.assets.reference import RULES, STAND_IN, USD
from stages.sdg.plan.types import Split

POOL_OF = {
    "pallet_truck": "trucks",
    "forklift": "vehicles",
    "pallet": "loads",
    "stillage": "loads",
    "small_load_carrier": "loads",
}
"""Pool that objects of one class join when nothing is said; all others are clutter."""

SPARE = 0.02
"""Metres kept free around an own object."""


@dataclass(frozen=True)
class Shape:
    """One file of an own object.

    Attributes:
        content: its key in the cache.
        labels: class of each of the things that it consists of, None for scenery.
        low, high: corners of its bounding box, metres, asset coordinates.
        reference: parameters of an asset that only a USD file has (see :mod:`stages.sdg.assets.reference`); empty for
            an object in the cache.
    """

    content: str
    labels: tuple[str | None, ...]
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    reference: Mapping[str, float | str | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnObject:
    """An entry of ``assets``.

    Attributes:
        name: of the family that it is.
        pool: what it is drawn among.
        weight: against 1 for all built-in things of the pool together.
        shapes: its files.
    """

    name: str
    pool: str
    weight: float
    shapes: tuple[Shape, ...]

    def shape(self, variant: int, split: Split) -> Shape:
        """The file of a shape number; training and test frames share none as long as there are two."""
        shared = len(self.shapes) == 1
        pool = self.shapes if shared else self.shapes[split == "test" :: 2]
        return pool[variant // 2 % len(pool)]

    @property
    def room(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Lower and upper (X, Y) corner and height of the space that its shapes take, metres."""
        low = np.array([shape.low for shape in self.shapes]).min(0)
        high = np.array([shape.high for shape in self.shapes]).max(0)
        return low[:2] - SPARE, high[:2] + SPARE, float(high[2])


def own_objects(settings: Settings) -> dict[str, OwnObject]:
    """The entries of ``assets`` by name, read when that was not done yet, and those of the scene's catalogue.

    Raises:
        StageError: as :func:`stages.sdg.assets.imports.prepare.prepare_all`.
    """
    catalogue = catalogue_objects(settings)
    if not settings.assets:
        return catalogue
    from stages.sdg.assets.imports.prepare import prepare_all

    made = dict(catalogue)
    for prepared in prepare_all(settings):
        shapes = []
        for content, meta in zip(prepared.contents, prepared.metas(), strict=True):
            labels = tuple(group["label"] for group in meta["groups"])
            facts = meta["facts"]
            shapes.append(Shape(content, labels, tuple(facts["low"]), tuple(facts["high"])))
        entry = prepared.entry
        classes = {label for shape in shapes for label in shape.labels if label}
        usual = POOL_OF.get(classes.pop(), "clutter") if len(classes) == 1 else "clutter"
        pool = usual if entry.where == "auto" else entry.where
        made[entry.name] = OwnObject(entry.name, pool, entry.weight, tuple(shapes))
    return made


def catalogue_objects(settings: Settings) -> dict[str, OwnObject]:
    """The assets of ``scene.catalogue`` by name."""
    made: dict[str, OwnObject] = {}
    for name, item in (settings.scene.catalogue.assets if settings.scene.catalogue else {}).items():
        length, width, height = item.size
        told: dict[str, float | str | bool] = {USD: item.usd, STAND_IN: item.stand_in}
        told |= {"usd_scale": item.scale, "usd_up": item.up, "usd_turn": item.turn}
        told |= {RULES: json.dumps(item.rules)} if item.rules else {}
        labels = (None if item.class_name == "none" else item.class_name,)
        shape = Shape("", labels, (-length / 2, -width / 2, 0.0), (length / 2, width / 2, height), told)
        made[name] = OwnObject(name, item.where, item.weight, (shape,))
    return made


def joined(weights: Mapping[str, float], own: Mapping[str, OwnObject], pools: tuple[str, ...]) -> Mapping[str, float]:
    """Weights of built-in things with the own objects of some pools beside them."""
    more = {item.name: item.weight for item in own.values() if item.pool in pools and item.weight > 0}
    total = sum(weights.values())
    return {**weights, **{name: weight * total for name, weight in more.items()}} if more else weights
