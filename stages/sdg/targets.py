"""Asked against got: how far a data set holds what its targets and presets ask of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stages.common.settings import Settings
from stages.common.settings.targets import MAIN, Histogram
from stages.sdg.label.types import FrameLabel
from stages.sdg.plan.order import Order
from stages.sdg.plan.own import OwnObject
from stages.sdg.plan.seen import Seen, seen
from stages.sdg.plan.types import FramePlan

TOLERANCE = 0.02
"""A share is met when it is off by no more than this, or than one object or frame of a small set."""

ERRORS = 2.0
"""Of pictures, whose shares scatter around those of their plans, it may be off by so many standard errors, too."""

EMPTY: Mapping[str, OwnObject] = {}
HIDDEN = 0.995
"""An object of which more is hidden is not to be seen, by the estimate from a plan."""


@dataclass(frozen=True)
class Shown:
    """What a frame shows.

    Attributes:
        scenario, preset: that it was made with; an empty preset is none.
        items: labelled objects in the picture.
    """

    scenario: str
    preset: str
    items: tuple[Seen, ...]


@dataclass(frozen=True)
class Row:
    """One share that is asked for.

    Attributes:
        target: in words.
        asked: the share.
        got: the share that the set has; None without any object or frame to count.
        number: objects or frames that were counted.
        steered: whether plans are drawn so that they have it; else it is only counted.
        rendered: whether labels were counted, not plans.
    """

    target: str
    asked: float
    got: float | None
    number: int
    steered: bool = True
    rendered: bool = False

    @property
    def tolerance(self) -> float:
        """How far the share may be off."""
        if not self.number:
            return TOLERANCE
        error = math.sqrt(self.asked * (1 - self.asked) / self.number) if self.rendered else 0.0
        return max(TOLERANCE, 1 / self.number, ERRORS * error)

    @property
    def met(self) -> bool:
        """Whether the set has what is asked for."""
        return self.got is not None and abs(self.got - self.asked) <= self.tolerance + 1e-9


def from_plan(plan: FramePlan, labels: Sequence[str], own: Mapping[str, OwnObject] = EMPTY) -> Shown:
    """What a frame will show of some classes, estimated from its plan; ``own`` are the user's own objects by name."""
    items = [item for item in seen(plan.camera, plan.placements, labels, own) if item.occlusion < HIDDEN]
    return Shown(plan.scenario, str(plan.tags.get("preset", "")), tuple(items))


def from_label(label: FrameLabel) -> Shown:
    """What a rendered frame shows, from its labels."""
    items = []
    for item in label.instances:
        left, top, right, bottom = item.xyxy_loose
        items.append(
            Seen(
                id=item.id,
                label=item.class_name,
                width=right - left,
                height=bottom - top,
                relative_height=(bottom - top) / label.height,
                occlusion=item.occlusion,
                truncation=item.truncation,
                distance=item.distance,
            )
        )
    return Shown(label.scenario, str(label.tags.get("preset", "")), tuple(items))


def wanted_labels(settings: Settings) -> list[str]:
    """Classes that the targets ask something of."""
    return sorted({MAIN, *(item.label for item in settings.targets.spread())})


def rows(settings: Settings, frames: Iterable[Shown], *, rendered: bool = False) -> list[Row]:
    """All shares that the settings ask for, beside those that frames have; ``rendered``: by their labels."""
    shown = list(frames)
    found = [*_presets(settings, shown), *_frames(settings, shown)]
    for target in settings.targets.spread():
        found += _histogram(settings, target, shown)
    return [replace(row, rendered=rendered) for row in found]


def _presets(settings: Settings, shown: Sequence[Shown]) -> Iterator[Row]:
    for name, asked in settings.presets.shares.items():
        yield _row(f"frames of preset {name}", asked, [frame.preset == name for frame in shown])


def _frames(settings: Settings, shown: Sequence[Shown]) -> Iterator[Row]:
    targets = settings.targets
    if targets.negatives is not None:
        none = [not any(item.label == MAIN for item in frame.items) for frame in shown]
        yield _row(f"frames without a {MAIN}", targets.negatives, none)
    for name, asked in targets.scenarios.items():
        yield _row(f"frames of scenario {name}", asked, [frame.scenario == name for frame in shown])


