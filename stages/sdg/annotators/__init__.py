"""What is written of each frame: one function each, and the registry that knows them."""

from stages.sdg.annotators.registry import (
    Annotator,
    View,
    annotate,
    annotator_names,
    passes_needed,
    register_annotator,
    suffixes,
)

__all__ = ["Annotator", "View", "annotate", "annotator_names", "passes_needed", "register_annotator", "suffixes"]
