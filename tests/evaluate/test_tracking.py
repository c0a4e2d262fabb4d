import json
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from stages.common.settings.platform import Tracking
from stages.common.tracking import local_uri, open_run
from stages.evaluate.commands import training_run
from stages.evaluate.gallery import TITLES
from stages.evaluate.headline import headline, real_name
from stages.evaluate.tracking import flat, headlines, log_evaluation, slice_figures

LOCAL = Tracking(name="local")


def metrics(f1=0.84, low=0.69, high=0.95):
    return {
        "threshold": 0.4,
        "sim": {"pictures": 2, "ap50": 0.5, "f1": 0.6, "classes": {"pallet": {"ap50": None, "f1": 0.25}}},
        "real": {
            "loco-dev": {
                "pictures": 15,
                "objects": 24,
                "f1": f1,
                "ap50": 0.8,
                "precision": 0.81,
                "recall": 0.88,
                "interval": {"f1": [low, high]},
                "errors": {"missed": {"count": 2}},
                "classes": {"pallet_truck": {"f1": f1, "errors": {"missed": {"count": 2}}}},
            }
        },
        "gap": {"loco-dev": {"content": {"box_height": 0.3}, "kid": 0.03}},
    }


SLICES = [
    {"measure": "box_height", "bin": "32 to 64", "of": "objects", "recall": 0.5, "f1": 0.6},
    {"measure": "drawn.gain", "bin": "1.4", "of": "pictures", "recall": 0.5, "f1": 0.6},
]
DETAILS = {
    "model": {"sha256": "ab" * 32},
    "sim": {"slices": SLICES},
    "real": {
        "loco-dev": {
            "pictures": 15,
            "slices": SLICES,
            "worst_slices": [{"sentence": "box_height 32 to 64: recall 0.50"}],
        }
    },
}


@pytest.fixture
def reports(tmp_path) -> Path:
    folder = tmp_path / "reports"
    (folder / "plots").mkdir(parents=True)
    (folder / "pictures").mkdir()
    (folder / "plots/sim-f1.csv").write_text("class\n")
    (folder / "report.html").write_text("<p>")
    (folder / "evaluation.json").write_text(json.dumps(DETAILS))
    (folder / "metrics.json").write_text(json.dumps(headline(metrics())))
    for kind in TITLES:
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / f"pictures/loco-dev-{kind}-1.jpg")
    return folder


def evaluated(reports, found, **settings):
    """Log an evaluation into a run of its own; its MLflow run."""
    with open_run(LOCAL, reports.parent, name="a run") as run:
        run.log_params(settings)
        log_evaluation(run, found, reports)
    return MlflowClient(local_uri(reports.parent)).get_run(run.run_id)


def test_nested_numbers_become_names():
    names = flat(metrics())
    assert names["sim/threshold"] == 0.4
    assert names["sim/classes/pallet/f1"] == 0.25
    assert names["real/loco-dev/errors/missed/count"] == 2
    assert names["real/loco-dev/gap/kid"] == 0.03
    assert not [name for name in names if "interval" in name or "pallet_truck/errors" in name]


def test_the_figures_of_the_real_set_come_first(reports):
    logged = evaluated(reports, metrics()).data.metrics
    assert sorted(logged)[:2] == ["real.ap50", "real.f1"]
    assert logged["real.f1"] == 0.84
    assert logged["real.kid"] == 0.03
    assert logged["sim.f1"] == 0.6
    assert logged["slices/loco-dev/box_height/32 to 64/recall"] == 0.5
    assert all(name.startswith(("real", "sim", "slices")) for name in logged)


def test_slices_whose_bins_are_cut_anew_in_each_run_are_left_out():
    names = dict(slice_figures(DETAILS))
    assert "slices/sim/box_height/32 to 64/recall" in names
    assert not [name for name in names if name.startswith("slices/sim/drawn")]
    assert names["slices/loco-dev/drawn.gain/1.4/f1"] == 0.6


