"""Settings of what a data set as a whole must hold: shares and histograms that the sampler meets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stages.common.settings.base import ClassName, Group
from stages.common.settings.weights import weighted

MAIN: ClassName = "pallet_truck"
"""The class that scenes are arranged around; a frame without one is a negative."""

Measure = Literal["occlusion", "truncation", "height", "relative_height", "distance"]
"""What of an object is measured.

``occlusion``: share of its pixels in the picture that something hides; ``truncation``: share of it outside the picture;
``height``: of its unoccluded box in the picture, pixels; ``relative_height``: the same as a share of the picture's;
``distance``: along the optical axis to its nearest point, metres.
"""

LARGEST = {
    "occlusion": 1.0,
    "truncation": 1.0,
    "height": 8192.0,
    "relative_height": 1.0,
    "distance": 200.0,
    "count": 1e3,
}
"""Largest value of each measure."""

TRUCKLESS = ("negative",)
"""Built-in scenarios without a pallet truck; a test holds them against those that are registered."""

FARTHEST = 40.0
"""Metres; no built-in hall is longer from its camera's end to the wall that it looks at."""

ROUNDING = 0.005
"""How far the shares of a histogram may miss a sum of 1."""


class ShareTarget(Group):
    """A share of a class's objects of which something is above a value.

    Attributes:
        label: class.
        of: what is measured; see :data:`Measure`.
        above: the value.
        share: of the class's objects in the data set, 0 to 1.
    """

    label: ClassName
    of: Measure
    above: float = Field(ge=0)
    share: float = Field(ge=0, le=1)


class Histogram(Group):
    """How a measure of a class's objects, or their number in a frame, is spread.

    Attributes:
        label: class.
        of: what is measured, or ``count``: objects of the class in a frame.
        edges: of the bins, rising; a bin holds its lower edge, the last one its upper edge too.
        shares: of the bins, one fewer than edges, together 1.
    """

    label: ClassName
    of: Literal["occlusion", "truncation", "height", "relative_height", "distance", "count"]
    edges: list[float] = Field(min_length=2)
    shares: list[Annotated[float, Field(ge=0, le=1)]] = Field(min_length=1)


class Counted(Group):
    """Which objects count: those that the conversion to training formats keeps.

    Attributes:
        min_visible: least visible share of an object's unoccluded pixels.
        min_box: least width and height in pixels.
        max_truncation: largest share outside the picture.
    """

    min_visible: float = Field(0.1, ge=0, le=1)
    min_box: float = Field(6, ge=0)
    max_truncation: float = Field(0.9, ge=0, le=1)


class Targets(Group):
    """What the data set as a whole must hold.

    Attributes:
        name: of this group file.
        negatives: share of frames in which no pallet truck is to be seen; empty leaves it to the scenarios.
        scenarios: share of frames of each scenario, as a list of ``[name, share]``; empty leaves it to their weights.
        shares: of objects with something above a value.
        histograms: of objects, or of their number in a frame.
        counted: which objects count.
        tries: draws of one frame at most, before the one that comes nearest is taken.
    """

    name: str
    negatives: float | None = Field(None, ge=0, le=1)
    scenarios: Annotated[dict[str, float], BeforeValidator(weighted)] = Field(default_factory=dict)
    shares: list[ShareTarget] = Field(default_factory=list)
    histograms: list[Histogram] = Field(default_factory=list)
    counted: Counted = Counted()
    tries: int = Field(16, ge=1, le=1000)

    def any(self) -> bool:
        """Whether anything is asked for."""
        return self.negatives is not None or bool(self.scenarios or self.shares or self.histograms)

    def asked_negatives(self) -> float | None:
        """The share of frames without a pallet truck that is asked for, by itself or by a histogram of counts."""
        count = next((item for item in self.histograms if item.of == "count" and item.label == MAIN), None)
        if self.negatives is not None or count is None:
            return self.negatives
        return count.shares[0] if count.edges[0] < 1 and count.edges[1] <= 1 else None if count.edges[0] < 1 else 0.0

    def spread(self) -> list[Histogram]:
        """All that is asked of objects, as histograms."""
        return [_as_histogram(share) for share in self.shares] + list(self.histograms)


def _as_histogram(target: ShareTarget) -> Histogram:
    edges = [0.0, target.above, LARGEST[target.of]]
    return Histogram(label=target.label, of=target.of, edges=edges, shares=[1 - target.share, target.share])


