import json

import numpy as np
import pytest

from stages.common.errors import InputError
from stages.evaluate.real import locate
from stages.evaluate.truth import read_labelled_set
from tests.evaluate.conftest import NAMES, annotation, loco_json, write_photograph


def read(root, names=NAMES, file="rgb/loco-all-v1.json"):
    return read_labelled_set(root / file, "loco", names, lambda image: locate(image, root))


def test_locos_layout_is_read_and_numbers_follow_the_names(loco):
    labelled = read(loco)
    assert [picture.name for picture in labelled.pictures] == [
        "dataset/subset-1/1564562430367,07.jpg",  # the same file name twice, told apart by the path
        "dataset/subset-2/1564562430367,07.jpg",
        "dataset/subset-3/2019-12-17_10/Cam1/1.2.jpg",
    ]
    first, second, third = (picture.truth for picture in labelled.pictures)
    assert first.classes.tolist() == [4]
    assert first.xyxy.tolist() == [[10, 10, 50, 70]]
    assert second.classes.tolist() == [4, 2]
    assert third.ignore.tolist() == [True]
    assert labelled.objects == 3
    assert not labelled.missing


def test_only_classes_that_the_file_annotates_are_scored(loco):
    assert [NAMES[number] for number in read(loco).scored] == ["pallet", "pallet_truck"]


def test_another_order_of_the_models_names_changes_nothing_but_numbers(loco):
    turned = tuple(reversed(NAMES))
    labelled = read(loco, turned)
    assert [turned[number] for number in labelled.pictures[1].truth.classes] == ["pallet_truck", "pallet"]


def test_the_dataset_folder_itself_is_understood_as_root(loco):
    labelled = read_labelled_set(
        loco / "rgb/loco-all-v1.json", "loco", NAMES, lambda image: locate(image, loco / "dataset")
    )
    assert len(labelled.pictures) == 3


def test_missing_pictures_are_counted_by_name(loco):
    (loco / "dataset/subset-2/1564562430367,07.jpg").unlink()
    labelled = read(loco)
    assert labelled.missing == ("dataset/subset-2/1564562430367,07.jpg",)
    assert len(labelled.pictures) == 2


def test_classes_that_the_model_does_not_know_do_not_count(loco):
    labelled = read(loco, ("pallet_truck",))
    assert labelled.unknown == ("pallet",)
    assert [len(picture.truth) for picture in labelled.pictures] == [1, 1, 1]


def write(folder, content):
    write_photograph(folder / "dataset/a.jpg")
    (folder / "labels.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_accepted_extents_and_boxes_without_area(tmp_path):
    accepted = [[10, 10, 40, 40], [10, 10, 20, 40]]
    root = write(
        tmp_path,
        loco_json(
            ["a.jpg"],
            [
                annotation(1, "pallet", (5, 5, 0, 9)),
                annotation(1, "pallet_truck", (10, 10, 40, 40), accepted_bboxes=accepted),
            ],
        ),
    )
    truth = read(root, file="labels.json").pictures[0].truth
    assert len(truth) == 1
    np.testing.assert_array_equal(truth.accepted[0], [[10, 10, 50, 50], [10, 10, 30, 50]])


def test_in_a_file_without_annotations_all_listed_classes_count(tmp_path):
    root = write(tmp_path, loco_json(["a.jpg"], [], categories=("pallet", "pallet_truck")))
    assert read(root, file="labels.json").scored == (2, 4)


def broken(**changes):
    content = loco_json(["a.jpg"], [annotation(1, "pallet", (1, 1, 9, 9))])
    content["annotations"][0] |= changes
    return content


def repeated(key):
    content = broken()
    content[key].append({**content[key][0], "name": "something else"})
    return content


def without(key):
    content = broken()
    del content["annotations"][0][key]
    return content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<!DOCTYPE html><title>Sign in</title>", "are no JSON but a web page .*download the file again"),
        (json.dumps(broken())[:-40], "are no JSON but cut short or another kind of file"),
        ("", "are no JSON"),
        ("[1, 2]", "are not COCO, which has the lists images, annotations, categories"),
        ({"images": [], "annotations": []}, "are not COCO"),
        (without("bbox"), "annotation 1 has no bbox; correct or remove that entry"),
        (broken(category_id=12345), "annotation 1 has the category_id 12345, which the file does not list"),
        (broken(image_id=77), "annotation 1 has the image_id 77, which the file does not list"),
        (broken(bbox="wide"), "annotation 1 has the box wide, not four finite numbers"),
        (broken(bbox=[1, 2, float("nan"), 4]), r"annotation 1 has the box \[1, 2, nan, 4\], not four finite numbers"),
        (broken(bbox=[500, 2, 9, 4]), r"annotation 1 has the box \[500, 2, 9, 4\], which lies outside its picture"),
        (broken(bbox=[5, 2, -9, 4]), r"annotation 1 has the box \[5, 2, -9, 4\] of negative size"),
        (broken(accepted_bboxes=[[1, 2, 3]]), r"annotation 1 has the box \[1, 2, 3\], not four finite numbers"),
        (repeated("images"), "image 1 has the id of another one"),
        (repeated("categories"), "category 3 has the id of another one"),
        (repeated("annotations"), "annotation 1 has the id of another one"),
        (loco_json([], []), "list no picture; give a file that names some"),
        (loco_json(["b.jpg", "c.jpg"], [annotation(1, "pallet", (1, 1, 9, 9))]), "none of the 2 pictures"),
        (loco_json(["a.jpg"], [], categories=("person",)), "have the classes person, of which the model knows none"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, content, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        read(write(tmp_path, content), file="labels.json")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"annotations '.*absent\.json' cannot be read \(No such file"):
        read(tmp_path, file="absent.json")
