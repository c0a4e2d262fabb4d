"""The stage, whole: a model whose every answer is known, on frames and photographs that are made for it."""

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stages.common.detection import Detector
from stages.common.errors import InputError
from stages.common.settings.learning import Evaluate, Real, RealSet
from stages.common.settings.pictures import Convert
from stages.compose.compose import write_params
from stages.convert.run import convert
from stages.evaluate.headline import headline
from stages.evaluate.run import evaluate
from tests.convert.frames import instance, write_frames
from tests.evaluate.conftest import HEIGHT, NAMES, WIDTH, annotation, loco_json, write_photograph
from tests.settings import REPOSITORY, SMALL
from tests.tiny_models import write_constant_model

NOWHERE = Real(name="none")
THERE = (
    instance(1, (4, 8, 30, 40), "pallet_truck"),
    instance(2, (40, 10, 60, 30), "pallet"),
    instance(3, (70, 4, 92, 24), "stillage", occlusion=0.95),  # an ignore region
)
FOUND = [
    (4, 8, 30, 40, 0.9, 4),  # the pallet truck, exactly
    (70, 4, 92, 24, 0.8, 3),  # in the ignore region
    (40, 34, 60, 54, 0.7, 2),  # no pallet
    (40, 10, 60, 30, 0.3, 2),  # the pallet, below the threshold
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Four test frames, each with a pallet truck, a pallet and a stillage that is hardly to be seen."""
    folder = tmp_path_factory.mktemp("made")
    frames = write_frames(folder / "frames", 8, 4, instances=lambda _: THERE)
    convert(frames, folder / "dataset", NAMES, Convert())
    return folder / "dataset"


@pytest.fixture
def model(tmp_path):
    return write_constant_model(tmp_path / "models/best.onnx", NAMES, (96, 64), FOUND, threshold=0.5)


@pytest.fixture
def photographs(tmp_path):
    """LOCO-like: two photographs of 128x96, so the model's 96x64 input holds them at two thirds, 5 columns in."""
    root = tmp_path / "photographs"
    for seed, name in enumerate(["1,0.jpg", "2.0.jpg"]):
        write_photograph(root / "dataset/subset-1" / name, seed=seed)
    content = loco_json(
        ["subset-1/1,0.jpg", "subset-1/2.0.jpg", "subset-1/gone.jpg"],
        [annotation(1, "pallet_truck", (-2, 12, 40, 48)), annotation(2, "pallet_truck", (80, 60, 30, 30))],
    )
    (root / "labels.json").write_text(json.dumps(content))
    return Real(name="mine", root=str(root), annotations="labels.json")


def test_the_figures_are_those_of_the_made_case(dataset, model, photographs, tmp_path):
    outcome = evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path)
    metrics = outcome.metrics
    assert json.loads((tmp_path / "reports/metrics.json").read_text()) == headline(metrics)
    assert metrics["threshold"] == 0.5
    sim = metrics["sim"]
    assert (sim["pictures"], sim["objects"], sim["hits"], sim["false_alarms"]) == (4, 8, 4, 4)
    assert sim["precision"] == sim["recall"] == sim["f1"] == 0.5
    assert sim["classes"]["pallet_truck"]["ap50_95"] == 1
    assert sim["classes"]["pallet_truck"]["f1"] == 1
    assert sim["classes"]["pallet"]["ap50"] == pytest.approx(0.5, abs=1e-4)  # every hit comes after a false alarm
    assert sim["classes"]["stillage"]["false_alarms"] == 0
    assert sim["ap50"] == pytest.approx(0.75, abs=1e-4)
    assert sim["best_f1"] == 0.8  # 8 hits, 4 false alarms, nothing missed
    real = metrics["real"]["mine"]
    assert (real["pictures"], real["objects"], real["hits"], real["missing_pictures"]) == (2, 2, 1, 1)
    assert real["false_alarms"] == 1
    assert list(real["classes"]) == ["pallet_truck"]


def test_everything_that_is_promised_is_written(dataset, model, photographs, tmp_path):
    reports = tmp_path / "reports"
    (reports / "pictures").mkdir(parents=True)
    (reports / "pictures/of-last-time.jpg").touch()
    (reports / "deploy.json").write_text("{}")
    evaluate(model, dataset, photographs, reports, project=tmp_path, run_id="abc123")
    assert sorted(path.name for path in reports.iterdir()) == [
        "deploy.json",
        "evaluation.json",
        "metrics.json",
        "pictures",
        "plots",
        "report.html",
        "report.md",
    ]
    pictures = {path.name for path in (reports / "pictures").iterdir()}
    assert {"mine-worst-1.jpg", "mine-missed-1.jpg", "mine-wrong-1.jpg", "mine-hard-1.jpg"} <= pictures
    assert "of-last-time.jpg" not in pictures
    markdown = (reports / "report.md").read_text()
    shown = re.findall(r"\(pictures/([^)]+)\)", markdown)
    assert shown == ["mine-worst-1.jpg", "mine-missed-1.jpg", "mine-wrong-1.jpg", "mine-hard-1.jpg"]
    assert "1 annotated pictures are not there and not counted: dataset/subset-1/gone.jpg." in markdown
    assert "Nothing real" not in markdown
    assert "abc123" in markdown


