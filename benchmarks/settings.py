"""Settings for benchmarks: the usual ones, on the CPU, with few frames."""

from __future__ import annotations

from stages.common.settings import Settings
from stages.compose.compose import compose_settings


def on_cpu(count: int, samples: int, bounces: int, *overrides: str) -> Settings:
    """The composed settings with ``count`` frames and no test frames; fewer than a whole run would allow, too."""
    settings = compose_settings(
        [
            "renderer=blender",
            "renderer.runtime.device=cpu",
            f"renderer.samples={samples}",
            f"renderer.bounces={bounces}",
            *overrides,
        ]
    )
    frames = settings.dataset.frames.model_copy(update={"count": count, "test_count": 0})
    return settings.model_copy(update={"dataset": settings.dataset.model_copy(update={"frames": frames})})
