"""The report as its readers meet it: in a browser, from a file, without a network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.detection import Detector
from stages.evaluate.appearance import Look, Spectrum
from stages.evaluate.bootstrap import resampling
from stages.evaluate.calibration import calibration
from stages.evaluate.compare import Difference, compare_published, difference
from stages.evaluate.content import content_gap
from stages.evaluate.features import FeatureGap
from stages.evaluate.gallery import View, gallery
from stages.evaluate.gap import Gap
from stages.evaluate.gate_report import put_into_reports
from stages.evaluate.measure import Measured, Scale
from stages.evaluate.metrics import ALL, confusion, sampled_counts, score
from stages.evaluate.mistakes import mistakes
from stages.evaluate.plots import charts, curves
from stages.evaluate.report import Section, fitting, measured, unmeasured, write_report
from stages.evaluate.run import Evaluation, write_results
from stages.evaluate.slices import object_slices, worst
from stages.evaluate.table import table
from stages.evaluate.truth import LabelledSet
from tests.browser import NARROW, WIDE, overflow, wait_until
from tests.evaluate.conftest import write_photograph
from tests.evaluate.results import result
from tests.tiny_models import write_constant_model

OpenPage = Callable[..., Any]
NAMES = ("pallet", "pallet_truck")
NASTY = "</script><img src=x onerror=alert(1)> `@all` |"
LONG = "a-very-long-name-of-a-photograph-without-any-place-to-break-it-in-two-" * 3
THRESHOLD = 0.5
MODEL = {"file": "m.onnx", "classes": NAMES, "input_size": [9, 9], "threshold": THRESHOLD, "threshold_chosen": True}


def made_up(folder: Path, key: str = "hall", pictures: int = 12, size: tuple[int, int] = (100, 100)) -> Measured:
    """A set with hits, misses, false positives and an ignore region in every third picture.

    Someone published detections of the same pictures, and another input size was tried.
    """
    rng = np.random.default_rng(4)
    results, theirs = [], []
    for number in range(pictures):
        name = NASTY.replace("/", "∕") if number == 0 else f"{LONG}{number}.png"
        path = write_photograph(folder / f"{number}.png", *size, seed=number)
        there = [(10, 10, 40, 60, 0, 0), (50, 20, 90, 90, 1, 0), (60, 0, 99, 15, 0, number % 3 == 0)]
        found = [(11, 9, 40, 60, 0.9 - number / 40, 0), (0, 70, 30, 95, 0.3 + number / 20, 1)]
        found += [(52, 20, 90, 90, float(rng.uniform(0.2, 0.9)), 1), (62, 1, 98, 14, 0.6, 0)]
        found += [(0, 0, 8, 8, 0.99, 0), (90, 0, 99, 9, 0.98, 1)] if number == 0 else []
        item = result(found, there, path=path)
        results.append(replace(item, picture=replace(item.picture, name=name, path=path)))
        theirs.append(result(found[: 1 + number % 2], there, path=path))
    sampling, found_table = resampling(len(results), 50), table(results)
    slices = object_slices(results, THRESHOLD, (100, 100), sampling)
    scores = score(found_table, NAMES, (0, 1), THRESHOLD, sampling)
    gain = difference(*(sampled_counts(found_table, (0, 1), at, sampling.weights)["f1"] for at in (0.7, 0.5)), sampling)
    labelled = LabelledSet(key, NAMES, (0, 1), tuple(item.picture for item in results), ("gone.jpg",), ("person",))
    return Measured(
        key=key,
        labelled=labelled,
        scores=scores,
        curves=curves(found_table, NAMES, (0, 1)),
        pairs=confusion(results, NAMES, THRESHOLD),
        shown=tuple(gallery(key, results, THRESHOLD, NAMES, (100, 100))),
        unusable=(f"'{NASTY}' is not a picture that can be decoded",),
        published={"nvidia": compare_published(found_table, table(theirs), (0, 1), THRESHOLD, sampling)},
        scales=(Scale(0.5, score(found_table, NAMES, (0, 1), 0.7, sampling), gain.difference, gain.interval),),
        slices=tuple(slices),
        worst=tuple(worst(slices, scores.overall.values)),
        mistakes=mistakes(results, NAMES, (0, 1), THRESHOLD),
        calibration={name: calibration(found_table, (0, 1), sampling) for name in (*NAMES, ALL)},
    )


def made_up_gap(item: Measured) -> Gap:
    """Between the first and the second half of a set's pictures, and two looks."""
    pictures = item.labelled.pictures
    low, high = np.linspace(0.1, 0.4, 5), np.linspace(0.3, 0.8, 5)
    frequencies = np.linspace(0.03, 0.5, 16)
    return Gap(
        NAMES,
        tuple(content_gap(pictures[:6], pictures[6:], (0, 1), (100, 100))),
        (Look("luminance", low, high, 0.3, 1.75), Look("contrast", low, low, 0.0, None)),
        Spectrum(frequencies, -20 * frequencies, -30 * frequencies, 2.9),
        FeatureGap(0.125, 0.031, "backbone", 64, 6, 6),
    )


