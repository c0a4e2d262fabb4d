"""A frame plan as USD, with pure pxr.

``build`` fills an open stage; a second call replaces the frame and leaves what both frames share as it is::

    stage = Usd.Stage.CreateInMemory()
    paths = isaac.stage.build(stage, plan, assets)

The stage is in metres with Z up. All of a frame lies below :data:`FRAME`, and its camera is always :data:`CAMERA`, so
that a render product made once stays good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isaac.stage.keys import CAMERA, FRAME, LAMPS, SKY, THINGS, asset_key

__all__ = ["CAMERA", "FRAME", "LAMPS", "SKY", "THINGS", "asset_key", "build"]


def build(stage: Any, plan: Mapping[str, Any], assets: Mapping[str, str]) -> dict[int, str]:
    """Put one frame on an open stage, in place of the frame that is there.

    Args:
        stage: an open ``Usd.Stage``; written to its edit target.
        plan: a ``FramePlan`` as its JSON object (a line of ``plan.jsonl``).
        assets: USD file of every asset by :func:`asset_key` of its placements.

    Returns:
        Prim path of each placement by its instance id. The prim is the root of the instance: it has the transform, the
        label if the placement has one, and ``userProperties:instance``, its id.

    Raises:
        KeyError: when ``assets`` lacks an asset of the plan; the stage is as it was.
    """
    from isaac.stage.frame import build_frame

    return build_frame(stage, plan, assets)
