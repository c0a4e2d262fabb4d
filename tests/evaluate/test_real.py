import hashlib
import json

import pytest

from stages.common.errors import InputError
from stages.common.photographs import load_coco
from stages.common.settings.learning import Real
from stages.evaluate.inference import match_picture
from stages.evaluate.metrics import count, rank
from stages.evaluate.real import Unmeasured, photographs_folder, published_detections, real_set
from stages.evaluate.table import table
from stages.evaluate.truth import LabelledSet, read_labelled_set
from tests.evaluate.conftest import NAMES, annotation, loco_json, write_photograph
from tests.settings import REPOSITORY

LABELS = REPOSITORY / "real/loco-dev"


def loco_settings(root, annotations="rgb/loco-all-v1.json"):
    return Real(name="loco", root=str(root), annotations=annotations)


def test_loco_below_a_root(loco, tmp_path):
    labelled = real_set(loco_settings(loco), NAMES, tmp_path)
    assert isinstance(labelled, LabelledSet)
    assert len(labelled.pictures) == 3


def test_a_relative_root_starts_at_the_project(loco, tmp_path):
    assert len(real_set(loco_settings("loco"), NAMES, tmp_path).pictures) == 3


def test_annotations_may_lie_in_the_project(loco, tmp_path):
    (loco / "rgb/loco-all-v1.json").rename(tmp_path / "mine.json")
    assert len(real_set(loco_settings(loco, annotations="mine.json"), NAMES, tmp_path).pictures) == 3
    absolute = str(tmp_path / "mine.json")
    assert len(real_set(loco_settings(loco, annotations=absolute), NAMES, tmp_path).pictures) == 3


@pytest.mark.parametrize(
    ("root", "annotations", "sentence"),
    [
        (
            "absent",
            "labels.json",
            "real.root '.*absent' is not a folder; set it to the one that holds dataset/subset-1",
        ),
        ("loco", "absent.json", "absent.json' or '.*absent.json' do not exist; set real.annotations"),
    ],
)
def test_a_wrong_setting_is_refused(loco, tmp_path, root, annotations, sentence):
    with pytest.raises(InputError, match=sentence):
        real_set(loco_settings(root, annotations), NAMES, tmp_path)


def test_nothing_is_measured_when_nothing_is_asked_for_or_given(tmp_path):
    assert Real(name="none").sets == ()
    without = real_set(loco_settings(""), NAMES, tmp_path)
    assert isinstance(without, Unmeasured)
    assert "real=loco needs real.root" in without.reason


@pytest.fixture
def public(server, tmp_path):
    """A small set whose photographs are on a server, and the project that has its labels."""
    images = ["subset-dev/1.2,3.jpg", "subset-dev/4.jpg"]
    sums = []
    for seed, image in enumerate(images):
        path = write_photograph(server.folder / image.rpartition("/")[2], seed=seed)
        sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    project = tmp_path / "project"
    (project / "real").mkdir(parents=True)
    content = loco_json(images, [annotation(1, "pallet_truck", (1, 1, 9, 9))])
    (project / "real/labels.json").write_text(json.dumps(content))
    (project / "real/SUMS").write_text("".join(sums))
    settings = Real(name="dev", annotations="real/labels.json", source=server.address, checksums="real/SUMS")
    return server, settings, project


def test_public_photographs_are_fetched_once_and_kept(public):
    server, settings, project = public
    for _ in range(2):
        assert len(real_set(settings, NAMES, project).pictures) == 2
    assert len(server.asked) == 2
    assert (project / "data/real/dev/dataset/subset-dev/1.2,3.jpg").is_file()


def test_without_the_server_the_run_goes_on_and_says_what_to_do(public):
    server, settings, project = public
    server.failures = [404]
    reason = real_set(settings, NAMES, project).reason
    assert "cannot be fetched" in reason
    assert "set real.root to a copy of them, then `dvc repro --force --single-item evaluate`" in reason
    assert len(real_set(settings, NAMES, project).pictures) == 2, "the next run fetches what is left"


def test_an_experiment_in_a_folder_of_its_own_finds_the_same_photographs(tmp_path):
    experiment = tmp_path / "project/.dvc/tmp/exps/standalone/abc"
    experiment.mkdir(parents=True)
    settings = Real(name="dev", annotations="labels.json")
    assert photographs_folder(settings, experiment) == tmp_path / "project/data/real/dev"


def test_the_labels_in_the_repository_and_their_checksums_name_the_same_photographs():
    content = load_coco(LABELS / "loco-dev.json")
    names = {image["file_name"] for image in content["images"]}
    assert names == {line[66:] for line in (LABELS / "SHA256SUMS").read_text().splitlines()}
    assert all(image["path"].endswith(image["file_name"]) for image in content["images"])


@pytest.fixture
def loco_dev(tmp_path):
    """The labels in the repository with empty files for photographs."""

    def locate(image):
        path = tmp_path / image["file_name"]
        path.touch()
        return image["file_name"], path

    return read_labelled_set(LABELS / "loco-dev.json", "loco-dev", NAMES, locate)


def test_published_detections_score_as_when_they_were_labelled(loco_dev):
    # precision 16/20, recall 16/24: counted by hand when the photographs were labelled
    published = published_detections(LABELS / "loco-dev.json", loco_dev, NAMES)
    assert list(published) == ["nvidia"]
    results = [match_picture(item, published["nvidia"][item.id], loco_dev.scored) for item in loco_dev.pictures]
    counts = count(rank(table(results), loco_dev.scored), 0.0)
    assert (counts.hits, counts.false_alarms, counts.objects) == (16, 4, 24)


def test_a_published_list_that_is_something_else_is_named(loco_dev, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text((LABELS / "loco-dev.json").read_text())
    (tmp_path / "acme-published-detections.json").write_text("<html>")
    with pytest.raises(InputError, match=r"acme-published-detections\.json' is no list of COCO results but a web page"):
        published_detections(labels, loco_dev, NAMES)
