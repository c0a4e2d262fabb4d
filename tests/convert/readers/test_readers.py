"""Folders of Isaac Sim's writers become frames with the labels that were in them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from stages.common.errors import InputError, SettingsError
from stages.common.settings.pictures import Convert
from stages.convert.readers.run import import_folder, read_mapping
from stages.convert.run import convert
from stages.sdg.gallery import Origin
from stages.sdg.gallery.page import write_gallery
from stages.sdg.plan.types import TEST_START
from stages.sdg.shards import read_frames
from tests.convert.frames import CLASSES, write_frames
from tests.convert.readers.writers import HEIGHT, WIDTH, Prim, Scene, basic_writer, coco_writer, kitti_writer

TRUCK = Prim("/World/Truck", "pallet_truck", (10, 20, 40, 60), depth=5.0)
PALLET = Prim("/World/Pallet", "pallet", (30, 40, 90, 75), occlusion=0.25, depth=3.0)
ONE = {"Camera": Scene([TRUCK, PALLET])}
TWO = {"Left": Scene([TRUCK, PALLET]), "Right": Scene([PALLET])}


def read(folder, out, **options):
    result = import_folder(folder, out, CLASSES, **options)
    return result, list(read_frames(out))


def objects(frame):
    return sorted((item.class_name, item.xyxy) for item in frame.label.instances)


def mask(frame):
    return cv2.imdecode(np.frombuffer(frame.files["instance.png"], np.uint8), cv2.IMREAD_UNCHANGED)


BOXES = [("pallet", (30.0, 40.0, 90.0, 75.0)), ("pallet_truck", (10.0, 20.0, 40.0, 60.0))]


@pytest.mark.parametrize("colorize", [True, False])
def test_basic_writer(tmp_path, colorize):
    basic_writer(tmp_path / "in", [ONE] * 3, colorize=colorize, depth="distance_to_image_plane", loose=True)
    result, frames = read(tmp_path / "in", tmp_path / "out")
    assert (result.format, result.frames, result.skipped) == ("basic_writer", 3, {})
    assert [frame.label.frame for frame in frames] == [0, 1, 2]
    for frame in frames:
        assert objects(frame) == BOXES
        by_class = {item.class_name: item for item in frame.label.instances}
        truck, pallet = by_class["pallet_truck"], by_class["pallet"]
        assert (truck.distance, pallet.distance) == (5.0, 3.0)
        assert pallet.occlusion == 0.25
        assert truck.xyxy_loose == (10, 20, 40, 60)
        pixels = mask(frame)
        assert pixels.shape == (HEIGHT, WIDTH)
        assert (pixels[41:59, 31:39] == pallet.id).all()  # the nearer one
        assert (pixels == truck.id).sum() == truck.visible_pixels == 30 * 40 - 10 * 20
        picture = cv2.imdecode(np.frombuffer(frame.files["jpg"], np.uint8), cv2.IMREAD_COLOR)
        assert abs(int(picture[70, 80, 0]) - 120) < 4
    assert result.tally.compared == result.tally.agreeing == 6


@pytest.mark.parametrize("common", [False, True])
def test_several_cameras(tmp_path, common):
    basic_writer(tmp_path / "in", [TWO] * 2, common=common, depth="distance_to_image_plane")
    result, frames = read(tmp_path / "in", tmp_path / "out")
    assert result.cameras == ["Left", "Right"]
    assert [frame.label.tags["camera"] for frame in frames] == ["Left", "Right", "Left", "Right"]
    assert [objects(frame) for frame in frames] == [BOXES, BOXES[:1]] * 2


def test_all_cameras_of_a_moment_are_in_the_same_split(tmp_path):
    basic_writer(tmp_path / "in", [TWO] * 10)
    result, frames = read(tmp_path / "in", tmp_path / "out", test_share=0.2)
    assert (result.frames, result.test_frames) == (20, 4)
    testing = [frame for frame in frames if frame.label.frame >= TEST_START]
    assert [frame.label.frame - TEST_START for frame in testing] == [0, 1, 2, 3]
    assert {frame.label.tags["picture"] for frame in testing} == {
        f"{camera}/rgb/rgb_000{number}.png" for camera in ("Left", "Right") for number in (8, 9)
    }
    assert all(frame.label.split == "test" for frame in testing)


def test_the_recorders_sequences_runs_and_jpegs(tmp_path):
    for run in ("run_1", "run_2"):
        for sequence in ("1_", "2_", "10_"):
            basic_writer(tmp_path / "in" / run, [ONE] * 2, sequence=sequence, padding=6, suffix="jpg")
    result, frames = read(tmp_path / "in", tmp_path / "out", form="recorder")
    names = [frame.label.tags["picture"] for frame in frames]
    assert result.frames == 12
    assert names[:6] == [f"run_1/rgb_{sequence}_00000{n}.jpg" for sequence in (1, 2, 10) for n in (0, 1)]


def test_a_flat_folder_that_is_called_rgb(tmp_path):
    basic_writer(tmp_path / "rgb", [ONE])
    assert [objects(frame) for frame in read(tmp_path / "rgb", tmp_path / "out")[1]] == [BOXES]


def test_rows_of_child_prims_are_parts_of_their_thing(tmp_path):
    scene = Scene([
        Prim("/World/Forklift", "forklift", (10, 20, 30, 60)),
        Prim("/World/Forklift/Body", "forklift,S_ForkliftBody", (10, 10, 40, 30)),
        Prim("/World/Forklift/Fork", "forklift", (30, 50, 60, 60)),
        Prim("/World/Forklift/Load/Pallet", "forklift,pallet", (50, 30, 70, 48)),
        Prim("/World/Forklifts", "palletjack", (80, 5, 100, 60)),
    ])  # fmt: skip
    basic_writer(tmp_path / "in", [{"Camera": scene}])
    result, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert objects(frame) == [
        ("forklift", (10, 10, 60, 60)), ("pallet", (50, 30, 70, 48)), ("pallet_truck", (80, 5, 100, 60)),
    ]  # fmt: skip
    assert result.tally.merged == 2
    assert not result.tally.unknown
    forklift = next(item for item in frame.label.instances if item.class_name == "forklift")
    assert forklift.visible_pixels == (mask(frame) == forklift.id).sum() == 20 * 40 + 30 * 20 - 200 + 30 * 10


def test_joined_labels_of_a_scene_root_do_not_hide_the_class(tmp_path):
    scene = Scene([
        Prim("/World/Hall", "warehouse", (0, 0, 120, 80)),
        Prim("/World/Hall/Jack", "warehouse,palletjack", (10, 10, 40, 50)),
    ])  # fmt: skip
    basic_writer(tmp_path / "in", [{"Camera": scene}])
    result, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert objects(frame) == [("pallet_truck", (10, 10, 40, 50))]
    assert result.tally.unknown == {"warehouse": 1}
    assert "warehouse (1)" in result.summary(tmp_path)


def test_labels_are_mapped_and_left_out(tmp_path):
    scene = Scene([Prim("/World/A", "SM_Jack", (0, 0, 20, 20)), Prim("/World/B", "pallet", (40, 0, 60, 20))])
    basic_writer(tmp_path / "in", [{"Camera": scene}])
    mapping = read_mapping(["SM_Jack=pallet_truck", "pallet=none"])
    result, (frame,) = read(tmp_path / "in", tmp_path / "out", mapping=mapping)
    assert objects(frame) == [("pallet_truck", (0, 0, 20, 20))]
    assert not result.tally.unknown
    with pytest.raises(SettingsError, match="--map names the class 'jack'"):
        read(tmp_path / "in", tmp_path / "no", mapping={"SM_Jack": "jack"})
    with pytest.raises(SettingsError, match="not of the form LABEL=CLASS"):
        read_mapping(["SM_Jack"])


def test_masks_without_boxes_give_boxes(tmp_path):
    basic_writer(tmp_path / "in", [ONE], boxes=False)
    assert [objects(frame) for frame in read(tmp_path / "in", tmp_path / "out")[1]] == [BOXES]


def test_boxes_without_masks_give_rectangles(tmp_path):
    basic_writer(tmp_path / "in", [ONE], masks=False)
    result, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert objects(frame) == BOXES
    assert frame.label.tags["masks"] == "boxes"
    assert "rectangles stand for them" in result.summary(tmp_path)
    pixels = mask(frame)
    assert (pixels[20:60, 10:40] > 0).all()
    assert (pixels[:20] == 0).all()


@pytest.mark.parametrize("ratio", [-1.0, float("nan")])
def test_an_unknown_occlusion_is_estimated_from_the_loose_box(tmp_path, ratio):
    hidden = Prim("/World/Truck", "pallet_truck", (10, 20, 50, 60), occlusion=ratio)
    scene = Scene([hidden, Prim("/World/Wall", "wall", (30, 0, 120, 80))])
    basic_writer(tmp_path / "in", [{"Camera": scene}], loose=True)
    _, (frame,) = read(tmp_path / "in", tmp_path / "out")
    (item,) = frame.label.instances
    assert (item.xyxy, item.xyxy_loose) == ((10, 20, 30, 60), (10, 20, 50, 60))
    assert item.occlusion == pytest.approx(0.5)


def test_distance_along_the_ray_becomes_depth(tmp_path):
    basic_writer(tmp_path / "in", [ONE], depth="distance_to_camera")
    _, (frame,) = read(tmp_path / "in", tmp_path / "one")
    assert max(item.distance for item in frame.label.instances) == 5.0
    (tmp_path / "in" / "camera_params_0000.json").write_text(
        json.dumps({"cameraFocalLength": 24.0, "cameraAperture": [20.955, 15.7], "cameraModel": "pinhole"})
    )
    _, (frame,) = read(tmp_path / "in", tmp_path / "two")
    truck = next(item for item in frame.label.instances if item.class_name == "pallet_truck")
    focal = 24 / 20.955 * WIDTH
    farthest = np.hypot(10.5 - WIDTH / 2, 20.5 - HEIGHT / 2)
    assert truck.distance == pytest.approx(5 / np.hypot(1, farthest / focal), rel=1e-3)


def test_frames_of_a_writer_that_was_killed_are_left_out(tmp_path):
    folder = basic_writer(tmp_path / "in", [ONE] * 7)
    picture = folder / "rgb_0001.png"
    picture.write_bytes(picture.read_bytes()[:-40])
    (folder / "bounding_box_2d_tight_0002.npy").write_bytes(b"")
    (folder / "bounding_box_2d_tight_labels_0003.json").write_text("{")
    (folder / "bounding_box_2d_tight_prim_paths_0004.json").write_text('["/World/Truck"]')
    (folder / "instance_segmentation_mapping_0005.json").unlink()
    (folder / "bounding_box_2d_tight_0006.npy").unlink()
    (folder / "instance_segmentation_0006.png").unlink()
    result, frames = read(folder, tmp_path / "out")
    assert [frame.label.tags["picture"] for frame in frames] == ["rgb_0000.png"]
    assert [frame.label.frame for frame in frames] == [0]
    assert result.skipped == {
        "rgb_0001.png": "rgb_0001.png is no whole picture",
        "rgb_0002.png": "bounding_box_2d_tight_0002.npy cannot be read",
        "rgb_0003.png": "bounding_box_2d_tight_labels_0003.json cannot be read",
        "rgb_0004.png": "bounding_box_2d_tight_prim_paths_0004.json names 1 prims for 2 boxes",
        "rgb_0005.png": "instance_segmentation_mapping_0005.json is missing",
    }
    assert result.notes == ["1 pictures have neither boxes nor instance masks beside them"]
    told = json.loads((tmp_path / "out" / "inputs" / "import.json").read_text())
    assert told["skipped"] == result.skipped


def test_a_frame_without_objects_is_a_frame(tmp_path):
    basic_writer(tmp_path / "in", [{"Camera": Scene()}, ONE])
    _, frames = read(tmp_path / "in", tmp_path / "out")
    assert [len(frame.label.instances) for frame in frames] == [0, 2]


@pytest.mark.parametrize("kitti_names", [False, True])
@pytest.mark.parametrize("omit", [False, True])
def test_kitti_writer(tmp_path, omit, kitti_names):
    mapping = ("unlabelled", "pallet_truck", "pallet")
    kitti_writer(tmp_path / "in", [ONE] * 11, omit=omit, kitti_names=kitti_names, mapping=mapping)
    result, frames = read(tmp_path / "in", tmp_path / "out")
    assert (result.format, result.frames) == ("kitti_writer", 11)
    assert [frame.label.tags["picture"].rpartition("/")[2] for frame in frames] == [f"{n}.png" for n in range(11)]
    for frame in frames:
        assert objects(frame) == BOXES
        assert frame.label.tags["masks"] == "instances"
        by_class = {item.class_name: item for item in frame.label.instances}
        assert by_class["pallet_truck"].visible_pixels == 30 * 40 - 10 * 20
        assert by_class["pallet_truck"].distance == 5.0
        assert by_class["pallet"].occlusion == 0.0


def test_kittis_labels_with_spaces_occlusion_and_lost_objects(tmp_path):
    scene = Scene([
        Prim("/World/Low", "pallet", (0, 0, 30, 20)),
        Prim("/World/Jack", "hand pallet truck", (10, 30, 50, 70)),
        Prim("/World/Wall", "wall", (25, 25, 60, 79)),
    ])  # fmt: skip
    mapping = ("unlabelled", "pallet")
    kitti_writer(tmp_path / "in", [{"Camera": scene}], mapping=mapping)
    line = (tmp_path / "in/Camera/object_detection/0.txt").read_text().splitlines()[0]
    assert line.startswith('"hand pallet truck" 0.00 2')
    for text in (line, line.replace('"', "")):  # as other versions of csv would have it
        (tmp_path / "in/Camera/object_detection/0.txt").write_text(f"{text}\n")
        result, (frame,) = read(tmp_path / "in", tmp_path / "out")
        assert objects(frame) == [("pallet_truck", (10, 30, 25, 70))]
        assert frame.label.instances[0].occlusion == 0.75
        assert "25 pixels" in " ".join(result.notes)
        assert result.tally.notes == {"objects in the instance masks have no label": 1}


def test_kittis_cameras_and_missing_files(tmp_path):
    folder = kitti_writer(tmp_path / "in", [TWO] * 3)
    (folder / "Left/Camera/object_detection/2.txt").unlink()
    (folder / "Right/Camera/object_detection/1.txt").write_text("pallet 0.00 0\n")
    odd = folder / "Left/Camera/object_detection/0.txt"
    odd.write_text(odd.read_text().replace(" 0.00 0 ", " 0.00 nan ", 1))
    result, frames = read(folder, tmp_path / "out")
    assert result.cameras == ["Left/Camera", "Right/Camera"]
    assert [frame.label.tags["picture"] for frame in frames] == [
        "Right/Camera/rgb/0.png", "Left/Camera/rgb/1.png", "Right/Camera/rgb/2.png",
    ]  # fmt: skip
    assert result.skipped == {
        "Left/Camera/rgb/0.png": "0.txt holds a line that is no KITTI label",
        "Right/Camera/rgb/1.png": "1.txt holds a line that is no KITTI label",
    }
    assert "1 pictures have no label file" in result.notes[0]
    # classes that are not in the writer's mapping have no masks
    assert {frame.label.tags["masks"] for frame in frames} == {"boxes"}


FORKLIFT = Scene([
    Prim("/World/Forklift", "forklift", (10, 10, 60, 60)),
    Prim("/World/Forklift/Body", "forklift,S_Body", (10, 10, 60, 40)),
    Prim("/World/Forklift/Fork", "forklift", (30, 45, 80, 75)),
    Prim("/World/Other", "forklift", (85, 5, 115, 45)),
])  # fmt: skip
"""A forklift whose body and fork have labels, and one without."""


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (basic_writer, {}),
        (basic_writer, {"prim_paths": False}),
        (basic_writer, {"prim_paths": False, "masks": False}),
        (basic_writer, {"prim_paths": False, "masks": False, "semantic": True}),
        (basic_writer, {"prim_paths": False, "bare_labels": True, "colorize": False}),
        (kitti_writer, {"mapping": ("unlabelled", "forklift")}),
        (kitti_writer, {"mapping": ("unlabelled", "forklift"), "colorize": True}),
        (kitti_writer, {"mapping": ("unlabelled",), "omit": False}),
        (coco_writer, {"categories": {"forklift": 1}}),
        (coco_writer, {"categories": {"forklift": 1, "forklift,S_Body": 2}}),
    ],
)
def test_a_thing_with_labelled_parts_is_one_thing_in_every_format(tmp_path, write, options):
    write(tmp_path / "in", [{"Camera": FORKLIFT}], **options)
    result, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert objects(frame) == [("forklift", (10, 10, 80, 75)), ("forklift", (85, 5, 115, 45))]
    ids = mask(frame)
    whole = next(item.id for item in frame.label.instances if item.xyxy[0] == 10)
    assert ids[70, 75] == whole
    assert ids[20, 100] not in (0, whole)
    guessed = write is not basic_writer or not (options.get("prim_paths", True) or options.get("masks", True))
    assert (result.tally.guessed > 0) == guessed, "with instance masks the prims are known again"
    assert ("taken for parts of it" in result.summary(tmp_path)) == guessed
    if options.get("colorize") or (write is basic_writer and options.get("masks", True)):
        seen = (FORKLIFT.ids() >= 2) & (FORKLIFT.ids() < 5)
        assert ((ids == whole) == seen).all()


def test_neighbours_of_one_class_stay_two(tmp_path):
    scene = Scene([Prim("/W/A", "pallet", (10, 10, 60, 40)), Prim("/W/B", "pallet", (50, 12, 90, 42)),
                   Prim("/W/C", "forklift", (52, 14, 80, 40))])  # fmt: skip
    basic_writer(tmp_path / "in", [{"Camera": scene}], prim_paths=False, masks=False)
    result, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert len(frame.label.instances) == 3
    assert result.tally.guessed == 0


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("colorize", [False, True])
def test_semantic_pixels_stand_for_masks_where_there_are_no_instances(tmp_path, colorize, bare):
    basic_writer(tmp_path / "in", [ONE], masks=False, semantic=True, colorize=colorize, bare_labels=bare)
    result, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert objects(frame) == BOXES
    assert frame.label.tags["masks"] == "semantics"
    truck = next(item for item in frame.label.instances if item.class_name == "pallet_truck")
    assert truck.visible_pixels == (mask(frame) == truck.id).sum() == 30 * 40 - 10 * 20
    assert "rectangles" not in result.summary(tmp_path)


def test_a_truncated_semantic_picture_leaves_its_frame_out(tmp_path):
    folder = basic_writer(tmp_path / "in", [ONE, ONE], masks=False, semantic=True)
    (folder / "semantic_segmentation_labels_0001.json").unlink()
    result, frames = read(folder, tmp_path / "out")
    assert len(frames) == 1
    assert result.skipped == {"rgb_0001.png": "semantic_segmentation_labels_0001.json is missing"}


@pytest.mark.parametrize("common", [False, True])
def test_old_versions_without_prim_paths_and_with_bare_labels(tmp_path, common):
    basic_writer(tmp_path / "in", [TWO] * 2, common=common, prim_paths=False, bare_labels=True)
    _, frames = read(tmp_path / "in", tmp_path / "out")
    assert [objects(frame) for frame in frames] == [BOXES, BOXES[:1]] * 2
    truck = next(item for item in frames[0].label.instances if item.class_name == "pallet_truck")
    assert frames[0].label.tags["masks"] == "instances"
    assert truck.visible_pixels == 30 * 40 - 10 * 20


def test_kittis_coloured_masks_are_read(tmp_path):
    """They know the classes that are not in the writer's mapping, too."""
    kitti_writer(tmp_path / "in", [ONE], mapping=("unlabelled",), colorize=True)
    _, (frame,) = read(tmp_path / "in", tmp_path / "out")
    truck = next(item for item in frame.label.instances if item.class_name == "pallet_truck")
    assert (frame.label.tags["masks"], truck.visible_pixels) == ("instances", 30 * 40 - 10 * 20)
    # and where the instance masks themselves are coloured
    (tmp_path / "in/Camera/instance_rgb/0.png").replace(tmp_path / "in/Camera/instance_segmentation/0.png")
    _, (frame,) = read(tmp_path / "in", tmp_path / "out")
    truck = next(item for item in frame.label.instances if item.class_name == "pallet_truck")
    assert (frame.label.tags["masks"], truck.visible_pixels) == ("instances", 30 * 40 - 10 * 20)


