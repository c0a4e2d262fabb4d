"""Broken files that a user may give: one sentence each, that names the file and the entry."""

import copy
import json
import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.common.errors import InputError
from stages.common.settings.learning import Real
from stages.common.settings.pictures import Convert, RealSource
from stages.convert.real_mix import draw_photographs
from stages.convert.run import convert
from stages.evaluate.real import locate, published_detections
from stages.evaluate.run import evaluate, sim_set
from stages.evaluate.truth import read_labelled_set
from tests.convert.frames import write_frames
from tests.evaluate.conftest import NAMES, annotation, loco_json, write_photograph
from tests.tiny_models import write_constant_model

PAGE = "<!DOCTYPE html><html><title>Sign in</title></html>"


def whole():
    """Two photographs with three objects, and everything that an entry may have."""
    return loco_json(
        ["a.jpg", "b.jpg"],
        [
            annotation(1, "pallet", (1, 1, 9, 9), area=81.0, accepted_bboxes=[[1, 1, 5, 9]]),
            annotation(1, "pallet_truck", (20, 20, 30, 30), occlusion=0.2, truncation=0.0, distance=3.0),
            annotation(2, "pallet_truck", (20, 20, 30, 30), occlusion=0.2, truncation=0.0, distance=3.0),
        ],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("photographs")
    for name in ("a.jpg", "b.jpg"):
        write_photograph(root / "dataset" / name)
    return root


def read(folder, content):
    path = folder / "labels.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_labelled_set(path, "mine", NAMES, lambda image: locate(image, folder))


def broken(kind, place, **changes):
    """The whole file with one entry changed; a value of ``...`` takes the key away."""
    content = whole()
    for key, value in changes.items():
        if value is ...:
            del content[kind][place][key]
        else:
            content[kind][place][key] = value
    return content


BROKEN = [
    (broken("images", 1, width=...), "image 2 has no width"),
    (broken("images", 1, height="tall"), "image 2 has the height 'tall', which is no finite number"),
    (broken("images", 1, width=float("nan")), "image 2 has the width nan, which is no finite number"),
    (broken("images", 1, width=0), "image 2 has the size 0x96"),
    (broken("images", 1, id=...), "image number 2 in the list has no id"),
    (broken("images", 1, id=[3]), r"image number 2 in the list has the id \[3\]"),
    (broken("images", 1, id=1), "image 1 has the id of another one"),
    (broken("images", 1, path=..., file_name=...), "image 2 has no file_name"),
    (broken("images", 1, path=7), "image 2 has the path 7, which is no text"),
    (broken("images", 1, path="\ud800"), r"image 2 has the path '\\ud800', which is no text"),
    (broken("images", 1, tags=5), "image 2 has the tags 5, which are no object with keys"),
    (broken("categories", 0, name=...), "category 3 has no name"),
    (broken("categories", 0, name="pallet"), "category 7 has the name 'pallet' of another category"),
    (broken("categories", 0, name=3), "category 3 has the name 3, which is no text"),
    (broken("annotations", 2, bbox=...), "annotation 3 has no bbox"),
    (broken("annotations", 2, bbox=[1, 2, None, 4]), r"annotation 3 has the box \[1, 2, None, 4\]"),
    (broken("annotations", 2, bbox=[1, 2, math.inf, 4]), r"annotation 3 has the box \[1, 2, inf, 4\]"),
    (broken("annotations", 2, bbox=[-50, 2, 9, 4]), r"the box \[-50, 2, 9, 4\], which lies outside its picture"),
    (broken("annotations", 2, accepted_bboxes=5), "annotation 3 has the accepted_bboxes 5, which are no list"),
    (broken("annotations", 2, distance="far"), "annotation 3 has the distance 'far', which is no finite number"),
    (broken("annotations", 2, iscrowd="yes"), "annotation 3 has the iscrowd 'yes', which is neither 0 nor 1"),
    (broken("annotations", 2, category_id=99), "annotation 3 has the category_id 99, which the file does not list"),
    (broken("annotations", 2, id=2), "annotation 2 has the id of another one"),
    ({**whole(), "images": [7]}, "image number 1 in the list is no object with keys"),
    ({**whole(), "annotations": {}}, "are not COCO, which has the lists images, annotations, categories"),
    (PAGE, "are no JSON but a web page"),
    ("[" * 100_000, "are nested too deeply to be COCO"),
    (broken("images", 1, path="/dataset/a.jpg"), "image 2 has the file 'a.jpg' of image 1, which would count twice"),
]


@pytest.mark.parametrize(("content", "sentence"), [*BROKEN, ({**whole(), "images": []}, "list no picture")])
def test_a_labelled_set(content, sentence, folder):
    with pytest.raises(InputError, match=sentence) as error:
        read(folder, content)
    assert f"'{folder}/labels.json'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("content", "sentence"), BROKEN)
def test_photographs_to_train_on(content, sentence, folder):
    """dataset.real_mix looks at the same things."""
    (folder / "labels.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(InputError, match=sentence) as error:
        draw_photographs(1, RealSource(root=str(folder), annotations="labels.json"), NAMES, folder)
    assert f"'{folder}/labels.json'" in str(error.value)
    assert "\n" not in str(error.value)


def test_boxes_are_cut_to_their_picture_and_those_without_area_named(folder):
    content = whole()
    content["annotations"][0] |= {"bbox": [-10, 90.2, 30, 6], "accepted_bboxes": [[-10, 80, 20, 40]]}
    content["annotations"][1] |= {"bbox": [20, 20, 0, 30]}
    content["annotations"][2] |= {"bbox": [0, 0, 128.25, 96]}
    labelled = read(folder, content)
    first, second = (picture.truth for picture in labelled.pictures)
    assert first.xyxy.tolist() == [[0, 90.2, 20, 96]]
    assert first.accepted[0].tolist() == [[0, 80, 10, 96]]
    assert second.xyxy.tolist() == [[0, 0, 128, 96]]
    assert labelled.remarks == (
        "1 boxes reach beyond their pictures and are cut to them: annotation 1.",
        "1 boxes have no area and are not counted: annotation 2.",
    )


WEIRD = st.sampled_from(
    [..., None, True, "", "text", -1, 0, 10**30, 0.5, float("nan"), float("inf"), [], [1], [[]], {}, {"a": 1}]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_an_entry_holds_it_is_read_or_refused_in_a_sentence(data, folder):
    content = copy.deepcopy(whole())
    for _ in range(data.draw(st.integers(1, 3))):
        entry = data.draw(st.sampled_from([item for items in content.values() for item in items if item]))
        key, value = data.draw(st.sampled_from(sorted(entry))), data.draw(WEIRD)
        if value is ...:
            del entry[key]
        else:
            entry[key] = value
    said = ""
    try:
        read(folder, content)
    except InputError as error:
        said = str(error)
    assert not said or re.fullmatch(r".*labels\.json'.*", said)


ENTRY = {"image_id": 1, "category_id": 11, "bbox": [1, 1, 9, 9], "score": 0.5}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (PAGE, "is no list of COCO results but a web page"),
        ("[" * 100_000, "is nested too deeply for a list of COCO results"),
        ({"annotations": []}, "is no list of COCO results"),
        ([ENTRY, 5], "number 2 in the list is no object with keys"),
        (
            [ENTRY, {**ENTRY, "category_id": 99}],
            "number 2 in the list has the category_id 99, which the annotations do not list",
        ),
        ([ENTRY, {**ENTRY, "image_id": []}], r"number 2 in the list has the image_id \[\]"),
        (
            [ENTRY, {**ENTRY, "bbox": [1, 2, 3]}],
            r"number 2 in the list has the box \[1, 2, 3\], not four finite numbers",
        ),
        ([ENTRY, {**ENTRY, "bbox": [1, 2, float("nan"), 4]}], r"number 2 in the list has the box \[1, 2, nan, 4\]"),
        ([ENTRY, {**ENTRY, "score": "high"}], "number 2 in the list has the score 'high', which is no finite number"),
        ([{"image_id": 1}], "number 1 in the list has no category_id"),
    ],
)
def test_published_detections(content, sentence, folder):
    labelled = read(folder, whole())
    path = folder / "acme-published-detections.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    try:
        with pytest.raises(InputError, match=sentence) as error:
            published_detections(folder / "labels.json", labelled, NAMES)
        assert f"'{path}'" in str(error.value)
        assert "\n" not in str(error.value)
        path.write_text(json.dumps([ENTRY, {**ENTRY, "image_id": 77}]))  # of a photograph that is not measured
        found = published_detections(folder / "labels.json", labelled, NAMES)["acme"]
        assert [len(found[number]) for number in (1, 2)] == [1, 0]
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(PAGE, "are no JSON but a web page"), ("[]", "are not COCO"), ('{"images": []', "are no JSON but cut short")],
)
def test_the_rendered_labels(text, sentence, tmp_path):
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco/test.json").write_text(text)
    with pytest.raises(InputError, match=sentence) as error:
        sim_set(tmp_path, NAMES)
    assert f"'{tmp_path}/coco/test.json'" in str(error.value)


