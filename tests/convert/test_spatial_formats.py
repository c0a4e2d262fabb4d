"""Formats that say what lies where in space, and of which points an object consists, read by other people's code."""

import json
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from stages.common.errors import InputError, SettingsError
from stages.common.settings.pictures import Convert
from stages.convert.filters import sort_out
from stages.convert.formats.kitti import columns_3d
from stages.convert.run import convert
from stages.sdg.label.keypoints import KEYPOINTS, keypoints
from stages.sdg.label.space import CORNERS, boxes_3d
from stages.sdg.plan.geometry import rotation_matrix
from tests.convert.spatial import CLASSES, SIZE, view_of, write_frames

RULES = Convert(formats=["yolo", "yolo_segment", "yolo_pose", "coco", "kitti", "basic_writer"])
WIDTH, HEIGHT = SIZE


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spatial")
    convert(write_frames(folder / "frames"), folder / "out", CLASSES, RULES)
    return folder / "out"


def kept(number):
    return sort_out(view_of(number).label.instances, RULES)[0]


def devkit_corners(height, width, length, x, y, z, rotation):
    """computeBox3D.m of KITTI's devkit: 8 corners in camera coordinates."""
    turn = np.array([
        [math.cos(rotation), 0, math.sin(rotation)], [0, 1, 0], [-math.sin(rotation), 0, math.cos(rotation)],
    ])  # fmt: skip
    along = np.array([1, 1, -1, -1, 1, 1, -1, -1]) * length / 2
    down = np.array([0, 0, 0, 0, -1, -1, -1, -1]) * height
    across = np.array([1, -1, -1, 1, 1, -1, -1, 1]) * width / 2
    return (turn @ np.stack([along, down, across])).T + np.array([x, y, z])


def test_kitti_s_boxes_and_calibration_give_the_projected_corners(dataset):
    compared = 0
    for path in sorted((dataset / "kitti").rglob("label_2/*.txt")):
        number = int(path.stem)
        view = view_of(number)
        boxes = {box.id: box for box in boxes_3d(view.plan, view.label)}
        calib = dict(line.split(": ") for line in (path.parents[1] / "calib" / path.name).read_text().splitlines())
        assert {"P0", "P1", "P2", "P3", "R0_rect", "Tr_velo_to_cam", "Tr_imu_to_velo"} == set(calib)
        projection = np.array(calib["P2"].split(), float).reshape(3, 4)
        lines = [line.split() for line in path.read_text().splitlines()]
        for columns, item in zip([line for line in lines if line[0] != "DontCare"], kept(number), strict=True):
            assert len(columns) == 15
            alpha, *rest = (float(value) for value in (columns[3], *columns[8:]))
            corners = devkit_corners(*rest)
            assert alpha == pytest.approx(math.remainder(rest[6] - math.atan2(rest[3], rest[5]), math.tau), abs=2e-4)
            pixels = np.concatenate([corners, np.ones((8, 1))], 1) @ projection.T
            pixels = pixels[:, :2] / pixels[:, 2:]
            ours = np.array(boxes[item.id].corners, float)
            # every corner of the devkit is one of ours: the camera is level and has no distortion
            distance = np.linalg.norm(pixels[:, None] - ours[None], axis=2)
            assert distance.min(1).max() < 0.05
            assert sorted(distance.argmin(1)) == list(range(8))
            # the front of the object, +X of its asset, is where the devkit draws it
            front = {int(place) for place in distance.argmin(1)[[0, 1, 4, 5]]}
            assert front == {1, 3, 5, 7}
            compared += 1
        assert all(
            line[8:] == ["-1", "-1", "-1", "-1000", "-1000", "-1000", "-10"] for line in lines if line[0] == "DontCare"
        )
    assert compared > 8


