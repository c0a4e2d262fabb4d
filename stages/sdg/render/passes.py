"""The contract between renderers and labels: what every backend hands over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.sdg.plan.types import FramePlan, Placement


@dataclass(frozen=True)
class Amodal:
    """An instance as it would be seen with nothing in front of it.

    Attributes:
        pixels: its pixels inside the picture.
        total_pixels: its pixels on an endless picture plane (cut off one picture size beyond each border).
        xyxy: extent in pixels, maxima exclusive, not clipped to the picture.
        parts: pixels inside the picture that show each of :data:`stages.sdg.assets.types.PARTS` when nothing but the
            object itself hides them; empty for what is all body.
    """

    pixels: int
    total_pixels: int
    xyxy: tuple[float, float, float, float]
    parts: tuple[int, ...] = ()


@dataclass
class Passes:
    """One rendered frame before it is labelled.

    Attributes:
        linear: (H, W, 3) float32, linear light, scene-referred (may exceed 1).
        instance: (H, W) uint16, placement ids, 0 where nothing is.
        depth: (H, W) float32, metres along the camera's Z axis, +inf where nothing is.
        amodal: unoccluded extent by placement id, at least for the labelled placements that are seen.
        normals: (H, W, 3) float32 in world coordinates when asked for.
        seconds: time spent by what it was spent on: ``build``, ``render``, ``read``, ``amodal``.
        parts: (H, W) uint8, place in :data:`stages.sdg.assets.types.PARTS` of what a pixel shows, 0 where nothing is;
            None from a renderer that does not know.
        inside: things that the renderer found inside other people's files by rules, which the plan does not hold: where
            the thing that each is in stands, with an id of its own and its class. They have 2D labels alone.
        extra: what else a renderer was asked for, by name; for annotators of your own.
    """

    linear: NDArray[np.float32]
    instance: NDArray[np.uint16]
    depth: NDArray[np.float32]
    amodal: dict[int, Amodal]
    normals: NDArray[np.float32] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    parts: NDArray[np.uint8] | None = None
    inside: tuple[Placement, ...] = ()
    extra: dict[str, NDArray[Any]] = field(default_factory=dict)


def ids_in(instance: NDArray[np.uint16]) -> list[int]:
    """Ids that occur in an array of any shape, rising; ``np.unique`` sorts all pixels for that."""
    return [int(number) for number in np.flatnonzero(np.bincount(instance.ravel()))]


class RendererBackend(Protocol):
    """A renderer. One object lives in one worker process and renders frame after frame."""

    def render(self, plan: FramePlan, *, normals: bool = False) -> Passes:
        """Render one plan.

        Raises:
            RenderError: when the frame cannot be rendered; the next frame may still be.
        """
        ...

    def save_scene(self, plan: FramePlan, path: str) -> None:
        """Write the plan's scene in the backend's own file format (``.blend``, ``.usda``).

        Raises:
            RenderError: when this backend has no such format.
        """
        ...

    def close(self) -> None:
        """Let go of everything; the object is not used again."""
        ...