def _histogram(settings: Settings, target: Histogram, shown: Sequence[Shown]) -> Iterator[Row]:
    counted = settings.targets.counted
    objects = [[item for item in frame.items if item.label == target.label and item.counts(counted)] for frame in shown]
    values = (
        [float(len(items)) for items in objects]
        if target.of == "count"
        else [float(getattr(item, target.of)) for items in objects for item in items]
    )
    bins = list(zip(target.edges[:-1], target.edges[1:], target.shares, strict=True))
    for number, (low, high, asked) in enumerate(bins):
        last = number == len(bins) - 1
        within = Order({"count": (low, high + 1e-6 * last)})
        what = f"frames with {low:g} to {high:g} of" if target.of == "count" else f"{target.of} {low:g} to {high:g} of"
        hits = [within.within("count", value) for value in values]
        yield replace(_row(f"{what} {target.label}", asked, hits), steered=target.label == MAIN)


def _row(target: str, asked: float, hits: Sequence[bool]) -> Row:
    return Row(target, asked, float(np.mean(hits)) if hits else None, len(hits))


def table(planned: Sequence[Row], rendered: Sequence[Row] | None = None) -> str:
    """Asked against got as lines of text; what is missed is marked, by the labels where there are some.

    Args:
        planned: shares that the plans have.
        rendered: the same of the labels.
    """
    width = max([len(row.target) for row in planned] + [6])
    lines = [f"{'target':<{width}}  asked  planned" + ("  rendered" if rendered else "") + "  counted"]
    for plan, row in zip(planned, rendered or planned, strict=True):
        line = f"{row.target:<{width}}  {row.asked:5.1%}  {_percent(plan.got):>7}"
        if rendered:
            line += f"  {_percent(row.got):>8}"
        marks = [_verdict(plan, row), "" if row.steered else "not steered"]
        lines.append("  ".join(filter(None, [f"{line}  {row.number:7}", *marks])))
    return "\n".join(lines)


def _verdict(plan: Row, row: Row) -> str:
    """Mark of a target: that of ``row``, and where labels were counted what the plan alone would say."""
    if not row.rendered:
        return "" if row.met else "MISSED"
    if row.met:
        return "" if plan.met else "(missed by plan)"
    return "MISSED (met by plan)" if plan.met else "MISSED (by plan, too)"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def missed(planned: Sequence[Row], rendered: Sequence[Row] | None = None) -> str:
    """A sentence on the shares that were missed, by the labels where there are some; empty when there are none."""
    lost = [(plan, row) for plan, row in zip(planned, rendered or planned, strict=True) if not row.met]
    if not lost:
        return ""
    plan, worst = max(lost, key=lambda pair: abs((pair[1].got or 0.0) - pair[1].asked))
    if not worst.steered:
        step = "nothing steers it, so change what scenarios put up, or remove it"
    elif plan.met and worst.rendered:
        step = "its plans have it, so ask for more or less of it by what the pictures are off"
    else:
        step = "widen what contradicts it in randomization or scene, or ask for less"
    return (
        f"{len(lost)} of {len(planned)} target shares missed, {worst.target} the most ({worst.asked:.1%} asked, "
        f"{_percent(worst.got)} got): {step}"
    )


def as_json(planned: Sequence[Row], rendered: Sequence[Row] | None = None) -> dict[str, Any]:
    """The report as plain values; ``met`` is the verdict on the labels where there are some, else on the plans."""
    entries = []
    for plan, row in zip(planned, rendered or planned, strict=True):
        entry = {"target": row.target, "asked": row.asked, "steered": row.steered, "met": row.met}
        entry |= {"tolerance": round(row.tolerance, 6), "number": row.number}
        entry |= {"got": plan.got, "planned_number": plan.number, "planned_met": plan.met}
        if rendered:
            entry["rendered"] = row.got
        entries.append(entry)
    return {"tolerance": TOLERANCE, "standard_errors": ERRORS, "targets": entries}
