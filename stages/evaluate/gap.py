"""The gap between renders and photographs: what is in them, and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stages.common.settings.learning import Evaluate
from stages.evaluate.appearance import Look, Spectrum, appearance_gap, looks, sample
from stages.evaluate.content import Contrast, content_gap
from stages.evaluate.features import FeatureGap, feature_gap
from stages.evaluate.inference import Model
from stages.evaluate.metrics import rounded
from stages.evaluate.truth import LabelledPicture, LabelledSet


@dataclass(frozen=True)
class Gap:
    """Between the rendered frames and one real set.

    Attributes:
        classes: names of those whose boxes are compared.
        content: by measure.
        looks, spectrum, features: of the appearance; empty and None where there was nothing to compare or it was
            left out.
    """

    classes: tuple[str, ...]
    content: tuple[Contrast, ...]
    looks: tuple[Look, ...] = ()
    spectrum: Spectrum | None = None
    features: FeatureGap | None = None

    def metrics(self) -> dict[str, Any]:
        """As in ``metrics.json``: one distance for each measure."""
        made: dict[str, Any] = {"content": {item.measure: rounded(item.total_variation) for item in self.content}}
        if self.looks:
            made["appearance"] = {item.measure: rounded(item.wasserstein) for item in self.looks}
        if self.spectrum:
            made.setdefault("appearance", {})["noise_spectrum_decibels"] = rounded(self.spectrum.distance)
        if self.features:
            made["kid"] = rounded(self.features.kid)
        return made

    def details(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        return {
            "classes": list(self.classes),
            "content": {item.measure: item.as_json() for item in self.content},
            "appearance": {item.measure: item.as_json() for item in self.looks},
            "noise_spectrum": self.spectrum.as_json() if self.spectrum else None,
            "features": self.features.as_json() if self.features else None,
        }


def measure_gap(
    model: Model, learnt: Sequence[LabelledPicture], shown: LabelledSet, real: LabelledSet, settings: Evaluate
) -> Gap:
    """Compare renders with photographs.

    Args:
        model: whose input size and backbone everything is seen through.
        learnt: rendered frames whose labels are compared, those that the model learns from.
        shown: rendered frames whose pixels are compared.
        real: photographs.
        settings: how many pictures to look at, at most.
    """
    size = model.detector.input_size
    both = [number for number in real.scored if number in shown.scored]
    content = tuple(content_gap(learnt, real.pictures, both, size))
    names = tuple(model.detector.names[number] for number in both)
    if not settings.appearance_pictures:
        return Gap(names, content)
    ours, theirs = (
        [pictures[place] for place in sample(pictures, settings.appearance_pictures, settings.seed)]
        for pictures in (shown.pictures, real.pictures)
    )
    seen = appearance_gap(looks(ours, size, model.cache), looks(theirs, size, model.cache))
    features = feature_gap(model, ours, theirs, settings.seed)
    scalars, spectrum = seen or ([], None)
    return Gap(names, content, tuple(scalars), spectrum, features)