def test_a_heading_to_the_right_has_no_rotation_and_one_to_the_camera_a_quarter(dataset):
    from dataclasses import replace

    (box, *_) = boxes_3d(view_of(1).plan, view_of(1).label)
    down = (0.0, 1.0, 0.0)
    for forward, rotation in (((1, 0, 0), 0.0), ((0, 0, 1), -math.pi / 2), ((0, 0, -1), math.pi / 2)):
        up = np.negative(down)
        left = np.cross(up, forward)
        turned = tuple(map(tuple, np.stack([forward, left, up], 1).tolist()))
        moved = replace(box, rotation_camera=turned, centre_camera=(0.0, 0.5, 4.0), size=(2.0, 1.0, 0.6))
        alpha, height, width, length, x, y, z, found = columns_3d(moved)
        assert (height, width, length) == (0.6, 1.0, 2.0)
        assert (x, y, z) == pytest.approx((0.0, 0.8, 4.0))
        assert found == pytest.approx(rotation)
        assert alpha == pytest.approx(rotation)  # straight ahead


def test_a_thing_that_is_tipped_up_gets_the_upright_box_around_its_own(dataset):
    from dataclasses import replace

    (box, *_) = boxes_3d(view_of(1).plan, view_of(1).label)
    to_camera = np.array([(0.0, -1.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)])  # a level camera that looks along +X
    tipped = rotation_matrix((0.4, 0.0, -math.radians(70)))
    turns = {"rotation_world": tipped.tolist(), "rotation_camera": (to_camera @ tipped).tolist()}
    moved = replace(box, centre_camera=(0.3, 0.5, 4.0), size=(1.5, 0.6, 1.2), **turns)
    corners = np.array([0.3, 0.5, 4.0]) + (CORNERS * moved.size) @ np.array(moved.rotation_camera).T
    _, *rest = columns_3d(moved)
    upright = devkit_corners(*rest)
    assert np.ptp(upright[:, 1]) == pytest.approx(1.2 * math.cos(math.radians(70)) + 1.5 * math.sin(math.radians(70)))
    assert upright[:, 1].min() == pytest.approx(corners[:, 1].min())
    assert (upright.min(0) <= corners.min(0) + 1e-9).all()
    assert (upright.max(0) >= corners.max(0) - 1e-9).all()
    assert rest[-1] == pytest.approx(-math.pi / 2 - 0.4)


def loaded(dataset, tmp_path, name, task):
    """The parts of a tree by Ultralytics' own loader."""
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    moved = tmp_path / "moved there"
    shutil.copytree(dataset / name, moved)
    data = check_det_dataset(str(moved / "data.yaml"), autodownload=False)
    for part in ("train", "val", "test"):
        made = YOLODataset(img_path=data[part], data=data, task=task, imgsz=320, augment=False)
        for place, label in enumerate(made.labels):
            yield int(Path(label["im_file"]).stem), label, data, made[place]


def corners_of(label):
    x, y, width, height = label["bboxes"].T * [[WIDTH], [HEIGHT], [WIDTH], [HEIGHT]]
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)


def test_ultralytics_reads_polygons(dataset, tmp_path):
    seen = 0
    for number, label, data, sample in loaded(dataset, tmp_path, "yolo_segment", "segment"):
        assert list(data["names"].values()) == list(CLASSES)
        wanted = kept(number)
        assert len(label["segments"]) == len(wanted)
        if wanted:
            np.testing.assert_allclose(corners_of(label), [item.xyxy for item in wanted], atol=1e-3)
            assert sample["masks"].max() == len(wanted)
        for segment, item in zip(label["segments"], wanted, strict=True):
            drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
            # pixel centres are whole numbers to OpenCV
            cv2.fillPoly(drawn, [np.rint((segment * SIZE - 0.5) * 16).astype(np.int32)], 1, shift=4)
            mask = view_of(number).passes.instance == item.id
            assert drawn[mask].mean() > 0.98
            seen += 1
    assert seen > 8