def test_kittis_boxes_at_the_border_are_there_and_those_beyond_are_said_to_be_lost(tmp_path):
    scene = Scene([Prim("/W/A", "pallet", (0, 0, 30, 40)), Prim("/W/B", "pallet", (90, 40, WIDTH, HEIGHT))])
    kitti_writer(tmp_path / "in", [{"Camera": scene}], mapping=("unlabelled", "pallet"))
    result, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert objects(frame) == [("pallet", (0, 0, 30, 40)), ("pallet", (90, 40, WIDTH, HEIGHT))]
    assert "and those that reach out of the picture" in result.notes[-1]


def test_cocos_own_box_counts_where_its_pixels_have_another_extent(tmp_path):
    # a box that a window of another class hides in the middle, and another of the same class around a part of it
    scene = Scene([Prim("/World/A", "pallet", (10, 10, 60, 40)), Prim("/World/B", "pallet", (50, 12, 90, 36))])
    folder = coco_writer(tmp_path / "in", [{"Camera": scene}], {"pallet": 5})
    file = folder / "coco_annotations_abcdefgh.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["bbox"] = [10, 10, 59, 29]  # as if it reached further behind the other one
    file.write_text(json.dumps(content))
    result, (frame,) = read(folder, tmp_path / "out")
    assert objects(frame) == [("pallet", (10, 10, 70, 40)), ("pallet", (50, 12, 90, 36))]
    assert result.tally.kept == 1
    assert "1 boxes differ from the pixels that are likely theirs, and were kept" in result.summary(tmp_path)


