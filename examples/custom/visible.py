"""An annotator: how much of each labelled thing is seen, and how far the picture around it is, as JSON."""

import json

import numpy as np

from stages.sdg.annotators import View, register_annotator


@register_annotator("visible", "visible.json")
def visible(view: View) -> bytes:
    """Visible share, and median depth of the visible pixels in metres, by instance id."""
    found = {}
    for item in view.label.instances:
        depth = view.passes.depth[view.passes.instance == item.id]
        found[str(item.id)] = {"visible": round(1 - item.occlusion, 4), "depth": round(float(np.median(depth)), 3)}
    return json.dumps(found, sort_keys=True).encode()
