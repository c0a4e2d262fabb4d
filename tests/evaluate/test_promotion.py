"""Promotion, rollback and status with a real MLflow store, real files and networks of a few bytes."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.utils.file_utils import local_file_uri_to_path

from stages.common.cli import run
from stages.common.errors import GateError, InputError, SettingsError
from stages.common.files import sha256_of
from stages.common.mlflow_store import local_uri
from stages.common.registry import CHALLENGER, CHAMPION, open_registry
from stages.common.settings.platform import Tracking
from stages.common.tracking import open_run
from stages.deploy.choice import choose_model
from stages.evaluate import promotion
from stages.evaluate.__main__ import parser
from stages.evaluate.gate_report import put_into_reports
from stages.evaluate.promotion import promote, roll_back, status
from stages.train.data import read_data
from tests.evaluate.conftest import NAMES, annotation, loco_json, write_photograph
from tests.settings import compose
from tests.tiny_models import write_constant_model

LOCAL = Tracking(name="local")
GOOD = (10, 10, 50, 70, 0.9, 4)
"""Where the pallet trucks of :func:`photographs` are."""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Forty photographs of two cameras, with a pallet truck each."""
    root = tmp_path_factory.mktemp("photographs")
    names = [f"subset-1/cam{number % 2}/{number}.jpg" for number in range(40)]
    for seed, name in enumerate(names):
        write_photograph(root / "dataset" / name, seed=seed)
    content = loco_json(names, [annotation(number, "pallet_truck", (10, 10, 40, 60)) for number in range(1, 41)])
    (root / "labels.json").write_text(json.dumps(content))
    return root


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A project whose local store has the tables already."""
    folder = tmp_path_factory.mktemp("store")
    with open_run(LOCAL, folder):
        pass
    write_learnt(folder / "dataset")
    return folder


def write_learnt(dataset):
    """What the models learnt from: a picture to train on and one to validate."""
    for seed, part in enumerate(("train", "val")):
        write_photograph(dataset / f"yolo/images/{part}/1.jpg", seed=900 + seed)
        (dataset / f"yolo/labels/{part}").mkdir(parents=True)
        (dataset / f"yolo/labels/{part}/1.txt").write_text("4 0.5 0.5 0.2 0.2\n")
    content = {"train": "images/train", "val": "images/val", "names": list(NAMES)}
    (dataset / "yolo/data.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture
def project(store, photographs, request):
    """Settings with a registered model of its own for each test, and what trains models into the store."""
    return Project(store, photographs, "".join(c if c.isalnum() else "-" for c in request.node.name))


class Project:
    def __init__(self, root, photographs, name):
        self.root, self.name, self.out = root, name, root / name / "reports"
        self.settings = self.compose(photographs)
        self.dataset = root / "dataset"
        self.sha256 = read_data(self.dataset / "yolo").sha256

    def compose(self, photographs=None, *more):
        real = ["real=loco", f"real.root={photographs}", "real.annotations=labels.json"] if photographs else []
        return compose("tracking=local", f"gate.registered_model={self.name}", *real, *more)

    def lenient(self):
        """Settings of a gate that takes any first model."""
        gate = self.settings.gate.model_copy(update={"floor": 0.0})
        return self.settings.model_copy(update={"gate": gate})

    def train(self, name, boxes):
        """An ONNX file and the MLflow run that holds it."""
        path = write_constant_model(self.root / self.name / f"{name}.onnx", NAMES, (128, 96), boxes, threshold=0.5)
        with open_run(LOCAL, self.root) as run:
            run.log_tags({"data.revision": "abc"})
            run.log_onnx(path, "detector")
        return path, run.run_id

    @property
    def registry(self):
        return open_registry(LOCAL, self.root, self.name)

    def promote(self, trained, settings=None, **options):
        options = {"project": self.root, "dataset": self.dataset, "trained_on": self.sha256, **options}
        return promote(self.registry, *trained, settings or self.settings, self.out, **options)

    def written(self):
        return json.loads((self.out / "gate.json").read_text())


def test_the_first_measured_model_is_champion(project):
    refused = project.promote(project.train("nothing", []))
    assert (refused["outcome"], refused["champion"]) == ("refused", None)
    assert refused["decision"]["reasons"] == [
        "there is no champion yet, and F1 0.000 lies below the floor 0.1 for the first"
    ]
    trained = project.train("first", [GOOD])
    content = project.promote(trained)
    assert content == project.written()
    assert content["outcome"] == "promoted"
    assert content["decision"]["reasons"] == ["there is no champion yet, and F1 1.000 was measured"]
    assert (content["decision"]["pictures"], content["decision"]["objects"]) == (40, 40)
    champion = project.registry.aliased(CHAMPION)
    assert (champion.number, champion.run_id) == (2, trained[1])
    assert project.registry.aliased(CHALLENGER) is None
    with pytest.raises(GateError, match=r"version 2 of .* is champion already: train another model"):
        project.promote(trained)


def test_pictures_that_are_left_out_are_told(project, photographs, tmp_path):
    shutil.copytree(photographs, tmp_path, dirs_exist_ok=True)
    (tmp_path / "dataset/subset-1/cam0/0.jpg").unlink()
    (tmp_path / "dataset/subset-1/cam1/1.jpg").write_text("no picture")
    content = project.promote(project.train("first", [GOOD]), project.compose(tmp_path))
    assert [content["decision"][key] for key in ("pictures", "missing", "unusable")] == [38, 1, 1]
    assert content["decision"]["reasons"][1] == ("2 of 40 pictures were left out (1 are not there, 1 cannot be used)")


def test_a_better_model_replaces_the_champion_and_rollback_brings_it_back(project):
    project.promote(project.train("bad", [(60, 8, 90, 40, 0.9, 4)]), project.lenient())
    trained = project.train("good", [GOOD])
    content = project.promote(trained)
    assert content["outcome"] == "promoted"
    assert content["decision"]["difference"] == 1
    assert content["decision"]["interval"] == [1, 1]
    assert (content["champion_before"]["number"], content["champion"]["number"]) == (1, 2)
    version = project.registry.aliased(CHAMPION)
    assert version.number == 2
    assert version.tags["gate.outcome"] == "promoted"
    assert (version.tags["gate.difference"], version.tags["gate.compared_with"]) == ("1.0", "1")
    assert version.tags["gate.reasons"].startswith("F1 1.000 against 0.000, +1.000 with a 95 % interval of")
    client = MlflowClient(local_uri(project.root))
    assert client.get_model_version(project.name, "2").description.startswith("Version 2 of ")
    assert [item.path for item in client.list_artifacts(trained[1], "gate")] == ["gate/gate.json"]

    said = status(project.registry)
    assert "champion: version 2, run" in said
    assert "challenger: none" in said
    assert said.endswith("champions before, the latest first: 1")

    back = roll_back(project.registry, project.out, "it misses forks")
    assert back == project.written()
    assert (back["outcome"], back["champion"]["number"], back["reason_given"]) == ("rolled back", 1, "it misses forks")
    assert project.registry.aliased(CHAMPION).number == 1
    left = client.get_model_version(project.name, "2").tags
    assert (left["gate.outcome"], left["gate.reason_given"]) == ("rolled back", "it misses forks")
    with pytest.raises(GateError, match=r"version 1 of .* is the first champion, so there is none to roll back to"):
        roll_back(project.registry, project.out)


def test_an_equal_model_and_a_worse_one_stay_challengers(project):
    project.promote(project.train("good", [GOOD]))
    content = project.promote(project.train("same", [GOOD, (0, 0, 9, 9, 0.01, 0)]))
    assert content["outcome"] == "refused"
    assert "does not lie above the margin 0" in content["decision"]["reasons"][0]
    assert project.registry.aliased(CHAMPION).number == 1
    challenger = project.registry.aliased(CHALLENGER)
    assert (challenger.number, challenger.tags["gate.outcome"]) == (2, "refused")
    worse = project.promote(project.train("worse", []))
    assert (worse["outcome"], worse["champion"]["number"]) == ("refused", 1)
    fallen = "falls by more than its limit: box_height 32 to 64: recall 0.000 against 1.000 on 40 objects"
    assert any(text.startswith(fallen) for text in worse["decision"]["reasons"])


def test_a_refused_model_is_forced_with_a_reason_that_is_kept(project):
    project.promote(project.train("good", [GOOD]))
    trained = project.train("worse", [])
    assert project.promote(trained)["outcome"] == "refused"
    content = project.promote(trained, force=True, reason="a customer's demo")
    assert (content["outcome"], content["reason_given"]) == ("forced", "a customer's demo")
    version = project.registry.aliased(CHAMPION)
    assert (version.number, version.tags["gate.reason_given"]) == (2, "a customer's demo")
    assert [item.number for item in project.registry.versions()] == [2, 1]


def test_nothing_real_no_promotion_unless_forced(project):
    trained, nothing = project.train("good", [GOOD]), project.compose()
    with pytest.raises(GateError, match=r"no promotion without real photographs .*--force --reason 'WHY'"):
        project.promote(trained, nothing)
    assert project.registry.versions() == []
    assert not project.out.exists()
    content = project.promote(trained, nothing, force=True, reason="no camera on site yet")
    assert (content["outcome"], content["set"]) == ("forced", None)
    assert content["decision"]["reasons"] == ["nothing real was measured (real=none was chosen)"]
    assert project.registry.aliased(CHAMPION).number == 1


def test_a_model_that_learnt_from_a_photograph_is_no_champion(project, photographs, tmp_path):
    write_learnt(tmp_path)
    source = photographs / "dataset/subset-1/cam1/7.jpg"
    shutil.copy(source, tmp_path / "yolo/images/train/real-0000001.jpg")
    trained = project.train("good", [GOOD])
    for options in ({}, {"force": True, "reason": "a demo"}):
        with pytest.raises(InputError, match=r"cam1/7.jpg' of loco is the same picture as the training picture"):
            project.promote(trained, dataset=tmp_path, trained_on=read_data(tmp_path / "yolo").sha256, **options)
    assert project.registry.versions() == []


@pytest.mark.parametrize("case", ["another", "unknown", "gone"])
def test_a_model_of_another_data_set_is_not_looked_through(project, tmp_path, case):
    options = {"another": {"trained_on": "f" * 64}, "unknown": {"trained_on": ""}, "gone": {"dataset": tmp_path}}[case]
    said = {
        "another": r"dataset' \(sha256 \w{12}\) is not what the model learnt from \(sha256 f{12}\)",
        "unknown": r"its training.json names no data set",
        "gone": r"cannot be looked through \('.*data.yaml' does not exist",
    }[case]
    trained = project.train("good", [GOOD])
    with pytest.raises(GateError, match=rf"no promotion without a look for leaks: .*{said}.*--reason 'WHY'") as error:
        project.promote(trained, **options)
    assert "\n" not in str(error.value)
    assert project.registry.versions() == []
    content = project.promote(trained, force=True, reason="trained elsewhere", **options)
    assert content["decision"]["reasons"][-1].startswith("not looked for leaks: ")


def test_the_set_that_decides_must_be_there(project, photographs):
    with pytest.raises(SettingsError, match=r"gate.set=mine is no real set: choose from loco"):
        project.promote(project.train("good", [GOOD]), project.compose(photographs, "gate.set=mine"))


def test_a_champion_of_other_classes_is_not_beaten(project):
    path = write_constant_model(project.root / project.name / "other.onnx", ("pallet_truck",), (128, 96), [])
    with open_run(LOCAL, project.root) as run:
        run.log_onnx(path, "detector")
    project.promote((path, run.run_id), project.lenient())
    content = project.promote(project.train("good", [GOOD]))
    assert content["outcome"] == "refused"
    assert content["decision"]["reasons"] == ["the champion knows other classes (pallet_truck)"]


def test_runs_and_files_that_do_not_fit(project):
    path, run_id = project.train("good", [GOOD])
    with pytest.raises(GateError, match=r"MLflow run feed is not in .*: set tracking.uri to where it was logged"):
        project.promote((path, "feed"))
    with open_run(LOCAL, project.root) as empty:
        pass
    with pytest.raises(GateError, match=r"holds no model 'detector': train again"):
        project.promote((path, empty.run_id))
    other = write_constant_model(project.root / project.name / "x.onnx", NAMES, (128, 96), [])
    with pytest.raises(GateError, match=r"'.*x.onnx' is not the model that MLflow run \w+ logged"):
        project.promote((other, run_id))
    assert project.registry.versions() == []


def test_without_a_registry_or_champion(project, tmp_path):
    with pytest.raises(GateError, match=r"there is no model registry, as .* does not exist: train first"):
        open_registry(LOCAL, tmp_path, "detector")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(GateError, match=r"tracking=off keeps no model registry"):
        open_registry(Tracking(name="off", enabled=False), tmp_path, "detector")
    away = Tracking(name="server", uri="http://127.0.0.1:9", timeout=1)
    with pytest.raises(GateError, match=r"the model registry at http://127.0.0.1:9 cannot be used"):
        open_registry(away, tmp_path, "detector")
    with pytest.raises(GateError, match=r"has no champion: python -m stages.evaluate promote"):
        roll_back(project.registry, project.out)
    assert status(project.registry).endswith("champion: none\nchallenger: none")


def test_a_damaged_file_in_the_registry_is_told(project):
    path, _ = trained = project.train("good", [GOOD])
    project.promote(trained)
    champion = project.registry.aliased(CHAMPION)
    fetched = project.registry.fetch(champion)
    assert json.loads((fetched.parent / "training.json").read_text()) == {"run_id": trained[1], "data_revision": "abc"}
    fetched.write_bytes(b"cut")
    assert project.registry.fetch(champion).stat().st_size == path.stat().st_size
    client = MlflowClient(local_uri(project.root))
    kept = client.get_model_version_download_uri(project.name, "1")
    fetched.unlink()
    Path(local_file_uri_to_path(kept), "model.onnx").write_bytes(b"cut")
    with pytest.raises(GateError, match=r"version 1 of .* is no longer the file that was registered"):
        project.registry.fetch(champion)
    assert not fetched.exists()


def test_deploy_takes_the_champion_unless_told_otherwise(project, tmp_path):
    nothing = choose_model(project.settings, tmp_path)
    assert (str(nothing.path), nothing.version) == ("models/best.onnx", None)
    assert nothing.sentence == "there is no model registry, so it is 'models/best.onnx'"
    assert choose_model(project.settings, project.root).sentence.startswith("no champion is registered")
    project.promote(project.train("good", [GOOD]))
    chosen = choose_model(project.settings, project.root)
    assert (chosen.version, chosen.path.name) == (1, "model.onnx")
    told = choose_model(project.settings, project.root, tmp_path / "mine.onnx")
    assert (told.path, told.version) == (tmp_path / "mine.onnx", None)
    named = choose_model(project.compose(None, "deploy.model=models/best.onnx"), project.root)
    assert named.sentence == "it is 'models/best.onnx', as asked for"


def test_deploy_does_not_go_past_a_registry_that_is_away(project, tmp_path):
    away = compose("tracking=local", "tracking.uri=http://127.0.0.1:9", "tracking.timeout=1")
    with pytest.raises(
        GateError, match=r"cannot be used .* or deploy another model with deploy.model=models/best.onnx"
    ):
        choose_model(away, tmp_path)
    off = choose_model(compose("tracking=off"), project.root)
    assert off.sentence == "there is no model registry, so it is 'models/best.onnx'"


def test_a_champion_that_changes_meanwhile_stops_the_promotion(project, monkeypatch):
    project.promote(project.train("bad", []), project.lenient())
    middle, good = project.train("middle", [(0, 0, 9, 9, 0.9, 4)]), project.train("good", [GOOD])
    judged = promotion.judge

    def meanwhile(*args):
        monkeypatch.setattr(promotion, "judge", judged)
        project.promote(middle, force=True, reason="at the same time")
        return judged(*args)

    monkeypatch.setattr(promotion, "judge", meanwhile)
    with pytest.raises(GateError, match=r"the champion of .* changed meanwhile: run promote again"):
        project.promote(good)
    assert project.registry.aliased(CHAMPION).number == 3
    assert project.promote(good)["outcome"] == "promoted"


def test_the_commands_and_the_report(project, monkeypatch, capsys):
    def stage(*words):
        """Exit status, standard output, and standard error without progress."""
        args = parser().parse_args(words)
        code = run(args.command, args)
        said, wrong = capsys.readouterr()
        return code, said, "".join(line for line in wrong.splitlines(True) if " pictures, " not in line)

    folder = project.root / project.name
    models = folder / "models"
    settings = project.lenient().model_dump()
    settings["tracking"]["uri"] = local_uri(project.root)
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings))
    assert (stage("status")[0], stage("rollback")[0]) == (0, 9)
    for name, boxes in (("bad", []), ("good", [GOOD])):
        path, run_id = project.train(name, boxes)
        models.mkdir(exist_ok=True)
        path.replace(models / "best.onnx")
        (models / "training.json").write_text(json.dumps({"run_id": run_id, "data_sha256": project.sha256}))
        code, said, wrong = stage("promote", "--dataset", str(project.dataset))
        assert (code, wrong) == (0, "")
    assert said.startswith("promote: Version 2 of ")
    assert "is champion in place of version 1: F1 1.000 against 0.000, +1.000 with a 95 % interval" in said

    reports = folder / "reports"
    sha256 = sha256_of(models / "best.onnx")
    (reports / "evaluation.json").write_text(json.dumps({"model": {"sha256": sha256}}))
    (reports / "report.md").write_text("# Evaluation\n\nClasses.\n\n## Real photographs\n\ntext\n")
    tiles = "".join(f"<ul><!-- champion {name} f1 --><!-- /champion {name} f1 --></ul>" for name in ("loco", "sim"))
    page = "<body>\n<h2>Verdict</h2>\n<!-- gate -->\nNot yet.\n<!-- /gate -->\n{}\n<h2>Real photographs</h2>\n</body>\n"
    (reports / "report.html").write_text(page.format(tiles))
    once = [put_into_reports(reports), (reports / "report.md").read_text(), (reports / "report.html").read_text()]
    assert once == [
        put_into_reports(reports),
        (reports / "report.md").read_text(),
        (reports / "report.html").read_text(),
    ]
    assert once[1].index("## Gate") < once[1].index("- F1 1.000 against 0.000") < once[1].index("## Real photographs")
    assert '<!-- gate -->\n<p class="verdict passed"><b>Version 2 of' in once[2]
    assert "Not yet" not in once[2]
    # beside the figures of the set that decided, and of no other
    assert once[2].count("champion, version 1</b> 0.000") == 1
    assert (
        '0.000 <span class="lead better">+1.000</span> <small>+1.00 to +1.00</small></li><!-- /champion loco' in once[2]
    )
    assert "<td>box_height 32 to 64</td><td>40</td><td>recall</td><td>0.000</td><td>1.000</td>" in once[2]

    code, _, wrong = stage("rollback", "--reason", "it misses forks")
    assert (code, wrong) == (0, "")
    assert "was rolled back; version 1 is champion again**" in (reports / "report.md").read_text()
    assert (reports / "report.md").read_text().count("## Gate") == 1
    assert "champion: version 1, run" in stage("status")[1]

    path, run_id = project.train("none", [])
    path.replace(models / "best.onnx")
    (models / "training.json").write_text(json.dumps({"run_id": run_id, "data_sha256": project.sha256}))
    code, _, wrong = stage("promote", "--dataset", str(project.dataset))
    assert code == 9
    assert wrong.startswith("error: Version 3 of ")
    assert len(wrong.splitlines()) == 1
    assert json.loads((reports / "gate.json").read_text())["outcome"] == "refused"
    for words in (("--force",), ("--reason", "why not")):
        said = stage("promote", *words)
        assert said == (9, "", "error: --force and --reason 'WHY' go together: give both or none\n")
    (models / "training.json").unlink()
    assert stage("promote")[2] == (
        "error: 'models/training.json' names no MLflow run whose model could be registered: train with tracking=local\n"
    )
