"""Runs in the local store, on a real server, and on one that goes away."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.models import Model
from mlflow.utils.file_utils import local_file_uri_to_path

from stages.common.mlflow_store import local_uri
from stages.common.settings.platform import Tracking
from stages.common.tracking import clean, flatten, open_run, resume_run
from tests.common.mlflow_server import free_port, kill, serve
from tests.tiny_models import write_constant_model


def tracking(**changes: object) -> Tracking:
    return Tracking.model_validate({"name": "test", "timeout": 2, **changes})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with a space in its name, whose store is made once for all tests."""
    folder = tmp_path_factory.mktemp("tracking") / "a project"
    folder.mkdir()
    with open_run(tracking(), folder):
        pass
    return folder


def stored(project: Path, run_id: str) -> Run:
    return MlflowClient(local_uri(project)).get_run(run_id)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with serve(f"sqlite:///{tmp_path}/server.db", tmp_path, tmp_path) as running:
        yield running


def test_a_run_in_the_local_store_holds_all_that_was_logged(project: Path, tmp_path: Path) -> None:
    notices: list[str] = []
    curve = tmp_path / "curve.csv"
    curve.write_text("epoch,loss\n")
    model = write_constant_model(tmp_path / "best.onnx", ["pallet"], (64, 32), [(1, 2, 3, 4, 0.5, 0)])
    with open_run(tracking(experiment="local"), project, name="first", notify=notices.append) as run:
        run.log_params({"train": {"epochs": 3, "augment": {"mosaic": 0.5}}, "model": {"weights": ""}})
        run.log_tags({"git.commit": "abc", "empty": ""})
        for step, loss in enumerate((2.0, 1.0)):
            run.log_metrics({"train/box_loss": loss, "metrics/mAP50(B)": loss / 4, "nothing": float("nan")}, step)
        run.log_dataset("frames", "ab" * 16 + ".dir", "data/frames", "training")
        run.log_artifact(curve, "curves")
        run.log_onnx(model, "detector")
    kept = stored(project, run.run_id)
    assert notices == []
    assert (kept.info.status, kept.info.run_name) == ("FINISHED", "first")
    assert kept.data.params == {"train.epochs": "3", "train.augment.mosaic": "0.5"}
    assert kept.data.tags["git.commit"] == "abc"
    assert "empty" not in kept.data.tags
    assert kept.data.metrics == {"train/box_loss": 1.0, "metrics/mAP50": 0.25}
    assert [item.dataset.digest for item in kept.inputs.dataset_inputs] == ["ab" * 16 + ".dir"]
    client = MlflowClient(local_uri(project))
    assert [point.value for point in client.get_metric_history(run.run_id, "train/box_loss")] == [2.0, 1.0]
    assert [item.path for item in client.list_artifacts(run.run_id, "curves")] == ["curves/curve.csv"]
    [logged] = client.search_logged_models([kept.info.experiment_id])
    place = client.get_logged_model(logged.model_id).artifact_location
    described = Model.load(place)
    assert described.signature is not None
    assert described.signature.inputs.inputs[0].shape == (1, 3, 32, 64)
    assert onnx.load(Path(local_file_uri_to_path(place), "model.onnx")).graph.input[0].name == "images"


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("broken"), "FAILED"), (KeyboardInterrupt(), "KILLED")], ids=["error", "ctrl-c"]
)
def test_the_status_says_how_a_run_ended(project: Path, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), open_run(tracking(), project) as run:
        raise error
    assert stored(project, run.run_id).info.status == status


def test_a_run_is_resumed_by_its_id(project: Path) -> None:
    with open_run(tracking(), project) as first:
        first.log_metrics({"loss": 1.0})
    with resume_run(tracking(), first.run_id, project) as second:
        second.log_metrics({"ap50": 0.5})
    assert second.run_id == first.run_id
    assert stored(project, first.run_id).data.metrics == {"loss": 1.0, "ap50": 0.5}


def test_a_run_that_is_nowhere_is_begun_anew(project: Path) -> None:
    with resume_run(tracking(), "0" * 32, project) as run:
        run.log_metrics({"ap50": 0.5})
    assert run.run_id not in ("", "0" * 32)
    assert stored(project, run.run_id).data.metrics == {"ap50": 0.5}