def test_a_lone_photograph_that_is_damaged_is_counted_and_shown(tmp_path):
    """And so is one that is missing."""
    frames = write_frames(tmp_path / "frames", 4, 2)
    convert(frames, tmp_path / "dataset", NAMES, Convert())
    boxes = [(10, 10, 40, 50, 0.9, 4)]
    model = write_constant_model(tmp_path / "models/best.onnx", NAMES, (128, 96), boxes, threshold=0.5)
    images = ["subset-1/1.jpg", "subset-1/2.jpg", "subset-1/empty.jpg", "subset-1/gone.jpg"]
    for seed, image in enumerate(images[:3]):
        write_photograph(tmp_path / "p/dataset" / image, seed=seed)
    (tmp_path / "p/dataset/subset-1/2.jpg").write_text(PAGE)
    (tmp_path / "p/dataset/subset-1/empty.jpg").write_bytes(b"")
    boxes = [annotation(1, "pallet_truck", (10, 10, 30, 40)), annotation(1, "pallet_truck", (50, 10, 0, 40))]
    content = loco_json(images, boxes)
    (tmp_path / "p/labels.json").write_text(json.dumps(content))
    real = Real(name="mine", root=str(tmp_path / "p"), annotations="labels.json")
    outcome = evaluate(model, tmp_path / "dataset", real, tmp_path / "reports", project=tmp_path)
    figures = outcome.metrics["real"]["mine"]
    assert (figures["pictures"], figures["missing_pictures"], figures["hits"]) == (1, 3, 1)
    for name in ("report.md", "report.html"):
        text = re.sub(r"&#39;", "'", (tmp_path / "reports" / name).read_text())
        assert "1 boxes have no area and are not counted: annotation 2." in text
        assert "2 pictures cannot be used and are not counted: '" in text
        assert "2.jpg' is not a picture that can be decoded" in text
        assert "empty.jpg' is not a picture that can be decoded" in text
        assert "1 annotated pictures are not there and not counted: dataset/subset-1/gone.jpg." in text
