"""An annotator that keeps what Isaac Sim itself said of a frame; the check loads it as users load their own."""

from __future__ import annotations

from stages.sdg.annotators import View, register_annotator


@register_annotator("isaac_says", "isaac.json")
def isaac_says(view: View) -> bytes:
    """Its boxes and the journal's facts, as JSON; ``{}`` from another renderer."""
    told = view.passes.extra.get("isaac")
    return b"{}" if told is None else told.tobytes()
