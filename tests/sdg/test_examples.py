"""The worked examples of the documentation work as they stand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from stages.sdg.assets import catalogue
from stages.sdg.assets.catalogue import build_asset, families
from stages.sdg.plan.draft import scenarios
from stages.sdg.plan.planner import plan_frame
from tests.sdg.plan.drafts import only
from tests.settings import REPOSITORY


def run_example(page: str) -> None:
    """Execute the Python of a page."""
    (source,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / page).read_text(), re.DOTALL)
    exec(compile(source, page, "exec"), {"__name__": "example"})


def test_the_scenario_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.sdg.plan.draft._SCENARIOS", scenarios())
    run_example("scenarios.md")
    found = [plan_frame(only("cold_store"), frame) for frame in range(12)]
    assert sum(int(plan.tags["trucks"]) for plan in found) >= 8
    assert all(len(plan.placements) > 30 for plan in found)


def test_the_family_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    families()
    monkeypatch.setattr(catalogue, "_FAMILIES", dict(catalogue._FAMILIES))
    run_example("assets.md")
    one, two = (build_asset("step_stool", 0, {"steps": steps, "random_colour": True}) for steps in (1, 2))
    assert two.size[2] == pytest.approx(2 * one.size[2])
    assert np.concatenate([part.vertices for part in two.parts])[:, 2].min() == 0


def test_every_family_is_in_the_documentation() -> None:
    page = (REPOSITORY / "docs" / "assets.md").read_text()
    assert {family for family in families() if f"`{family}`" not in page} == set()


def test_every_scenario_is_in_the_documentation() -> None:
    page = (REPOSITORY / "docs" / "scenarios.md").read_text()
    assert {name for name in scenarios() if f"| `{name}` |" not in page} == set()