def test_nothing_is_logged_when_tracking_is_off_or_there_is_no_run(tmp_path: Path) -> None:
    with open_run(tracking(enabled=False), tmp_path) as off, resume_run(tracking(), "", tmp_path) as none:
        off.log_metrics({"loss": 1.0})
        none.log_artifact(tmp_path / "missing")
    assert (off.run_id, none.run_id) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_costs_a_notice_and_the_run_is_kept_locally(project: Path) -> None:
    notices: list[str] = []
    uri = f"http://user:secret@127.0.0.1:{free_port()}"
    with open_run(tracking(uri=uri), project, notify=notices.append) as run:
        run.log_metrics({"loss": 1.0})
    [notice] = notices
    assert "cannot be used (no answer); the run is kept in" in notice
    assert "secret" not in notice
    assert stored(project, run.run_id).data.metrics == {"loss": 1.0}


def test_a_server_that_accepts_and_never_answers_is_given_up(project: Path) -> None:
    notices: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as mute:
        uri = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with open_run(tracking(uri=uri, timeout=0.3), project, notify=notices.append) as run:
            run.log_metrics({"loss": 1.0})
    assert len(notices) == 1
    assert stored(project, run.run_id).data.metrics == {"loss": 1.0}


def test_a_run_whose_server_is_killed_is_whole_in_the_local_store(
    project: Path, tmp_path: Path, server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    uri, process = server
    notices: list[str] = []
    journal = tmp_path / "journal.jsonl"
    weights = tmp_path / "best.pt"
    weights.write_bytes(b"weights")
    with open_run(tracking(uri=uri), project, name="remote", journal=journal, notify=notices.append) as run:
        run.log_params({"train": {"epochs": 3}})
        run.log_metrics({"loss": 2.0}, 1)
        run.log_artifact(weights)
        on_server = run.run_id
        remote = MlflowClient(uri)
        assert remote.get_run(on_server).data.metrics == {"loss": 2.0}
        assert [item.path for item in remote.list_artifacts(on_server)] == ["best.pt"]
        kill(process)
        for step in (2, 3):
            run.log_metrics({"loss": 2.0 / step}, step)
        run.log_artifact(weights, "weights")
    assert run.run_id != on_server
    kept = stored(project, run.run_id)
    assert kept.info.status == "FINISHED"
    assert kept.data.params == {"train.epochs": "3"}
    assert kept.data.tags["continues"] == on_server
    history = MlflowClient(local_uri(project)).get_metric_history(run.run_id, "loss")
    assert [point.step for point in history] == [1, 2, 3]
    assert [("no longer takes the run" in text, "is complete in" in text) for text in notices] == [
        (True, False),
        (False, True),
    ]
    assert not journal.exists()


def test_what_a_killed_process_had_not_sent_is_sent_by_the_next(project: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    line = '["metrics", {"step": 1, "time": 5, "values": {"loss": 2.0}}]\n'
    journal.write_text(line + line + '["metrics", {"st')
    with open_run(tracking(), project, journal=journal) as run:
        run.log_metrics({"loss": 1.0}, 2)
    history = MlflowClient(local_uri(project)).get_metric_history(run.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 2.0), (2, 1.0)]


def test_two_processes_make_one_new_store(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from stages.common.tracking import open_run\n"
        "from stages.common.settings.platform import Tracking\n"
        "with open_run(Tracking(name='t'), pathlib.Path(sys.argv[1])) as run: run.log_metrics({'a': 1.0})\n"
        "print(run.run_id)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    root = Path(__file__).parents[2]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b"")
        assert stored(tmp_path, out.decode().strip()).data.metrics == {"a": 1.0}


def test_a_value_that_mlflow_refuses_is_left_out_with_a_notice(project: Path) -> None:
    notices: list[str] = []
    with open_run(tracking(), project, notify=notices.append) as run:
        run.log_params({"epochs": 3})
        run.log_params({"epochs": 4})  # a parameter cannot change
        run.log_metrics({"loss": 1.0})
    assert len(notices) == 1
    assert "does not take params" in notices[0]
    kept = stored(project, run.run_id)
    assert (kept.data.params, kept.data.metrics, kept.info.status) == ({"epochs": "3"}, {"loss": 1.0}, "FINISHED")


def test_names_are_made_such_that_mlflow_takes_them() -> None:
    assert clean("metrics/mAP50-95(B)") == "metrics/mAP50-95"
    assert clean("a,b=c é") == "a_b_c é"
    assert clean("()") == "_"
    assert flatten({"a": {"b": [1, 2], "c": None}, "d": np.float32(1)}) == {"a.b": [1, 2], "d": np.float32(1)}