def target_mistakes(
    targets: Targets, classes: list[ClassName], sizes: dict[str, float], *, structure: bool
) -> Iterator[str]:
    """One sentence for each target that no data set can meet.

    Args:
        targets: to be checked.
        classes: labelled ones.
        sizes: of pictures, ``WIDTHxHEIGHT``, and their weights.
        structure: of ``randomization.content``.
    """
    tallest = max((int(size.partition("x")[2]) for size, weight in sizes.items() if weight > 0), default=0)
    named = [("shares", number, item) for number, item in enumerate(targets.shares)]
    named += [("histograms", number, item) for number, item in enumerate(targets.histograms)]  # type: ignore[misc]
    seen: dict[tuple[str, str], tuple[str, ShareTarget | Histogram]] = {}
    for group, number, item in named:
        key = f"targets.{group}[{number}]"
        if item.label not in classes:
            yield f"{key} asks for {item.label}, which scene.classes does not label: add it there or remove the target"
        if (item.label, item.of) in seen:
            other, first = seen[item.label, item.of]
            yield f"{key} and {other} both ask for {item.of} of {item.label}: keep one of them{_as_one(item, first)}"
        seen[item.label, item.of] = key, item
        if isinstance(item, Histogram) and (bad := _bad_bins(item)):
            yield f"{key} {bad}"
        else:
            yield from _impossible(key, item, targets.counted, tallest)
    yield from _contradictions(targets)
    if targets.scenarios and abs(sum(targets.scenarios.values()) - 1) > ROUNDING:
        yield f"targets.scenarios sum up to {sum(targets.scenarios.values()):g}: give shares of all frames, together 1"
    if targets.scenarios and not structure:
        yield "targets.scenarios cannot go with randomization.content.structure=false, which leaves uniform alone"


def _as_one(item: ShareTarget | Histogram, other: ShareTarget | Histogram) -> str:
    """How to ask at once for what two targets ask for: a histogram has any number of bins."""
    edges = {0.0, LARGEST[item.of]}
    for target in (item, other):
        edges |= set(target.edges) if isinstance(target, Histogram) else {target.above}
    inner = ", ".join(f"{edge:g}" for edge in sorted(edges))
    return (
        f", or give one of targets.histograms with edges: [{inner}] and a share for each bin" if item != other else ""
    )


def _bad_bins(item: Histogram) -> str:
    if len(item.shares) != len(item.edges) - 1:
        return f"has {len(item.edges)} edges and {len(item.shares)} shares: give one share fewer than edges"
    if any(low >= high for low, high in pairwise(item.edges)) or item.edges[0] < 0:
        return "has edges that do not rise from 0 or more: sort them"
    if abs(sum(item.shares) - 1) > ROUNDING:
        return f"has shares that sum up to {sum(item.shares):g}: give shares that sum up to 1"
    return ""


def _impossible(key: str, item: ShareTarget | Histogram, counted: Counted, tallest: int) -> Iterator[str]:
    """What the target wants of single objects that no counted object can be."""
    if isinstance(item, ShareTarget):
        wanted = [item.above] if item.share > 0 else []
    else:
        wanted = [low for low, share in zip(item.edges, item.shares, strict=False) if share > 0]
    limits = {
        "occlusion": (1 - counted.min_visible, "targets.counted.min_visible leaves out what is hidden more"),
        "truncation": (counted.max_truncation, "targets.counted.max_truncation leaves out what is cut more"),
        "height": (tallest, "no picture of dataset.frames.sizes is higher"),
        "relative_height": (1.0, "no box is higher than its picture"),
        "distance": (FARTHEST, "no hall is longer"),
        "count": (50.0, "no frame holds more"),
    }
    most, why = limits[item.of]
    for low in wanted:
        if low >= most:
            yield f"{key} asks for {item.of} above {low:g}, but {why} than {most:g}: ask for less"
            return


def _contradictions(targets: Targets) -> Iterator[str]:
    main = [item for item in targets.spread() if item.label == MAIN]
    for item in main:
        if item.of == "count" and targets.negatives is not None and not _bad_bins(item):
            none = item.shares[0] if item.edges[0] < 1 and item.edges[1] <= 1 else 0.0
            if (item.edges[0] >= 1 or item.edges[1] <= 1) and abs(none - targets.negatives) > ROUNDING:
                yield (
                    f"targets.negatives={targets.negatives:g} contradicts the histogram of {MAIN} counts, which asks "
                    f"for none in {none:g} of the frames: make them equal or remove one"
                )
    negatives = None if any(map(_bad_bins, targets.histograms)) else targets.asked_negatives()
    total = sum(targets.scenarios.values())
    bare = sum(targets.scenarios.get(name, 0.0) for name in TRUCKLESS) / total if total > 0 else 0.0
    if negatives is not None and bare > negatives + ROUNDING:
        yield (
            f"targets.scenarios asks for {bare:.3g} of frames without trucks, but targets for {negatives:g} negatives: "
            "make them agree"
        )
    if bare == 1 and negatives is None and main:
        yield f"targets.scenarios leaves no {MAIN} to ask {main[0].of} of: ask for other scenarios, too"
    if targets.negatives == 1 and main:
        yield f"targets.negatives=1 leaves no {MAIN} to ask {main[0].of} of: ask for fewer negatives"
