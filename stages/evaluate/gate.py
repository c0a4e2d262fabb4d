"""Whether a challenger may become champion: a decision with its figures and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stages.common.settings.learning import Gate
from stages.evaluate.bootstrap import Interval, Resampling, resampling
from stages.evaluate.compare import Difference, difference
from stages.evaluate.inference import PictureResult
from stages.evaluate.metrics import ALL, Values, rounded, sampled_counts, sampled_figures
from stages.evaluate.slices import object_slices, picture_slices
from stages.evaluate.table import Table, table

TITLES = {"f1": "F1", "ap50": "AP50"}


@dataclass(frozen=True)
class Found:
    """What one model found in a set.

    Attributes:
        results: of all pictures, in the same order for both models.
        threshold: the model's own.
    """

    results: Sequence[PictureResult]
    threshold: float


@dataclass(frozen=True)
class Change:
    """One slice under both models.

    Attributes:
        measure, bin: of the slice, see :class:`~stages.evaluate.slices.Slice`; ``class`` for one class alone.
        figure: it is compared by.
        objects: in it.
        champion, challenger: values.
        limit: largest fall that passes.
    """

    measure: str
    bin: str
    figure: str
    objects: int
    champion: float
    challenger: float
    limit: float

    @property
    def difference(self) -> float:
        """Challenger less champion."""
        return self.challenger - self.champion

    @property
    def falls(self) -> bool:
        """Whether the fall is beyond the limit, but for rounding."""
        return self.difference < -self.limit - 1e-9

    @property
    def sentence(self) -> str:
        """In words."""
        return (
            f"{self.measure} {self.bin}: {self.figure} {self.challenger:.3f} against {self.champion:.3f} on "
            f"{self.objects} objects, {self.difference:+.3f}, limit -{self.limit:g}"
        )

    def as_json(self) -> dict[str, Any]:
        """As in ``gate.json``."""
        return {
            "measure": self.measure,
            "bin": self.bin,
            "figure": self.figure,
            "objects": self.objects,
            "champion": rounded(self.champion),
            "challenger": rounded(self.challenger),
            "difference": rounded(self.difference),
            "limit": self.limit,
            "falls": self.falls,
        }


@dataclass(frozen=True)
class Decision:
    """Of the gate.

    Attributes:
        passed: whether the challenger may become champion by its figures.
        reasons: sentences, each for or against.
        measure: ``f1`` or ``ap50``.
        margin: that the interval had to lie above.
        pictures, objects: of the set, that were measured.
        missing, unusable: pictures of the set that are not there, and that cannot be used; neither model has them.
        challenger, champion, difference: values; None where there is none.
        interval: paired 95 % interval of the difference.
        figures: of both, those that tell more than the one that decides among them, by name.
        slices: that have enough objects.
        too_small: number of slices that have not.
    """

    passed: bool
    reasons: tuple[str, ...]
    measure: str
    margin: float
    pictures: int = 0
    objects: int = 0
    challenger: float | None = None
    champion: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    figures: Mapping[str, Difference] = field(default_factory=dict)
    slices: tuple[Change, ...] = ()
    too_small: int = 0
    missing: int = 0
    unusable: int = 0

    def without(self, missing: int, unusable: int) -> Decision:
        """The decision with the number of pictures that it was made without, which is told among the reasons."""
        left_out = missing + unusable
        told = (
            f"{left_out} of {left_out + self.pictures} pictures were left out ({missing} are not there, {unusable} "
            "cannot be used)"
        )
        reasons = (*self.reasons, told) if left_out else self.reasons
        return replace(self, reasons=reasons, missing=missing, unusable=unusable)

    def as_json(self) -> dict[str, Any]:
        """As in ``gate.json``."""
        return {
            "passed": self.passed,
            "reasons": list(self.reasons),
            "measure": self.measure,
            "margin": self.margin,
            "pictures": self.pictures,
            "objects": self.objects,
            "missing": self.missing,
            "unusable": self.unusable,
            "challenger": rounded(self.challenger),
            "champion": rounded(self.champion),
            "difference": rounded(self.difference),
            "interval": None if self.interval is None else [rounded(end) for end in self.interval],
            "figures": {name: item.as_json() for name, item in self.figures.items()},
            "slices": [item.as_json() for item in self.slices],
            "slices_too_small": self.too_small,
        }


def decide(
    challenger: Found,
    champion: Found | None,
    names: Sequence[str],
    scored: Sequence[int],
    settings: Gate,
    *,
    input_size: tuple[int, int],
    cut_by: Mapping[str, Sequence[float | str | None]],
    seed: int = 0,
) -> Decision:
    """Compare a challenger with the champion on the same pictures.

    It passes when the paired interval of the difference lies above the margin, and no slice with enough objects falls
    by more than its limit. A slice is judged by its plain difference: the limits leave room for chance, since an
    interval for each of dozens of slices would let pass what it cannot tell. The first champion has only to
    reach the floor. On fewer pictures or objects than the settings ask for nothing passes.

    Args:
        challenger: what it found.
        champion: what the champion found; None when there is none.
        names: of the classes of both.
        scored: numbers of those that count.
        settings: measure, margin and limits.
        input_size: (width, height) in which the sizes of objects are told, the same for both models.
        cut_by: values of whole pictures to cut slices by.
        seed: of the resamples.
    """
    ours = table(challenger.results, coco=settings.measure == "ap50")
    objects = int(np.isin(ours.object_classes, scored).sum())
    title = TITLES[settings.measure]
    sampling = resampling(ours.pictures, settings.resamples, seed)
    mine = _drawn(ours, names, scored, challenger.threshold, sampling.weights, settings.measure)
    few = _too_few(ours.pictures, objects, settings)
    if champion is None:
        value = float(mine[0]) if np.isfinite(mine[0]) else None
        reached, known = _first(value, title, settings.floor)
        passed, reasons = reached and not few, (known, *few)
        return Decision(passed, reasons, settings.measure, settings.margin, ours.pictures, objects, challenger=value)
    theirs = table(champion.results, coco=settings.measure == "ap50")
    other = _drawn(theirs, names, scored, champion.threshold, sampling.weights, settings.measure)
    lead = difference(mine, other, sampling)
    ahead, reason = _ahead(lead, title, settings.margin)
    every = _classes(ours, theirs, challenger, champion, names, scored, settings) + _changes(
        challenger, champion, input_size, cut_by, settings
    )
    judged = tuple(item for item in every if item.objects >= settings.least_objects)
    fallen = [item.sentence for item in judged if item.falls]
    small = len(every) - len(judged)
    kept = (
        f"none of the {len(judged)} slices of at least {settings.least_objects} objects falls by more than its limit "
        f"({small} smaller ones are not judged)"
        if judged
        else f"whether a slice falls is not known, since none of {small} has {settings.least_objects} objects"
    )
    falls = tuple(f"falls by more than its limit: {text}" for text in fallen) or (kept,)
    return Decision(
        passed=ahead and not fallen and not few,
        reasons=(reason, *few, *falls),
        measure=settings.measure,
        margin=settings.margin,
        pictures=ours.pictures,
        objects=objects,
        challenger=lead.first,
        champion=lead.second,
        difference=lead.difference,
        interval=lead.interval,
        figures=_figures(lead, ours, theirs, challenger, champion, scored, settings.measure, sampling),
        slices=judged,
        too_small=small,
    )


def _too_few(pictures: int, objects: int, settings: Gate) -> tuple[str, ...]:
    """What the set has too few of to decide anything, in sentences."""
    wanted = (
        (pictures, settings.least_pictures, "pictures", "gate.least_pictures"),
        (objects, settings.least_set_objects, "objects", "gate.least_set_objects"),
    )
    return tuple(
        f"{count} {what} are too few to decide ({key}={least})" for count, least, what, key in wanted if count < least
    )


def _first(value: float | None, title: str, floor: float) -> tuple[bool, str]:
    """Whether a model may be the first champion by its figure."""
    start = "there is no champion yet, and"
    if value is None:
        return False, f"{start} {title} cannot be told on this set"
    if value < floor:
        return False, f"{start} {title} {value:.3f} lies below the floor {floor:g} for the first"
    return True, f"{start} {title} {value:.3f} was measured"


def _figures(
    lead: Difference,
    ours: Table,
    theirs: Table,
    challenger: Found,
    champion: Found,
    scored: Sequence[int],
    measure: str,
    sampling: Resampling,
) -> dict[str, Difference]:
    """The figure that decides, and those that follow from counts."""
    mine = sampled_counts(ours, scored, challenger.threshold, sampling.weights)
    other = sampled_counts(theirs, scored, champion.threshold, sampling.weights)
    counted = {name: difference(mine[name], other[name], sampling) for name in ("f1", "precision", "recall")}
    return counted | {measure: lead}


def _ahead(lead: Difference, title: str, margin: float) -> tuple[bool, str]:
    if lead.first is None or lead.second is None or lead.difference is None:
        return False, f"{title} cannot be told for both models on this set"
    figures = f"{title} {lead.first:.3f} against {lead.second:.3f}, {lead.difference:+.3f}"
    if lead.interval is None:
        return False, f"{figures}, has no interval on so few pictures"
    low, high = lead.interval
    above = low > margin
    return above, (
        f"{figures} with a 95 % interval of {low:+.3f} to {high:+.3f}, {'lies' if above else 'does not lie'} above the "
        f"margin {margin:g}"
    )


def _drawn(
    found: Table, names: Sequence[str], scored: Sequence[int], threshold: float, weights: Any, measure: str
) -> Values:
    if measure == "ap50":
        return sampled_figures(found, names, scored, threshold, weights)[ALL]["ap50"]
    return sampled_counts(found, scored, threshold, weights)["f1"]


def _classes(
    ours: Table,
    theirs: Table,
    challenger: Found,
    champion: Found,
    names: Sequence[str],
    scored: Sequence[int],
    settings: Gate,
) -> list[Change]:
    """Each class by the gate's own measure; a single one is the whole set again."""
    if len(scored) < 2:
        return []
    once = np.ones((1, ours.pictures))
    made = []
    for number in scored:
        new, old = (
            float(_drawn(found, names, [number], threshold, once, settings.measure)[0])
            for found, threshold in ((ours, challenger.threshold), (theirs, champion.threshold))
        )
        objects = int((ours.object_classes == number).sum())
        if np.isfinite(new) and np.isfinite(old):
            limit = settings.slice_limits.get("class", settings.slice_limit)
            made.append(Change("class", names[number], settings.measure, objects, old, new, limit))
    return made


def _changes(
    challenger: Found,
    champion: Found,
    input_size: tuple[int, int],
    cut_by: Mapping[str, Sequence[float | str | None]],
    settings: Gate,
) -> list[Change]:
    """Slices that have objects, under both models."""
    plain = resampling(len(challenger.results), 0)
    new, old = (
        {
            (item.measure, item.bin): item
            for item in object_slices(found.results, found.threshold, input_size, plain)
            + picture_slices(found.results, found.threshold, cut_by, plain)
            if item.objects
        }
        for found in (challenger, champion)
    )
    made = []
    for key, item in new.items():
        value, before = item.values.get(item.judged), old[key].values.get(item.judged)
        if value is not None and before is not None:
            limit = settings.slice_limits.get(item.measure, settings.slice_limit)
            made.append(Change(item.measure, item.bin, item.judged, item.objects, before, value, limit))
    return made