def test_the_run_holds_report_pictures_data_and_what_it_is_about(reports):
    run = evaluated(reports, metrics())
    client = MlflowClient(local_uri(reports.parent))
    kept = {
        entry.path
        for folder in ("evaluation", "evaluation/plots")
        for entry in client.list_artifacts(run.info.run_id, folder)
    }
    assert {"evaluation/report.html", "evaluation/metrics.json", "evaluation/plots/sim-f1.csv"} <= kept
    shown = " ".join(entry.path for entry in client.list_artifacts(run.info.run_id, "images"))
    assert [kind for kind in TITLES if f"{kind}-1" not in shown] == []
    assert [item.dataset.name for item in run.inputs.dataset_inputs] == ["loco-dev"]
    assert run.data.tags["real.set"] == "loco-dev"
    assert run.data.tags["model.sha256"] == "ab" * 32


def test_the_same_name_does_not_stand_for_other_photographs(reports):
    seen = set()
    for pictures, annotations in (("a", "b"), ("a", "c"), ("d", "b")):
        details = json.loads(json.dumps(DETAILS))
        details["real"]["loco-dev"]["digests"] = {"pictures": pictures, "annotations": annotations}
        (reports / "evaluation.json").write_text(json.dumps(details))
        (item,) = evaluated(reports, metrics()).inputs.dataset_inputs
        seen.add(item.dataset.digest)
    assert len(seen) == 3


def test_a_process_that_goes_on_with_a_run_knows_its_settings(reports):
    """As ``python -m stages.evaluate`` after ``python -m stages.train``, each by hand."""
    evaluated(reports, metrics(0.8), train={"epochs": 1})
    with open_run(LOCAL, reports.parent, name="trained") as run:
        run.log_params({"train": {"epochs": 2}})
    with open_run(LOCAL, reports.parent, name="measured", run_id=run.run_id) as again:
        log_evaluation(again, metrics(0.9), reports)
    note = MlflowClient(local_uri(reports.parent)).get_run(run.run_id).data.tags["mlflow.note.content"]
    assert "| `train.epochs` | 1 | 2 |" in note


def test_the_description_says_what_changed_and_whether_it_helped(reports):
    first = evaluated(reports, metrics(0.84, 0.8, 0.9), train={"epochs": 2})
    note = first.data.tags["mlflow.note.content"]
    assert note.startswith(
        "**F1 0.84 (0.80 to 0.90), AP50 0.80 on loco-dev**, 15 real photographs; F1 0.60 on held-out renders."
    )
    assert "Weakest: box_height 32 to 64" in note
    assert "Against" not in note
    better = evaluated(reports, metrics(0.95, 0.92, 0.97), train={"epochs": 3}).data.tags["mlflow.note.content"]
    assert f"runs/{first.info.run_id})" in better
    assert "F1 +0.110" in better
    assert "**It helped.**" in better
    assert "| `train.epochs` | 2 | 3 |" in better
    chance = evaluated(reports, metrics(0.93, 0.85, 0.97), train={"epochs": 3}).data.tags["mlflow.note.content"]
    assert "F1 is worse, but the intervals overlap: it may be chance" in chance
    assert "No setting differs" in chance


def test_without_photographs_the_description_says_so(reports):
    found = {**metrics(), "real": {"loco-dev": {"pictures": 0, "reason": "gone"}}, "gap": {}}
    run = evaluated(reports, found)
    assert run.data.tags["mlflow.note.content"].startswith("**Nothing real was measured**; F1 0.60 on held-out renders")
    assert "real.f1" not in run.data.metrics
    assert real_name(found) == ""


def test_a_run_that_logs_nothing_is_let_be(tmp_path):
    with open_run(Tracking(name="off", enabled=False), tmp_path) as run:
        log_evaluation(run, metrics(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_metrics_json_holds_few_numbers():
    found = headline(metrics())
    assert found["real"]["loco-dev"] == {
        "f1": 0.84,
        "ap50": 0.8,
        "precision": 0.81,
        "recall": 0.88,
        "f1_low": 0.69,
        "f1_high": 0.95,
        "kid": 0.03,
        "pictures": 15,
        "objects": 24,
    }
    assert found["gap"] == {"loco-dev": {"box_height": 0.3}}
    assert headlines(metrics())["real.f1_low"] == 0.69


@pytest.mark.parametrize(
    ("text", "run_id"), [('{"run_id": "abc"}', "abc"), ('{"run_id": null}', ""), ("[]", ""), ("<html>", ""), (None, "")]
)
def test_the_run_is_read_from_training_json(tmp_path, text, run_id):
    path = tmp_path / "training.json"
    if text is not None:
        path.write_text(text)
    assert training_run(path) == run_id