@pytest.fixture(scope="module")
def item(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return made_up(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def report(item: Measured, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a report")
    model = write_constant_model(folder / "m.onnx", NAMES, (100, 100), [], threshold=THRESHOLD)
    sim = replace(item, key="sim", shown=item.shown[:3], published={})
    outcome = Evaluation({}, sim, {"hall": item}, {"hall": made_up_gap(item)})
    write_results(folder / "reports", Detector(model), "run7", outcome, {"model": "m.onnx, sha256 " + "a1" * 32})
    return folder / "reports/report.html"


def boxes(page: Any, kind: str, gallery: str = "hall") -> int:
    """Boxes of a kind that can be seen among the pictures with the most errors."""
    shown = page.locator(f".gallery[data-set={gallery}] .views.worst .box.{kind}")
    return sum(item.is_visible() for item in shown.all())


def scroll(page: Any) -> None:
    """To the pictures, until the first of them is there."""
    page.locator(".gallery[data-set=hall] .views.worst").scroll_into_view_if_needed()
    wait_until(page, lambda: page.locator(".gallery[data-set=hall] .views.worst img").count() == 4)


def test_the_verdict_comes_first(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    headings = page.locator("h2").all_text_contents()
    assert headings[:4] == ["Verdict", "Real photographs: hall", "Held-out renders", "Provenance"]
    tiles = page.locator("#verdict .tile").all()
    assert [tile.locator("span").first.text_content() for tile in tiles] == ["F1", "precision", "recall", "AP50"]
    for tile in tiles:
        assert re.fullmatch(r"0\.\d{3}", tile.locator("b").first.text_content())
        assert re.fullmatch(r"\d\.\d\d to \d\.\d\d", tile.locator("small").first.text_content())
    assert "has not decided about this model yet" in page.locator("#verdict").text_content()
    assert "a1a1" in page.locator("#provenance").text_content()
    order = page.locator("#set-hall h3").all_text_contents()
    assert order[:4] == [
        "Pictures with the most errors", "Largest missed objects", "Surest false positives", "Hardest hits",
    ]  # fmt: skip
    assert order.index("Slices") < order.index("Curves") < order.index("Kinds of error")


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_others_detections_stand_in_the_verdict(item: Measured, size: Any, report: Path, open_page: OpenPage) -> None:
    page = open_page(report, size)
    told = item.published["nvidia"].as_json()
    for key, title in (("f1", "F1"), ("precision", "precision"), ("recall", "recall")):
        tile = page.locator("#verdict .tile", has=page.get_by_text(title, exact=True))
        line = tile.locator("li").filter(has_text="published by nvidia")
        assert line.is_visible()
        text = " ".join(line.text_content().split())
        ahead = told["ahead"][key]
        assert f"published by nvidia {told[key]:.3f} {ahead['difference']:+.3f}".replace("-", "−") in text
        assert ("may be chance" in text) == (ahead["interval"][0] <= 0 <= ahead["interval"][1])
    assert page.get_by_text("Beside published detections, at IoU 0.5 on the same photographs").is_visible()
    assert page.locator("#set-hall tr", has_text="published by nvidia").is_visible()
    assert overflow(page) == 0


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_gap_and_other_input_sizes_are_shown(size: Any, report: Path, open_page: OpenPage) -> None:
    page = open_page(report, size)
    hall = page.locator("#set-hall")
    assert hall.locator(".histogram").count() >= 4
    bars = hall.locator(".histogram").first.locator("i.real, i.sim")
    assert max(bar.bounding_box()["height"] for bar in bars.all()) > 20, "bars can be told apart"
    assert "luminance" in hall.get_by_role("row", name="luminance").text_content()
    text = hall.text_content()
    assert "Noise spectra differ by 2.900 dB." in text
    assert re.search(r"0\.125 apart \(KID, kernel\s.*; without a gap it would stay below 0\.031", text)
    sizes = hall.locator("table", has=page.get_by_text("times the model's own"))
    assert sizes.locator("tbody td").first.text_content() == "0.5"
    assert "lies elsewhere" not in page.locator("#set-sim").text_content()
    assert overflow(page) == 0


def test_the_gates_decision_and_the_champion_come_into_the_verdict(
    report: Path, tmp_path: Path, open_page: OpenPage
) -> None:
    for name in ("report.html", "report.md", "evaluation.json"):
        shutil.copy(report.with_name(name), tmp_path)
    sha256 = json.loads((tmp_path / "evaluation.json").read_text())["model"]["sha256"]
    better = Difference(0.8, 0.5, 0.3, (0.1, 0.4)).as_json()
    unsure = Difference(0.6, 0.7, -0.1, (-0.3, 0.1)).as_json()
    decision = {"reasons": ["F1 0.800 against 0.500"], "figures": {"f1": better, "precision": unsure, "recall": better}}
    version = {"number": 4, "run_id": "run7", "sha256": sha256}
    content = {
        "outcome": "promoted", "registered_model": "detector", "reason_given": "", "time": "2026-01-01T00:00:00+00:00",
        "version": version, "champion_before": {"number": 3}, "champion": version, "set": "hall", "decision": decision,
    }  # fmt: skip
    (tmp_path / "gate.json").write_text(json.dumps(content))
    for _ in range(2):  # a second decision takes the place of the first
        put_into_reports(tmp_path)
    page = open_page(tmp_path / "report.html", NARROW)
    assert page.locator("#verdict .verdict b").all_text_contents() == [
        "Version 4 of detector is champion in place of version 3"
    ]
    champion = page.locator("#verdict .tile li").filter(has_text="champion")
    assert champion.all_text_contents() == [
        "champion, version 3 0.500 +0.300 +0.10 to +0.40",
        "champion, version 3 0.700 −0.100 −0.30 to +0.10, may be chance",
        "champion, version 3 0.500 +0.300 +0.10 to +0.40",
    ]
    assert champion.locator(".lead.better").count() == 2
    assert overflow(page) == 0


def test_names_of_files_are_text(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    scroll(page)
    assert page.locator("img[src=x]").count() == 0
    assert "onerror=alert(1)" in page.locator(".notes").first.text_content()
    assert any("onerror=alert(1)" in text for text in page.locator("figcaption").all_text_contents())


def test_pictures_are_made_when_they_come_near(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    scroll(page)
    last = page.locator(".gallery[data-set=sim] img")
    assert last.count() == 0, "the pictures at the end wait"
    page.locator(".gallery[data-set=sim] .views").first.scroll_into_view_if_needed()
    wait_until(page, lambda: last.count() > 0)
    assert last.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_boxes_are_switched(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    scroll(page)
    before = {kind: boxes(page, kind) for kind in ("truth", "found", "ignore")}
    assert all(before.values()), before
    for kind, name in (("truth", "Objects"), ("found", "Detections"), ("ignore", "Ignore regions")):
        button = page.locator(".gallery[data-set=hall]").get_by_role("button", name=name, exact=True)
        button.click()
        assert boxes(page, kind) == 0
        assert button.get_attribute("aria-pressed") == "false"
        assert {other: boxes(page, other) for other in before if other != kind} == {
            other: count for other, count in before.items() if other != kind
        }
        button.click()
        assert boxes(page, kind) == before[kind]
    names = page.locator(".gallery[data-set=hall] .views.worst .box.found span")
    assert names.first.is_visible()
    page.locator(".gallery[data-set=hall] [data-layer=names]").click()
    assert not names.first.is_visible()
    assert page.locator(".gallery[data-set=sim] [data-layer=truth]").get_attribute("aria-pressed") == "true"


def test_the_threshold_decides_what_is_found_and_missed(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    scroll(page)
    gallery = page.locator(".gallery[data-set=hall]")
    slider, outcome = gallery.locator("input[type=range]"), gallery.locator(".outcome")
    assert gallery.locator(".slide output").text_content() == "0.500"
    row = page.locator("#set-hall tr.all td")
    figures = [float(row.nth(place).text_content()[:5]) for place in (5, 6, 7)]
    told = [float(number) for number in re.findall(r"0\.\d\d", outcome.text_content())]
    assert told == pytest.approx(figures, abs=0.006), "the line says what the table says"
    before = boxes(page, "missed"), boxes(page, "hit")
    slider.fill("0.95")
    assert (boxes(page, "hit"), boxes(page, "wrong")) == (0, 2)
    assert boxes(page, "missed") > before[0]
    assert outcome.text_content() == "Whole set: precision 0.00, recall 0.00, F1 0.00"
    slider.fill("0.05")
    assert boxes(page, "missed") < before[0]
    gallery.get_by_role("button", name="Reset").click()
    assert (boxes(page, "missed"), boxes(page, "hit")) == before
    assert slider.input_value() == "0.5"


def test_a_picture_is_enlarged_and_the_keys_go_on(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    scroll(page)
    captions = page.locator(".gallery[data-set=hall] figcaption").all_text_contents()
    page.locator(".gallery[data-set=hall] .open").nth(1).click()
    heading = page.locator("#viewer[open] h2")
    assert heading.text_content() == captions[1]
    assert page.locator("#viewer .box").count() > 0
    page.keyboard.press("ArrowRight")
    assert heading.text_content() == captions[2]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert heading.text_content() == captions[-1]
    page.keyboard.press("Escape")
    assert heading.count() == 0


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window(size: Any, dark: bool, report: Path, open_page: OpenPage) -> None:
    page = open_page(report, size, dark=dark)
    scroll(page)
    assert overflow(page) == 0
    sizes = page.evaluate(
        "[...document.querySelectorAll('p, li, td, h2, button')].filter((item) => item.offsetParent)"
        ".map((item) => parseFloat(getComputedStyle(item).fontSize))"
    )
    assert min(sizes) >= 12, "all of it can be read"
    page.locator(".gallery[data-set=hall] .open").first.click()
    assert overflow(page) == 0
    view = page.locator("#viewer .stage").bounding_box()
    assert 0 <= view["x"] <= view["x"] + view["width"] <= size[0]
    assert view["height"] < size[1]


def test_a_report_without_anything_real_says_so_first(tmp_path: Path, open_page: OpenPage) -> None:
    model = {
        "file": "m.onnx",
        "classes": ["pallet"],
        "input_size": [96, 64],
        "threshold": 0.25,
        "threshold_chosen": False,
    }
    sections = [
        unmeasured("real", "Real photographs", "Nothing real was measured.", "real=none was chosen"),
        unmeasured("sim", "Held-out renders", "Nothing was measured on renders.", "there are none"),
    ]
    write_report(tmp_path, model, sections, {})
    page = open_page(tmp_path / "report.html", NARROW)
    assert "Nothing real was measured. real=none was chosen." in page.locator("#verdict .warning").first.text_content()
    assert page.locator(".tile").count() == 0
    assert "the file names none" in page.locator(".top").text_content()


def test_the_page_stays_below_its_limit_however_large_the_pictures_are(tmp_path: Path, open_page: OpenPage) -> None:
    rng = np.random.default_rng(0)
    item = made_up(tmp_path / "pictures", pictures=4)
    heavy = rng.integers(0, 255, 600_000, np.uint8).tobytes()
    views = [replace(view, jpeg=heavy) for view in item.shown]
    drawn = charts(item.curves, THRESHOLD, item.calibration[ALL])
    section = measured("Set", item, NAMES, intro="", notes=(), charts=drawn, gap=None)
    sections = [replace(section, key=f"set{number}", views=views) for number in range(5)]
    write_report(tmp_path, MODEL, sections, {})
    assert 5_000_000 < (tmp_path / "report.html").stat().st_size < 15_000_000
    text = (tmp_path / "report.html").read_text()
    assert text.count("more are in the folder pictures beside this file") == 5


def view(kind: str, number: int, count: int) -> View:
    return View(kind, f"{kind}-{number}.jpg", "", b"x" * count, b"", (0, 0, 1, 1), (), ())


def test_of_views_that_do_not_fit_every_kind_keeps_its_first() -> None:
    views = [view(kind, number, 10) for kind in ("worst", "missed", "wrong") for number in (1, 2, 3)]
    kept = fitting(Section("a", "A", views=views), 55)
    assert [item.file for item in kept.views] == [
        "worst-1.jpg",
        "worst-2.jpg",
        "missed-1.jpg",
        "missed-2.jpg",
        "wrong-1.jpg",
    ]
    assert kept.left_out == 4
    assert fitting(Section("a", "A", views=views), 90).left_out == 0
    assert fitting(Section("a", "A"), 90).views == []
