"""A frame plan in the making: the scene's things, what space they take, and draws from the settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stages.common.settings import Settings
from stages.common.settings.distribution import Distribution, Drawn, pick_by
from stages.sdg.plan.footprints import footing, footprint_of, middle_of
from stages.sdg.plan.geometry import step
from stages.sdg.plan.order import Ask, Guard, Order
from stages.sdg.plan.own import OwnObject, joined, own_objects
from stages.sdg.plan.space import Box, Hall, Lens, View, overlaps
from stages.sdg.plan.types import Lamp, Placement, Split, Vector

VARIANTS = 1 << 20
"""Shapes of a family that a split can draw."""

PALETTE = 4
"""Shapes of one family that a frame repeats; stock in a real hall repeats too, and repeats cost little to render."""

Parameter = float | str | bool

Bay = tuple[float, float, float, float]
"""An empty place on the floor below a rack: (x, y) of its middle, heading across the rack, clear height."""


@dataclass
class Draft:
    """The scene so far.

    Attributes:
        settings: with the changes of the frame's preset.
        rng: all draws of the scene.
        split: of the frame.
        hall, view: once the scenario has set them.
        placements, lamps, sky, tags: of the plan.
        frame: its number.
        lens: the part of the camera that does not depend on the scene.
        drawn: quantities that others depend on.
        ask: what targets and presets ask of the frame.
        wanted: trucks that are to be put up.
        guards: of the trucks that were placed as ordered.
        ordered: orders of these by placement number.
        taken: boxes that are occupied.
        hung_from, hung: number of the first of them that hangs below the roof, and how many do.
        mark: how many placements and boxes there were before the view was set.
        look_again: sets another view where the first one was to be.
        bays: empty places on the floor below racks.
        own: the user's own objects by name.
    """

    settings: Settings
    rng: np.random.Generator
    split: Split
    hall: Hall = field(default_factory=lambda: Hall(20, 15, 6))
    view: View | None = None
    placements: list[Placement] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)
    sky: Vector = (0.05, 0.05, 0.05)
    tags: dict[str, float | str] = field(default_factory=dict)
    frame: int = 0
    lens: Lens = field(default_factory=Lens)
    drawn: Drawn = field(default_factory=Drawn)
    ask: Ask | None = None
    wanted: int = 0
    guards: list[Guard] = field(default_factory=list)
    ordered: dict[int, Order] = field(default_factory=dict)
    taken: int = 0
    hung_from: int = 0
    hung: int = 0
    mark: tuple[int, int] = (0, 0)
    look_again: Callable[[], None] = lambda: None
    bays: list[Bay] = field(default_factory=list)
    _boxes: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 7)))
    _reaches: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    _palettes: dict[str, list[tuple[int, dict[str, Parameter]]]] = field(default_factory=dict)
    own: dict[str, OwnObject] = field(init=False)

    def __post_init__(self) -> None:
        self.own = own_objects(self.settings)
        if not self.drawn.named:
            self.drawn = self.settings.randomization.drawn(self.frame)

    def draw(self, quantity: Distribution, rng: np.random.Generator | None = None) -> float:
        """One value of a quantity in the settings, by the scene's generator or another."""
        return quantity.sample(rng or self.rng, self.drawn)

    @property
    def seen_from(self) -> View:
        """The view, once a scenario has set it."""
        assert self.view is not None, "a scenario sets the view before it fills it"
        return self.view

    def chance(self, share: float) -> bool:
        """True in that share of draws."""
        return bool(self.rng.random() < share)

    def pick(self, weights: Mapping[str, float]) -> str:
        """One name by weight."""
        return list(weights)[pick_by(tuple(weights.values()), self.rng)]

    def pool(self, weights: Mapping[str, float], *pools: str) -> Mapping[str, float]:
        """Weights of built-in things, with the user's own objects of those pools beside them."""
        return joined(weights, self.own, pools)

    def own_of(self, pool: str) -> str | None:
        """Name of an own object that takes the place of a built-in thing of that pool, or None."""
        chosen = self.pool({"": 1.0}, pool)
        return self.pick(chosen) or None if len(chosen) > 1 else None

    def new_variant(self) -> int:
        """A shape number of this split: even ones train, odd ones test."""
        if not self.settings.randomization.content.variety:
            return 0 if self.split == "train" else 1
        return 2 * int(self.rng.integers(VARIANTS)) + (self.split == "test")

    def look(self) -> dict[str, Parameter]:
        """Wear, dirt and perhaps free colours of one asset."""
        surface = self.settings.randomization.surface
        if not surface.enabled:
            return {"wear": 0.0, "dirt": 0.0}
        chosen: dict[str, Parameter] = {
            "wear": round(self.draw(surface.wear), 3),
            "dirt": round(self.draw(surface.dirt), 3),
        }
        if self.chance(surface.random_share):
            chosen["random_colour"] = True
        return chosen

    def shape(self, family: str) -> tuple[int, dict[str, Parameter]]:
        """One of the few shapes and looks of a family that this frame repeats."""
        palette = self._palettes.setdefault(family, [])
        if len(palette) < PALETTE:
            palette.append((self.new_variant(), self.look()))
        return palette[int(self.rng.integers(len(palette)))]

    def add(
        self,
        family: str,
        position: Vector,
        rotation: Vector = (0.0, 0.0, 0.0),
        parameters: Mapping[str, Parameter] | None = None,
        *,
        variant: int | None = None,
        scale: float = 1.0,
    ) -> Placement:
        """Put one thing in the scene, whatever is there already.

        Args:
            family: registered asset family.
            position: of its origin, world metres.
            rotation: (yaw, pitch, roll), radians.
            parameters: what the family's generator is told, besides wear, dirt and colours.
            variant: its shape; without it, one of the few that the frame repeats.
            scale: uniform.
        """
        chosen, look = self.shape(family) if variant is None else (variant, self.look())
        told = (parameters or {}).items()
        given = {key: round(value, 4) if isinstance(value, float) else value for key, value in told}
        if family in self.own:
            return self._add_own(self.own[family], chosen, look, position, rotation, scale)
        label = LABELS.get(family)
        if label not in self.settings.scene.classes:
            label = None
        placement = Placement(
            id=len(self.placements) + 1,
            family=family,
            variant=chosen,
            position=_rounded(position, 4),
            rotation=_rounded(rotation, 5),
            label=label,
            scale=scale,
            parameters={**look, **given},
        )
        self.placements.append(placement)
        return placement

    def _add_own(
        self,
        item: OwnObject,
        variant: int,
        look: Mapping[str, Parameter],
        position: Vector,
        rotation: Vector,
        scale: float,
    ) -> Placement:
        """Place every thing that an own object consists of, each as an instance with a label of its own.

        Returns:
            The placement of the first one with a label, or of the first.
        """
        shape = item.shape(variant, self.split)
        # the file's own surface stays; a thick layer of dirt would hide what was modelled
        parameters: dict[str, Parameter] = {"content": shape.content, "dirt": round(float(look["dirt"]) / 2, 1)}
        if shape.reference:
            parameters = {**look, **shape.reference}
        made = []
        for group, label in enumerate(shape.labels):
            placement = Placement(
                id=len(self.placements) + 1,
                family=item.name,
                variant=variant,
                position=_rounded(position, 4),
                rotation=_rounded(rotation, 5),
                label=label if label in self.settings.scene.classes else None,
                scale=scale,
                parameters=dict(parameters) if len(shape.labels) == 1 else {**parameters, "group": group},
            )
            self.placements.append(placement)
            made.append(placement)
        return next((placement for placement in made if placement.label), made[0])

    def is_free(self, box: Box) -> bool:
        """Whether a box lies in the hall, below its beams, and cuts into nothing that takes space, camera included."""
        reach_x = abs(math.cos(box.yaw)) * box.half_x + abs(math.sin(box.yaw)) * box.half_y
        reach_y = abs(math.sin(box.yaw)) * box.half_x + abs(math.cos(box.yaw)) * box.half_y
        if abs(box.x) + reach_x > self.hall.length / 2 or abs(box.y) + reach_y > self.hall.width / 2:
            return False
        if box.high > self.hall.clear:
            return False
        if len(self.cut_by(box)):
            return False
        return all(guard.allows(box.row()) for guard in self.guards)

    def cut_by(self, box: Box, among: slice = slice(None)) -> NDArray[np.float64]:
        """Occupied boxes, (N, 7), that a box cuts into, of all or of those with some numbers."""
        boxes = self.boxes[among]
        # most are too far away to ask more of them
        reach = self._reaches[: self.taken][among] + math.hypot(box.half_x, box.half_y)
        near = boxes[(np.abs(boxes[:, 0] - box.x) < reach) & (np.abs(boxes[:, 1] - box.y) < reach)]
        return np.asarray(near[overlaps(box, near)])

    def occupy(self, box: Box) -> None:
        """Keep others out of a box."""
        if self.taken == len(self._boxes):
            more = max(64, self.taken)
            self._boxes = np.concatenate([self._boxes, np.empty((more, 7))])
            self._reaches = np.concatenate([self._reaches, np.empty(more)])
        self._boxes[self.taken], self._reaches[self.taken] = box.row(), math.hypot(box.half_x, box.half_y)
        self.taken += 1
        for guard in self.guards:
            guard.add(np.array([box.row()]))

    def take_back(self, placements: int, taken: int) -> None:
        """Leave only the first ``placements`` things and ``taken`` boxes, as both were counted before."""
        del self.placements[placements:]
        self.taken = taken
        for number in [number for number in self.ordered if number > placements]:
            del self.ordered[number]
        del self.guards[len(self.ordered) :]

    @property
    def boxes(self) -> NDArray[np.float64]:
        """All occupied boxes, (N, 7), see :class:`Box`."""
        return self._boxes[: self.taken]

    def try_place(
        self, family: str, x: float, y: float, yaw: float, margin: float = 0.03, variant: int | None = None
    ) -> Placement | None:
        """Put a thing on the floor if there is room; None if not."""
        box = self.box_of(family, x, y, yaw, margin)
        if not self.is_free(box):
            return None
        self.occupy(box)
        return self.add(family, (x, y, 0.0), (yaw, 0.0, 0.0), variant=variant)

    def room_of(self, family: str) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Lower and upper (X, Y) corner and height of the space that a family's shapes take, metres."""
        return self.own[family].room if family in self.own else footprint_of(family)

    def box_of(self, family: str, x: float, y: float, yaw: float, margin: float = 0.0) -> Box:
        """The space that a family takes when put at that place of the floor, and ``margin`` metres on each side."""
        along, across, half_x, half_y, tall = (
            middle_of(self.own[family].room) if family in self.own else footing(family)
        )
        middle = step(x, y, yaw, along, across)
        return Box(*middle, yaw, half_x + margin, half_y + margin, 0.0, tall)