def test_what_was_measured_on_is_told_by_its_content(dataset, model, photographs, tmp_path):
    def digests():
        evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path)
        assert "measured on mine" in (tmp_path / "reports/report.html").read_text()
        return json.loads((tmp_path / "reports/evaluation.json").read_text())["real"]["mine"]["digests"]

    root = Path(photographs.root)
    first = digests()
    assert first["annotations"] == hashlib.sha256((root / "labels.json").read_bytes()).hexdigest()
    write_photograph(root / "dataset/subset-1/1,0.jpg", seed=7)
    second = digests()
    assert (second["annotations"], second["pictures"] != first["pictures"]) == (first["annotations"], True)
    labels = (root / "labels.json").read_text()
    (root / "labels.json").write_text(labels.replace("40, 48]", "40, 47]"))
    third = digests()
    assert (third["pictures"], third["annotations"] != first["annotations"]) == (second["pictures"], True)


def test_the_page_needs_nothing_else(dataset, model, photographs, tmp_path):
    reports = tmp_path / "reports"
    evaluate(model, dataset, photographs, reports, project=tmp_path)
    page = (reports / "report.html").read_text()
    assert re.findall(r'(?:src|href)="([^#"][^"]*)', page) == ["data:,"]
    assert page.count("data:image/jpeg;base64,") == len(list((reports / "pictures").iterdir()))
    assert '<meta name="viewport"' in page
    assert page.count("<svg") == page.count("</svg>") == 6
    assert len(page.encode()) < 15_000_000


def test_the_plots_hold_the_curves(dataset, model, photographs, tmp_path):
    evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path)
    plots = tmp_path / "reports/plots"

    def rows(name):
        with open(plots / name, newline="") as stream:
            return list(csv.DictReader(stream))

    both = ("calibration", "confusion", "errors", "f1", "precision-recall", "scales", "slices")
    expected = {f"{name}-{kind}.csv" for name in ("sim", "mine") for kind in both}
    gap = {f"mine-{kind}.csv" for kind in ("content", "appearance", "noise")}
    compared = {f"compare-{name}-{kind}.csv" for name in ("real", "sim") for kind in ("curve", "confusion")}
    compared |= {f"compare-gap-{kind}.csv" for kind in ("content", "appearance", "features")}
    assert {path.name for path in plots.iterdir()} == expected | gap | compared
    steps = [(float(row["threshold"]), float(row["recall"])) for row in rows("compare-sim-curve.csv")]
    assert steps == sorted(steps, key=lambda step: (-step[0], step[1]))
    assert steps[-1][1] == 1
    assert rows("compare-real-confusion.csv") == rows("mine-confusion.csv")
    gap = {name: {row["measure"] for row in rows(f"compare-gap-{name}.csv")} for name in ("content", "appearance")}
    assert "box_height" in gap["content"]
    assert "contrast" in gap["appearance"]
    assert not gap["content"] & gap["appearance"], "shares and standard deviations share no axis"
    assert {row["measure"] for row in rows("compare-gap-features.csv")} <= {"kid", "kid without a gap"}
    recall = {row["class"]: float(row["recall"]) for row in rows("sim-precision-recall.csv")}
    assert recall == {"pallet": 1, "pallet_truck": 1, "all": 1}
    best = max(rows("sim-f1.csv"), key=lambda row: float(row["f1"]) if row["class"] == "all" else 0)
    assert float(best["f1"]) == pytest.approx(0.8)
    confusion = [(row["actual"], row["predicted"]) for row in rows("sim-confusion.csv")]
    assert confusion.count(("pallet_truck", "pallet_truck")) == 4
    assert confusion.count(("pallet", "background")) == 4
    assert confusion.count(("background", "pallet")) == 4
    assert len(confusion) == 12


def test_the_same_model_gives_the_same_bytes(dataset, model, photographs, tmp_path):
    def digests(folder):
        evaluate(model, dataset, photographs, folder, project=tmp_path)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_nothing_real_is_said_in_bold(dataset, model, tmp_path):
    outcome = evaluate(model, dataset, NOWHERE, tmp_path / "reports", project=tmp_path)
    assert outcome.real == {}
    assert outcome.metrics["real"] == outcome.metrics["gap"] == {}
    assert "real not measured (real=none was chosen)" in outcome.summary()
    markdown, page = ((tmp_path / "reports" / name).read_text() for name in ("report.md", "report.html"))
    assert "**Nothing real was measured.** real=none was chosen." in markdown
    assert "<b>Nothing real was measured.</b> real=none was chosen." in page