def test_ultralytics_reads_keypoints_and_mirrors_them(dataset, tmp_path):
    names = KEYPOINTS["pallet_truck"]
    seen = 0
    for number, label, data, _ in loaded(dataset, tmp_path, "yolo_pose", "pose"):
        assert data["names"] == {0: "pallet_truck"}
        assert data["kpt_shape"] == [len(names), 3]
        assert [names[place].replace("left", "?").replace("right", "left").replace("?", "right")
                for place in data["flip_idx"]] == list(names)  # fmt: skip
        view = view_of(number)
        wanted = [item for item in kept(number) if item.class_name == "pallet_truck"]
        points = {item.id: item for item in keypoints(view.plan, view.passes, view.label)}
        assert len(label["cls"]) == len(wanted)
        if wanted:
            np.testing.assert_allclose(corners_of(label), [item.xyxy for item in wanted], atol=1e-3)
        for found, item in zip(label["keypoints"] if wanted else (), wanted, strict=True):
            expected = [(point.x, point.y, point.visibility) for point in points[item.id].points]
            np.testing.assert_allclose(found * [WIDTH, HEIGHT, 1], expected, atol=1e-3)
            seen += 1
    assert seen > 4


def test_a_pose_tree_needs_keypoints(tmp_path):
    frames = write_frames(tmp_path / "frames", annotators=())
    with pytest.raises(InputError, match="frame 1 has no keypoints, which yolo_pose needs; add keypoints to"):
        convert(frames, tmp_path / "out", CLASSES, RULES)
    with pytest.raises(SettingsError, match=r"names yolo_pose, and no class in scene\.classes has keypoints"):
        convert(frames, tmp_path / "out", ("small_load_carrier", "pallet"), RULES)


def test_pycocotools_reads_keypoints(dataset):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    names = KEYPOINTS["pallet_truck"]
    for part in ("train", "val", "test"):
        coco = COCO(dataset / "coco" / f"{part}.json")
        (truck,) = coco.loadCats(coco.getCatIds(["pallet_truck"]))
        assert truck["keypoints"] == list(names)
        assert max(map(max, truck["skeleton"])) == len(names)
        assert all("keypoints" not in category for category in coco.loadCats(coco.getCatIds(["pallet"])))
        for annotation in coco.loadAnns(coco.getAnnIds()):
            assert ("keypoints" in annotation) == (annotation["category_id"] == truck["id"])
            if "keypoints" in annotation:
                x, _, visibility = np.array(annotation["keypoints"]).reshape(-1, 3).T
                assert annotation["num_keypoints"] == (visibility > 0).sum()
                assert set(visibility) <= {0, 1, 2}
                assert (x >= 0).all()
                assert (x < WIDTH).all()
    # the labels as detections of themselves are perfect to COCO's own measure
    coco = COCO(dataset / "coco/train.json")
    trucks = coco.loadAnns(coco.getAnnIds(catIds=[truck["id"]], iscrowd=False))
    found = coco.loadRes([
        {key: annotation[key] for key in ("image_id", "category_id", "keypoints")} | {"score": 1.0}
        for annotation in trucks
    ])  # fmt: skip
    measure = COCOeval(coco, found, "keypoints")
    measure.params.kpt_oks_sigmas = np.full(len(names), 0.05)
    measure.params.catIds = [truck["id"]]
    measure.evaluate()
    measure.accumulate()
    measure.summarize()
    assert measure.stats[0] == pytest.approx(1)


def test_frames_without_these_annotators_give_the_old_files(tmp_path):
    convert(write_frames(tmp_path / "frames", annotators=()), tmp_path / "out", CLASSES, Convert())
    coco = json.loads((tmp_path / "out/coco/train.json").read_text())
    assert [set(category) for category in coco["categories"]] == [{"id", "name"}] * len(CLASSES)
    assert all("keypoints" not in annotation for annotation in coco["annotations"])
    assert not list((tmp_path / "out/kitti").rglob("calib"))
    for path in (tmp_path / "out/kitti").rglob("*.txt"):
        for line in path.read_text().splitlines():
            assert line.split()[8:] == ["-1", "-1", "-1", "-1000", "-1000", "-1000", "-10"]