def _rounded(vector: Vector, digits: int) -> Vector:
    # most turns are 0, which needs no rounding
    x, y, z = map(float, vector)
    return x and round(x, digits), y and round(y, digits), z and round(z, digits)


LABELS = {
    "pallet_truck": "pallet_truck",
    "electric_pallet_truck": "pallet_truck",
    "pallet": "pallet",
    "small_load_carrier": "small_load_carrier",
    "stillage": "stillage",
    "forklift": "forklift",
    "reach_truck": "forklift",
}
"""Class of each labelled family."""

Scenario = Callable[[Draft], None]
_SCENARIOS: dict[str, Scenario] = {}
_WITHOUT_TRUCKS: set[str] = set()
_WITHOUT_OWN: set[str] = set()


def register_scenario(name: str, *, trucks: bool = True, own: bool = True) -> Callable[[Scenario], Scenario]:
    """Decorator: make ``arrange(draft) -> None``, which fills a hall and sets the view, known as ``name``.

    Args:
        name: as the settings call it.
        trucks: False for one that never puts up a pallet truck.
        own: False for one that never puts up the user's own objects.
    """

    def register(arrange: Scenario) -> Scenario:
        _SCENARIOS[name] = arrange
        if not trucks:
            _WITHOUT_TRUCKS.add(name)
        if not own:
            _WITHOUT_OWN.add(name)
        return arrange

    return register


def scenarios() -> dict[str, Scenario]:
    """Registered scenario samplers by name."""
    return dict(_SCENARIOS)


def scenarios_without_trucks() -> frozenset[str]:
    """Names of the scenarios that never put up a pallet truck."""
    return frozenset(_WITHOUT_TRUCKS)


def scenarios_without_own() -> frozenset[str]:
    """Names of the scenarios that never put up the user's own objects."""
    return frozenset(_WITHOUT_OWN)
