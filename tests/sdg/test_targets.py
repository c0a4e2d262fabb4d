"""Asked against got: the report, the command, and the estimate against rendered labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stages.sdg.cli import main
from stages.sdg.label.labels import label_frame
from stages.sdg.plan.planner import plan_frame
from stages.sdg.render.registry import create_renderer
from stages.sdg.run.job import render_frames
from stages.sdg.targets import Row, as_json, from_label, from_plan, missed, table
from tests.settings import compose


def test_rows_are_met_within_two_points_or_one_object() -> None:
    assert Row("a", 0.1, 0.12, 500).met
    assert not Row("a", 0.1, 0.121, 500).met
    assert Row("a", 0.1, 0.2, 10).met
    assert not Row("a", 0.1, None, 0).met
    found = [Row("some", 0.1, 0.1, 500), Row("others", 0.1, 0.3, 500)]
    assert table(found).count("MISSED") == 1
    assert missed(found).startswith("1 of 2 target shares missed, others the most (10.0% asked, 30.0% got): ")
    assert missed(found[:1]) == ""


def test_where_pictures_were_counted_the_verdict_is_on_them() -> None:
    planned = [Row("lost", 0.2, 0.2, 1000), Row("won", 0.2, 0.3, 1000), Row("both", 0.2, 0.3, 1000)]
    got = [Row("lost", 0.2, 0.12, 900, rendered=True), Row("won", 0.2, 0.2, 900, rendered=True)]
    got.append(Row("both", 0.2, 0.3, 900, rendered=True))
    lines = table(planned, got).splitlines()
    assert lines[1].split("  ")[-1] == "MISSED (met by plan)"
    assert lines[2].endswith("900  (missed by plan)")
    assert lines[3].endswith("900  MISSED (by plan, too)")
    written = as_json(planned, got)["targets"]
    assert [(entry["met"], entry["planned_met"]) for entry in written] == [(False, True), (True, False), (False, False)]
    assert (written[0]["got"], written[0]["rendered"]) == (0.2, 0.12)
    assert "(20.0% asked, 12.0% got): its plans have it, so ask for more" in missed(planned[:1], got[:1])


def test_few_pictures_may_be_off_by_two_standard_errors() -> None:
    assert Row("a", 0.2, 0.27, 100, rendered=True).tolerance == pytest.approx(0.08)
    assert not Row("a", 0.2, 0.27, 100).met
    assert Row("a", 0.2, 0.27, 100, rendered=True).met
    assert not Row("a", 0.2, 0.27, 400, rendered=True).met
    assert Row("a", 0.2, 0.27, 10**6, rendered=True).tolerance == 0.02


def test_strict_makes_a_missed_share_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    pallets = "targets.histograms=[{label:pallet,of:distance,edges:[0,20,40],shares:[0,1]}]"
    assert main(["targets", "-n", "6", "--strict", pallets]) == 1
    told = capsys.readouterr()
    assert told.out.count("MISSED  not steered") == 2
    assert "error: 2 of 2 target shares missed, distance " in told.err
    assert "nothing steers it, so change what scenarios put up, or remove it" in told.err
    assert main(["targets", "-n", "12", "--strict", "targets.negatives=0.25"]) == 0


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "-n", "12", "targets.negatives=0.25"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["target", "asked", "planned", "counted"]
    assert out[1].split()[-3:] == ["25.0%", "25.0%", "12"]
    assert out[-1] == "all 1 target shares are met by 12 plans"
    assert main(["targets", "-n", "1"]) == 0
    assert capsys.readouterr().out.startswith("nothing is asked: choose targets=loco_like")


def test_what_cannot_be_met_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    pallets = "targets.histograms=[{label:pallet,of:distance,edges:[0,20,40],shares:[0,1]}]"
    assert main(["targets", "-n", "6", pallets]) == 0
    out = capsys.readouterr().out
    assert out.count("MISSED") == 2
    assert "target shares missed" in out.splitlines()[-1]


def test_a_run_writes_asked_and_got_beside_its_inputs(tmp_path: Path) -> None:
    small = ("dataset.frames.test_count=2", "dataset.frames.sizes=[160x120]", "renderer.runtime.workers=1")
    report = render_frames(compose(*small, "targets.negatives=0.25"), tmp_path / "frames")
    written = json.loads((tmp_path / "frames" / "inputs" / "targets.json").read_text())
    (row,) = written["targets"]
    assert row["met"]
    assert row["got"] == pytest.approx(row["rendered"], abs=0.06)
    assert row["planned_met"]
    assert "rendered" in report.targets


def test_the_estimate_is_near_what_is_rendered() -> None:
    asked = compose("dataset.frames.sizes=[320x240]", "targets=loco_like", "randomization.content.flying=0")
    renderer = create_renderer("fake", asked.renderer)
    pairs = []
    for frame in range(24):
        plan = plan_frame(asked, frame)
        found = {item.id: item for item in from_plan(plan, ["pallet_truck"]).items}
        real = from_label(label_frame(plan, renderer.render(plan), ["pallet_truck"])).items
        pairs += [(found[item.id], item) for item in real if item.id in found and item.occlusion < 0.9]
    assert len(pairs) > 20
    heights = np.array([one.height / other.height for one, other in pairs])
    assert 0.9 < np.median(heights) < 1.1
    assert np.mean([abs(one.occlusion - other.occlusion) for one, other in pairs]) < 0.2
    assert np.mean([abs(one.truncation - other.truncation) for one, other in pairs]) < 0.1
    assert np.mean([(one.occlusion > 0.5) == (other.occlusion > 0.5) for one, other in pairs]) > 0.8