def test_coco_writer(tmp_path):
    coco_writer(tmp_path / "in", [TWO] * 3, {"pallet": 5, "pallet_truck": 7})
    result, frames = read(tmp_path / "in", tmp_path / "out")
    assert (result.format, result.frames, result.cameras) == ("coco_writer", 6, ["Left", "Right"])
    assert [objects(frame) for frame in frames] == [BOXES, BOXES[:1]] * 3
    truck = next(item for item in frames[0].label.instances if item.class_name == "pallet_truck")
    assert frames[0].label.tags["masks"] == "semantics"
    assert truck.visible_pixels == (mask(frames[0]) == truck.id).sum() == 30 * 40 - 10 * 20
    assert truck.distance == 0.0


def test_cocos_masks_of_one_class_do_not_run_into_each_other(tmp_path):
    scene = Scene([Prim("/World/A", "pallet", (10, 10, 60, 40)), Prim("/World/B", "pallet", (50, 30, 80, 60))])
    coco_writer(tmp_path / "in", [{"Camera": scene}], {"pallet": 5})
    _, (frame,) = read(tmp_path / "in", tmp_path / "out")
    assert objects(frame) == [("pallet", (10, 10, 60, 40)), ("pallet", (50, 30, 80, 60))]


def test_cocos_other_lagging_files_and_runs_side_by_side(tmp_path):
    folder = coco_writer(tmp_path / "in", [ONE] * 2, {"pallet": 5}, "aaaaaaaa")
    coco_writer(folder, [ONE] * 2, {"pallet": 5, "pallet_truck": 6}, "bbbbbbbb")
    file = folder / "coco_annotations_bbbbbbbb.json"
    content = json.loads(file.read_text())
    content["images"] = content["images"][:1]
    file.write_text(json.dumps(content))
    result, frames = read(folder, tmp_path / "out")
    assert [len(frame.label.instances) for frame in frames] == [1, 1, 2]
    assert result.tally.unknown == {"other": 2}
    assert any("coco_categories" in note for note in result.tally.notes)
    assert result.notes == ["1 pictures are in no annotation file, as after a run that was killed"]


