"""A labelled frame, as it is written beside its picture."""

from __future__ import annotations

from dataclasses import dataclass

from stages.sdg.plan.types import Split

Xyxy = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; right and bottom exclusive."""


@dataclass(frozen=True)
class InstanceLabel:
    """One labelled object that has at least one visible pixel.

    Attributes:
        id: value in the instance mask.
        class_name: its class.
        family, variant: the asset that it is.
        xyxy: tight box, the exact extent of its visible pixels.
        xyxy_loose: box of the unoccluded object, clipped to the picture.
        visible_pixels: pixels in the instance mask.
        occlusion: share of its unoccluded pixels inside the picture that something hides, 0 to 1.
        truncation: share of the unoccluded object outside the picture, 0 to 1.
        distance: metres along the optical axis to its nearest visible pixel.
        xyxy_body: tight box of what is seen of it besides its forks; None when it has no forks, or nothing else of it
            is seen.
        forks_visible: share of its forks' pixels that can be seen, of those that could be were nothing else in front
            of it, 0 to 1; None when it has no forks in the picture.
    """

    id: int
    class_name: str
    family: str
    variant: int
    xyxy: Xyxy
    xyxy_loose: Xyxy
    visible_pixels: int
    occlusion: float
    truncation: float
    distance: float
    xyxy_body: Xyxy | None = None
    forks_visible: float | None = None


@dataclass(frozen=True)
class FrameLabel:
    """All labels of one frame.

    Attributes:
        frame: its number.
        split: ``train`` (also validation) or ``test``.
        scenario: sampler that arranged it.
        width, height: in pixels.
        instances: labelled objects, by id.
        tags: the plan's values to slice by.
    """

    frame: int
    split: Split
    scenario: str
    width: int
    height: int
    instances: tuple[InstanceLabel, ...]
    tags: dict[str, float | str]
