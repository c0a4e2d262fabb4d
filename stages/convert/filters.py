"""Which objects are worth learning."""

from __future__ import annotations

from collections.abc import Iterable

from stages.common.settings.pictures import Convert
from stages.convert.forks import shows_slivers
from stages.convert.types import Dropped, Reason
from stages.sdg.label.types import InstanceLabel


def reason_to_drop(instance: InstanceLabel, settings: Convert) -> Reason | None:
    """First rule that an object fails, or None.

    ``hidden``: less than ``min_visible`` of what lies inside the picture can be seen, or nothing but forks that
    ``fork_rule`` leaves out. ``small``: its tight box is
    narrower or lower than ``min_box`` pixels. ``truncated``: more than ``max_truncation`` lies outside the picture.
    """
    left, top, right, bottom = instance.xyxy
    only_slivers = instance.xyxy_body is None and shows_slivers(instance, settings)
    if instance.occlusion > 1 - settings.min_visible or only_slivers:
        return "hidden"
    if min(right - left, bottom - top) < settings.min_box:
        return "small"
    return "truncated" if instance.truncation > settings.max_truncation else None


def sort_out(
    instances: Iterable[InstanceLabel], settings: Convert
) -> tuple[tuple[InstanceLabel, ...], tuple[Dropped, ...]]:
    """Objects to learn, and the others with the reason."""
    kept, dropped = [], []
    for instance in instances:
        reason = reason_to_drop(instance, settings)
        if reason is None:
            kept.append(instance)
        else:
            dropped.append(Dropped(instance, reason))
    return tuple(kept), tuple(dropped)
