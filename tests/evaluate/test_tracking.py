import json

import pytest

from stages.common.settings.platform import Tracking
from stages.common.tracking import local_uri, open_run
from stages.evaluate.commands import training_run
from stages.evaluate.tracking import flat, log_evaluation

METRICS = {
    "threshold": 0.4,
    "sim": {"ap50": 0.5, "interval": {"ap50": [0.4, 0.6]}, "classes": {"pallet": {"ap50": None, "f1": 0.25}}},
}
LOCAL = Tracking(name="local")


@pytest.fixture
def reports(tmp_path):
    folder = tmp_path / "reports"
    (folder / "plots").mkdir(parents=True)
    (folder / "plots/sim-f1.csv").write_text("class\n")
    (folder / "report.html").write_text("<p>")
    (folder / "evaluation.json").write_text("{}")
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    return folder


def test_nested_numbers_become_names():
    assert flat(METRICS) == {"threshold": 0.4, "sim/ap50": 0.5, "sim/classes/pallet/f1": 0.25}


def test_the_figures_join_the_run_of_training(reports, tmp_path):
    from mlflow import MlflowClient

    with open_run(LOCAL, tmp_path) as run:
        run.log_metrics({"train_loss": 1.0})
    log_evaluation(LOCAL, run.run_id, METRICS, reports, tmp_path)
    client = MlflowClient(local_uri(tmp_path))
    logged = client.get_run(run.run_id)
    assert logged.data.metrics == {"train_loss": 1.0, **flat(METRICS)}
    assert logged.info.status == "FINISHED"
    kept = {
        entry.path
        for folder in ("evaluation", "evaluation/plots")
        for entry in client.list_artifacts(run.run_id, folder)
    }
    assert {
        "evaluation/report.html",
        "evaluation/metrics.json",
        "evaluation/evaluation.json",
        "evaluation/plots/sim-f1.csv",
    } <= kept


@pytest.mark.parametrize(("settings", "run_id"), [(LOCAL, ""), (Tracking(name="off", enabled=False), "abc")])
def test_without_a_run_or_with_tracking_off_nothing_is_made(reports, tmp_path, settings, run_id):
    log_evaluation(settings, run_id, METRICS, reports, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


@pytest.mark.parametrize(
    ("text", "run_id"), [('{"run_id": "abc"}', "abc"), ('{"run_id": null}', ""), ("[]", ""), ("<html>", ""), (None, "")]
)
def test_the_run_is_read_from_training_json(tmp_path, text, run_id):
    path = tmp_path / "training.json"
    if text is not None:
        path.write_text(text)
    assert training_run(path) == run_id
