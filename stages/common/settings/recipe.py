"""Settings of scenes that are made of other people's USD files: a catalogue of assets, and the published recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from stages.common.settings.base import Group

Triple = Annotated[list[float], Field(min_length=3, max_length=3)]
Address = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^@\n]+$")]
Rules = dict[Annotated[str, StringConstraints(min_length=1)], Annotated[str, StringConstraints(pattern=r"^[^\s,]+$")]]
"""Class, or ``none``, by pattern of prim paths, as in a rule file of ``python -m stages.sdg semantics``."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class CatalogueAsset(Group):
    """An asset that the ``isaac`` renderer takes from a USD file; the others show a built-in family in its place.

    Attributes:
        usd: address of the file; below NVIDIA's asset root where it begins with ``/Isaac/``.
        stand_in: family that other renderers show.
        class_name: written ``class``: what it is labelled as; ``none`` for scenery.
        where: which things the scenarios draw it among.
        weight: how often, against 1 for all built-in things of that pool together.
        size: length, width, height in metres: the room that is kept for it around its origin on the floor.
        scale: metres a unit of the file.
        up: axis of the file that points up.
        turn: degrees about Z that bring its front to +X.
        rules: classes of prims inside the file, which become things of their own; patterns are of the file's paths.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    usd: Address
    stand_in: Name
    class_name: str = Field("none", alias="class")
    where: Literal["trucks", "vehicles", "lookalikes", "clutter", "loads", "walls"]
    weight: float = Field(1.0, ge=0, le=1000)
    size: Triple
    scale: float = Field(1.0, gt=0)
    up: Literal["y", "z"] = "z"
    turn: float = 0.0
    rules: Rules = Field(default_factory=dict)


class Catalogue(Group):
    """Assets by the name of the family that each becomes.

    Attributes:
        name: of the group file.
        assets: by name.
    """

    name: str
    assets: dict[Name, CatalogueAsset]


class Recipe(Group):
    """The published recipe for pallet jacks: everything drawn evenly from a box, nothing checked for collisions.

    Attributes:
        environment: USD file of the hall.
        rules: classes of prims inside it, which become things of their own; patterns are of the file's paths.
        trucks: USD files of the labelled trucks by name.
        copies: of each truck in a frame.
        class_name: written ``class``: of the trucks.
        truck_scale: metres a unit of their files.
        things: lower and upper corner of where trucks and distractors are put, metres.
        scale: smallest and largest factor of distractors.
        camera: lower and upper corner of where the camera is, metres.
        look_at: what it looks at.
        focal_length, aperture: of the camera, in the same unit.
        sets: distractor sets by name, each a list of USD files; one of the name ``none`` is empty.
        order: how many frames in a row take each set, in turn: of 5,000 frames 2,000, 2,000 and 1,000.
        painted: pattern of the trucks' prims whose colour is drawn.
        lamps: pattern of the environment's lamps.
        intensity: mean and standard deviation of a lamp's intensity.
        lit: share of lamps that are on.
        surfaces: patterns of what gets a drawn material each.
        textures: images to draw from.
        emission: largest intensity of the light that those surfaces give off.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    environment: Address
    rules: Rules = Field(default_factory=dict)
    trucks: dict[Name, Address] = Field(min_length=1)
    copies: int = Field(2, ge=1, le=20)
    class_name: str = Field("pallet_truck", alias="class")
    truck_scale: float = Field(0.01, gt=0)
    things: Annotated[list[Triple], Field(min_length=2, max_length=2)]
    scale: Annotated[list[float], Field(min_length=2, max_length=2)]
    camera: Annotated[list[Triple], Field(min_length=2, max_length=2)]
    look_at: Triple
    focal_length: float = Field(gt=0)
    aperture: float = Field(gt=0)
    sets: dict[Name, list[Address]]
    order: dict[Name, int] = Field(min_length=1)
    painted: str
    lamps: str
    intensity: Annotated[list[float], Field(min_length=2, max_length=2)]
    lit: float = Field(ge=0, le=1)
    surfaces: list[str]
    textures: list[Address] = Field(min_length=1)
    emission: float = Field(ge=0)

    @model_validator(mode="after")
    def _sound(self) -> Recipe:
        for name in self.order:
            if name not in self.sets:
                raise ValueError(
                    f"scene.recipe.order names '{name}', which is not among scene.recipe.sets: choose from "
                    f"{', '.join(self.sets)}"
                )
        if sum(self.order.values()) < 1 or min(self.order.values()) < 0:
            raise ValueError("scene.recipe.order has no frames to deal out: give 0 or more to each set, 1 to one")
        return self

    def set_of(self, frame: int) -> str:
        """Name of the distractor set of a frame: they take turns, so any number of frames has their shares."""
        place = frame % sum(self.order.values())
        for name, count in self.order.items():
            if place < count:
                return name
            place -= count
        raise AssertionError("the place is below the sum")
