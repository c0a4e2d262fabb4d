"""Targets and presets: what is refused, and in which words."""

# ruff: noqa: E501  one case a line

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.common.test_settings import refusals

HIDDEN = {"label": "pallet_truck", "of": "occlusion", "above": 0.5, "share": 0.2}
COUNTS = {"label": "pallet_truck", "of": "count", "edges": [0, 1, 3], "shares": [0.3, 0.7]}


def heights(**changes: Any) -> list[dict[str, Any]]:
    return [{"label": "pallet_truck", "of": "height", "edges": [6, 50, 100], "shares": [0.5, 0.5], **changes}]


CASES = [
    ({"targets.negatives": 1.5}, "targets.negatives is 1.5: give a number of at least 0 and at most 1"),
    ({"targets.shares": [{**HIDDEN, "labl": 1}]}, r"targets.shares.*labl is not a setting: .*"),
    ({"targets.shares": [{**HIDDEN, "label": "crate"}]}, r"targets.shares\[0\].label is 'crate': give one of small_load_carrier, .*"),
    ({"targets.shares": [HIDDEN, HIDDEN]}, r"targets.shares\[1\] and targets.shares\[0\] both ask for occlusion of pallet_truck: keep one of them"),
    ({"targets.shares": [HIDDEN, {**HIDDEN, "above": 0.3, "share": 0.4}]}, r"targets.shares\[1\] and .* keep one of them, or give one of targets.histograms with edges: \[0, 0.3, 0.5, 1\] and a share for each bin"),
    ({"targets.scenarios": [["negative", 0.6], ["dock", 0.4]], "targets.negatives": 0.1}, "targets.scenarios asks for 0.6 of frames without trucks, but targets for 0.1 negatives: make them agree"),
    ({"targets.scenarios": [["negative", 0.6], ["dock", 0.4]], "targets.histograms": [COUNTS]}, "targets.scenarios asks for 0.6 of frames without trucks, but targets for 0.3 negatives: make them agree"),
    ({"targets.scenarios": [["negative", 1.0]], "targets.shares": [HIDDEN]}, "targets.scenarios leaves no pallet_truck to ask occlusion of: ask for other scenarios, too"),
    ({"assets": [{"name": "a", "source": "a.glb", "class": "pallet", "size": {"height": -1.0}}]}, r"assets\[0\].size.height is -1.0: give a number above 0 and at most 200"),
    ({"targets.shares": [{**HIDDEN, "above": 0.95}]}, r"targets.shares\[0\] asks for occlusion above 0.95, but targets.counted.min_visible leaves out .* than 0.9: ask for less"),
    ({"targets.histograms": heights(shares=[0.5, 0.6])}, r"targets.histograms\[0\] has shares that sum up to 1.1: give shares that sum up to 1"),
    ({"targets.histograms": heights(shares=[1.0])}, r"targets.histograms\[0\] has 3 edges and 1 shares: .*"),
    ({"targets.histograms": heights(edges=[6, 100, 50])}, r"targets.histograms\[0\] has edges that do not rise from 0 or more: .*"),
    ({"targets.histograms": heights(edges=[6, 500, 1000])}, r"targets.histograms\[0\] asks for height above 500, but no picture of dataset.frames.sizes is higher than 120: .*"),
    ({"targets.negatives": 0.1, "targets.histograms": [COUNTS]}, "targets.negatives=0.1 contradicts the histogram of pallet_truck counts, which asks for none in 0.3 .*"),
    ({"targets.negatives": 1.0, "targets.shares": [HIDDEN]}, "targets.negatives=1 leaves no pallet_truck to ask occlusion of: ask for fewer negatives"),
    ({"targets.scenarios": [["aisle", 0.5]]}, "targets.scenarios sum up to 0.5: give shares of all frames, together 1"),
    ({"targets.shares": [HIDDEN], "scene.classes": ["pallet"]}, r"targets.shares\[0\] asks for pallet_truck, which scene.classes does not label: .*"),
    ({"presets.shares": [["night", 0.1]]}, "presets.shares names night, which is no case: .*"),
    ({"presets.cases": {"night": {"randomization": {"light": {"exposur": 1}}}}}, r"presets.cases.night: randomization.light.exposur is not a setting: did you mean randomization.light.exposure\?"),
    ({"presets.cases": {"high": {"randomization": {"camera": {"height": 30}}}}}, "presets.cases.high: randomization.camera.height is 30: stay within 0.05 to 20"),
    ({"presets.cases": {"near": {"truck": {"occlusion": [0.9, 0.1]}}}}, "presets.cases.near.truck.occlusion is .*: give .* within 0 to 1"),
    ({"presets.cases": {"odd": {"scenarios": {"aisle": 0.0}}}}, "presets.cases.odd.scenarios cannot be drawn from: .*"),
    ({"presets.cases": {"a": {}, "b": {}}, "presets.shares": [["a", 0.7], ["b", 0.7]]}, "presets.shares sum up to 1.4: .*"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_each_mistake_has_its_sentence(changes: dict[str, Any], sentence: str) -> None:
    (found,) = refusals(changes)
    assert re.fullmatch(sentence, found), found