def test_cocos_first_file_of_a_killed_run_is_empty(tmp_path):
    folder = coco_writer(tmp_path / "in", [ONE], {"pallet": 5})
    (folder / "coco_annotations_abcdefgh.json").write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(InputError, match="names no pictures"):
        read(folder, tmp_path / "out")
    (folder / "coco_annotations_abcdefgh.json").write_text('{"images": [')
    with pytest.raises(InputError, match="cannot be read as COCO"):
        read(folder, tmp_path / "out")


@pytest.mark.parametrize(
    "change",
    [
        {"images": ["rgb_0.png"]}, {"images": [{"id": 1, "file_name": 1}]}, {"images": [{"id": 1}]}, {"images": 3},
        {"categories": [5]}, {"categories": [{"id": "a", "name": "pallet"}]}, {"annotations": ["box"]},
    ],
)  # fmt: skip
def test_cocos_file_that_is_not_as_coco_has_it(tmp_path, change):
    folder = coco_writer(tmp_path / "in", [ONE], {"pallet": 5})
    (file,) = folder.glob("coco_annotations_*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InputError, match="cannot be read as COCO"):
        read(folder, tmp_path / "out")


def test_what_our_own_basic_writer_wrote_comes_back(tmp_path):
    """Also where objects overlap, are hidden, small or cut off: the writer drops none of them."""
    frames = write_frames(tmp_path / "frames", count=32, test_count=2)
    convert(frames, tmp_path / "dataset", CLASSES, Convert(formats=["yolo", "basic_writer"]))
    written = tmp_path / "dataset/basic_writer"
    numbers = json.loads((written / "frames.json").read_text())
    before = {frame.label.frame: frame for frame in read_frames(frames)}
    seen = 0
    for part in ("train", "val", "test"):
        _, found = read(written / part, tmp_path / part)
        for number, frame in zip(numbers[part], found, strict=True):
            wanted = before[number].label.instances
            assert [(i.class_name, i.xyxy, i.visible_pixels) for i in frame.label.instances] == [
                (i.class_name, i.xyxy, i.visible_pixels) for i in wanted
            ]
            assert [i.occlusion for i in frame.label.instances] == pytest.approx([i.occlusion for i in wanted])
            renumbered = {i.id: n for n, i in enumerate(wanted, 1)} | {0: 0}
            np.testing.assert_array_equal(mask(frame), np.vectorize(renumbered.get)(mask(before[number])))
            seen += 1
    assert seen == 34


def test_the_frames_go_through_the_rest(tmp_path):
    basic_writer(tmp_path / "in", [ONE] * 40)
    read(tmp_path / "in", tmp_path / "out", test_share=0.1)
    statistics = convert(tmp_path / "out", tmp_path / "dataset", CLASSES, Convert(formats=["yolo", "coco", "kitti"]))
    assert statistics.frames["test"] == 4
    assert len(list((tmp_path / "dataset/yolo/labels").rglob("*.txt"))) == 40
    assert write_gallery(tmp_path / "out", tmp_path / "page.html", 10, Origin("imported")) == 10


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    basic_writer(tmp_path / "in", [TWO] * 40, depth="distance_to_image_plane")
    for name in ("one", "two"):
        read(tmp_path / "in", tmp_path / name)
    first, second = ((tmp_path / name / "manifest.json").read_bytes() for name in ("one", "two"))
    assert first == second
    assert len(json.loads(first)["shards"]) == 3


def test_folders_that_cannot_be_read(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is no folder"):
        read(tmp_path / "absent", tmp_path / "out")
    with pytest.raises(InputError, match="holds no frames of BasicWriter, KittiWriter or CocoWriter"):
        read(tmp_path / "empty", tmp_path / "out")
    folder = basic_writer(tmp_path / "in", [ONE])
    with pytest.raises(InputError, match="holds no frames of kitti_writer"):
        read(folder, tmp_path / "out", form="kitti_writer")
    with pytest.raises(SettingsError, match="holds what is to be read"):
        read(folder, tmp_path)
    (folder / "rgb_0000.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"none of 1 frames can be used \(rgb_0000.png: rgb_0000.png is no whole"):
        read(folder, tmp_path / "out")
    unknown = basic_writer(tmp_path / "unknown", [{"Camera": Scene([Prim("/W/A", "sofa", (0, 0, 9, 9))])}])
    with pytest.raises(SettingsError, match=r"no label stands for a class \(sofa\): map them with --map"):
        read(unknown, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rendered_frames_are_not_lost_by_accident(tmp_path):
    folder = basic_writer(tmp_path / "in", [ONE])
    out = write_frames(tmp_path / "frames", count=8, test_count=0)
    before = (out / "manifest.json").read_bytes()
    with pytest.raises(SettingsError, match="holds rendered frames"):
        read(folder, out)
    assert (out / "manifest.json").read_bytes() == before
    assert read(folder, out, replace=True)[0].frames == 1
    assert read(folder, out)[0].frames == 1  # imported ones give way
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("all of it")
    with pytest.raises(SettingsError, match="something else than frames"):
        read(folder, tmp_path / "other", replace=True)
    with pytest.raises(InputError, match="is a file: choose another --out"):
        read(folder, tmp_path / "other" / "thesis.txt", replace=True)


def test_the_command(tmp_path):
    folder = basic_writer(tmp_path / "in", [ONE] * 2)
    command = [sys.executable, "-m", "stages.convert", "import", str(folder), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2 frames of basic_writer (0 of them test): 2 pallet, 2 pallet_truck" in done.stdout
    shutil.rmtree(folder)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
