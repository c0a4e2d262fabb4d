"""Replicator's arrays made regular, without Isaac Sim."""

from __future__ import annotations

import numpy as np
import pytest

from isaac.capture.read import (
    CaptureError,
    boxes3d_of,
    boxes_of,
    by_number,
    chosen_class,
    classes_of,
    depth_of,
    focal_of,
    instances_of,
    measured_inclusive,
    owner_of,
    picture_of,
    vectors_of,
)

BOX2D = [("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4"),
         ("occlusionRatio", "<f4")]  # fmt: skip
OWNERS = {"/World/Truck": 4, "/World/Pallet": 9}


@pytest.mark.parametrize(
    ("entry", "labels"),
    [
        ({"class": "pallet"}, ("pallet",)),
        ({"class": "rectangle,cube"}, ("rectangle", "cube")),  # parent and child
        ({"class": " pallet , scenery"}, ("pallet", "scenery")),
        ({"class": ["a", "b"]}, ("a", "b")),
        ({"other": "x"}, ()),
        ("BACKGROUND", ("BACKGROUND",)),
    ],
)
def test_labels_are_joined_by_commas(entry: object, labels: tuple[str, ...]) -> None:
    assert classes_of(entry) == labels


def test_the_innermost_known_class_is_chosen() -> None:
    assert chosen_class({"class": "scenery,pallet,pallet_truck,wheel"}, {"pallet", "pallet_truck"}) == "pallet_truck"
    assert chosen_class({"class": "wheel"}, {"pallet"}) is None


def test_keys_are_numbers_or_text() -> None:
    assert by_number({"0": "a", 3: "b"}) == {0: "a", 3: "b"}
    assert by_number(None) == {}
    with pytest.raises(CaptureError, match="colorize"):
        by_number({"(0, 0, 0, 255)": "a"})


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1)])
def test_what_is_no_distance_is_infinitely_far(shape: tuple[int, ...]) -> None:
    data = np.ones(shape, np.float32)
    data[0, :4] = np.array([np.inf, np.nan, 0.0, -1.0], np.float32).reshape(4, *([1] * (len(shape) - 2)))
    depth = depth_of(data, (4, 5))
    assert depth.dtype == np.float32
    assert np.isinf(depth[0, :4]).all()
    assert (depth[1:] == 1).all()


def test_ids_become_instances_by_prim_path_and_children_belong_to_their_instance() -> None:
    data = np.array([[0, 1, 2], [3, 4, 4]], np.uint32)
    table = {"0": "BACKGROUND", "1": "UNLABELLED", "2": "/World/Truck", "3": "/World/Truck/Wheel", "4": "/World/Other"}
    found = instances_of({"data": data, "info": {"idToLabels": table}}, OWNERS, (2, 3))
    assert found.tolist() == [[0, 0, 4], [4, 0, 0]]
    # fast annotators give a writer the same without `info`
    assert (instances_of({"data": data, "idToLabels": table}, OWNERS, (2, 3)) == found).all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros(0, np.uint32), "is empty"),
        (np.zeros((3, 3), np.uint32), "has the shape"),
        (np.full((2, 3), 7, np.uint32), "id 7, which its table does not name"),
        (np.zeros((2, 3, 4), np.uint8), "colorize"),
    ],
)
def test_segmentations_that_cannot_be_used(data: np.ndarray, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        instances_of({"data": data, "info": {"idToLabels": {}}}, OWNERS, (2, 3))


def test_pictures_and_vectors_of_another_size_cannot_be_used() -> None:
    with pytest.raises(CaptureError, match="empty"):
        picture_of(np.zeros(0, np.uint8), (2, 3))
    with pytest.raises(CaptureError, match="shape"):
        picture_of(np.zeros((2, 2, 4), np.uint8), (2, 3))
    with pytest.raises(CaptureError, match="shape"):
        vectors_of(np.zeros((2, 3, 1), np.float32), (2, 3), 3)
    assert picture_of({"data": np.zeros((2, 3, 4), np.uint8)}, (2, 3)).shape == (2, 3, 3)


def test_rows_of_children_are_joined_to_one_box() -> None:
    rows = np.array([(2, 5, 6, 9, 9, 0.5), (3, 2, 7, 6, 12, 0.25), (4, 0, 0, 3, 3, np.nan)], BOX2D)
    payload = {
        "data": rows,
        "info": {
            "primPaths": ["/World/Truck", "/World/Truck/Fork", "/World/Unknown"],
            "idToLabels": {"2": {"class": "pallet_truck"}, "3": {"class": "pallet_truck,fork"}},
        },
    }
    assert boxes_of(payload, OWNERS) == {
        4: {"xyxy": [2, 6, 10, 13], "occlusion": 0.25, "class": ["pallet_truck", "fork"]}
    }
    assert boxes_of(None, OWNERS) == {}


def test_matrices_are_turned_to_act_on_columns() -> None:
    kinds = [("semanticId", "<u4"), *((f"{a}_{m}", "<f4") for m in ("min", "max") for a in "xyz"),
             ("transform", "<f4", (4, 4)), ("occlusionRatio", "<f4")]  # fmt: skip
    matrix = np.eye(4)
    matrix[3, :3] = 1, 2, 3  # a row-vector matrix has its translation there
    row = np.array([(2, -1, -2, 0, 1, 2, 3, matrix, 0)], kinds)
    box = boxes3d_of({"data": row, "info": {"primPaths": ["/World/Truck/Body"]}}, OWNERS)[4]
    assert box["low"] == [-1, -2, 0]
    assert [line[3] for line in box["transform"]] == [1, 2, 3, 1]


@pytest.mark.parametrize("inclusive", [0, 1])
def test_whether_maxima_are_inclusive_is_measured(inclusive: int) -> None:
    instance = np.zeros((20, 30), np.uint16)
    instance[3:9, 4:12] = 4
    instance[2:5, 20:30] = 9  # at the border nothing can be told
    raw = {4: {"xyxy": [4, 3, 12 - inclusive, 9 - inclusive]}, 9: {"xyxy": [20, 2, 29, 4]}}
    assert measured_inclusive(raw, instance) == inclusive
    assert measured_inclusive({4: {"xyxy": [4, 3, 17, 9]}}, instance) is None
    assert measured_inclusive({}, instance) is None


def test_the_focal_length_follows_from_the_aperture() -> None:
    told = {
        "cameraFocalLength": 24.0,
        "cameraAperture": np.array([20.955, 15.3]),
        "renderProductResolution": [960, 544],
    }
    assert focal_of(told) == pytest.approx(1099.5, abs=0.1)
    assert focal_of({}) is None
    assert focal_of(None) is None


def test_owners_are_looked_for_upwards() -> None:
    assert owner_of("/World/Pallet/A/B", OWNERS) == 9
    assert owner_of("/World/PalletOther", OWNERS) == 0
    assert owner_of("BACKGROUND", OWNERS) == 0