def test_photographs_of_another_size_or_damaged_are_not_counted(dataset, model, photographs, tmp_path):
    folder = tmp_path / "photographs/dataset/subset-1"
    write_photograph(folder / "1,0.jpg", WIDTH // 2, HEIGHT // 2)
    outcome = evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path)
    assert outcome.metrics["real"]["mine"]["pictures"] == 1
    assert outcome.metrics["real"]["mine"]["missing_pictures"] == 2
    assert "is 64x48 where its labels are for 128x96; get the original" in (tmp_path / "reports/report.md").read_text()
    (folder / "2.0.jpg").write_text("<html>")
    with pytest.raises(InputError, match=r"none of the 2 pictures of mine can be used: .*get the original"):
        evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path)


def test_photographs_of_nothing_have_no_f1(dataset, model, photographs, tmp_path):
    """False positives are counted, and the rest is not known, on the command line as in the reports."""
    root = Path(photographs.root)
    (root / "labels.json").write_text(json.dumps(loco_json(["subset-1/1,0.jpg", "subset-1/2.0.jpg"], [])))
    outcome = evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path)
    assert "mine no AP50 without objects, F1 not known on 2 pictures" in outcome.summary()
    figures = outcome.metrics["real"]["mine"]
    assert [figures[name] for name in ("f1", "f1_iou30", "recall", "ap50", "best_f1")] == [None] * 5
    assert figures["false_positives_per_picture"] > 0
    assert not {"f1", "recall"} & figures["interval"].keys()
    page, markdown = ((tmp_path / "reports" / name).read_text() for name in ("report.html", "report.md"))
    assert "Nothing is annotated that counts, so average precision, recall and F1 are not known." in page
    assert not re.search(r"F1[^.]{0,40}0\.000", markdown)


def test_several_real_sets_are_each_measured_under_their_name(dataset, model, photographs, tmp_path):
    """One is measured, of one no photograph is known, and figures, plots and report name each."""
    second = RealSet(name="hall-2", root=photographs.root, annotations="labels.json")
    third = RealSet(name="elsewhere", annotations="labels.json")
    real = Real(**photographs.model_dump(exclude={"more"}), more=[second, third])
    outcome = evaluate(model, dataset, real, tmp_path / "reports", project=tmp_path)
    metrics = outcome.metrics
    assert list(metrics["real"]) == ["mine", "hall-2", "elsewhere"]
    assert list(metrics["gap"]) == ["mine", "hall-2"]
    assert metrics["real"]["mine"] == metrics["real"]["hall-2"]
    assert metrics["real"]["elsewhere"]["pictures"] == 0
    assert "needs real.root" in metrics["real"]["elsewhere"]["reason"]
    assert (tmp_path / "reports/plots/hall-2-slices.csv").is_file()
    markdown = (tmp_path / "reports/report.md").read_text()
    assert "| **mine** | 2 |" in markdown
    assert "| **hall-2** | 2 |" in markdown
    assert "**Nothing real was measured.** elsewhere: " in markdown
    page = (tmp_path / "reports/report.html").read_text()
    assert re.findall("<h2>(.*)</h2>", page)[:5] == [
        "Verdict",
        "Real photographs: mine",
        "Real photographs: hall-2",
        "Real photographs: elsewhere",
        "Held-out renders",
    ]
    assert "elsewhere not measured (" in outcome.summary()


def test_the_first_set_leads_whatever_its_name(dataset, model, photographs, tmp_path):
    second = RealSet(name="a-hall", root=photographs.root, annotations="labels.json")
    real = Real(**photographs.model_dump(exclude={"more"}), more=[second])
    evaluate(model, dataset, real, tmp_path / "reports", project=tmp_path)
    details = json.loads((tmp_path / "reports/evaluation.json").read_text())
    assert (list(details["real"]), list(details["gap"])) == (["mine", "a-hall"], ["mine", "a-hall"])


@pytest.mark.parametrize("resamples", [0, 20])
def test_published_detections_without_an_interval_are_reported(dataset, model, photographs, tmp_path, resamples):
    """No resamples, or nobody found anything: a lead without an interval."""
    (Path(photographs.root) / "somebody-published-detections.json").write_text("[]")
    depth = Evaluate(name="standard", resamples=resamples)
    evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path, settings=depth)
    assert "published by somebody" in (tmp_path / "reports/report.html").read_text()
    texts = [(tmp_path / "reports" / name).read_text() for name in ("report.html", "report.md")]
    assert not [text for text in texts if "nan to nan" in text]


