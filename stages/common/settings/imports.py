"""Settings of the user's own objects: the entries of ``assets``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from stages.common.settings.base import Group

POOLS = ("trucks", "vehicles", "lookalikes", "clutter", "loads", "walls")
"""Where scenarios put things that they draw, besides ``auto``."""

NOTHING = "none"
"""Class of what is scenery and gets no label."""

DROP = "drop"
"""Rule that leaves a prim out."""


METRE_SIDES = ("length", "width", "height")
"""Sides of a box along X, Y and Z."""


class Size(Group):
    """One known side of the object in metres; the others follow from its shape.

    Attributes:
        length: along X, to the front.
        width: along Y.
        height: along Z.
    """

    length: float | None = Field(None, gt=0, le=200)
    width: float | None = Field(None, gt=0, le=200)
    height: float | None = Field(None, gt=0, le=200)

    @model_validator(mode="after")
    def _one(self) -> Size:
        if sum(side is not None for side in (self.length, self.width, self.height)) != 1:
            raise ValueError("size of an entry of assets takes one side: give length, width or height in metres")
        return self


class ImportedAsset(Group):
    """One of the user's own objects.

    Attributes:
        name: of the family that it becomes.
        source: a file, a folder of files (each is a shape of the family) or ``s3://bucket/key``; relative to the
            repository.
        class_name: written ``class``: what the whole object is labelled as; ``none`` for scenery; empty: rules and the
            file's own labels decide.
        rules: patterns of prim paths (``/World/Fork*``) and the class of what they match, ``none`` or ``drop``.
        labels: the file's own semantic labels and the class that each stands for.
        unit: of the file's coordinates; ``auto`` takes what the file says.
        size: instead of a unit, one side in metres.
        up: axis that points up; ``auto`` takes what the file or its format says.
        front: axis that points forward once Z is up.
        max_triangles: more are simplified to so many.
        max_file_mb: larger files, with all that they refer to, are refused.
        timeout: seconds after which reading is given up.
        where: which things the scenarios draw it among; ``auto`` follows from its class.
        weight: how often it is drawn, against 1 for all built-in things of that pool together.
        variants: chosen USD variants by set, on the default prim.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    name: str = Field(min_length=1, max_length=60)
    source: str = Field(min_length=1)
    class_name: str = Field("", alias="class")
    rules: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    unit: Literal["auto", "m", "cm", "mm", "in", "ft"] = "auto"
    size: Size | None = None
    up: Literal["auto", "x", "y", "z"] = "auto"
    front: Literal["x", "-x", "y", "-y"] = "x"
    max_triangles: int = Field(20_000, ge=12, le=1_000_000)
    max_file_mb: float = Field(256, gt=0, le=4096)
    timeout: float = Field(120, gt=0, le=3600)
    where: Literal["auto", "trucks", "vehicles", "lookalikes", "clutter", "loads", "walls"] = "auto"
    weight: float = Field(1.0, ge=0, le=1000)
    variants: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> ImportedAsset:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"assets: the name '{self.name}' is no identifier: use a-z, 0-9 and _, as in my_truck")
        if self.size is not None and self.unit != "auto":
            raise ValueError(f"assets.{self.name} has a size and a unit: keep the one that you are sure of")
        for pattern in self.rules:
            if not pattern.startswith("/"):
                raise ValueError(
                    f"assets.{self.name}.rules: '{pattern}' is no prim path: begin it with a slash, as in /World/Fork*"
                )
        return self

    def classes(self) -> set[str]:
        """Classes that the entry speaks of."""
        return {self.class_name, *self.rules.values(), *self.labels.values()} - {"", NOTHING, DROP}


Imports = Annotated[list[ImportedAsset], Field(default_factory=list, max_length=1000)]
