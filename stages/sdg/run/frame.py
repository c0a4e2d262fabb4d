"""One frame from its number to its bytes."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stages.common.custom import load_custom
from stages.common.settings import Settings
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.passes import RendererBackend
from stages.sdg.shards.records import plan_to_line


@dataclass
class Frame:
    """A finished frame.

    Attributes:
        plan: its line of ``plan.jsonl``.
        members: contents by suffix.
        seconds: time by what it was spent on; ``render`` is the renderer's own.
    """

    plan: str
    members: dict[str, bytes]
    seconds: dict[str, float] = field(default_factory=dict)


def make_frame(settings: Settings, renderer: RendererBackend, number: int) -> Frame:
    """Plan, render, label and encode one frame.

    Raises:
        RenderError: when the renderer cannot render it.
        SettingsError: when the settings name a scenario, asset or annotator that is not registered.
    """
    from stages.sdg.annotators import View, annotate, passes_needed
    from stages.sdg.label.labels import label_frame
    from stages.sdg.plan.planner import plan_frame

    load_custom(settings.custom)
    annotators = [*settings.dataset.frames.annotators, *settings.custom.annotators]
    seconds = defaultdict[str, float](float)
    with _timed(seconds, "plan"):
        plan = plan_frame(settings, number)
        line = plan_to_line(plan)
    with _timed(seconds, "backend"):
        passes = renderer.render(plan, normals="normals" in passes_needed(annotators))
    with _timed(seconds, "label"):
        label = label_frame(plan, passes, settings.scene.classes)
    with _timed(seconds, "encode"):
        members = annotate(View(plan, passes, label, settings.scene.classes), annotators)
    # What the renderer does not account for itself is its overhead.
    seconds["backend"] = max(0.0, seconds["backend"] - sum(passes.seconds.values()))
    return Frame(line, members, {**seconds, **passes.seconds})


def describe_plan(plan: FramePlan) -> str:
    """A plan in one line, for messages."""
    labelled = Counter(item.label for item in plan.placements if item.label)
    things = ", ".join(f"{count} {name}" for name, count in sorted(labelled.items())) or "none of them labelled"
    return (
        f"{plan.split} frame {plan.frame} of seed {plan.seed}: scenario {plan.scenario}, "
        f"{plan.camera.width}x{plan.camera.height}, {len(plan.placements)} things ({things}), {len(plan.lamps)} lamps"
    )


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] += time.perf_counter() - start