def test_a_second_run_asks_the_network_nothing(dataset, model, photographs, tmp_path, monkeypatch):
    def files(folder):
        return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    cache = tmp_path / "cache"
    evaluate(model, dataset, photographs, tmp_path / "one", project=tmp_path, cache=cache)

    def asked(*_):
        raise AssertionError("the network was asked again")

    monkeypatch.setattr(Detector, "detect", asked)
    evaluate(model, dataset, photographs, tmp_path / "two", project=tmp_path, cache=cache)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_the_details_hold_what_the_metrics_hold_and_more(dataset, model, photographs, tmp_path):
    """The keys that docs/evaluate.md promises."""
    metrics = evaluate(model, dataset, photographs, tmp_path / "reports", project=tmp_path).metrics
    details = json.loads((tmp_path / "reports/evaluation.json").read_text())
    metrics = json.loads(json.dumps(metrics))
    assert metrics.keys() == {"schema", "threshold", "sim", "real", "gap"}
    assert details.keys() == {"schema", "model", "sim", "real", "gap"}
    for found, more in ((metrics["sim"], details["sim"]), (metrics["real"]["mine"], details["real"]["mine"])):
        assert found == {key: more[key] for key in found}
        assert more.keys() - found.keys() >= {"slices", "worst_slices", "reliability", "scales", "unusable", "missing"}
        assert {"ap50", "ap50_95", "ar", "precision", "recall", "f1", "f1_iou30", "interval"} <= found.keys()
        assert {"false_positives_per_picture", "errors", "calibration", "classes"} <= found.keys()
        assert all(low <= found[name] <= high for name, (low, high) in found["interval"].items())
        assert [step["scale"] for step in more["scales"]] == [0.5, 0.75, 1.0, 1.5]
    gap = details["gap"]["mine"]
    assert gap["classes"] == ["pallet_truck"]
    assert gap["content"].keys() == metrics["gap"]["mine"]["content"].keys()
    assert gap["content"].keys() == {"box_height", "aspect_ratio", "position_x", "position_y", "count", "overlap"}
    assert {"luminance", "contrast", "saturation", "sharpness", "noise"} <= gap["appearance"].keys()
    assert details["sim"]["slices"][0].keys() >= {"measure", "bin", "of", "objects", "hits", "recall", "interval"}
    assert {"scenario"} & {row["measure"] for row in details["sim"]["slices"]} == set(), (
        "all frames are of one scenario"
    )


def test_a_data_set_without_test_frames(model, tmp_path):
    frames = write_frames(tmp_path / "frames", 8, 0)
    convert(frames, tmp_path / "dataset", NAMES, Convert())
    outcome = evaluate(model, tmp_path / "dataset", NOWHERE, tmp_path / "reports", project=tmp_path)
    assert outcome.metrics["sim"]["pictures"] == 0
    assert "raise dataset.frames.test_count" in outcome.metrics["sim"]["reason"]
    assert "**Nothing was measured on renders.**" in (tmp_path / "reports/report.md").read_text()


def test_a_model_of_other_classes(dataset, tmp_path):
    model = write_constant_model(tmp_path / "m.onnx", ("person",), (96, 64), [])
    with pytest.raises(InputError, match="of which the model knows none"):
        evaluate(model, dataset, NOWHERE, tmp_path / "reports", project=tmp_path)
    assert not (tmp_path / "reports").exists()


def test_a_data_set_without_coco(model, tmp_path):
    with pytest.raises(InputError, match=r"test\.json' does not exist; put coco into dataset\.convert\.formats"):
        evaluate(model, tmp_path, NOWHERE, tmp_path / "reports", project=tmp_path)


def stage(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "stages.evaluate", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line(dataset, model, photographs, tmp_path):
    (tmp_path / "conf").symlink_to(REPOSITORY / "conf")
    write_params(tmp_path, [*SMALL[:-1], "real=loco", "real.root=photographs", "real.annotations=labels.json"])
    (tmp_path / "data").mkdir()
    (tmp_path / "data/dataset").symlink_to(dataset)
    done = stage(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("evaluate: renders AP50 0.750, F1 0.500 on 4 pictures; loco AP50 ")
    assert " on 2 pictures; whether a photograph was learnt from is open: it is not known whether" in done.stdout
    failed = stage(tmp_path, "--model", "absent.onnx")
    assert failed.returncode == InputError.exit_code
    assert (
        failed.stderr
        == "error: model 'absent.onnx' does not exist; train one with `dvc repro train` or correct the path\n"
    )
